//! Which fault is caught by which tests of the suites.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use trunkline_queue::conformance::{self, Fixture, OPERATING_PROMISES, PROMISES};

use super::fault::Fault;
use super::queue::broken;

/// The seed of the histories that are played against broken queues, so that they catch the same each time.
const SEED: u64 = 1;

/// How many histories are played against each.
const HISTORIES: u64 = 24;

/// How long is waited for a queue that should have answered and doesn't.
const SILENCE: Duration = Duration::from_secs(3);

/// Makes a test for each fault, which asserts that the named tests of the suites panic; of those that are `silent`,
/// that they panic or go on and on.
macro_rules! caught {
    (
        model: $($modelled:ident)+;
        operated: $($operated:ident)+;
        silent { $($silent:ident = $silence:ident: $($unheard:ident)+;)* }
        loud { $($test:ident = $fault:ident: $($promise:ident)+;)* }
    ) => {
        $(
            #[test]
            fn $silent() {
                $(assert_caught(stringify!($unheard), || async {
                    let test = conformance::$unheard(broken(Fault::$silence));
                    tokio::time::timeout(SILENCE, test).await.expect("it should have come to an end");
                });)+
            }
        )*

        $(
            #[test]
            fn $test() {
                $(assert_caught(
                    stringify!($promise),
                    || conformance::$promise(broken(Fault::$fault)),
                );)+
            }
        )*

        #[test]
        fn the_model_catches_what_is_delivered_otherwise() {
            $(assert_caught(
                stringify!($modelled),
                || conformance::play_histories(SEED, HISTORIES, false, async || broken(Fault::$modelled)),
            );)+
        }

        #[test]
        fn the_model_catches_what_is_ordered_otherwise() {
            $(assert_caught(
                stringify!($operated),
                || conformance::play_histories(SEED, HISTORIES, true, async || broken(Fault::$operated)),
            );)+
        }

        #[test]
        fn every_test_of_the_suites_is_seen_failing() {
            let mut seen = vec![
                "random_histories_come_out_as_in_the_model",
                "random_histories_with_an_operator_come_out_as_in_the_model",
                $($(stringify!($unheard),)+)*
                $($(stringify!($promise),)+)*
            ];
            seen.sort_unstable();
            seen.dedup();
            let mut promises = [PROMISES, OPERATING_PROMISES].concat();
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
    assert!((0..TRIES).any(|_| is_caught()), "{promise} passes though the queue is broken");
}

fn sound() -> Fixture {
    broken(Fault::None)
}

// The faults are the queue's only ones: without, it passes.
trunkline_queue::conformance!(a_wrapper_without_a_fault_delivers, sound);
trunkline_queue::operating_conformance!(a_wrapper_without_a_fault_is_operated, sound);

caught! {
    model:
        ForgetsIds
        AnswersOutOfOrder
        SharesAmongGroups
        HalvesLeases
        SettlesTwice
        AcknowledgesStaleLeases
        DropsDeadLetters
        IgnoresOrder
        CountsTooLow
        CountsForAllGroups
        GivesUpForAllGroups
        LosesEverythingOnReopening;
    operated:
        PurgesWhatIsHeld
        PurgesDeadLetters
        KeepsForgottenGroups
        CountsLeasedAsWaiting
        EditsForEverybody;

    silent {
        waiting_for_ever = WaitsForEver:
            without_waiting_the_answer_comes_at_once;
        sleeping_through_messages = SleepsThroughMessages:
            who_waits_is_woken_by_a_message
            who_waits_is_woken_when_a_message_is_due
            who_waits_is_woken_when_a_lease_ends
            who_waits_is_told_that_the_subscription_ended;
        losing_what_nobody_waits_for = LosesWhatNobodyWaitsFor:
            a_wait_that_is_given_up_loses_nothing;
    }

    loud {
        acknowledging_without_storing = AcknowledgesWithoutStoring:
            many_publishers_lose_nothing
            every_message_comes_once_to_many_consumers
            what_was_published_is_counted_at_once;
        forgetting_ids = ForgetsIds:
            a_message_published_again_is_already_there
            of_many_that_publish_the_same_exactly_one_stores_it
            the_answers_are_in_the_order_of_the_messages;
        knowing_ids_of_all_topics = KnowsIdsOfAllTopics:
            an_id_belongs_to_its_topic;
        answering_out_of_order = AnswersOutOfOrder:
            a_message_published_again_is_already_there;
        publishing_backward = PublishesBackward:
            an_ordered_group_gets_a_key_in_order
            a_partition_is_worked_on_by_one_at_a_time
            order_survives_reopening;
        dropping_headers = DropsHeaders:
            a_message_is_handed_out_as_it_was_published;
        refusing_large_messages = RefusesLargeMessages:
            a_message_of_the_largest_size_fits;
        storing_a_part_of_what_is_refused = StoresWhatIsSound:
            a_refused_publish_stores_nothing;
        keeping_delayed_messages_too_short = HalvesDelays:
            a_delayed_message_is_handed_out_in_its_time
            a_retried_message_comes_after_its_delay;
        ignoring_delays = IgnoresDelays:
            a_delayed_message_is_handed_out_in_its_time
            many_messages_due_at_once_come_once_each
            a_delayed_message_holds_nothing
            who_waits_is_woken_when_a_message_is_due
            delays_and_attempts_survive_reopening;
        delaying_the_past = DelaysThePast:
            a_moment_that_has_passed_is_now;

        sharing_messages_among_groups = SharesAmongGroups:
            every_group_gets_every_message
            what_all_groups_have_finished_is_removed;
        beginning_at_the_end = BeginsAtTheEnd:
            a_new_group_begins_at_the_oldest_message_kept;
        saying_that_every_group_is_new = SaysAlwaysNew:
            subscribing_again_changes_nothing
            messages_and_groups_survive_reopening;
        taking_any_options = TakesAnyOptions:
            other_options_are_refused;
        forgetting_a_group_that_leaves = ForgetsOnUnsubscribe:
            a_group_goes_on_where_it_was
            only_subscribed_groups_have_something_due;
        hiding_missing_subscriptions = HidesMissingSubscriptions:
            receiving_without_a_subscription_is_refused
            who_waits_is_told_that_the_subscription_ended;

        handing_out_more = HandsOutMore:
            at_most_so_many_are_handed_out;
        handing_one_to_two = HandsOutToTwo:
            at_most_so_many_are_handed_out
            a_lease_keeps_a_message_from_others;
        not_waiting = WaitsNotAtAll:
            who_waits_is_woken_by_a_message
            each_who_waits_gets_a_message
            who_waits_is_woken_when_a_lease_ends;
        repeating_tokens = RepeatsTokens:
            tokens_are_never_the_same;
        forgetting_attempts = ForgetsAttempts:
            a_lease_keeps_a_message_from_others
            a_message_without_a_word_is_a_dead_letter_in_the_end
            delays_and_attempts_survive_reopening;
        forgetting_errors = ForgetsErrors:
            a_retried_message_comes_after_its_delay;
        ignoring_order = IgnoresOrder:
            an_ordered_group_gets_a_key_in_order
            a_partition_is_worked_on_by_one_at_a_time
            a_waiting_retry_holds_its_partition
            a_delayed_message_holds_nothing
            other_options_are_refused;
        handing_out_backward = ReversesDeliveries:
            many_consumers_see_each_key_in_order;

        ending_leases_early = HalvesLeases:
            a_lease_keeps_a_message_from_others;
        extending_nothing = ExtendsNothing:
            an_extended_lease_lasts_longer;
        acknowledging_stale_leases = AcknowledgesStaleLeases:
            a_lost_lease_changes_nothing
            leases_end_with_the_process_that_has_the_queue;
        settling_twice = SettlesTwice:
            a_message_is_settled_once
            a_lost_lease_changes_nothing;
        losing_late_leases = LosesLateLeases:
            a_lease_is_good_until_another_has_the_message;
        dropping_dead_letters = DropsDeadLetters:
            a_dead_letter_has_its_history
            given_up_messages_survive_reopening
            a_message_is_settled_once;
        holding_what_is_rejected = HoldsWhatIsRejected:
            a_dead_letter_holds_its_key_and_frees_its_partition;

        counting_too_low = CountsTooLow:
            a_topic_appears_on_first_use
            what_is_not_finished_is_counted
            what_was_published_is_counted_at_once
            the_longest_backlog_is_told;
        counting_late = CountsLate:
            what_was_published_is_counted_at_once;
        counting_all_topics_as_one = CountsEverything:
            a_topic_is_counted_or_all_are;
        counting_for_groups_that_left = CountsForAllGroups:
            only_subscribed_groups_have_something_due;
        counting_delayed_as_due = CountsDelayedAsDue:
            what_is_not_finished_is_counted;
        counting_on_and_on = CountsOnAndOn:
            what_all_groups_have_finished_is_removed
            what_is_not_finished_is_counted;

        giving_up_backward = GivesUpBackward:
            who_follows_given_up_messages_misses_none
            given_up_messages_come_in_the_order_in_which_they_died;
        giving_up_for_all_groups = GivesUpForAllGroups:
            given_up_messages_come_in_the_order_in_which_they_died;
        giving_up_what_was_rejected_only = GivesUpWhatWasRejectedOnly:
            given_up_messages_come_in_the_order_in_which_they_died
            a_message_without_a_word_is_a_dead_letter_in_the_end;
        skipping_what_was_given_up = SkipsGivenUp:
            given_up_messages_come_in_the_order_in_which_they_died
            given_up_messages_survive_reopening;
        needing_the_one_before = NeedsTheOneBefore:
            a_dead_letter_lapses_in_the_end
            who_follows_given_up_messages_sees_them_die_again;
        forgetting_tries = ForgetsTries:
            a_dead_letter_has_its_history;
        keeping_dead_letters_for_ever = KeepsDeadLettersForEver:
            a_lapsed_dead_letter_holds_nothing
            a_dead_letter_lapses_in_the_end;

        counting_leased_messages_twice = CountsLeasedAsWaiting:
            every_unfinished_message_is_counted_once;
        telling_the_time_of_no_delay = TellsTheTimeOfNoDelay:
            the_next_delayed_message_is_named;
        telling_no_age = TellsNoAge:
            age_and_rates_are_told;
        leasing_what_is_looked_at = LeasesWhatIsLookedAt:
            a_look_leases_nothing;
        adopting_nothing = AdoptsNothing:
            an_adopted_group_goes_on_under_another_name
            what_both_groups_have_is_there_once
            what_was_held_comes_to_the_other_group
            edited_messages_of_both_groups_keep_their_place
            adoptions_survive_reopening;
        adopting_no_dead_letters = AdoptsNoDeadLetters:
            an_adopted_group_goes_on_under_another_name
            a_key_that_both_groups_hold_is_held_until_all_is_decided;
        forgetting_whose_it_was = ForgetsWhoseItWas:
            adopted_messages_say_whose_they_were
            adoptions_survive_reopening;
        renaming_no_topic = RenamesNoTopic:
            a_topic_gets_another_name;
        making_all_due = MakesAllDue:
            delayed_messages_can_be_made_due;
        purging_what_is_held = PurgesWhatIsHeld:
            a_purge_leaves_what_is_held_and_what_is_dead;
        purging_dead_letters = PurgesDeadLetters:
            a_purge_leaves_what_is_held_and_what_is_dead;
        keeping_forgotten_groups = KeepsForgottenGroups:
            a_purged_group_is_forgotten;
        finding_everything = FindsEverything:
            what_is_not_there_is_refused;
        keeping_everything = KeepsEverything:
            a_topic_without_a_group_is_bounded_and_flagged;
        ignoring_filters = IgnoresFilters:
            dead_letters_are_listed_filtered_and_paged;
        discarding_what_is_replayed = DiscardsWhatIsReplayed:
            dead_letters_are_replayed_together_at_a_pace
            a_replayed_message_comes_back;
        counting_attempts_on = CountsAttemptsOn:
            a_replayed_message_comes_back;
        forgetting_decisions = ForgetsDecisions:
            a_replayed_message_can_die_again;
        forgetting_outcomes = ForgetsOutcomes:
            a_replayed_message_comes_back
            a_replayed_message_can_die_again;
        editing_for_everybody = EditsForEverybody:
            an_edited_message_takes_the_place_of_the_old;
        taking_bad_edits = TakesBadEdits:
            a_bad_edit_changes_nothing;
        deciding_twice = DecidesTwice:
            a_dead_letter_is_decided_about_once
            a_discarded_dead_letter_is_gone;
        keeping_no_record = KeepsNoRecord:
            every_decision_is_on_record;

        passing_dead_letters_by = PassesDeadLettersBy:
            a_dead_letter_holds_its_key_and_frees_its_partition
            a_message_without_a_word_holds_its_key_in_the_end
            whether_dead_letters_hold_may_be_changed
            a_lapsed_dead_letter_holds_nothing
            what_is_held_survives_reopening
            a_replayed_message_comes_before_what_it_held
            an_edited_message_comes_before_what_the_old_one_held
            a_discarded_dead_letter_releases_what_it_held
            what_is_held_is_told_apart
            a_purge_takes_what_is_held
            what_was_held_is_finished_once
            each_key_is_held_by_its_own_dead_letters;
        holding_always = HoldsAlways:
            a_dead_letter_that_is_passed_by_holds_nothing
            whether_dead_letters_hold_may_be_changed;
        fixing_whether_dead_letters_hold = FixesWhetherDeadLettersHold:
            whether_dead_letters_hold_may_be_changed
            what_is_held_survives_reopening;
        holding_behind_sagas = HoldsBehindSagas:
            a_dead_letter_that_a_saga_is_told_of_holds_nothing;
        replaying_to_the_end = ReplaysToTheEnd:
            a_replayed_message_comes_before_what_it_held;
        saying_nothing_of_releases = SaysNothingOfReleases:
            a_discarded_dead_letter_releases_what_it_held
            a_decision_counts_what_it_released_as_of_its_moment
            a_replayed_message_comes_before_what_it_held;
        counting_held_messages_as_waiting = CountsHeldAsWaiting:
            what_is_held_is_told_apart;
        purging_only_what_waits = PurgesOnlyWhatWaits:
            a_purge_takes_what_is_held;
        releasing_all_keys = ReleasesAllKeys:
            each_key_is_held_by_its_own_dead_letters;

        losing_everything_on_reopening = LosesEverythingOnReopening:
            messages_and_groups_survive_reopening
            leases_end_with_the_process_that_has_the_queue
            attempts_of_processes_that_are_gone_count
            what_was_leased_is_settled_after_a_reopening_for_good
            delays_and_attempts_survive_reopening
            given_up_messages_survive_reopening
            order_survives_reopening
            dead_letters_and_decisions_survive_reopening;
        keeping_leases_of_processes_that_are_gone = KeepsLeasesOfProcessesThatAreGone:
            leases_end_with_the_process_that_has_the_queue
            attempts_of_processes_that_are_gone_count
            what_was_leased_is_settled_after_a_reopening_for_good;
        cutting_delays_to_a_year = CutsDelaysToAYear:
            a_delay_of_many_years_is_kept;
        cutting_delays_instead_of_refusing = CutsDelaysInsteadOfRefusing:
            a_delay_that_no_time_has_is_refused;
    }
}
