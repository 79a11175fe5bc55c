//! How conditions are judged.

use trunkline_core::{Expected, Position, Query, QueryItem};

use super::Fixture;
use super::query::{fill, queries};
use super::sample::{append, assert_refused, event, head, kind, one, several, stream, tag, to};
use super::seen::{collect, everything};
use crate::{AllRead, AppendError};

/// An event that matches after the position fails the append, which stores nothing.
pub async fn a_condition_fails_on_an_event_that_matches(fixture: Fixture) {
    let store = fixture.store();
    append(&*store, one("cart-1")).await;
    let seat = Query::from(QueryItem::default().tag(tag("seat:1")));
    let take = |name| {
        to(name, Expected::NoStream).event(event("SeatTaken").tag(tag("seat:1"))).unless(
            "the seat is free",
            seat.clone(),
            Position::START,
        )
    };
    let position = append(&*store, take("order-1")).await.position;
    let failed = AppendError::ConditionFailed { name: "the seat is free".to_owned(), position };
    append(&*store, one("cart-1")).await;
    assert_refused(&*store, take("order-2"), &failed).await;
}

/// Only what came after the condition's position counts, and of that the first is reported.
pub async fn a_condition_counts_only_what_came_after_its_position(fixture: Fixture) {
    let store = fixture.store();
    append(&*store, several("order-1", 3)).await;
    append(&*store, several("cart-1", 2)).await;
    let seen = everything(&*store).await;
    let orders = Query::from(QueryItem::default().aggregate_type("order"));
    let unless = |after| one("stock-1").unless("no order", orders.clone(), after);
    let failed =
        |at: usize| AppendError::ConditionFailed { name: "no order".to_owned(), position: seen[at].position };
    assert_refused(&*store, unless(Position::START), &failed(0)).await;
    assert_refused(&*store, unless(seen[0].position), &failed(1)).await;
    assert_refused(&*store, unless(seen[1].position), &failed(2)).await;
    for after in [seen[2].position, seen[3].position, head(&*store).await, Position::MAX] {
        append(&*store, unless(after)).await;
    }
}

/// Of several conditions, each with its own position, the first that fails is reported by its name.
pub async fn of_several_conditions_the_first_that_fails_is_reported(fixture: Fixture) {
    let store = fixture.store();
    for event_type in ["A", "B", "C"] {
        append(&*store, to("order-1", Expected::Any).event(event(event_type))).await;
    }
    let seen = everything(&*store).await;
    let typed = |name: &str| Query::from(QueryItem::default().event_type(kind(name)));
    let batch = |after_a, after_b, after_c| {
        one("order-2")
            .unless("no C", typed("C"), after_c)
            .unless("no A", typed("A"), after_a)
            .unless("no B", typed("B"), after_b)
            .unless("no D", typed("D"), Position::START)
    };
    let failed = |name: &str, at: usize| AppendError::ConditionFailed {
        name: name.to_owned(),
        position: seen[at].position,
    };
    let (a, b, c) = (seen[0].position, seen[1].position, seen[2].position);
    let all = Position::START;
    assert_refused(&*store, batch(all, all, all), &failed("no C", 2)).await;
    assert_refused(&*store, batch(all, all, c), &failed("no A", 0)).await;
    assert_refused(&*store, batch(a, all, c), &failed("no B", 1)).await;
    append(&*store, batch(a, b, c)).await;
}

/// A condition matches what a read with its query would yield: by aggregate types, types, tags, alternatives.
pub async fn a_condition_matches_what_a_read_with_its_query_yields(fixture: Fixture) {
    let store = fixture.store();
    fill(&*store).await;
    let seen = everything(&*store).await;
    let after_some =
        [Position::START, seen[0].position, seen[seen.len() / 2].position, seen[seen.len() - 2].position];
    for query in queries() {
        for after in after_some {
            let matches = collect(store.read_all(AllRead::after(after).matching(query.clone()))).await;
            // The event that is appended where nothing stands against it is one that no query selects but
            // those that select everything.
            let batch = to("unselected-1", Expected::Any).event(event("Unselected")).unless(
                "nothing came",
                query.clone(),
                after,
            );
            match matches.first() {
                Some(first) => {
                    let name = "nothing came".to_owned();
                    let failed = AppendError::ConditionFailed { name, position: first.position };
                    assert_refused(&*store, batch, &failed).await;
                }
                None => {
                    append(&*store, batch).await;
                }
            }
        }
    }
}

/// A condition is about what was stored before, not about the batch that has it.
pub async fn a_batch_does_not_fail_its_own_conditions(fixture: Fixture) {
    let store = fixture.store();
    let batch = several("order-1", 2).and_to(stream("cart-1"), Expected::Any).event(event("Happened"));
    append(&*store, batch.unless("nothing came", Query::all(), Position::START)).await;
}
