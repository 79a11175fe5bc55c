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
    folder.check("query app.tsk Sum --stale", "42");
    folder.check("query app.tsk Sum", "50");
}

#[test]
fn projections_are_looked_at_and_built_again() {
    let folder = shop();
    folder.check("projection list app.tsk --format json", r#"[{"name":"orders","events":["OrderCreated"]}]"#);
    let status = |wanted: [u64; 2]| {
        let ran = folder.run("projection status app.tsk orders --format json");
        let found = &ran.json()[0][0];
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
