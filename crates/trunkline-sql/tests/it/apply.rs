//! Rows and checkpoint change together, or neither does.

use trunkline_core::{Position, RecordedEvent};
use trunkline_sql::{Action, ApplyError, StatementFailure};

use crate::shop::{Shop, event, events, model, reached};
use crate::waited::Database;

/// The failure of a batch that fails.
fn failure(shop: &mut Shop, events: &[RecordedEvent]) -> StatementFailure {
    match shop.writer.apply(events, reached(events)).unwrap_err() {
        ApplyError::Failed(failure) => *failure,
        other => panic!("{other}"),
    }
}

#[test]
fn every_part_of_an_event_is_bound_with_its_type() {
    let sql = "INSERT INTO seen SELECT :stream, :stream_id, :version, :position, :event_id, :event_type, \
               :occurred_at, :metadata.actor, :data.text, :data.real, typeof(:data.real), :data.yes, \
               :data.list[1].x, :data.list, :data.missing.x, typeof(:data.missing)";
    let tables = "CREATE TABLE seen (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)";
    let mut shop = Shop::with(model("seen", tables, vec![("Seen", vec![Action::once(sql).unwrap()])]));
    let data = r#"{"text":"it's \"é\"","real":2.0,"yes":true,"list":[1, {"x":"y"}]}"#;
    shop.apply(&[event(3, "order-a-b", "Seen", data)]);
    assert_eq!(
        shop.rows("SELECT * FROM seen"),
        r#"[{"a":"order-a-b","b":"a-b","c":1,"d":3,"e":"00000000-0000-0000-0000-000000000003","f":"Seen","g":"2020-09-13T12:26:40.000000Z","h":"ada","i":"it's \"é\"","j":2.0,"k":"real","l":1,"m":"y","n":"[1, {\"x\":\"y\"}]","o":null,"p":"null"}]"#
    );
}

#[test]
fn statements_run_in_order_and_once_for_each_element() {
    let mut shop = Shop::new();
    shop.apply(&events(1, 4));
    assert_eq!(shop.rows("SELECT id, total, changed_at FROM orders WHERE id IN (1, 2)"), {
        r#"[{"id":"1","total":0,"changed_at":4},{"id":"2","total":20,"changed_at":2}]"#
    });
    assert_eq!(shop.rows("SELECT COUNT(*) AS n FROM line"), r#"[{"n":4}]"#);
}

#[test]
fn a_list_that_is_missing_is_empty_and_one_that_is_no_list_is_an_error() {
    let mut shop = Shop::new();
    let created = |position, items| {
        event(position, "order-1", "OrderCreated", &format!(r#"{{"id":{position}{items}}}"#))
    };
    shop.apply(&[created(1, ""), created(2, r#","items":null"#), created(3, r#","items":[]"#)]);
    assert_eq!(shop.rows("SELECT COUNT(*) AS n FROM line"), r#"[{"n":0}]"#);
    let wrong = created(4, r#","items":{}"#);
    let failure = failure(&mut shop, &[wrong]);
    assert_eq!(failure.error, "`data.items` is not a list");
}

#[test]
fn events_of_other_types_are_passed_over_and_may_be_no_json() {
    let mut shop = Shop::new();
    shop.apply(&[event(1, "x-1", "Other", "\u{1}not json")]);
    assert_eq!(shop.writer.checkpoint().position, Position::FIRST);
    let broken = event(2, "order-1", "OrderCreated", "{\"id\":");
    let failure = failure(&mut shop, &[broken]);
    assert!(failure.error.starts_with("the event's data is not JSON"), "{failure}");
    assert!(!failure.passing);
}

#[test]
fn a_failure_names_the_event_the_statement_and_its_parameters() {
    let mut shop = Shop::new();
    let data = format!(r#"{{"id":"1","total":5,"note":"{}"}}"#, "long ".repeat(50));
    let twice = [event(1, "order-1", "OrderCreated", &data), event(2, "order-1", "OrderCreated", &data)];
    let failure = failure(&mut shop, &twice);
    let text = failure.to_string();
    assert!(text.starts_with("the OrderCreated at position 2 failed: UNIQUE constraint failed: orders.id; in INSERT INTO orders"), "{text}");
    assert!(text.contains(":data.id = \"1\", :data.total = 5, :data.note = \"long long"), "{text}");
    assert!(text.ends_with("…\", :position = 2"), "{text}");
    assert!(!failure.passing);
}

#[test]
fn a_number_that_does_not_fit_is_refused_and_not_rounded() {
    let mut shop = Shop::new();
    for (number, reason) in [
        ("18446744073709551616", "the integer 18446744073709551616 doesn't fit 64 bits"),
        (
            "9007199254740993.0",
            "the number 9007199254740993.0 has more digits than a double holds; an integer without `.` and `e`, or a text, keeps them",
        ),
        ("1e-400", "the number 1e-400 is too small for a double; write it as text, or round it"),
    ] {
        let changed = event(1, "order-1", "OrderCreated", &format!(r#"{{"id":"1","total":{number}}}"#));
        let failure = failure(&mut shop, &[changed]);
        assert_eq!(failure.error, format!(":data.total: {reason}"));
    }
}

/// Goal: whichever statement of a batch fails, however it does, rows and checkpoint are those of before, and the same
/// batch applied again gives what it would have given at once.
/// Method: a trigger that raises at the Nth row, for every N and every way to raise.
#[test]
fn a_value_that_would_be_the_present_or_fill_the_memory_is_an_error_of_its_event() {
    let statement = |sql| vec![Action::once(sql).unwrap()];
    let dated = statement("INSERT INTO seen VALUES (date(:data.at))");
    let grown = statement("INSERT INTO seen VALUES (printf('%.*c', :data.n, 'x'))");
    let tables = "CREATE TABLE seen (at TEXT)";
    let mut shop = Shop::with(model("seen", tables, vec![("Dated", dated), ("Grown", grown)]));
    shop.apply(&[event(1, "a-1", "Dated", r#"{"at":"2026-11-30"}"#)]);
    let now = failure(&mut shop, &[event(2, "a-1", "Dated", r#"{"at":"now"}"#)]);
    assert!(now.error.starts_with("the value `now` would be the machine's time"), "{}", now.error);
    let large = failure(&mut shop, &[event(2, "a-1", "Grown", r#"{"n":900000000}"#)]);
    assert_eq!((large.error.as_str(), large.passing), ("string or blob too big", false));
    assert_eq!(shop.rows("SELECT at FROM seen"), r#"[{"at":"2026-11-30"}]"#);
}

#[test]
fn a_batch_that_fails_at_any_statement_changes_nothing() {
    let batch = events(9, 16);
    let mut whole = Shop::new();
    whole.apply(&events(1, 8));
    let rows_before = whole.contents();
    whole.apply(&batch);

    for raise in ["ABORT", "FAIL", "ROLLBACK"] {
        for table in ["orders", "line"] {
            let inserted = batch.iter().filter(|event| event.event_type() == "OrderCreated").count();
            let rows = if table == "line" { inserted * 2 } else { inserted };
            for failing in 0..rows {
                let mut shop = Shop::new();
                shop.apply(&events(1, 8));
                shop.behind()
                    .execute_batch(&format!(
                        "CREATE TABLE trunkline_fuse (burnt); CREATE TRIGGER fuse BEFORE INSERT ON {table} BEGIN
                         INSERT INTO trunkline_fuse VALUES (1);
                         SELECT RAISE({raise}, 'burnt') WHERE (SELECT COUNT(*) FROM trunkline_fuse) > {failing}; END"
                    ))
                    .unwrap();
                let failure = failure(&mut shop, &batch);
                assert_eq!((failure.error.as_str(), failure.passing), ("burnt", false));
                assert_eq!(shop.contents(), rows_before, "{raise} at row {failing} of {table}");
                assert_eq!(
                    shop.database.standing("orders", 1).unwrap().checkpoint.position,
                    Position::new(8)
                );
                shop.behind().execute_batch("DROP TRIGGER fuse").unwrap();
                shop.apply(&batch);
                assert_eq!(shop.contents(), whole.contents(), "{raise} at row {failing} of {table}");
            }
        }
    }
}

#[test]
fn a_checkpoint_that_cannot_be_moved_takes_the_rows_along() {
    let mut shop = Shop::new();
    shop.apply(&events(1, 4));
    let before = shop.contents();
    shop.behind()
        .execute_batch("CREATE TRIGGER fuse AFTER UPDATE ON trunkline_checkpoint BEGIN SELECT RAISE(ABORT, 'burnt'); END")
        .unwrap();
    let batch = events(5, 8);
    let error = shop.writer.apply(&batch, reached(&batch)).unwrap_err();
    assert!(matches!(&error, ApplyError::Database(_)), "{error}");
    assert_eq!(shop.contents(), before);
}

#[test]
fn what_only_the_commit_finds_wrong_changes_nothing() {
    let tables =
        "CREATE TABLE a (id PRIMARY KEY); CREATE TABLE b (a REFERENCES a DEFERRABLE INITIALLY DEFERRED)";
    let insert = vec![Action::once("INSERT INTO b VALUES (:data.a)").unwrap()];
    let mut shop = Shop::with(model("linked", tables, vec![("Linked", insert)]));
    let batch = [event(1, "a-1", "Linked", r#"{"a":1}"#)];
    let error = shop.writer.apply(&batch, reached(&batch)).unwrap_err();
    assert!(!error.is_passing(), "{error}");
    assert_eq!(shop.rows("SELECT * FROM b"), "[]");
    assert_eq!(shop.database.standing("linked", 1).unwrap().checkpoint.position, Position::START);
}

#[test]
fn a_database_that_is_busy_passes() {
    let mut shop = Shop::new();
    let options =
        trunkline_sql::SqliteOptions { busy_timeout: std::time::Duration::ZERO, ..Default::default() };
    let path = shop.folder.path().join("read.db");
    let impatient = Database::open_with(&path, &options).unwrap();
    shop.writer = impatient.open_writer(&shop.model, 1).unwrap();
    let batch = events(1, 4);
    let other = shop.behind();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = shop.writer.apply(&batch, reached(&batch)).unwrap_err();
    assert!(error.is_passing(), "{error}");
    other.execute_batch("ROLLBACK").unwrap();
    shop.apply(&batch);
}

#[test]
fn a_parked_event_is_applied_later_or_forgotten() {
    let mut shop = Shop::new();
    let broken = event(2, "order-2", "OrderCreated", r#"{"id":"2"}"#);
    shop.apply(&events(1, 1));
    shop.behind()
        .execute_batch("CREATE TRIGGER fuse BEFORE INSERT ON orders BEGIN SELECT RAISE(ABORT, 'burnt'); END")
        .unwrap();
    let failure = failure(&mut shop, std::slice::from_ref(&broken));
    shop.writer.park(&broken, &failure).unwrap();
    assert_eq!(shop.writer.checkpoint().position, Position::new(2));
    let parked = shop.parked();
    assert_eq!((parked[0].position, parked[0].event_type.as_str()), (Position::new(2), "OrderCreated"));
    assert!(parked[0].error.contains("burnt"), "{}", parked[0].error);

    assert!(shop.writer.retry(broken.position(), std::slice::from_ref(&broken)).is_err());
    assert_eq!(shop.parked().len(), 1, "a retry that fails leaves the event parked");
    shop.behind().execute_batch("DROP TRIGGER fuse").unwrap();
    shop.writer.retry(broken.position(), std::slice::from_ref(&broken)).unwrap();
    assert_eq!(shop.parked(), []);
    assert_eq!(shop.rows("SELECT COUNT(*) AS n FROM orders"), r#"[{"n":2}]"#);
    assert!(
        shop.writer.retry(broken.position(), std::slice::from_ref(&broken)).is_err(),
        "it is applied once"
    );
    assert!(!shop.writer.forget(broken.position()).unwrap());
    assert_eq!(shop.writer.checkpoint().position, Position::new(2));
}

#[test]
fn emptying_leaves_what_a_new_generation_has() {
    let mut shop = Shop::new();
    shop.apply(&events(1, 8));
    let filled = shop.contents();
    shop.writer.empty().unwrap();
    assert_eq!(shop.contents(), ["[]", "[]"]);
    let checkpoint = shop.database.standing("orders", 1).unwrap().checkpoint;
    assert_eq!((checkpoint.position, checkpoint.event_id), (Position::START, None));
    shop.apply(&events(1, 8));
    assert_eq!(shop.contents(), filled);
}
