//! An older file over the events of a newer one: what it reads and doesn't declare is in version 1.

use crate::folder::Folder;

const FILE: &str = r#"
[commands.Place]
stream: "'order-' + command.id"
emit: [{ type: "Placed", data: "command" }]
[commands.Ship]
stream: "'ship-' + command.id"
emit: [{ type: "Shipped", data: "command" }]
[commands.Pay]
stream: "'order-' + command.id"
aggregate: "order"
emit: [{ type: "Paid", data: "command" }]
[aggregates.order]
on { Placed: "{'total': event.data.total}" }
[projections.orders]
schema: "CREATE TABLE orders (id TEXT PRIMARY KEY, total INTEGER)"
on { Placed: "INSERT INTO orders VALUES (:data.id, :data.total)" }
[queries.sum]
sql: "SELECT SUM(total) AS sum FROM orders"
returns: "value"
"#;

const SAGA: &str = r#"
[sagas.order]
start: "Placed"
correlate: "event.data.id"
steps: [{ name: "ship", send: { topic: "ship", command: "Ship", data: "{'id': saga.id}" }, done: "Shipped", timeout: "1h", compensate: "none" }]
[consumers.work]
topics: ["ship"]
dispatch: "command"
"#;

const CONSUMER: &str = r#"
[consumers.watch]
topics: ["events"]
webhook: "http://127.0.0.1:9/"
"#;

const VERSION_2: &str = r#"
[events.Placed]
version: 2
upcast: [{ from: 1, steps: [{ compute: { cents: "event.data.total * 100" } }, { remove: ["total"] }] }]
"#;

/// A store with an event that the older file stored, and one that the newer file did.
fn both(more: &str) -> Folder {
    let folder = Folder::new();
    folder.write("old.tsk", format!("{FILE}{more}"));
    let data = "data: \"{'id': command.id, 'cents': command.total * 100}\" }]";
    let new = FILE.replacen("data: \"command\" }]", data, 1).replace("data.total", "data.cents");
    folder.write("new.tsk", format!("{new}{VERSION_2}"));
    for (file, id) in [("old.tsk", "1"), ("new.tsk", "2")] {
        let ran = folder.run(&format!("dispatch {file} Place -q --data '{{\"id\":\"{id}\",\"total\":5}}'"));
        assert_eq!(ran.exit, 0, "{ran:?}");
    }
    folder
}

/// Goal: a file that doesn't declare an event's version stops at a newer one, in all that reads it, and says which event of
/// which version that is, what file doesn't know it, and what to do.
#[test]
fn an_older_file_that_declares_nothing_stops_at_what_a_newer_one_stored() {
    for (more, command) in [
        ("", "query old.tsk sum"),
        ("", "dispatch old.tsk Pay --data '{\"id\":\"2\"}'"),
        ("", "state old.tsk order-2"),
        ("", "projection rebuild old.tsk orders"),
        (SAGA, "run old.tsk"),
        (CONSUMER, "run old.tsk"),
    ] {
        let folder = both(more);
        let ran = folder.run(command);
        assert_ne!(ran.exit, 0, "{command}: {ran:?}");
        let said = ran.stdout + &ran.stderr;
        assert!(
            said.contains("its shape is Placed 2, newer than the present 1 of old.tsk"),
            "{command}: {said}"
        );
        assert!(said.contains("[events.Placed]"), "{command}: {said}");
        // The file that stored it reads both.
        folder.check("query new.tsk sum --format json -q", "1000\n");
    }
    let folder = both("");
    assert_eq!(
        folder.run("dispatch old.tsk Pay -q --data '{\"id\":\"1\"}'").exit,
        0,
        "another stream has no newer one"
    );
    let census = folder.run("events census old.tsk");
    assert_eq!(census.exit, 1, "{census:?}");
}

/// Goal: what a file doesn't read stops nothing of it.
#[test]
fn an_event_that_the_file_does_not_name_is_in_nobodys_way() {
    let folder = both("");
    let noted = folder.run("append order-1 --type Noted --data '{}' --schema-version 7 -q");
    assert_eq!(noted.exit, 0, "{noted:?}");
    let ran = folder.run("dispatch old.tsk Pay -q --data '{\"id\":\"1\"}'");
    assert_eq!(ran.exit, 0, "{ran:?}");
}
