//! `query`, `sql` and `projection`: the read models.

use crate::folder::Folder;

const APP: &str = r#"
[event_store]
dsn: "log:events"

[read_db]
dsn: "sqlite:read.db"

[projections.orders]
schema: "CREATE TABLE orders (id TEXT PRIMARY KEY, total INTEGER NOT NULL)"
on { OrderCreated: "INSERT INTO orders VALUES (:stream_id, :data.total)" }

[queries.GetOrder]
sql: "SELECT * FROM orders WHERE id = :id"
returns: "one"

[queries.All]
sql: "SELECT * FROM orders ORDER BY id"

[queries.Sum]
sql: "SELECT SUM(total) FROM orders"
returns: "value"
"#;

/// A folder with the application and two orders.
fn shop() -> Folder {
    let folder = Folder::new();
    folder.write("app.tsk", APP);
    for (id, total) in [("1", 30), ("2", 12)] {
        let data = format!(r#"{{"total":{total}}}"#);
        folder.write("data.json", &data);
        let ran = folder.run(&format!(
            "append order-{id} --store log:events --type OrderCreated --data-file data.json --quiet"
        ));
        assert_eq!(ran.exit, 0, "{ran:?}");
    }
    folder
}

#[test]
fn a_query_applies_what_is_new_and_answers_as_it_is_declared() {
    let folder = shop();
    folder.check("query app.tsk All --format json", r#"[{"id":"1","total":30},{"id":"2","total":12}]"#);
    folder.check("query app.tsk Sum", "42");
    folder.check("query app.tsk All", "id  total\n1      30\n2      12");
    let ran = folder.run("query app.tsk GetOrder --params {\"id\":\"2\"} --format json");
    assert_eq!(ran.stdout, "{\"id\":\"2\",\"total\":12}\n", "{ran:?}");
    let ran = folder.run("query app.tsk GetOrder --params {\"id\":\"3\"}");
    assert_eq!(ran.exit, 4, "{ran:?}");
    let ran = folder.run("query app.tsk GetOrder --params {\"idd\":\"3\"}");
    assert_eq!(ran.exit, 2, "{ran:?}");
    assert!(ran.stderr.contains("did you mean `id`?"), "{ran:?}");
    let ran = folder.run("query app.tsk Sums");
    assert_eq!(ran.exit, 4, "{ran:?}");
    assert!(ran.stderr.contains("did you mean \"Sum\"?"), "{ran:?}");
}

#[test]
fn a_stale_query_applies_nothing() {
    let folder = shop();
    folder.check("query app.tsk Sum", "42");
    folder.write("data.json", r#"{"total":8}"#);
    folder.run("append order-3 --store log:events --type OrderCreated --data-file data.json --quiet");
    folder
        .check("query app.tsk Sum --stale", "42\n! note: projection orders is at position 2, 1 event behind");
    folder.check("query app.tsk Sum", "50");
}

/// Goal: who reads rows that are not what all events make them is told so, and only of projections that are read.
#[test]
fn a_query_over_a_late_projection_says_so() {
    let folder = shop();
    let more = "\n[projections.names]\nschema: \"CREATE TABLE names (id TEXT)\"\n\
                on { OrderCreated: \"INSERT INTO names VALUES (:stream_id)\" }\n\
                [queries.Names]\nsql: \"SELECT COUNT(*) FROM names\"\nreturns: \"value\"\n";
    folder.write("app.tsk", format!("{APP}{more}"));
    folder.check("query app.tsk Sum", "42");
    folder.check("projection pause app.tsk orders", "paused orders");
    folder.write("data.json", r#"{"total":8}"#);
    folder.run("append order-3 --store log:events --type OrderCreated --data-file data.json --quiet");
    let paused = "42\n! note: projection orders is paused at position 2, 1 event behind";
    folder.check("query app.tsk Sum", paused);
    folder.check("sql app.tsk 'SELECT SUM(total) AS sum FROM orders' -q", &format!("sum\n {paused}"));
    folder.check("query app.tsk Names", "3");
    let ran = folder.run("query app.tsk Sum --format json");
    assert_eq!(ran.stdout, "42\n", "{ran:?}");
    let said: serde_json::Value = serde_json::from_str(&ran.stderr).unwrap();
    let late = &said["late"][0];
    assert_eq!((&late["projection"], &late["state"]), (&"orders".into(), &"paused".into()), "{ran:?}");
    assert_eq!((&late["position"], &late["events_behind"]), (&2.into(), &1.into()), "{ran:?}");

    folder.check("projection resume app.tsk orders", "resumed orders");
    folder
        .check("query app.tsk Sum --stale", "42\n! note: projection orders is at position 2, 1 event behind");
    folder.check("query app.tsk Sum", "50");

    folder.write("data.json", "{}");
    folder.run("append order-4 --store log:events --type OrderCreated --data-file data.json --quiet");
    assert_eq!(folder.run("query app.tsk Sum").exit, 1);
    let ran = folder.run("query app.tsk Sum --stale");
    assert!(ran.stderr.contains("projection orders has stopped at position 3, 1 event behind: "), "{ran:?}");
}

#[test]
fn projections_are_looked_at_and_built_again() {
    let folder = shop();
    folder.check(
        "projection list app.tsk --format json",
        r#"{"name":"orders","events":["OrderCreated"],"left_over":false}"#,
    );
    let status = |wanted: [u64; 2]| {
        let ran = folder.run("projection status app.tsk orders --format json");
        let found = &ran.json()[0];
        let numbers = ["position", "lag_events"].map(|field| found[field].as_u64().unwrap());
        assert_eq!(numbers, wanted, "{ran:?}");
    };
    status([0, 2]);
    folder.check("query app.tsk Sum", "42");
    status([2, 0]);
    folder.check("projection rebuild app.tsk orders", "rebuilt orders up to position 2");
    folder.check("projection replay app.tsk orders", "replayed orders up to position 2");
    folder.check("projection pause app.tsk orders", "paused orders");
    let ran = folder.run("projection rebuild app.tsk orders");
    assert_eq!(ran.exit, 1, "{ran:?}");
    assert!(ran.stderr.contains("`orders` is paused; resume it first"), "{ran:?}");
    folder.check("projection resume app.tsk orders", "resumed orders");
    assert_eq!(folder.run("projection status app.tsk order").exit, 4);
}

/// Goal: what was put aside is seen, applied once it can be, or given up; and what still fails stays aside.
#[test]
fn parked_events_are_listed_retried_and_discarded() {
    let folder = Folder::new();
    let on = "on_error: \"park\"\non { OrderCancelled: \"DELETE FROM orders WHERE id = :stream_id\", ";
    folder.write("app.tsk", APP.replace("on { ", on));
    // The second is there twice until the third, and the fourth has no total.
    for (event_type, data) in
        [("OrderCreated", "1"), ("OrderCreated", "2"), ("OrderCancelled", "0"), ("OrderCreated", "null")]
    {
        folder.write("data.json", format!(r#"{{"total":{data}}}"#));
        let ran = folder.run(&format!(
            "append order-1 --store log:events --type {event_type} --data-file data.json --quiet"
        ));
        assert_eq!(ran.exit, 0, "{ran:?}");
    }
    folder.check("projection parked list app.tsk orders", "no rows");
    let ran = folder.run("query app.tsk All --format json");
    assert!(ran.stdout == "[]\n" && ran.stderr.contains(r#""parked":2"#), "{ran:?}");
    let listed = folder.run("projection parked list app.tsk orders --format json");
    let found = |at: usize, field: &str| listed.json()[at][field].clone();
    assert_eq!((found(0, "position"), found(1, "position")), (2.into(), 4.into()), "{listed:?}");
    assert_eq!(found(1, "type"), "OrderCreated");
    assert!(found(0, "error").as_str().unwrap().contains("UNIQUE constraint failed"), "{listed:?}");

    let ran = folder.run("projection parked retry app.tsk orders --all --format json");
    assert_eq!(ran.exit, 1, "{ran:?}");
    let done = ran.json();
    assert_eq!((done[0]["position"].clone(), done[0]["done"].clone()), (2.into(), "applied".into()));
    assert_eq!((done[1]["position"].clone(), done[1]["done"].is_null()), (4.into(), true));
    assert!(ran.stderr.contains("still can't apply it"), "{ran:?}");
    folder.check(
        "query app.tsk All",
        "id  total\n1       2\n! note: projection orders is at position 4; 1 event put aside",
    );
    let ran = folder.run("projection parked retry app.tsk orders 2");
    assert_eq!(ran.exit, 4, "it is applied once: {ran:?}");

    folder.check("projection parked discard app.tsk orders 4", "discarded 4");
    let ran = folder.run("projection parked discard app.tsk orders 4");
    assert_eq!(ran.exit, 4, "{ran:?}");
    assert!(ran.stderr.contains("has put no event at position 4 aside"), "{ran:?}");
    folder.check("projection parked list app.tsk orders", "no rows");
    folder.check("query app.tsk All --format json", r#"[{"id":"1","total":2}]"#);
    assert_eq!(folder.run("projection parked list app.tsk order").exit, 4);
}

/// Goal: rows that somebody has changed are found, shown with the event, and built again; nothing is changed by looking.
#[test]
fn rows_that_are_not_what_the_events_make_are_shown() {
    let folder = shop();
    folder.check("projection verify app.tsk", "orders: no rows yet");
    folder.check("query app.tsk Sum", "42");
    folder.check("projection verify app.tsk", "orders: 2 rows as the events make them, up to position 2");
    let file = folder.path("read.orders.1.db");
    rusqlite::Connection::open(file)
        .unwrap()
        .execute("UPDATE orders SET total = 13 WHERE id = 2", [])
        .unwrap();
    let ran = folder.run("projection verify app.tsk orders");
    assert_eq!(ran.exit, 1, "{ran:?}");
    let shown = "orders: 1 of 2 rows differ, up to position 2\n  from the OrderCreated at position 2 on (order-2)\n  \
                 orders id=2\n    is      id=2 total=13\n    rebuilt id=2 total=12\n";
    assert_eq!(ran.stdout, shown);
    assert!(ran.stderr.contains("trunkline projection rebuild app.tsk orders"), "{ran:?}");
    let ran = folder.run("projection verify app.tsk --format json");
    let divergence = &ran.json()[0]["divergence"];
    assert_eq!((&divergence["event"]["position"], &divergence["rows"]), (&2.into(), &1.into()), "{ran:?}");
    folder.check("query app.tsk Sum", "43");
    folder.check("projection rebuild app.tsk orders", "rebuilt orders up to position 2");
    folder.check(
        "projection verify app.tsk orders",
        "orders: 2 rows as the events make them, up to position 2",
    );
    assert_eq!(folder.run("projection verify app.tsk order").exit, 4);
}

const ITEMS: &str = r#"
[commands.Add]
stream: "'item-' + command.id"
emit: [{ type: "Added", data: "command" }]
[projections.stock]
schema: "CREATE TABLE item (id TEXT PRIMARY KEY)"
on { Added: "INSERT INTO item VALUES (:data.id)" }
[queries.items]
sql: "SELECT id FROM item ORDER BY id"
[laws.no_item_is_named_x]
says: "no item is named x"
breaches: "SELECT id FROM item WHERE id = 'x'"
"#;

/// Goal: a projection that is renamed blocks nothing; what is left of it is listed, and goes by one verb.
#[test]
fn a_projection_that_is_no_more_is_in_nobodys_way_until_it_is_dropped() {
    let folder = Folder::new();
    folder.write("app.tsk", ITEMS);
    let list = |folder: &Folder| folder.run("projection list app.tsk --format json -q").json();
    assert_eq!(list(&folder)[0]["left_over"], false, "before there is a store");
    folder.run("dispatch app.tsk Add --data '{\"id\":\"a\"}' -q");
    folder.check("query app.tsk items --format json", "[{\"id\":\"a\"}]\n");
    folder.run("projection pause app.tsk stock -q");
    folder.write("app.tsk", ITEMS.replace("[projections.stock]", "[projections.inventory]"));
    folder.check("query app.tsk items --format json", "[{\"id\":\"a\"}]\n");
    folder.check("sql app.tsk 'SELECT id FROM item' --format json", "[{\"id\":\"a\"}]\n");
    assert_eq!(
        folder.run("run app.tsk -q").exit,
        0,
        "the law is held against the rows of the one that is declared"
    );
    let left = list(&folder);
    assert_eq!((&left[0]["name"], &left[1]["name"]), (&"inventory".into(), &"stock".into()), "{left:?}");
    assert_eq!((&left[0]["left_over"], &left[1]["left_over"]), (&false.into(), &true.into()));
    let people = folder.run("projection list app.tsk -q").stdout;
    assert!(people.contains("stock is left over"), "{people}");
    let doctor = folder.run("doctor app.tsk -q").stdout;
    assert!(doctor.contains("note  read models   stock is left over"), "{doctor}");
    let refused = folder.run("projection drop app.tsk inventory");
    assert_eq!(refused.exit, 1);
    assert!(refused.stderr.contains("is a projection of the application"), "{refused:?}");
    folder.check("projection drop app.tsk stock", "dropped stock\n");
    assert_eq!(list(&folder).len(), 1);
    let again = folder.run("projection drop app.tsk stock");
    assert_eq!(again.exit, 4, "{again:?}");
    assert!(!folder.path("data/read.stock.1.db").exists());
    folder.check("query app.tsk items --format json", "[{\"id\":\"a\"}]\n");
}

/// Goal: names that a database takes for one are told apart before anything is lost between them.
#[test]
fn names_that_differ_by_case_alone_are_refused_in_a_file_and_beside_what_is_stored() {
    let folder = Folder::new();
    folder.write("app.tsk", ITEMS);
    folder.run("dispatch app.tsk Add --data '{\"id\":\"a\"}' -q");
    folder.run("query app.tsk items");
    for (one, other) in [
        ("[projections.stock]", "[projections.Stock]\nschema: \"CREATE TABLE other (id TEXT)\"\n"),
        ("[queries.items]", "[consumers.a]\ntopics: [\"a\"]\n[consumers.A]\ntopics: [\"a\"]\n"),
        ("[queries.items]", "[relay.a]\ntopic: \"a\"\n[relay.A]\ntopic: \"a\"\n"),
    ] {
        folder.write("twice.tsk", ITEMS.replace(one, &format!("{other}{one}")));
        let ran = folder.run("check twice.tsk");
        assert_eq!(ran.exit, 1, "{other}");
        assert!((ran.stdout + &ran.stderr).contains("TL2205"), "{other}");
    }
    folder.write("app.tsk", ITEMS.replace("[projections.stock]", "[projections.Stock]"));
    for command in ["query app.tsk items", "doctor app.tsk", "projection status app.tsk"] {
        let ran = folder.run(command);
        assert_eq!(ran.exit, 1, "{command}: {ran:?}");
        let said = ran.stdout + &ran.stderr;
        assert!(said.contains("`stock`, whose name differs from `Stock` by case alone"), "{command}: {said}");
        assert!(said.contains("trunkline projection drop"), "{command}: {said}");
    }
    folder.check("projection drop app.tsk stock", "dropped stock\n");
    folder.check("query app.tsk items --format json", "[{\"id\":\"a\"}]\n");
    folder.run("projection pause app.tsk Stock");
    let paused = folder.run("projection status app.tsk --format json").json().remove(0);
    assert_eq!(paused["state"], "paused");
}

/// Goal: who doesn't know a query's name need not open the file.
#[test]
fn a_missing_name_of_a_query_lists_those_that_there_are() {
    let folder = Folder::new();
    folder.write(
        "app.tsk",
        "[queries.All]\nsql: \"SELECT 1 AS one\"\nreturns: \"value\"\n[queries.Sum]\nsql: \"SELECT 2 AS two\"\nreturns: \"value\"\n",
    );
    for (words, exit) in [("query app.tsk", 2), ("query app.tsk Smu", 4), ("query app.tsk Nothing", 4)] {
        let ran = folder.run(words);
        assert_eq!(ran.exit, exit, "{words}: {ran:?}");
        assert!(ran.stderr.contains("All, Sum"), "{words}: {ran:?}");
    }
    folder.write("app.tsk", "[commands.Open]\nstream: \"'door-1'\"\n");
    let ran = folder.run("query app.tsk");
    assert!(ran.exit == 2 && ran.stderr.contains("[queries.NAME]"), "{ran:?}");
}
