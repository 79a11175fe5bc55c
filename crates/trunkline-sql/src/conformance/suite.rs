//! The list of the suite's tests, and what runs them.

use std::time::Duration;

/// Makes a module with a test of every promise of [`ReadDatabase`](crate::ReadDatabase), for one backend.
///
/// Given are the module's name and what makes a [`Fixture`](crate::conformance::Fixture) with an empty database: a
/// closure or function that returns one, or a future of one.
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

/// The one list of tests.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_promises {
    ($form:ident $($make:expr)?) => {
        $crate::__conformance_each! {
            $form ($($make)?)
            // generations
            every_handle_tells_the_same_place
            a_new_generation_is_empty_and_stands_at_the_start
            the_first_generation_is_live_and_later_ones_stand_beside_it
            generations_are_listed_by_projection_and_number
            a_model_with_a_mistake_makes_no_generation
            names_that_differ_by_case_are_refused
            the_number_of_a_dropped_generation_is_not_used_again
            a_generation_that_is_not_there_is_not_opened
            a_swap_shows_the_other_generation
            a_generation_that_is_not_there_is_not_shown
            readers_see_one_whole_generation_while_others_are_swapped
            a_live_generation_is_not_dropped
            a_dropped_generation_goes
            a_dropped_projection_is_gone_with_all_it_had
            looking_on_changes_nothing
            // apply
            rows_and_checkpoint_change_together
            a_batch_with_an_event_that_fails_changes_nothing
            a_failure_tells_what_failed
            events_of_other_types_are_passed_over
            several_events_may_have_one_position
            events_are_applied_in_order
            events_at_or_before_the_checkpoint_are_refused
            a_note_is_seen_until_the_next_batch
            emptying_leaves_what_a_new_generation_has
            a_closed_writer_holds_nothing_open
            // owner
            who_opened_a_generation_earlier_changes_nothing
            a_dropped_batch_takes_place_whole_or_not_at_all
            a_dropped_call_of_an_owner_takes_place_whole_or_not_at_all
            a_dropped_call_of_a_database_takes_place_whole_or_not_at_all
            the_token_grows_with_every_owner
            // aside
            a_parked_event_is_listed_and_passed_over
            parked_events_are_listed_in_order
            an_event_at_the_checkpoint_is_not_parked
            a_retried_event_is_applied_and_leaves_the_list
            a_retry_that_fails_leaves_the_event_parked
            a_forgotten_event_leaves_the_list
            a_checkpoint_that_is_put_back_keeps_the_rows
            a_checkpoint_is_not_put_forward
            // running
            one_at_a_time_claims_the_running
            a_pause_is_kept
            // ask
            an_answer_has_no_more_rows_than_it_may
            rows_are_passed_over_first
            an_answer_is_not_larger_than_it_may_be
            a_query_ends_in_time
            an_answer_is_what_the_query_returns
            parameters_are_values
            asking_changes_nothing
            an_answer_comes_from_one_moment
            tables_of_several_projections_are_told_apart
            tables_that_are_left_out_are_not_there
            // shadow
            rows_that_the_events_make_differ_in_nothing
            differences_are_counted_and_the_first_are_shown
            rows_are_found_by_their_key_on_each_side
            a_shadow_is_of_one_moment_and_its_owner_goes_on
            nothing_of_a_shadow_is_seen
            // texts
            mistakes_are_found_where_they_stand
            statements_that_do_more_than_change_rows_are_mistakes
            queries_are_held_against_the_tables
            a_parameter_that_comes_again_is_the_same_value
            a_name_in_quotes_is_a_name
            values_keep_their_types
        }
    };
}

/// Makes tests, or names, of the list.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_each {
    (tests ($make:expr) $($one:ident)*) => {
        $(
            #[test]
            fn $one() {
                $crate::conformance::run(async {
                    $crate::conformance::$one(($make)().await).await;
                });
            }
        )*
    };
    (names () $($one:ident)*) => {
        &[$(stringify!($one),)*]
    };
}

/// Runs one test in a runtime of its own, with two threads.
///
/// # Panics
///
/// When the test does, or doesn't come to an end in five minutes.
pub fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime needs no more than two threads");
    let done = runtime.block_on(async { tokio::time::timeout(Duration::from_secs(300), test).await });
    assert!(done.is_ok(), "the test didn't come to an end in five minutes");
}

#[cfg(test)]
mod tests {
    use super::PROMISES;

    /// A function that isn't in the list would never run.
    #[test]
    fn every_test_is_in_the_list() {
        let sources = [
            include_str!("generations.rs"),
            include_str!("apply.rs"),
            include_str!("owner.rs"),
            include_str!("aside.rs"),
            include_str!("running.rs"),
            include_str!("ask.rs"),
            include_str!("shadow.rs"),
            include_str!("texts.rs"),
        ];
        let written = sources
            .iter()
            .flat_map(|source| source.lines())
            .filter_map(|line| line.strip_prefix("pub async fn ")?.split('(').next());
        let mut written: Vec<&str> = written.collect();
        let mut listed = PROMISES.to_vec();
        written.sort_unstable();
        listed.sort_unstable();
        assert_eq!(written, listed);
    }
}
