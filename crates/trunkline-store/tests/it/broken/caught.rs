//! Which fault is caught by which tests of the suite.

use std::panic::{AssertUnwindSafe, catch_unwind};

use trunkline_store::conformance::{self, Fixture, PROMISES};

use super::fault::Fault;
use super::store::broken;

/// The seed of the histories that are played against broken stores, so that they catch the same each time.
const SEED: u64 = 1;

/// Makes a test for each fault, which asserts that the named tests of the suite panic.
macro_rules! caught {
    (model: $($modelled:ident)+; $($test:ident = $fault:ident: $($promise:ident)+;)*) => {
        $(
            #[test]
            fn $test() {
                $(assert_caught(
                    stringify!($promise),
                    conformance::$promise(broken(Fault::$fault)),
                );)+
            }
        )*

        #[test]
        fn the_model_catches_what_is_stored_or_judged_otherwise() {
            $(assert_caught(
                stringify!($modelled),
                conformance::play_histories(SEED, async || broken(Fault::$modelled)),
            );)+
        }

        #[test]
        fn every_test_of_the_suite_is_seen_failing() {
            let mut seen = vec!["random_histories_come_out_as_in_the_model", $($(stringify!($promise),)+)*];
            seen.sort_unstable();
            seen.dedup();
            let mut promises = PROMISES.to_vec();
            promises.sort_unstable();
            assert_eq!(seen, promises);
        }
    };
}

/// Asserts that a test of the suite panics.
#[track_caller]
fn assert_caught(promise: &str, test: impl Future<Output = ()>) {
    let result = catch_unwind(AssertUnwindSafe(|| conformance::run(test)));
    assert!(result.is_err(), "{promise} passes though the store is broken");
}

/// The faults are the store's only ones: without, it passes.
#[test]
fn a_wrapper_without_a_fault_passes() {
    let fixture = || -> Fixture { broken(Fault::None) };
    conformance::run(conformance::a_reopened_store_judges_as_before(fixture()));
    conformance::run(conformance::no_event_is_skipped_by_a_tailing_reader_among_many_writers(fixture()));
    conformance::run(conformance::random_histories_come_out_as_in_the_model(async || fixture()));
}

caught! {
    model:
        IgnoresVersions
        StoresTakenIdsAnew
        JudgesConditionsFirst
        SortsTags
        ListsEveryAggregateType
        LimitsBeforeSelecting
        LosesTheLastEvent;

    acknowledging_without_storing = AcknowledgesWithoutStoring:
        positions_increase_in_the_order_of_the_appends
        versions_are_dense_from_one
        what_is_appended_is_read_at_once
        what_was_acknowledged_to_many_is_there_after_reopening
        no_event_is_skipped_by_a_tailing_reader_among_many_writers;
    storing_a_batch_in_parts = StoresWritesOneByOne:
        append_is_all_or_nothing
        a_dropped_append_is_told_by_repeating_it
        a_batch_does_not_fail_its_own_conditions
        no_reader_sees_a_part_of_a_batch;
    returning_one_version = ReturnsTheFirstVersionOnly:
        append_returns_the_versions_and_the_last_position
        an_append_that_comes_many_times_at_once_is_stored_once;
    returning_the_first_position = ReturnsTheFirstPosition:
        append_returns_the_versions_and_the_last_position
        the_head_is_the_position_of_the_last_event
        who_waits_is_woken_by_an_append;
    storing_a_batch_backward = StoresBatchesBackward:
        a_batch_writes_to_several_streams
        a_long_list_of_streams_is_complete;
    accepting_what_makes_no_sense = SwallowsRefusals:
        an_append_without_events_is_invalid
        a_write_without_events_is_invalid
        a_stream_named_twice_is_invalid
        an_event_id_named_twice_is_invalid
        a_schema_version_of_zero_is_invalid
        too_many_tags_are_invalid
        too_many_events_are_invalid
        too_large_data_is_refused
        a_too_large_batch_is_refused;
    refusing_large_data = RefusesLargeData:
        data_of_the_largest_size_fits
        the_largest_batches_fit;
    refusing_many_tags = RefusesManyTags:
        the_longest_names_and_the_most_tags_fit
        too_many_tags_are_invalid;
    taking_larger_data_than_allowed = TakesLargerData:
        too_large_data_is_refused;
    judging_without_holding_the_store = JudgesWithoutHoldingTheStore:
        of_many_first_writers_exactly_one_wins
        of_many_that_want_the_same_exactly_one_gets_it
        a_command_that_comes_many_times_at_once_has_one_outcome
        waiting_appends_are_judged_one_after_the_other;

    trimming_data = TrimsData:
        events_are_read_back_as_they_were_given;
    wanting_text_as_data = WantsTextAsData:
        data_is_any_bytes;
    rewriting_metadata = RewritesMetadata:
        events_are_read_back_as_they_were_given;
    sorting_tags = SortsTags:
        events_are_read_back_as_they_were_given
        every_event_of_a_command_carries_its_tag;
    forgetting_schema_versions = ForgetsSchemaVersions:
        events_are_read_back_as_they_were_given;
    rounding_times = RoundsTimes:
        events_are_read_back_as_they_were_given
        a_given_time_of_recording_is_kept;
    dating_events_at_the_epoch = DatesEventsAtTheEpoch:
        an_event_without_its_time_gets_that_of_its_recording;
    recording_anew = RecordsAnew:
        a_given_time_of_recording_is_kept;
    folding_case = FoldsCase:
        names_are_any_printable_text;

    forgetting_repeats = ForgetsRepeats:
        a_repeat_answers_with_the_first_result_whatever_came_since
        a_dropped_append_is_told_by_repeating_it
        an_append_that_comes_many_times_at_once_is_stored_once;
    telling_repeats_by_their_ids = TellsRepeatsByTheirIds:
        an_id_with_another_type_or_other_data_is_no_repeat;
    telling_repeats_by_their_bytes = TellsRepeatsByTheirBytes:
        a_repeat_is_one_however_its_json_is_written;
    not_saying_that_it_repeats = SaysNotThatItRepeats:
        a_repeat_answers_with_the_first_result_whatever_came_since
        an_append_that_comes_many_times_at_once_is_stored_once;
    answering_repeats_with_what_is_now = AnswersRepeatsWithWhatIsNow:
        a_repeat_answers_with_the_first_result_whatever_came_since
        what_is_stored_already_is_a_repeat_however_it_is_put_together;
    refusing_repeats_that_expect_otherwise = RefusesRepeatsThatExpectOtherwise:
        a_repeat_is_one_whatever_it_expects
        an_append_is_judged_in_the_order_of_the_promises;
    looking_at_the_first_id_only = LooksAtTheFirstIdOnly:
        a_batch_that_is_stored_in_part_is_refused
        what_is_stored_already_is_a_repeat_however_it_is_put_together;
    storing_taken_ids_anew = StoresTakenIdsAnew:
        a_batch_that_is_stored_in_part_is_refused
        an_id_that_is_stored_in_another_stream_is_taken;
    ignoring_versions = IgnoresVersions:
        a_stale_version_conflicts
        a_version_ahead_of_the_stream_conflicts
        no_stream_demands_an_empty_stream
        exists_demands_an_event
        the_first_write_that_is_not_as_expected_is_reported
        of_many_first_writers_exactly_one_wins;
    taking_versions_ahead = TakesVersionsAhead:
        a_version_ahead_of_the_stream_conflicts;
    taking_no_stream_for_any = TakesNoStreamForAny:
        no_stream_demands_an_empty_stream
        of_many_first_writers_exactly_one_wins;
    taking_exists_for_any = TakesExistsForAny:
        exists_demands_an_event;
    taking_any_for_no_stream = TakesAnyForNoStream:
        any_version_will_do;
    reporting_the_last_write = ReportsTheLastWrite:
        the_first_write_that_is_not_as_expected_is_reported;
    ignoring_commands = IgnoresCommands:
        a_command_has_one_outcome
        a_command_that_comes_many_times_at_once_has_one_outcome
        waiting_appends_are_judged_one_after_the_other;
    tagging_the_first_event_only = TagsTheFirstEventOnly:
        every_event_of_a_command_carries_its_tag;
    counting_the_command_among_the_tags = CountsTheCommandAmongTheTags:
        every_event_of_a_command_carries_its_tag
        the_longest_names_and_the_most_tags_fit;
    stripping_given_command_tags = StripsGivenCommandTags:
        an_event_that_was_given_the_tag_of_a_command_is_its_outcome;
    ignoring_conditions = IgnoresConditions:
        a_condition_fails_on_an_event_that_matches
        of_several_conditions_the_first_that_fails_is_reported
        of_many_that_want_the_same_exactly_one_gets_it
        waiting_appends_are_judged_one_after_the_other;
    counting_the_conditions_position = CountsTheConditionsPosition:
        a_condition_counts_only_what_came_after_its_position;
    ignoring_the_conditions_position = IgnoresTheConditionsPosition:
        a_condition_counts_only_what_came_after_its_position
        of_several_conditions_the_first_that_fails_is_reported;
    judging_the_first_condition_only = JudgesTheFirstConditionOnly:
        of_several_conditions_the_first_that_fails_is_reported;
    judging_conditions_first = JudgesConditionsFirst:
        an_append_is_judged_in_the_order_of_the_promises
        a_repeat_is_one_whatever_it_expects;
    letting_conditions_see_their_batch = ConditionsSeeTheirBatch:
        a_batch_does_not_fail_its_own_conditions;
    overlooking_the_tags_of_conditions = ConditionsOverlookTags:
        a_condition_matches_what_a_read_with_its_query_yields;

    skipping_every_seventh = SkipsEverySeventh:
        no_event_is_skipped_by_a_tailing_reader_among_many_writers
        a_long_read_skips_and_doubles_nothing
        the_store_is_read_within_its_bounds_either_way;
    skipping_where_a_page_ends = SkipsAtPageEnds:
        a_long_read_skips_and_doubles_nothing
        the_events_of_a_stream_are_had_at_once
        the_largest_batches_fit;
    showing_some_events_late = ShowsSomeEventsLate:
        no_event_is_skipped_by_a_tailing_reader_among_many_writers
        no_reader_sees_a_part_of_a_batch
        what_is_appended_is_read_at_once
        an_event_is_found_at_its_position;
    reading_on_and_on = ReadsOnAndOn:
        a_stream_read_ends_at_the_version_that_it_began_with
        a_read_of_the_store_ends_at_the_head_that_it_began_with;
    ending_where_the_read_was_made = EndsWhereTheReadWasMade:
        a_stream_read_ends_at_the_version_that_it_began_with
        a_read_of_the_store_ends_at_the_head_that_it_began_with;
    ignoring_the_direction = IgnoresDirection:
        a_stream_is_read_within_its_bounds_either_way
        the_store_is_read_within_its_bounds_either_way
        a_filtered_read_is_the_filter_of_the_full_read
        a_stream_has_the_version_of_its_last_event;
    ignoring_limits = IgnoresLimits:
        a_stream_is_read_within_its_bounds_either_way
        the_store_is_read_within_its_bounds_either_way
        a_filtered_read_is_the_filter_of_the_full_read
        a_list_of_streams_goes_on_after_a_position;
    ignoring_the_lowest = IgnoresLowest:
        a_stream_is_read_within_its_bounds_either_way
        the_store_is_read_within_its_bounds_either_way
        a_subscription_begins_after_its_position_and_goes_on_live
        a_subscription_to_an_empty_store_waits_for_the_first_event
        only_an_error_ends_a_subscription;
    excluding_the_lowest = ExcludesLowest:
        a_stream_is_read_within_its_bounds_either_way
        the_store_is_read_within_its_bounds_either_way;
    excluding_the_highest = ExcludesHighest:
        a_stream_is_read_within_its_bounds_either_way
        the_store_is_read_within_its_bounds_either_way
        an_event_is_found_at_its_position;
    failing_on_nothing = FailsOnNothing:
        a_stream_without_events_yields_none
        an_empty_store_yields_nothing;
    reading_streams_by_prefix = StreamsByPrefix:
        a_stream_without_events_yields_none
        names_are_any_printable_text;
    limiting_before_selecting = LimitsBeforeSelecting:
        a_filtered_read_is_the_filter_of_the_full_read
        a_filtered_read_finds_what_stands_far_apart;
    selecting_any_tag = SelectsAnyTag:
        an_item_selects_what_has_all_of_its_tags
        a_filtered_read_is_the_filter_of_the_full_read;
    selecting_by_prefix = SelectsByPrefix:
        an_item_selects_any_of_its_event_types
        an_item_selects_any_of_its_aggregate_types
        an_item_selects_what_has_all_of_its_tags;
    selecting_by_the_first_item = SelectsByFirstItem:
        the_items_of_a_query_are_alternatives
        a_filtered_read_is_the_filter_of_the_full_read;
    selecting_by_the_first_event_type = SelectsByFirstEventType:
        an_item_selects_any_of_its_event_types
        an_item_demands_all_of_its_parts;
    selecting_nothing_without_demands = SelectsNothingWithoutDemands:
        a_query_without_demands_selects_everything;
    giving_up_searching = GivesUpSearching:
        a_filtered_read_finds_what_stands_far_apart;
    not_selecting_in_subscriptions = SelectsEverything:
        a_subscription_yields_what_its_query_selects;

    listing_by_name = ListsByName:
        streams_are_listed_in_the_order_in_which_they_began;
    listing_one_stream_less = ListsOneStreamLess:
        a_long_list_of_streams_is_complete;
    listing_from_the_beginning = ListsIgnoringAfter:
        a_list_of_streams_goes_on_after_a_position;
    listing_every_aggregate_type = ListsEveryAggregateType:
        the_streams_of_one_aggregate_type_are_listed;
    announcing_a_head_ahead = HasAHeadAhead:
        the_head_is_the_position_of_the_last_event;
    waiting_for_nothing = WaitsForNothing:
        who_waits_is_woken_by_an_append
        who_waits_for_more_goes_on_waiting;
    answering_another_head = WaitsNotForTheHead:
        waiting_for_what_has_come_is_answered_at_once
        who_waits_is_woken_by_an_append;
    waking_too_early = WakesOnce:
        who_waits_for_more_goes_on_waiting;
    having_another_id_each_time = HasAnotherIdEachTime:
        a_store_has_an_id_of_its_own
        the_id_of_a_store_is_the_same_ever_after;

    losing_the_last_event = LosesTheLastEvent:
        what_was_acknowledged_is_there_after_reopening
        what_was_acknowledged_to_many_is_there_after_reopening;
    losing_ids_on_reopening = LosesIdsOnReopening:
        a_reopened_store_judges_as_before
        what_was_acknowledged_is_there_after_reopening;
    being_another_store_when_reopened = IsAnotherStoreWhenReopened:
        the_id_of_a_store_is_the_same_ever_after;
}
