//! Rows and checkpoint change together, or neither does.

use std::sync::Arc;

use trunkline_core::Position;

use super::Fixture;
use super::sample::{
    accounts, apply, assert_panics, contents, create, deposited, end, event, failing, filled, history,
    opened, position,
};
use crate::BatchEnd;

/// Rows and checkpoint change together.
pub async fn rows_and_checkpoint_change_together(mut fixture: Fixture) {
    let database = fixture.database();
    let (model, mut writer) = filled(&*database, 6).await;
    assert_eq!(position(&*database, 1).await, Position::new(6));
    let batch = history(7, 12);
    apply(&mut *writer, &batch).await;
    let checkpoint = writer.checkpoint().clone();
    assert_eq!(checkpoint.event_id, Some(batch[5].event_id()));
    assert_eq!(database.standing("accounts", 1).await.unwrap().checkpoint, checkpoint);
    let found = contents(&*database).await;
    assert_eq!(found[0].to_string(), TWELVE);
    assert_eq!(found[1].as_array().unwrap().len(), 10);
    writer.close().await;
    drop(database);
    let database = fixture.open_again().await;
    let writer = database.open(&model, 1).await.unwrap();
    assert_eq!(writer.checkpoint().position, checkpoint.position);
    assert_eq!(contents(&*database).await, found);
}

const TWELVE: &str = r#"[{"id":"a","balance":5,"changed":11},{"id":"b","balance":5,"changed":12}]"#;

/// When an event fails, nothing changes, wherever in a batch it is, and the rest can be applied.
pub async fn a_batch_with_an_event_that_fails_changes_nothing(fixture: Fixture) {
    let database = fixture.database();
    let (_, mut writer) = filled(&*database, 6).await;
    let before = contents(&*database).await;
    for at in 0..6 {
        let mut batch = history(7, 12);
        batch[at] = opened(7 + at as u64, "a");
        let failure = failing(&mut *writer, &batch).await;
        assert_eq!(failure.position, batch[at].position());
        assert_eq!(contents(&*database).await, before, "the event at {at} fails");
        assert_eq!(
            (position(&*database, 1).await, writer.checkpoint().position.get()),
            (Position::new(6), 6)
        );
    }
    apply(&mut *writer, &history(7, 12)).await;
    assert_eq!(contents(&*database).await[0].to_string(), TWELVE);
}

/// A failure tells the event, the statement, its parameters and the error.
pub async fn a_failure_tells_what_failed(fixture: Fixture) {
    let database = fixture.database();
    let (_, mut writer) = filled(&*database, 6).await;
    let again = opened(7, "b");
    let failure = failing(&mut *writer, std::slice::from_ref(&again)).await;
    assert_eq!((failure.event_id, failure.event_type.as_str()), (again.event_id(), "Opened"));
    assert!(failure.statement.is_some_and(|text| text.starts_with("INSERT INTO account")));
    let parameters: Vec<_> =
        failure.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(parameters, [":stream_id=\"b\"", ":position=7"]);
    assert!(!failure.error.is_empty() && !failure.passing);
    // An event without a value for a parameter fails, too, such as a number that would be changed.
    for number in ["18446744073709551616", "9007199254740993.0", "1e-400"] {
        let changed = event(7, "account-a", "Deposited", &format!(r#"{{"amount":{number}}}"#));
        let failure = failing(&mut *writer, &[changed]).await;
        assert!(failure.error.contains(number), "{failure}");
    }
}

/// Events of types that the model doesn't name are passed over, and the checkpoint moves to the end of the batch.
pub async fn events_of_other_types_are_passed_over(fixture: Fixture) {
    let database = fixture.database();
    let (_, mut writer) = filled(&*database, 6).await;
    let before = contents(&*database).await;
    let other = [event(7, "other-1", "Other", "{}"), event(8, "account-a", "Renamed", "{}")];
    apply(&mut *writer, &other).await;
    assert_eq!((contents(&*database).await, position(&*database, 1).await), (before, Position::new(8)));
    // A batch may end after its last event.
    let (last, batch) = (event(20, "other-1", "Other", "{}"), writer.model().batch(Arc::new(history(9, 9))));
    writer.apply(Arc::new(batch), BatchEnd::event(&last)).await.unwrap();
    let checkpoint = database.standing("accounts", 1).await.unwrap().checkpoint;
    assert_eq!((checkpoint.position, checkpoint.event_id), (Position::new(20), Some(last.event_id())));
    let none = writer.model().batch(Arc::default());
    writer.apply(Arc::new(none), BatchEnd::event(&event(21, "other-1", "Other", "{}"))).await.unwrap();
    assert_eq!(position(&*database, 1).await, Position::new(21));
}

/// Several events may have one position.
pub async fn several_events_may_have_one_position(fixture: Fixture) {
    let database = fixture.database();
    let (_, mut writer) = filled(&*database, 2).await;
    apply(&mut *writer, &[deposited(3, "a", 1), deposited(3, "a", 2), deposited(3, "b", 4)]).await;
    let found = contents(&*database).await[0].to_string();
    assert_eq!(found, r#"[{"id":"a","balance":3,"changed":3},{"id":"b","balance":4,"changed":3}]"#);
}

/// Events are applied in their order.
pub async fn events_are_applied_in_order(fixture: Fixture) {
    let database = fixture.database();
    let model = super::sample::model(
        "accounts",
        "CREATE TABLE account (id BIGINT, changed BIGINT)",
        &[
            ("Opened", "INSERT INTO account VALUES (1, :position)"),
            ("Moved", "UPDATE account SET id = id * 2 + :data.by, changed = :position"),
        ],
    );
    let (_, mut writer) = create(&*database, &model).await;
    let moved = |at, by| event(at, "account-a", "Moved", &format!(r#"{{"by":{by}}}"#));
    apply(&mut *writer, &[opened(1, "a"), moved(2, 1), moved(3, 0), moved(4, 1)]).await;
    let found = super::sample::rows(&*database, "SELECT id, changed FROM account").await;
    assert_eq!(found.to_string(), r#"[{"id":13,"changed":4}]"#);
}

/// Events at or before the checkpoint are a mistake of the caller, and change nothing.
pub async fn events_at_or_before_the_checkpoint_are_refused(fixture: Fixture) {
    let database = fixture.database();
    let (model, mut writer) = filled(&*database, 6).await;
    let before = contents(&*database).await;
    assert_panics(super::sample::try_apply(&mut *writer, &history(6, 8))).await;
    drop(writer);
    let mut writer = database.open(&model, 1).await.unwrap();
    let (short, batch) = (end(&history(7, 7)), model.batch(Arc::new(history(7, 8))));
    assert_panics(writer.apply(Arc::new(batch), short)).await;
    drop(writer);
    let mut writer = database.open(&model, 1).await.unwrap();
    let (events, other) = (history(7, 8), accounts("accounts"));
    assert_panics(writer.apply(Arc::new(other.batch(Arc::new(events.clone()))), end(&events))).await;
    assert_eq!(contents(&*database).await, before);
}

/// A note is seen by those who look on, until the next batch.
pub async fn a_note_is_seen_until_the_next_batch(fixture: Fixture) {
    let (database, elsewhere) = (fixture.database(), fixture.elsewhere().await);
    let (_, mut writer) = filled(&*database, 6).await;
    writer.note("a wrong column").await.unwrap();
    let standing = elsewhere.standing("accounts", 1).await.unwrap();
    assert_eq!(
        (standing.failure.as_deref(), standing.checkpoint.position.get()),
        (Some("a wrong column"), 6)
    );
    apply(&mut *writer, &history(7, 8)).await;
    assert_eq!(elsewhere.standing("accounts", 1).await.unwrap().failure, None);
}

/// Emptying leaves what a new generation has, and the same events make the same rows again.
pub async fn emptying_leaves_what_a_new_generation_has(fixture: Fixture) {
    let database = fixture.database();
    let (_, mut writer) = filled(&*database, 6).await;
    let before = contents(&*database).await;
    let aside = opened(7, "a");
    writer.park(&aside, &super::sample::failure(&aside)).await.unwrap();
    writer.empty().await.unwrap();
    assert_eq!(contents(&*database).await.map(|rows| rows.to_string()), ["[]", "[]"]);
    let checkpoint = database.standing("accounts", 1).await.unwrap().checkpoint;
    assert_eq!((checkpoint.position, checkpoint.event_id), (Position::START, None));
    assert!(super::sample::parked(&*database).await.is_empty());
    apply(&mut *writer, &history(1, 6)).await;
    assert_eq!(contents(&*database).await, before);
}

/// A writer that was closed has nothing open: what was dropped then goes at once.
pub async fn a_closed_writer_holds_nothing_open(fixture: Fixture) {
    let database = fixture.database();
    let (model, writer) = filled(&*database, 6).await;
    let second = database.create(&model, super::sample::STORE).await.unwrap();
    database.make_live("accounts", second).await.unwrap();
    writer.close().await;
    database.discard("accounts", 1).await.unwrap();
    assert_eq!(super::sample::states(&*database).await, [(second, crate::State::Live)]);
}
