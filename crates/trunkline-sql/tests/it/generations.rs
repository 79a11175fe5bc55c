//! Generations stand beside each other, are swapped in one step, and go when nobody reads them.

use std::sync::atomic::{AtomicBool, Ordering};

use trunkline_sql::{
    AnswerLimits, DatabaseError, Generation, ModelPart, ModelProblem, Parameters, SqlQuery, State,
};

use crate::shop::{STORE, Shop, events, model, orders, reached, rows};
use crate::waited::Database;

fn states(generations: &[Generation]) -> Vec<(u64, State)> {
    generations.iter().map(|generation| (generation.number, generation.state)).collect()
}

#[test]
fn the_first_generation_is_live_and_later_ones_stand_beside_it() {
    let mut shop = Shop::new();
    shop.apply(&events(1, 8));
    let second = shop.database.create(&shop.model, STORE).unwrap();
    let found = shop.database.generations().unwrap();
    assert_eq!(states(&found), [(1, State::Live), (2, State::Beside)]);
    assert_eq!(found[0].definition, shop.model.definition());
    assert_ne!(shop.contents(), ["[]", "[]"], "readers still see the first");

    let before = shop.contents();
    let mut writer = shop.database.open_writer(&shop.model, second).unwrap();
    writer.apply(&events(1, 4), reached(&events(1, 4))).unwrap();
    assert_eq!(shop.contents(), before);
    shop.database.make_live("orders", second).unwrap();
    assert_ne!(shop.contents(), before);
    assert_eq!(states(&shop.database.generations().unwrap()), [(1, State::Beside), (2, State::Live)]);
}

#[test]
fn a_dropped_generation_gives_its_space_back_and_its_number_is_not_used_again() {
    let mut shop = Shop::new();
    shop.apply(&events(1, 4));
    let before = shop.contents();
    let second = shop.database.create(&shop.model, STORE).unwrap();
    assert!(matches!(shop.database.discard("orders", 1), Err(DatabaseError::IsLive { .. })));
    shop.database.make_live("orders", second).unwrap();
    let path = shop.database.generation_path("orders", 1);

    // Its owner still has it open.
    shop.database.discard("orders", 1).unwrap();
    assert!(path.exists());
    assert_eq!(states(&shop.database.generations().unwrap()), [(1, State::Dropped), (2, State::Live)]);
    assert!(matches!(shop.database.open_writer(&shop.model, 1), Err(DatabaseError::NoGeneration { .. })));
    assert!(matches!(shop.database.make_live("orders", 1), Err(DatabaseError::NoGeneration { .. })));
    assert_eq!(shop.contents(), ["[]", "[]"], "a swap that failed changed nothing");

    shop.writer = shop.database.open_writer(&shop.model, second).unwrap();
    shop.database.discard("orders", 1).unwrap();
    assert!(!path.exists());
    let files: Vec<_> =
        std::fs::read_dir(shop.folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(files.iter().all(|name| !name.to_string_lossy().starts_with("read.orders.1.")), "{files:?}");
    shop.apply(&events(1, 4));
    assert_eq!(shop.contents(), before);
    assert_eq!(shop.database.create(&shop.model, STORE).unwrap(), 3);
}

#[test]
fn what_a_crash_left_of_a_generation_is_no_part_of_the_next() {
    let shop = Shop::new();
    let left = shop.database.generation_path("orders", 2);
    std::fs::copy(shop.database.generation_path("orders", 1), &left).unwrap();
    std::fs::write(left.with_extension("db-wal"), "torn").unwrap();
    assert_eq!(shop.database.create(&shop.model, STORE).unwrap(), 2);
    assert_eq!(shop.database.standing("orders", 2).unwrap().checkpoint.generation, 2);
}

#[test]
fn a_file_that_was_copied_over_another_is_noticed() {
    let mut shop = Shop::new();
    let second = shop.database.create(&shop.model, STORE).unwrap();
    shop.writer = shop.database.open_writer(&shop.model, second).unwrap();
    let paths = [1, 2].map(|number| shop.database.generation_path("orders", number));
    std::fs::copy(&paths[1], &paths[0]).unwrap();
    let error = shop.database.open_writer(&shop.model, 1).unwrap_err();
    assert!(error.to_string().contains("another generation"), "{error}");
}

#[test]
fn what_is_kept_is_there_after_opening_again() {
    let mut shop = Shop::new();
    shop.apply(&events(1, 8));
    let contents = shop.contents();
    let Shop { folder, database, writer, model } = shop;
    drop(writer);
    drop(database);
    let database = Database::open(&folder.path().join("read.db")).unwrap();
    let mut shop = Shop { writer: database.open_writer(&model, 1).unwrap(), database, folder, model };
    assert_eq!(shop.contents(), contents);
    shop.apply(&events(9, 12));
}

#[test]
fn a_file_of_somebody_elses_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    let error = Database::open(&path).unwrap_err();
    assert!(error.to_string().contains("holds something else"), "{error}");
    std::fs::write(&path, "not a database at all, but long enough to be looked at").unwrap();
    assert!(!Database::open(&path).unwrap_err().is_passing());
}

#[test]
fn what_is_damaged_comes_with_its_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("read.db");
    std::fs::write(&path, [7; 4_096]).unwrap();
    let error = Database::open(&path).unwrap_err().to_string();
    assert!(error.contains("move it away, and all read models are made anew"), "{error}");

    let shop = Shop::new();
    std::fs::write(shop.database.generation_path("orders", 1), [7; 4_096]).unwrap();
    let error = shop.database.standing("orders", 1).unwrap_err().to_string();
    assert!(error.contains("a rebuild of the projection makes them anew"), "{error}");
}

#[test]
fn a_model_that_does_not_fit_the_database_makes_no_generation() {
    let shop = Shop::new();
    let wrong = model(
        "wrong",
        "CREATE TABLE t (a)",
        vec![("E", vec![trunkline_sql::Action::once("INSERT INTO t (b) VALUES (1)").unwrap()])],
    );
    let error = shop.database.create(&wrong, STORE).unwrap_err();
    let DatabaseError::Model { problems, .. } = &error else { panic!("{error}") };
    let part = ModelPart::Action { event: "E".to_owned(), action: 0 };
    assert!(matches!(&problems[..], [ModelProblem { part: found, .. }] if *found == part), "{problems:?}");
    assert_eq!(shop.database.generations().unwrap().len(), 1);
}

/// Goal: while generations are swapped and dropped, every answer comes from one whole generation.
/// Method: generation N has N's rows only, all of one size; readers ask as fast as they can.
#[test]
fn readers_see_one_whole_generation_while_others_are_swapped_and_dropped() {
    let mut shop = Shop::with(orders("orders"));
    shop.apply(&events(1, 3));
    let done = AtomicBool::new(false);
    let path = shop.folder.path().join("read.db");
    let elsewhere = Database::open(&path).unwrap();
    let sql = "SELECT COUNT(*) AS rows, COUNT(DISTINCT total) AS kinds, MIN(id) AS first FROM orders";
    std::thread::scope(|scope| {
        let databases = [&shop.database, &elsewhere, &elsewhere];
        let readers = databases.map(|database| {
            scope.spawn(|| {
                let (mut asked, mut last) = (0_u64, 0);
                let query = SqlQuery::ad_hoc(sql).unwrap();
                while !done.load(Ordering::Relaxed) {
                    let answer =
                        database.ask(&query, &Parameters::default(), &AnswerLimits::default()).unwrap();
                    let row = &answer.rows[0];
                    assert_eq!((row[0].as_u64(), row[1].as_u64()), (Some(3), Some(3)), "{row:?}");
                    let first: u64 = row[2].as_str().unwrap().parse().unwrap();
                    assert!(first >= last, "an answer is older than the one before");
                    (asked, last) = (asked + 1, first);
                }
                asked
            })
        });
        for round in 1..=20 {
            let number = shop.database.create(&shop.model, STORE).unwrap();
            let mut writer = shop.database.open_writer(&shop.model, number).unwrap();
            let first = round * 4 + 1;
            writer.apply(&events(first, first + 2), reached(&events(first, first + 2))).unwrap();
            shop.database.make_live("orders", number).unwrap();
            shop.writer = writer;
            shop.database.discard("orders", number - 1).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        for reader in readers {
            assert!(reader.join().unwrap() > 0);
        }
    });
    drop(elsewhere);
    // Opening sweeps what was still read when it was dropped.
    let after = Database::open(&path).unwrap();
    assert_eq!(states(&after.generations().unwrap()), [(21, State::Live)]);
    assert_eq!(rows(&after, "SELECT COUNT(*) AS n FROM orders"), r#"[{"n":3}]"#);
}

#[test]
fn one_at_a_time_claims_the_running_and_the_claim_ends_with_it() {
    let shop = Shop::new();
    let elsewhere = Database::open(&shop.folder.path().join("read.db")).unwrap();
    let claim = shop.database.claim().unwrap();
    assert!(claim.is_ok());
    assert!(elsewhere.claim().unwrap().is_err());
    drop(claim);
    assert!(elsewhere.claim().unwrap().is_ok());
}

#[test]
fn what_is_noted_and_paused_is_kept() {
    let mut shop = Shop::new();
    shop.writer.note("a wrong column").unwrap();
    shop.database.pause("orders", true).unwrap();
    let elsewhere = Database::open(&shop.folder.path().join("read.db")).unwrap();
    assert_eq!(elsewhere.standing("orders", 1).unwrap().failure.as_deref(), Some("a wrong column"));
    assert_eq!(elsewhere.paused().unwrap(), ["orders"]);
    shop.apply(&events(1, 4));
    elsewhere.pause("orders", false).unwrap();
    assert_eq!(shop.database.standing("orders", 1).unwrap().failure, None);
    assert_eq!(shop.database.paused().unwrap(), Vec::<String>::new());
}
