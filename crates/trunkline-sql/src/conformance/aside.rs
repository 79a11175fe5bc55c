//! Events that were put aside, and a checkpoint that is put back.

use trunkline_core::Position;

use super::Fixture;
use super::sample::{
    apply, assert_panics, contents, end, event, failing, failure, filled, history, opened, parked, position,
    retry,
};

/// An event that is put aside is listed with what it is and why, and the checkpoint moves to it.
pub async fn a_parked_event_is_listed_and_passed_over(mut fixture: Fixture) {
    let database = fixture.database();
    let (model, mut writer) = filled(&*database, 6).await;
    let before = contents(&*database).await;
    let again = opened(7, "a");
    let why = failing(&mut *writer, std::slice::from_ref(&again)).await;
    writer.note("it stands still").await.unwrap();
    writer.park(&again, &why).await.unwrap();
    let checkpoint = database.standing("accounts", 1).await.unwrap();
    assert_eq!((checkpoint.parked, checkpoint.failure), (1, None));
    assert_eq!(checkpoint.checkpoint.event_id, Some(again.event_id()));
    assert_eq!((position(&*database, 1).await, writer.checkpoint().position.get()), (Position::new(7), 7));
    writer.close().await;
    drop(database);
    let database = fixture.open_again().await;
    let all = database.parked("accounts", 1).await.unwrap();
    assert_eq!((all.len(), all[0].position, all[0].event_id), (1, Position::new(7), again.event_id()));
    assert_eq!((all[0].event_type.as_str(), all[0].error.as_str()), ("Opened", why.to_string().as_str()));
    assert_eq!(contents(&*database).await, before);
    apply(&mut *database.open(&model, 1).await.unwrap(), &history(8, 9)).await;
}

/// They are listed in the order of the log.
pub async fn parked_events_are_listed_in_order(fixture: Fixture) {
    let database = fixture.database();
    let (_, mut writer) = filled(&*database, 6).await;
    for at in [7, 9, 10, 30, 200] {
        let aside = opened(at, "a");
        writer.park(&aside, &failure(&aside)).await.unwrap();
    }
    assert_eq!(parked(&*database).await, [7, 9, 10, 30, 200]);
    assert_eq!(database.standing("accounts", 1).await.unwrap().parked, 5);
}

/// An event at or before the checkpoint isn't put aside: that is a mistake of the caller.
pub async fn an_event_at_the_checkpoint_is_not_parked(fixture: Fixture) {
    let database = fixture.database();
    let (_, mut writer) = filled(&*database, 6).await;
    let old = opened(6, "a");
    assert_panics(writer.park(&old, &failure(&old))).await;
    assert_eq!((parked(&*database).await, position(&*database, 1).await), (vec![], Position::new(6)));
}

/// A retried event is applied and leaves the list, once, and the checkpoint stays.
pub async fn a_retried_event_is_applied_and_leaves_the_list(fixture: Fixture) {
    let database = fixture.database();
    let (_, mut writer) = filled(&*database, 6).await;
    let aside = opened(7, "c");
    writer.park(&aside, &failure(&aside)).await.unwrap();
    apply(&mut *writer, &history(8, 9)).await;
    retry(&mut *writer, &aside).await.unwrap();
    let found = contents(&*database).await[0].clone();
    assert_eq!(found[2].to_string(), r#"{"id":"c","balance":0,"changed":7}"#);
    assert_eq!((parked(&*database).await, position(&*database, 1).await), (vec![], Position::new(9)));
    assert_eq!(writer.checkpoint().position, Position::new(9));
    assert!(retry(&mut *writer, &aside).await.is_err(), "it is applied once");
    assert_eq!(contents(&*database).await[0], found);
    apply(&mut *writer, &history(10, 10)).await;
}

/// A retry that fails leaves the event on the list, and the rows as they were.
pub async fn a_retry_that_fails_leaves_the_event_parked(fixture: Fixture) {
    let database = fixture.database();
    let (_, mut writer) = filled(&*database, 6).await;
    let aside = opened(7, "a");
    writer.park(&aside, &failure(&aside)).await.unwrap();
    let before = contents(&*database).await;
    let batch = [event(7, "account-b", "Deposited", r#"{"amount":5}"#), aside.clone()];
    let batch = writer.model().batch(std::sync::Arc::new(batch.to_vec()));
    assert!(writer.retry(Position::new(7), std::sync::Arc::new(batch)).await.is_err());
    assert_eq!((contents(&*database).await, parked(&*database).await), (before, vec![7]));
}

/// A forgotten event leaves the list, without the rows; it is told whether it was there.
pub async fn a_forgotten_event_leaves_the_list(fixture: Fixture) {
    let database = fixture.database();
    let (_, mut writer) = filled(&*database, 6).await;
    for at in [7, 8] {
        let aside = opened(at, "c");
        writer.park(&aside, &failure(&aside)).await.unwrap();
    }
    let before = contents(&*database).await;
    assert!(writer.forget(Position::new(7)).await.unwrap());
    assert!(!writer.forget(Position::new(7)).await.unwrap());
    assert!(!writer.forget(Position::new(3)).await.unwrap());
    assert_eq!((contents(&*database).await, parked(&*database).await), (before, vec![8]));
    assert_eq!(position(&*database, 1).await, Position::new(8));
}

/// A checkpoint that is put back keeps the rows, and takes what was put aside after it from the list.
pub async fn a_checkpoint_that_is_put_back_keeps_the_rows(fixture: Fixture) {
    let database = fixture.database();
    let (_, mut writer) = filled(&*database, 6).await;
    for at in [7, 9] {
        let aside = opened(at, "a");
        writer.park(&aside, &failure(&aside)).await.unwrap();
    }
    let before = contents(&*database).await;
    let place = opened(7, "a");
    writer.rewind(Some(end(std::slice::from_ref(&place)))).await.unwrap();
    let checkpoint = database.standing("accounts", 1).await.unwrap().checkpoint;
    assert_eq!((checkpoint.position, checkpoint.event_id), (Position::new(7), Some(place.event_id())));
    assert_eq!((contents(&*database).await, parked(&*database).await), (before.clone(), vec![7]));
    apply(&mut *writer, &history(8, 8)).await;
    writer.rewind(None).await.unwrap();
    let checkpoint = writer.checkpoint().clone();
    assert_eq!((checkpoint.position, checkpoint.event_id), (Position::START, None));
    assert_eq!((position(&*database, 1).await, parked(&*database).await), (Position::START, vec![]));
    assert_ne!(contents(&*database).await, before);
}

/// A checkpoint isn't put forward: events would be left out, which is a mistake of the caller.
pub async fn a_checkpoint_is_not_put_forward(fixture: Fixture) {
    let database = fixture.database();
    let (_, mut writer) = filled(&*database, 6).await;
    assert_panics(writer.rewind(Some(end(&history(7, 7))))).await;
    assert_eq!(position(&*database, 1).await, Position::new(6));
}
