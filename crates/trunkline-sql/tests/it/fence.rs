//! A generation has one owner: the last one who opened it.

use trunkline_core::Position;
use trunkline_sql::ApplyError;

use crate::shop::{STORE, Shop, events, reached};

fn assert_fenced<T: std::fmt::Debug>(result: &Result<T, ApplyError>) {
    assert!(matches!(result, Err(ApplyError::Fenced { .. })), "{result:?}");
}

/// Goal: an owner that was paused, and taken for dead, changes nothing when it wakes up.
#[test]
fn a_paused_owner_that_wakes_up_changes_nothing() {
    let mut shop = Shop::new();
    shop.apply(&events(1, 4));
    let mut new_owner = shop.database.open_writer(&shop.model, 1).unwrap();

    // It wakes before the new owner has done anything: the position is still its own, and only the token is not.
    let batch = events(5, 8);
    assert_fenced(&shop.writer.apply(&batch, reached(&batch)));
    new_owner.apply(&batch, reached(&batch)).unwrap();
    let contents = shop.contents();

    assert_fenced(&shop.writer.apply(&batch, reached(&batch)));
    assert_fenced(&shop.writer.empty());
    assert_fenced(&shop.writer.rewind(None));
    let failure = trunkline_sql::StatementFailure {
        position: Position::new(5),
        event_id: batch[0].event_id(),
        event_type: "OrderCreated".to_owned(),
        statement: None,
        parameters: Vec::new(),
        error: "none".to_owned(),
        passing: false,
    };
    assert_fenced(&shop.writer.park(&batch[0], &failure));
    assert_fenced(&shop.writer.forget(Position::FIRST));
    assert_eq!(shop.contents(), contents);
    assert_eq!(shop.parked(), []);
    let next = events(9, 12);
    new_owner.apply(&next, reached(&next)).unwrap();
}

#[test]
fn a_checkpoint_that_was_moved_behind_the_owners_back_fences_it() {
    let mut shop = Shop::new();
    shop.apply(&events(1, 4));
    shop.behind().execute("UPDATE trunkline_checkpoint SET position = 2", []).unwrap();
    let batch = events(5, 8);
    assert_fenced(&shop.writer.apply(&batch, reached(&batch)));
}

#[test]
fn the_checkpoint_names_what_it_saw() {
    let mut shop = Shop::new();
    let batch = events(1, 4);
    shop.apply(&batch);
    let checkpoint = shop.database.standing("orders", 1).unwrap().checkpoint;
    assert_eq!(checkpoint, *shop.writer.checkpoint());
    assert_eq!((checkpoint.store, checkpoint.position), (STORE, Position::new(4)));
    assert_eq!(checkpoint.event_id, Some(batch[3].event_id()));
}

#[test]
#[should_panic(expected = "events come after the checkpoint")]
fn events_at_or_before_the_checkpoint_are_a_bug() {
    let mut shop = Shop::new();
    shop.apply(&events(1, 4));
    shop.apply(&events(4, 5));
}
