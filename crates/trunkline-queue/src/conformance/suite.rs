//! The list of the suite's tests, and what makes them tests of a backend.

use std::time::Duration;

/// The names of the tests of delivery, as [`conformance!`](crate::conformance!) makes them.
pub const PROMISES: &[&str] = crate::__conformance_promises!(names);

/// The names of the tests of operating, as [`operating_conformance!`](crate::operating_conformance!) makes them.
pub const OPERATING_PROMISES: &[&str] = crate::__operating_promises!(names);

/// Makes a module with one test per promise of [`MessageQueue`](crate::MessageQueue); see
/// [`conformance`](crate::conformance).
#[macro_export]
macro_rules! conformance {
    ($module:ident, $make:expr) => {
        mod $module {
            use super::*;

            $crate::__conformance_promises! { tests $make }
        }
    };
}

/// Makes a module with one test per promise of [`OperateQueue`](crate::OperateQueue), for a queue that has it; see
/// [`conformance`](crate::conformance).
#[macro_export]
macro_rules! operating_conformance {
    ($module:ident, $make:expr) => {
        mod $module {
            use super::*;

            $crate::__operating_promises! { tests $make }
        }
    };
}

/// The one list of tests of delivery. Those under `fresh` make as many queues as they need, the others are given
/// one.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_promises {
    ($form:ident $($make:expr)?) => {
        $crate::__conformance_each! {
            $form ($($make)?)
            one: [
                // publish
                a_message_is_handed_out_as_it_was_published
                a_message_of_the_largest_size_fits
                a_topic_appears_on_first_use
                a_message_published_again_is_already_there
                an_id_belongs_to_its_topic
                the_answers_are_in_the_order_of_the_messages
                a_refused_publish_stores_nothing
                a_delayed_message_is_handed_out_in_its_time
                many_messages_due_at_once_come_once_each
                a_moment_that_has_passed_is_now
                a_delay_of_many_years_is_kept
                a_delay_that_no_time_has_is_refused
                // subscribe
                every_group_gets_every_message
                a_new_group_begins_at_the_oldest_message_kept
                subscribing_again_changes_nothing
                other_options_are_refused
                a_group_goes_on_where_it_was
                who_waits_is_told_that_the_subscription_ended
                receiving_without_a_subscription_is_refused
                // receive
                at_most_so_many_are_handed_out
                tokens_are_never_the_same
                without_waiting_the_answer_comes_at_once
                who_waits_is_woken_by_a_message
                each_who_waits_gets_a_message
                who_waits_is_woken_when_a_message_is_due
                who_waits_is_woken_when_a_lease_ends
                a_wait_that_is_given_up_loses_nothing
                // lease
                a_lease_keeps_a_message_from_others
                a_message_without_a_word_is_a_dead_letter_in_the_end
                an_extended_lease_lasts_longer
                a_lease_is_good_until_another_has_the_message
                a_lost_lease_changes_nothing
                a_message_is_settled_once
                a_retried_message_comes_after_its_delay
                what_all_groups_have_finished_is_removed
                // order
                an_ordered_group_gets_a_key_in_order
                a_partition_is_worked_on_by_one_at_a_time
                a_waiting_retry_holds_its_partition
                a_delayed_message_holds_nothing
                // hold
                a_dead_letter_holds_its_key_and_frees_its_partition
                a_message_without_a_word_holds_its_key_in_the_end
                a_dead_letter_that_is_passed_by_holds_nothing
                whether_dead_letters_hold_may_be_changed
                a_dead_letter_that_a_saga_is_told_of_holds_nothing
                a_lapsed_dead_letter_holds_nothing
                what_is_held_survives_reopening
                // unfinished
                what_is_not_finished_is_counted
                what_was_published_is_counted_at_once
                a_topic_is_counted_or_all_are
                only_subscribed_groups_have_something_due
                the_longest_backlog_is_told
                // given up
                a_dead_letter_has_its_history
                given_up_messages_come_in_the_order_in_which_they_died
                a_dead_letter_lapses_in_the_end
                // durable
                messages_and_groups_survive_reopening
                leases_end_with_the_process_that_has_the_queue
                attempts_of_processes_that_are_gone_count
                what_was_leased_is_settled_after_a_reopening_for_good
                delays_and_attempts_survive_reopening
                given_up_messages_survive_reopening
                order_survives_reopening
                // many
                of_many_that_publish_the_same_exactly_one_stores_it
                every_message_comes_once_to_many_consumers
                many_consumers_see_each_key_in_order
                many_publishers_lose_nothing
                who_follows_given_up_messages_misses_none
            ]
            fresh: [
                random_histories_come_out_as_in_the_model
            ]
        }
    };
}

/// The one list of tests of operating.
#[doc(hidden)]
#[macro_export]
macro_rules! __operating_promises {
    ($form:ident $($make:expr)?) => {
        $crate::__conformance_each! {
            $form ($($make)?)
            one: [
                // dead
                dead_letters_are_listed_filtered_and_paged
                a_replayed_message_comes_back
                a_replayed_message_can_die_again
                an_edited_message_takes_the_place_of_the_old
                a_bad_edit_changes_nothing
                a_discarded_dead_letter_is_gone
                every_decision_is_on_record
                dead_letters_are_replayed_together_at_a_pace
                a_dead_letter_is_decided_about_once
                who_follows_given_up_messages_sees_them_die_again
                dead_letters_and_decisions_survive_reopening
                // hold
                a_replayed_message_comes_before_what_it_held
                an_edited_message_comes_before_what_the_old_one_held
                a_discarded_dead_letter_releases_what_it_held
                a_decision_counts_what_it_released_as_of_its_moment
                what_is_held_is_told_apart
                a_purge_takes_what_is_held
                what_was_held_is_finished_once
                each_key_is_held_by_its_own_dead_letters
                // adopt
                an_adopted_group_goes_on_under_another_name
                what_both_groups_have_is_there_once
                what_was_held_comes_to_the_other_group
                a_key_that_both_groups_hold_is_held_until_all_is_decided
                edited_messages_of_both_groups_keep_their_place
                adopted_messages_say_whose_they_were
                adoptions_survive_reopening
                a_topic_gets_another_name
                // operate
                every_unfinished_message_is_counted_once
                the_next_delayed_message_is_named
                age_and_rates_are_told
                a_look_leases_nothing
                delayed_messages_can_be_made_due
                a_purge_leaves_what_is_held_and_what_is_dead
                what_is_not_there_is_refused
                a_topic_without_a_group_is_bounded_and_flagged
                a_purged_group_is_forgotten
            ]
            fresh: [
                random_histories_with_an_operator_come_out_as_in_the_model
            ]
        }
    };
}

/// Makes tests, or names, of a list.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_each {
    (tests ($make:expr) one: [$($one:ident)*] fresh: [$($fresh:ident)*]) => {
        $(
            #[test]
            fn $one() {
                $crate::conformance::run(async {
                    $crate::conformance::$one(($make)().await).await;
                });
            }
        )*
        $(
            #[test]
            fn $fresh() {
                $crate::conformance::run(async {
                    $crate::conformance::$fresh(async || ($make)().await).await;
                });
            }
        )*
    };
    (names () one: [$($one:ident)*] fresh: [$($fresh:ident)*]) => {
        &[$(stringify!($one),)* $(stringify!($fresh),)*]
    };
}

/// Runs one test in a runtime of its own, with two threads.
///
/// # Panics
///
/// When the test does, or doesn't come to an end.
pub fn run(test: impl Future<Output = ()>) {
    let minutes = if super::sample::slow() { 120 } else { 2 };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime needs no more than two threads");
    let limit = Duration::from_secs(60 * minutes);
    let done = runtime.block_on(async { tokio::time::timeout(limit, test).await });
    assert!(done.is_ok(), "the test didn't come to an end in {minutes} minutes");
}

#[cfg(test)]
mod tests {
    use super::{OPERATING_PROMISES, PROMISES};

    /// A function that isn't in the list would never run.
    #[test]
    fn every_test_is_in_the_list() {
        let sources = [
            include_str!("adopt.rs"),
            include_str!("dead.rs"),
            include_str!("durable.rs"),
            include_str!("given_up.rs"),
            include_str!("hold.rs"),
            include_str!("lease.rs"),
            include_str!("many.rs"),
            include_str!("operate.rs"),
            include_str!("order.rs"),
            include_str!("publish.rs"),
            include_str!("random.rs"),
            include_str!("receive.rs"),
            include_str!("subscribe.rs"),
            include_str!("unfinished.rs"),
        ];
        let written = sources
            .iter()
            .flat_map(|source| source.lines())
            .filter_map(|line| line.strip_prefix("pub async fn ")?.split(['(', '<']).next())
            // That is what the random histories are played by.
            .filter(|name| *name != "play_histories");
        let mut written: Vec<&str> = written.collect();
        let mut listed = [PROMISES, OPERATING_PROMISES].concat();
        written.sort_unstable();
        listed.sort_unstable();
        assert_eq!(written, listed);
    }
}
