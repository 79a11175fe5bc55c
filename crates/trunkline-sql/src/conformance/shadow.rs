//! A generation is compared with what its events make.

use std::sync::Arc;

use serde_json::Value;
use trunkline_core::Position;

use super::Fixture;
use super::sample::{STORE, apply, contents, deposited, filled, history, states};
use crate::{FoundRows, RowDifference, Side, State};

/// Rows that the events make again differ in nothing.
pub async fn rows_that_the_events_make_differ_in_nothing(fixture: Fixture) {
    let database = fixture.database();
    let (model, _) = filled(&*database, 8).await;
    let mut shadow = database.shadow(&model, 1, STORE).await.unwrap();
    assert_eq!(shadow.live().position, Position::new(8));
    assert_eq!(shadow.writer().checkpoint().position, Position::START);
    apply(shadow.writer(), &history(1, 8)).await;
    let found = shadow.differences(10).await.unwrap();
    assert_eq!((found.count, found.compared, found.rows), (0, 8, vec![]));
}

/// All differences are counted, and no more of them shown than are asked for.
pub async fn differences_are_counted_and_the_first_are_shown(fixture: Fixture) {
    let database = fixture.database();
    let (model, _) = filled(&*database, 8).await;
    let mut shadow = database.shadow(&model, 1, STORE).await.unwrap();
    let mut events = history(1, 8);
    events[7] = deposited(8, "b", 9);
    apply(shadow.writer(), &events).await;
    let found = shadow.differences(10).await.unwrap();
    // The entry has no key, so that it is missing on the one side and too many on the other.
    assert_eq!((found.count, found.rows.len()), (3, 3));
    let account = &found.rows[0];
    assert_eq!((account.table.as_str(), account.key["id"].as_str()), ("account", Some("b")));
    let balance = |row: &Option<serde_json::Map<String, Value>>| row.as_ref().unwrap()["balance"].clone();
    assert_eq!((balance(&account.live), balance(&account.rebuilt)), (Value::from(3), Value::from(11)));
    let shown = shadow.differences(1).await.unwrap();
    assert_eq!((shown.count, shown.rows.len()), (3, 1));
}

/// Rows are found by their key on each side, as they are now.
pub async fn rows_are_found_by_their_key_on_each_side(fixture: Fixture) {
    let database = fixture.database();
    let (model, _) = filled(&*database, 8).await;
    let mut shadow = database.shadow(&model, 1, STORE).await.unwrap();
    let row = |id: &str| RowDifference {
        table: "account".to_owned(),
        key: [("id".to_owned(), id.into())].into_iter().collect(),
        live: None,
        rebuilt: None,
    };
    let nothing: Vec<FoundRows> = vec![vec![], vec![]];
    let wanted: Arc<[RowDifference]> = Arc::new([row("a"), row("nobody")]);
    let live = shadow.find(Side::Live, Arc::clone(&wanted)).await.unwrap();
    assert_eq!(live, [vec![cells("a", 3, 7)], vec![]]);
    assert_eq!(shadow.find(Side::Rebuilt, Arc::clone(&wanted)).await.unwrap(), nothing);
    apply(shadow.writer(), &history(1, 1)).await;
    let made = shadow.find(Side::Rebuilt, wanted).await.unwrap();
    assert_eq!(made[0], [cells("a", 0, 1)]);
}

fn cells(id: &str, balance: u64, changed: u64) -> Vec<Value> {
    vec![id.into(), balance.into(), changed.into()]
}

/// The generation is as it was when the shadow was made, and its owner goes on meanwhile.
pub async fn a_shadow_is_of_one_moment_and_its_owner_goes_on(fixture: Fixture) {
    let database = fixture.database();
    let (model, mut writer) = filled(&*database, 8).await;
    let mut shadow = database.shadow(&model, 1, STORE).await.unwrap();
    apply(&mut *writer, &history(9, 20)).await;
    apply(shadow.writer(), &history(1, 8)).await;
    assert_eq!(shadow.differences(10).await.unwrap().count, 0);
    apply(&mut *writer, &history(21, 30)).await;
}

/// Nothing of a shadow is seen while it is there, and nothing stays of it.
pub async fn nothing_of_a_shadow_is_seen(fixture: Fixture) {
    let database = fixture.database();
    let (model, mut writer) = filled(&*database, 8).await;
    let (before, checkpoint) = (contents(&*database).await, writer.checkpoint().clone());
    let mut shadow = database.shadow(&model, 1, STORE).await.unwrap();
    apply(shadow.writer(), &history(1, 4)).await;
    assert_eq!(contents(&*database).await, before);
    drop(shadow);
    assert_eq!(states(&*database).await, [(1, State::Live)]);
    assert_eq!(database.standing("accounts", 1).await.unwrap().checkpoint, checkpoint);
    apply(&mut *writer, &history(9, 10)).await;
}
