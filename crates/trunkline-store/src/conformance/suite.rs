//! The list of the suite's tests, and what runs them.

use std::time::Duration;

/// Makes a module with a test of every promise of [`EventStore`](crate::EventStore), for one backend.
///
/// Given are the module's name and what makes a [`Fixture`](crate::conformance::Fixture) with a fresh, empty
/// store: a closure or function that returns one, or a future of one.
///
/// ```
/// use trunkline_store::MemoryStore;
/// use trunkline_store::conformance::Fixture;
///
/// trunkline_store::conformance!(memory, || async { Fixture::new(MemoryStore::new()) });
/// ```
#[macro_export]
macro_rules! conformance {
    ($name:ident, $make:expr $(,)?) => {
        mod $name {
            use super::*;

            $crate::__conformance_promises!(tests $make);
        }
    };
}

/// Every promise's name, for those who want to see that they test all of them.
pub const PROMISES: &[&str] = crate::__conformance_promises!(names);

/// The one list of tests. Those under `fresh` make as many stores as they need, the others are given one.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_promises {
    ($form:ident $($make:expr)?) => {
        $crate::__conformance_each! {
            $form ($($make)?)
            one: [
                // append
                append_is_all_or_nothing
                append_returns_the_versions_and_the_last_position
                a_batch_writes_to_several_streams
                versions_are_dense_from_one
                positions_increase_in_the_order_of_the_appends
                what_is_appended_is_read_at_once
                a_dropped_append_is_told_by_repeating_it
                a_store_has_an_id_of_its_own
                // content
                events_are_read_back_as_they_were_given
                data_is_any_bytes
                names_are_any_printable_text
                an_event_without_its_time_gets_that_of_its_recording
                a_given_time_of_recording_is_kept
                the_longest_names_and_the_most_tags_fit
                data_of_the_largest_size_fits
                the_largest_batches_fit
                // refuse
                an_append_without_events_is_invalid
                a_write_without_events_is_invalid
                a_stream_named_twice_is_invalid
                an_event_id_named_twice_is_invalid
                a_schema_version_of_zero_is_invalid
                too_many_tags_are_invalid
                too_many_events_are_invalid
                too_large_data_is_refused
                a_too_large_batch_is_refused
                // repeat
                a_repeat_answers_with_the_first_result_whatever_came_since
                a_repeat_is_one_whatever_it_expects
                what_is_stored_already_is_a_repeat_however_it_is_put_together
                an_id_with_another_type_or_other_data_is_no_repeat
                a_repeat_is_one_however_its_json_is_written
                a_batch_that_is_stored_in_part_is_refused
                an_id_that_is_stored_in_another_stream_is_taken
                // expect
                a_stale_version_conflicts
                a_version_ahead_of_the_stream_conflicts
                no_stream_demands_an_empty_stream
                exists_demands_an_event
                any_version_will_do
                the_first_write_that_is_not_as_expected_is_reported
                // command
                a_command_has_one_outcome
                an_event_that_was_given_the_tag_of_a_command_is_its_outcome
                every_event_of_a_command_carries_its_tag
                // condition
                a_condition_fails_on_an_event_that_matches
                a_condition_counts_only_what_came_after_its_position
                of_several_conditions_the_first_that_fails_is_reported
                a_condition_matches_what_a_read_with_its_query_yields
                a_batch_does_not_fail_its_own_conditions
                // order
                an_append_is_judged_in_the_order_of_the_promises
                // read
                a_stream_without_events_yields_none
                an_empty_store_yields_nothing
                a_stream_is_read_within_its_bounds_either_way
                the_store_is_read_within_its_bounds_either_way
                a_long_read_skips_and_doubles_nothing
                a_stream_read_ends_at_the_version_that_it_began_with
                a_read_of_the_store_ends_at_the_head_that_it_began_with
                // query
                a_query_without_demands_selects_everything
                an_item_selects_any_of_its_event_types
                an_item_selects_any_of_its_aggregate_types
                an_item_selects_what_has_all_of_its_tags
                an_item_demands_all_of_its_parts
                the_items_of_a_query_are_alternatives
                a_filtered_read_is_the_filter_of_the_full_read
                a_filtered_read_finds_what_stands_far_apart
                // list
                streams_are_listed_in_the_order_in_which_they_began
                a_list_of_streams_goes_on_after_a_position
                the_streams_of_one_aggregate_type_are_listed
                a_long_list_of_streams_is_complete
                // wait
                the_head_is_the_position_of_the_last_event
                waiting_for_what_has_come_is_answered_at_once
                who_waits_is_woken_by_an_append
                who_waits_for_more_goes_on_waiting
                // subscribe
                a_subscription_begins_after_its_position_and_goes_on_live
                a_subscription_to_an_empty_store_waits_for_the_first_event
                a_subscription_yields_what_its_query_selects
                only_an_error_ends_a_subscription
                // comfort
                a_stream_has_the_version_of_its_last_event
                an_event_is_found_at_its_position
                the_events_of_a_stream_are_had_at_once
                // durable
                what_was_acknowledged_is_there_after_reopening
                what_was_acknowledged_to_many_is_there_after_reopening
                a_reopened_store_judges_as_before
                the_id_of_a_store_is_the_same_ever_after
                // many
                no_event_is_skipped_by_a_tailing_reader_among_many_writers
                no_reader_sees_a_part_of_a_batch
                of_many_first_writers_exactly_one_wins
                a_command_that_comes_many_times_at_once_has_one_outcome
                an_append_that_comes_many_times_at_once_is_stored_once
                of_many_that_want_the_same_exactly_one_gets_it
                waiting_appends_are_judged_one_after_the_other
            ]
            fresh: [
                random_histories_come_out_as_in_the_model
            ]
        }
    };
}

/// Makes tests, or names, of the list.
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
    let minutes = if super::sample::slow() { 120 } else { 5 };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime needs no more than two threads");
    let limit = Duration::from_secs(60 * minutes);
    let done = runtime.block_on(async { tokio::time::timeout(limit, test).await });
    assert!(done.is_ok(), "the test didn't come to an end in {minutes} minutes");
}

#[cfg(test)]
mod tests {
    use super::PROMISES;

    /// A function that isn't in the list would never run.
    #[test]
    fn every_test_is_in_the_list() {
        let sources = [
            include_str!("append.rs"),
            include_str!("comfort.rs"),
            include_str!("command.rs"),
            include_str!("condition.rs"),
            include_str!("content.rs"),
            include_str!("durable.rs"),
            include_str!("expect.rs"),
            include_str!("list.rs"),
            include_str!("many.rs"),
            include_str!("order.rs"),
            include_str!("query.rs"),
            include_str!("random.rs"),
            include_str!("read.rs"),
            include_str!("refuse.rs"),
            include_str!("repeat.rs"),
            include_str!("subscribe.rs"),
            include_str!("wait.rs"),
        ];
        let written = sources
            .iter()
            .flat_map(|source| source.lines())
            .filter_map(|line| line.strip_prefix("pub async fn ")?.split(['(', '<']).next());
        let mut written: Vec<&str> = written.collect();
        let mut listed = PROMISES.to_vec();
        written.sort_unstable();
        listed.sort_unstable();
        assert_eq!(written, listed);
    }
}
