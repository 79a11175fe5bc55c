//! Which fault is caught by which tests of the suite.

use std::panic::{AssertUnwindSafe, catch_unwind};

use trunkline_sql::conformance::{self, PROMISES};

use super::database::broken;
use super::fault::Fault;

/// Makes a test for each fault, which asserts that the named tests of the suite panic.
macro_rules! caught {
    ($($test:ident = $fault:ident: $($promise:ident)+;)*) => {
        $(
            #[test]
            fn $test() {
                $(assert_caught(
                    stringify!($promise),
                    || async { conformance::$promise(broken(Fault::$fault).await).await },
                );)+
            }
        )*

        /// The faults are the database's only ones: without, it passes.
        #[test]
        fn a_wrapper_without_a_fault_passes() {
            $($(conformance::run(async { conformance::$promise(broken(Fault::None).await).await });)+)*
        }

        #[test]
        fn every_test_of_the_suite_is_seen_failing() {
            let mut seen = vec![$($(stringify!($promise),)+)*];
            seen.sort_unstable();
            seen.dedup();
            let mut promises = PROMISES.to_vec();
            promises.sort_unstable();
            assert_eq!(seen, promises);
        }
    };
}

/// How often a test is tried that has to fail: one that looks at the same time as others may look too late.
const TRIES: usize = 20;

/// Asserts that a test of the suite panics.
#[track_caller]
fn assert_caught<F: Future<Output = ()>>(promise: &str, test: impl Fn() -> F) {
    let is_caught = || catch_unwind(AssertUnwindSafe(|| conformance::run(test()))).is_err();
    assert!((0..TRIES).any(|_| is_caught()), "{promise} passes though the database is broken");
}

caught! {
    having_another_place_each_time = HasAnotherPlaceEachTime: every_handle_tells_the_same_place;
    making_every_new_one_live = MakesEveryNewOneLive:
        the_first_generation_is_live_and_later_ones_stand_beside_it;
    making_filled_ones = MakesFilledOnes: a_new_generation_is_empty_and_stands_at_the_start;
    listing_the_newest_first = ListsTheNewestFirst: generations_are_listed_by_projection_and_number;
    keeping_what_cannot_be_made = KeepsWhatCannotBeMade: a_model_with_a_mistake_makes_no_generation;
    reusing_numbers = ReusesNumbers: the_number_of_a_dropped_generation_is_not_used_again;
    opening_what_is_not_there = OpensWhatIsNotThere: a_generation_that_is_not_there_is_not_opened;
    swapping_nothing = SwapsNothing:
        a_swap_shows_the_other_generation
        a_generation_that_is_not_there_is_not_shown;
    swapping_in_two_steps = SwapsInTwoSteps: readers_see_one_whole_generation_while_others_are_swapped;
    dropping_the_live_one = DropsTheLiveOne: a_live_generation_is_not_dropped;
    dropping_nothing = DropsNothing: a_dropped_generation_goes;
    taking_names_that_differ_by_case = TakesNamesThatDifferByCase: names_that_differ_by_case_are_refused;
    dropping_no_projection = DropsNoProjection: a_dropped_projection_is_gone_with_all_it_had;
    dropping_a_paused_projection = DropsAPausedProjection: a_dropped_projection_is_gone_with_all_it_had;
    showing_standings_late = ShowsStandingsLate: looking_on_changes_nothing;

    letting_everybody_claim = LetsEverybodyClaim: one_at_a_time_claims_the_running;
    forgetting_pauses = ForgetsPauses: a_pause_is_kept;

    answering_with_one_row_more = AnswersWithOneRowMore: an_answer_has_no_more_rows_than_it_may;
    saying_not_that_there_is_more = SaysNotThatThereIsMore: an_answer_has_no_more_rows_than_it_may;
    ignoring_skip = IgnoresSkip: rows_are_passed_over_first;
    asking_what_is_left_out = AsksWhatIsLeftOut: tables_that_are_left_out_are_not_there;
    ignoring_bytes_max = IgnoresBytesMax: an_answer_is_not_larger_than_it_may_be;
    saying_not_that_it_took_too_long = SaysNotThatItTookTooLong: a_query_ends_in_time;
    answering_many_for_one = AnswersManyForOne: an_answer_is_what_the_query_returns;
    forgetting_parameters = ForgetsParameters: parameters_are_values;
    answering_what_changes = AnswersWhatChanges:
        asking_changes_nothing
        tables_of_several_projections_are_told_apart;
    asking_in_two_moments = AsksInTwoMoments: an_answer_comes_from_one_moment;

    finding_no_mistakes = FindsNoMistakes:
        mistakes_are_found_where_they_stand
        statements_that_do_more_than_change_rows_are_mistakes
        queries_are_held_against_the_tables
        asking_changes_nothing;
    quoting_nothing = QuotesNothing: a_name_in_quotes_is_a_name;
    binding_text_for_booleans = BindsTextForBooleans: values_keep_their_types;

    moving_no_checkpoint = MovesNoCheckpoint: rows_and_checkpoint_change_together;
    moving_the_checkpoint_alone = MovesTheCheckpointAlone: rows_and_checkpoint_change_together;
    applying_half_of_a_batch = AppliesHalfOfABatch: a_batch_with_an_event_that_fails_changes_nothing;
    applying_one_by_one = AppliesOneByOne:
        a_batch_with_an_event_that_fails_changes_nothing
        a_dropped_batch_takes_place_whole_or_not_at_all;
    applying_backward = AppliesBackward: events_are_applied_in_order;
    refusing_other_types = RefusesOtherTypes: events_of_other_types_are_passed_over;
    taking_one_event_of_a_position = TakesOneEventOfAPosition: several_events_may_have_one_position;
    taking_old_events = TakesOldEvents: events_at_or_before_the_checkpoint_are_refused;
    saying_little_of_failures = SaysLittleOfFailures: a_failure_tells_what_failed;
    binding_no_data = BindsNoData:
        a_parameter_that_comes_again_is_the_same_value
        values_keep_their_types;
    keeping_notes = KeepsNotes: a_note_is_seen_until_the_next_batch;
    ignoring_the_fence = IgnoresTheFence: who_opened_a_generation_earlier_changes_nothing;
    keeping_the_token = KeepsTheToken: the_token_grows_with_every_owner;
    going_on_after_a_left_call = GoesOnAfterALeftCall: a_dropped_batch_takes_place_whole_or_not_at_all;
    holding_what_it_closed = HoldsWhatItClosed: a_closed_writer_holds_nothing_open;

    parking_behind_its_checkpoint = ParksBehindItsCheckpoint: a_parked_event_is_listed_and_passed_over;
    parking_nothing = ParksNothing: a_parked_event_is_listed_and_passed_over;
    listing_parked_backward = ListsParkedBackward: parked_events_are_listed_in_order;
    parking_old_events = ParksOldEvents: an_event_at_the_checkpoint_is_not_parked;
    retrying_without_rows = RetriesWithoutRows: a_retried_event_is_applied_and_leaves_the_list;
    forgetting_what_it_retried_in_vain = ForgetsWhatItRetriedInVain:
        a_retry_that_fails_leaves_the_event_parked;
    forgetting_always = ForgetsAlways: a_forgotten_event_leaves_the_list;
    keeping_parked_when_put_back = KeepsParkedWhenPutBack: a_checkpoint_that_is_put_back_keeps_the_rows;
    emptying_when_put_back = EmptiesWhenPutBack: a_checkpoint_that_is_put_back_keeps_the_rows;
    putting_forward = PutsForward: a_checkpoint_is_not_put_forward;
    emptying_nothing = EmptiesNothing: emptying_leaves_what_a_new_generation_has;
    emptying_without_the_checkpoint = EmptiesWithoutTheCheckpoint:
        emptying_leaves_what_a_new_generation_has;
    emptying_in_two_steps = EmptiesInTwoSteps:
        a_dropped_call_of_an_owner_takes_place_whole_or_not_at_all;
    creating_in_two_steps = CreatesInTwoSteps:
        a_dropped_call_of_a_database_takes_place_whole_or_not_at_all;

    comparing_nothing = ComparesNothing: differences_are_counted_and_the_first_are_shown;
    counting_what_it_shows = CountsWhatItShows: differences_are_counted_and_the_first_are_shown;
    looking_at_the_live_side = LooksAtTheLiveSide: rows_are_found_by_their_key_on_each_side;
    comparing_with_what_is_later = ComparesWithWhatIsLater:
        a_shadow_is_of_one_moment_and_its_owner_goes_on
        rows_that_the_events_make_differ_in_nothing;
    leaving_a_generation = LeavesAGeneration: nothing_of_a_shadow_is_seen;

    losing_all = LosesAll: rows_and_checkpoint_change_together a_pause_is_kept;
}
