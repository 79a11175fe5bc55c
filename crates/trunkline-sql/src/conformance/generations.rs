//! Generations are made, listed, swapped and dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use trunkline_core::Position;

use super::Fixture;
use super::sample::{
    STORE, accounts, apply, contents, create, deposited, filled, history, model, opened, position, rows,
    states,
};
use crate::{AnswerLimits, DatabaseError, Parameters, SqlQuery, State};

/// Its place is told, by every handle alike.
pub async fn every_handle_tells_the_same_place(fixture: Fixture) {
    let place = fixture.database().place();
    assert!(!place.is_empty(), "a place has words");
    assert_eq!(fixture.elsewhere().await.place(), place);
}

/// It has the model's tables, and a checkpoint at the start.
pub async fn a_new_generation_is_empty_and_stands_at_the_start(fixture: Fixture) {
    let database = fixture.database();
    let (number, writer) = create(&*database, &accounts("accounts")).await;
    let checkpoint = database.standing("accounts", number).await.unwrap().checkpoint;
    assert_eq!((checkpoint.store, checkpoint.position), (STORE, Position::START));
    assert_eq!((checkpoint.generation, checkpoint.event_id), (number, None));
    assert_eq!(*writer.checkpoint(), checkpoint);
    assert_eq!(contents(&*database).await.map(|rows| rows.to_string()), ["[]", "[]"]);
}

/// It is live at once when the projection has no live one, and else stands beside it.
pub async fn the_first_generation_is_live_and_later_ones_stand_beside_it(fixture: Fixture) {
    let database = fixture.database();
    let (model, _) = filled(&*database, 6).await;
    let before = contents(&*database).await;
    let (second, mut writer) = create(&*database, &model).await;
    assert_eq!(states(&*database).await, [(1, State::Live), (second, State::Beside)]);
    apply(&mut *writer, &history(1, 3)).await;
    assert_eq!(contents(&*database).await, before, "readers see the live one");
}

/// All generations are listed, by projection and number, with what they were made with.
pub async fn generations_are_listed_by_projection_and_number(fixture: Fixture) {
    let database = fixture.database();
    let (b, a) = (accounts("b"), accounts("a"));
    for model in [&b, &a, &b, &a] {
        database.create(model, STORE).await.unwrap();
    }
    let all = database.generations().await.unwrap();
    let found: Vec<_> = all.iter().map(|one| (one.projection.as_str(), one.number)).collect();
    assert_eq!(found, [("a", 1), ("a", 2), ("b", 1), ("b", 2)]);
    assert!(all.iter().all(|one| one.definition == a.definition()));
}

/// A model with a mistake is refused, and there is no such generation.
pub async fn a_model_with_a_mistake_makes_no_generation(fixture: Fixture) {
    let database = fixture.database();
    let wrong = model(
        "accounts",
        "CREATE TABLE account (id VARCHAR(40))",
        &[("Opened", "INSERT INTO account (nothing) VALUES (1)")],
    );
    let error = database.create(&wrong, STORE).await.unwrap_err();
    assert!(matches!(error, DatabaseError::Model { .. }), "{error}");
    assert_eq!(states(&*database).await, []);
}

/// A name that differs from another's by case alone is refused while rows of that one are there.
pub async fn names_that_differ_by_case_are_refused(fixture: Fixture) {
    let database = fixture.database();
    database.create(&accounts("accounts"), STORE).await.unwrap();
    let error = database.create(&accounts("Accounts"), STORE).await.unwrap_err();
    let DatabaseError::NameDiffersByCase { projection, other } = error else { panic!("{error}") };
    assert_eq!((projection.as_str(), other.as_str()), ("Accounts", "accounts"));
    assert_eq!(states(&*database).await, [(1, State::Live)]);
    database.drop_projection("Accounts").await.unwrap();
    assert_eq!(states(&*database).await, [(1, State::Live)], "that is another one");
    database.drop_projection("accounts").await.unwrap();
    database.create(&accounts("Accounts"), STORE).await.unwrap();
    database.pause("Accounts", true).await.unwrap();
    assert_eq!(database.paused().await.unwrap(), ["Accounts"]);
}

/// A number is never used again.
pub async fn the_number_of_a_dropped_generation_is_not_used_again(mut fixture: Fixture) {
    let database = fixture.database();
    let model = accounts("accounts");
    assert_eq!(database.create(&model, STORE).await.unwrap(), 1);
    assert_eq!(database.create(&model, STORE).await.unwrap(), 2);
    database.discard("accounts", 2).await.unwrap();
    assert_eq!(database.create(&model, STORE).await.unwrap(), 3);
    database.discard("accounts", 3).await.unwrap();
    drop(database);
    assert_eq!(fixture.open_again().await.create(&model, STORE).await.unwrap(), 4);
}

/// A generation that isn't there, or was dropped, is neither opened nor looked at.
pub async fn a_generation_that_is_not_there_is_not_opened(fixture: Fixture) {
    let database = fixture.database();
    let model = accounts("accounts");
    for number in [1, 2] {
        assert_missing(&database.open(&model, number).await.map(drop));
        database.create(&model, STORE).await.unwrap();
    }
    database.discard("accounts", 2).await.unwrap();
    assert_missing(&database.open(&model, 2).await.map(drop));
    assert_missing(&database.standing("accounts", 2).await.map(drop));
    assert_missing(&database.shadow(&model, 2, STORE).await.map(drop));
}

fn assert_missing(came: &Result<(), DatabaseError>) {
    assert!(matches!(came, Err(DatabaseError::NoGeneration { .. })), "{came:?}");
}

/// Readers see the other generation, and the one they saw before stands beside it.
pub async fn a_swap_shows_the_other_generation(fixture: Fixture) {
    let database = fixture.database();
    let (model, _) = filled(&*database, 6).await;
    let before = contents(&*database).await;
    let (second, mut writer) = create(&*database, &model).await;
    apply(&mut *writer, &history(1, 3)).await;
    database.make_live("accounts", second).await.unwrap();
    assert_eq!(states(&*database).await, [(1, State::Beside), (second, State::Live)]);
    assert_ne!(contents(&*database).await, before);
    database.make_live("accounts", 1).await.unwrap();
    assert_eq!(contents(&*database).await, before, "it can be shown again");
}

/// What isn't there, or was dropped, isn't shown, and readers see what they saw.
pub async fn a_generation_that_is_not_there_is_not_shown(fixture: Fixture) {
    let database = fixture.database();
    let (model, _) = filled(&*database, 6).await;
    let before = contents(&*database).await;
    assert_missing(&database.make_live("accounts", 9).await);
    let second = database.create(&model, STORE).await.unwrap();
    database.discard("accounts", second).await.unwrap();
    assert_missing(&database.make_live("accounts", second).await);
    assert_eq!(states(&*database).await[0], (1, State::Live));
    assert_eq!(contents(&*database).await, before);
}

/// No reader sees neither or both, and an answer comes from one generation.
///
/// Every generation has one account with a name of its own; readers ask as fast as they can.
pub async fn readers_see_one_whole_generation_while_others_are_swapped(fixture: Fixture) {
    let database = fixture.database();
    let model = accounts("accounts");
    let (_, mut writer) = create(&*database, &model).await;
    apply(&mut *writer, &one_account(1)).await;
    let done = Arc::new(AtomicBool::new(false));
    let mut readers = Vec::new();
    for database in [Arc::clone(&database), fixture.elsewhere().await] {
        let done = Arc::clone(&done);
        readers.push(tokio::spawn(async move {
            let mut asked = 0;
            while !done.load(Ordering::Relaxed) {
                let sql = "SELECT COUNT(*) AS accounts, MIN(balance) AS balance, MAX(id) AS id FROM account";
                let found = rows(&*database, sql).await;
                assert_eq!((&found[0]["accounts"], &found[0]["balance"]), (&1.into(), &5.into()));
                asked += 1;
            }
            asked
        }));
    }
    for round in 2..=20 {
        let number = database.create(&model, STORE).await.unwrap();
        let mut next = database.open(&model, number).await.unwrap();
        apply(&mut *next, &one_account(round)).await;
        database.make_live("accounts", number).await.unwrap();
        std::mem::replace(&mut writer, next).close().await;
        database.discard("accounts", number - 1).await.unwrap();
    }
    done.store(true, Ordering::Relaxed);
    for reader in readers {
        assert!(reader.await.expect("a reader sees one generation") > 0);
    }
}

fn one_account(round: u64) -> [trunkline_core::RecordedEvent; 2] {
    let name = format!("n{round}");
    [opened(1, &name), deposited(2, &name, 5)]
}

/// A generation that is live isn't dropped.
pub async fn a_live_generation_is_not_dropped(fixture: Fixture) {
    let database = fixture.database();
    let (_, mut writer) = filled(&*database, 6).await;
    let before = contents(&*database).await;
    let error = database.discard("accounts", 1).await.unwrap_err();
    assert!(matches!(error, DatabaseError::IsLive { .. }), "{error}");
    assert_eq!(contents(&*database).await, before);
    apply(&mut *writer, &history(7, 8)).await;
    assert_missing(&database.discard("accounts", 9).await);
}

/// What was dropped is gone once nobody reads it, when a later call or opening has seen that.
pub async fn a_dropped_generation_goes(mut fixture: Fixture) {
    let database = fixture.database();
    let (model, owner) = filled(&*database, 6).await;
    let (second, writer) = create(&*database, &model).await;
    database.make_live("accounts", second).await.unwrap();
    // Its owner still has it open: it is dropped all the same.
    database.discard("accounts", 1).await.unwrap();
    assert!(!states(&*database).await.iter().any(|(number, state)| *number == 1 && *state != State::Dropped));
    owner.close().await;
    database.discard("accounts", 1).await.map_or_else(|error| assert_missing(&Err(error)), drop);
    writer.close().await;
    drop(database);
    let database = fixture.open_again().await;
    assert_eq!(states(&*database).await, [(second, State::Live)]);
}

/// All generations of a projection go at once, the live one too, whether or not it is paused; others stay.
pub async fn a_dropped_projection_is_gone_with_all_it_had(mut fixture: Fixture) {
    let database = fixture.database();
    let (model, owner) = filled(&*database, 6).await;
    let other = accounts("others");
    database.create(&model, STORE).await.unwrap();
    database.create(&other, STORE).await.unwrap();
    for name in ["accounts", "others"] {
        database.pause(name, true).await.unwrap();
    }
    owner.close().await;
    database.drop_projection("accounts").await.unwrap();
    database.drop_projection("nobody").await.unwrap();
    assert_missing(&database.standing("accounts", 1).await.map(drop));
    assert_missing(&database.make_live("accounts", 2).await);
    assert_eq!(database.paused().await.unwrap(), ["others"]);
    let count = SqlQuery::ad_hoc("SELECT COUNT(*) AS n FROM account").unwrap();
    let answer = database.ask(&count, &Parameters::default(), &AnswerLimits::default()).await;
    assert!(answer.is_ok(), "one projection is left that has it: {answer:?}");
    drop(database);
    let database = fixture.open_again().await;
    let names: Vec<String> =
        database.generations().await.unwrap().into_iter().map(|generation| generation.projection).collect();
    assert_eq!(names, ["others"]);
    // None of its numbers is used again, and the next one is live.
    assert_eq!(database.create(&model, STORE).await.unwrap(), 3);
    let own = database.generations().await.unwrap().into_iter().find(|own| own.projection == "accounts");
    assert_eq!(own.map(|own| (own.number, own.state)), Some((3, State::Live)));
}

/// Looking on changes nothing, and tells what is committed.
pub async fn looking_on_changes_nothing(fixture: Fixture) {
    let (database, elsewhere) = (fixture.database(), fixture.elsewhere().await);
    let (_, mut writer) = filled(&*database, 6).await;
    for to in 7..20 {
        assert_eq!(position(&*elsewhere, 1).await, Position::new(to - 1));
        assert_eq!(elsewhere.parked("accounts", 1).await.unwrap(), []);
        apply(&mut *writer, &history(to, to)).await;
    }
    let standing = elsewhere.standing("accounts", 1).await.unwrap();
    assert_eq!(standing.checkpoint, *writer.checkpoint());
    assert_eq!((standing.failure, standing.parked), (None, 0));
}
