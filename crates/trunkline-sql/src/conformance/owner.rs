//! A generation has one owner, and a call of it takes place whole or not at all.

use std::sync::Arc;

use trunkline_core::Position;

use super::Fixture;
use super::sample::{
    STORE, accounts, apply, contents, create, end, failure, filled, history, left, opened, parked, position,
    retry, states, try_apply,
};
use crate::{ApplyError, ReadDatabase, Writer};

fn assert_fenced<T: std::fmt::Debug>(came: &Result<T, ApplyError>) {
    assert!(matches!(came, Err(ApplyError::Fenced { .. })), "{came:?}");
}

/// Nobody who opened a generation earlier changes anything in it.
pub async fn who_opened_a_generation_earlier_changes_nothing(fixture: Fixture) {
    let (database, elsewhere) = (fixture.database(), fixture.elsewhere().await);
    let (model, mut before) = filled(&*database, 6).await;
    let aside = opened(7, "a");
    before.park(&aside, &failure(&aside)).await.unwrap();
    let mut owner = elsewhere.open(&model, 1).await.unwrap();
    assert!(owner.checkpoint().token > before.checkpoint().token);
    let rows = contents(&*database).await;
    // The position is still its own, and only the token is not.
    for _ in 0..2 {
        assert_fenced(&try_apply(&mut *before, &history(8, 9)).await);
        assert_fenced(&before.note("nothing").await);
        assert_fenced(&before.park(&history(8, 8)[0], &failure(&history(8, 8)[0])).await);
        assert_fenced(&retry(&mut *before, &aside).await);
        assert_fenced(&before.forget(Position::new(7)).await);
        assert_fenced(&before.rewind(None).await);
        assert_fenced(&before.empty().await);
        assert_eq!((contents(&*database).await, parked(&*database).await), (rows.clone(), vec![7]));
    }
    assert_eq!(database.standing("accounts", 1).await.unwrap().failure, None);
    apply(&mut *owner, &history(8, 9)).await;
    assert_fenced(&try_apply(&mut *before, &history(8, 9)).await);
    assert_fenced(&try_apply(&mut *before, &history(10, 11)).await);
    apply(&mut *owner, &history(10, 11)).await;
    assert_eq!(position(&*database, 1).await, Position::new(11));
}

/// Of a batch whose future is dropped half-way, all is there or nothing, and opening again tells which.
pub async fn a_dropped_batch_takes_place_whole_or_not_at_all(fixture: Fixture) {
    let database = fixture.database();
    let model = accounts("accounts");
    let (_, mut writer) = create(&*database, &model).await;
    let mut whole = 0;
    for round in 0..20 {
        let from = writer.checkpoint().position.get() + 1;
        let batch = history(from, from + 199);
        {
            let made = Arc::new(model.batch(Arc::new(batch.clone())));
            // One is dropped as soon as it is begun, some in the midst, and some when they are done.
            if let Some(applied) = left(writer.apply(made, end(&batch)), 1 + round * round * 10).await {
                applied.unwrap();
                whole += 1;
                continue;
            }
        }
        let refused = try_apply(&mut *writer, &history(from, from)).await;
        assert!(refused.is_err(), "who left a call doesn't know where the generation stands");
        drop(writer);
        writer = database.open(&model, 1).await.unwrap();
        let reached = writer.checkpoint().position.get();
        assert!(reached == from - 1 || reached == from + 199, "a part of a batch is there: {reached}");
        assert_agree(&*database, reached).await;
    }
    let reached = writer.checkpoint().position.get();
    assert!(whole < 20 || reached == 20 * 200);
    assert_agree(&*database, reached).await;
    apply(&mut *writer, &history(reached + 1, reached + 2)).await;
}

/// The rows are those that the events up to a position make.
async fn assert_agree(database: &dyn ReadDatabase, reached: u64) {
    let counted = super::sample::rows(database, "SELECT COUNT(*) AS n FROM entry").await;
    assert_eq!(counted[0]["n"], reached.saturating_sub(2), "rows and checkpoint agree");
    assert_eq!(position(database, 1).await.get(), reached);
}

/// Of other calls of an owner that are dropped half-way, all is there or nothing.
pub async fn a_dropped_call_of_an_owner_takes_place_whole_or_not_at_all(fixture: Fixture) {
    let database = fixture.database();
    let (model, mut writer) = filled(&*database, 6).await;
    let before = contents(&*database).await;
    for round in 0..6 {
        let aside = opened(7, "a");
        let _ = left(writer.park(&aside, &failure(&aside)), 1 + round * round * 10).await;
        drop(writer);
        writer = database.open(&model, 1).await.unwrap();
        match writer.checkpoint().position.get() {
            6 => assert!(parked(&*database).await.is_empty()),
            7 => assert_eq!(parked(&*database).await, [7]),
            other => panic!("nothing ends at {other}"),
        }
        let _ = left(writer.empty(), 1 + round * round * 10).await;
        drop(writer);
        writer = database.open(&model, 1).await.unwrap();
        if writer.checkpoint().position == Position::START {
            assert!(parked(&*database).await.is_empty());
            apply(&mut *writer, &history(1, 6)).await;
        } else {
            writer.rewind(Some(end(&history(6, 6)))).await.unwrap();
        }
        assert_eq!(contents(&*database).await, before);
    }
}

/// Of calls of a database that are dropped half-way, all is there or nothing.
pub async fn a_dropped_call_of_a_database_takes_place_whole_or_not_at_all(fixture: Fixture) {
    let database = fixture.database();
    let (model, _) = filled(&*database, 6).await;
    for round in 0..10 {
        let moment = 1 + round * round * 10;
        let _ = left(database.create(&model, STORE), moment).await;
        let all = states(&*database).await;
        let (last, _) = *all.last().unwrap();
        // What is listed is whole.
        drop(database.open(&model, last).await.unwrap());
        let _ = left(database.make_live("accounts", last), moment).await;
        let live = states(&*database).await;
        assert_eq!(live.iter().filter(|(_, state)| *state == crate::State::Live).count(), 1, "{live:?}");
        contents(&*database).await;
    }
}

/// The token grows with every owner, and a writer has the last one.
pub async fn the_token_grows_with_every_owner(fixture: Fixture) {
    let database = fixture.database();
    let (model, writer) = filled(&*database, 6).await;
    let mut last = writer.checkpoint().token;
    for _ in 0..3 {
        let writer: Box<dyn Writer> = database.open(&model, 1).await.unwrap();
        let token = writer.checkpoint().token;
        assert!(token > last);
        assert_eq!(database.standing("accounts", 1).await.unwrap().checkpoint.token, token);
        last = token;
    }
}
