//! In which order an append is judged.

use trunkline_core::{Append, Expected, NewEvent, Position, Query, Version};

use super::Fixture;
use super::sample::{append, assert_refused, command, event, one, stream, to};
use super::seen::everything;
use crate::AppendError;

/// What is invalid, what is repeated, ids, versions, the command, the conditions: the first that stands
/// against an append is what it is answered.
pub async fn an_append_is_judged_in_the_order_of_the_promises(fixture: Fixture) {
    let store = fixture.store();
    let stored = event("Happened");
    append(&*store, to("order-1", Expected::Any).event(stored.clone())).await;
    append(&*store, one("order-1").for_command(command("7"))).await;
    let seen = everything(&*store).await;
    let (first, second) = (seen[0].position, seen[1].position);

    let with = |event: NewEvent, expected, id: &str, after| -> Append {
        to("order-2", Expected::Any)
            .event(event)
            .and_to(stream("order-1"), expected)
            .event(crate::conformance::sample::event("Happened"))
            .for_command(command(id))
            .unless("nothing came", Query::all(), after)
    };
    let stale = Expected::At(Version::new(1));
    let zero = NewEvent { schema_version: 0, ..stored.clone() };
    let invalid = AppendError::Invalid { reason: String::new() };
    assert_refused(&*store, with(zero, stale, "7", Position::START), &invalid).await;
    let taken = AppendError::EventIdTaken { event_id: stored.event_id, position: first };
    assert_refused(&*store, with(stored.clone(), stale, "7", Position::START), &taken).await;
    let conflict =
        AppendError::Conflict { stream: stream("order-1"), expected: stale, found: Version::new(2) };
    assert_refused(&*store, with(event("Happened"), stale, "7", Position::START), &conflict).await;
    let handled = AppendError::AlreadyHandled { position: second };
    assert_refused(&*store, with(event("Happened"), Expected::Exists, "7", Position::START), &handled).await;
    let failed = AppendError::ConditionFailed { name: "nothing came".to_owned(), position: first };
    assert_refused(&*store, with(event("Happened"), Expected::Exists, "8", Position::START), &failed).await;
    append(&*store, with(event("Happened"), Expected::Exists, "8", second)).await;

    let repeated = to("order-1", stale).event(stored).for_command(command("7"));
    let repeated = append(&*store, repeated.unless("nothing came", Query::all(), Position::START)).await;
    assert!(repeated.repeated, "{repeated:?}");
}
