//! `events`: shapes are locked, and stored ones counted.

use std::path::Path;

use crate::folder::Folder;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/versions");

/// A folder with the files of the example, and a store that the first version wrote.
pub(crate) fn example() -> Folder {
    let folder = Folder::new();
    for file in ["orders-1.tsk", "orders-2.tsk", "orders-3.tsk", "events.jsonl"] {
        folder.write(file, std::fs::read(Path::new(EXAMPLE).join(file)).unwrap());
    }
    assert_eq!(folder.run("import events.jsonl --quiet").exit, 0);
    folder
}

#[test]
fn a_lock_is_written_and_then_kept_to() {
    let folder = example();
    folder.check("events lock orders-1.tsk", "orders-1.lock.json: 3 event types, 3 shapes");
    folder.check("check orders-1.tsk", "! orders-1.tsk: no mistakes");
    let first = folder.text("orders-1.lock.json");
    folder.write("orders-2.lock.json", &first);
    folder.check("check orders-2.tsk", "! orders-2.tsk: no mistakes");
    folder.check(
        "events lock orders-2.tsk --format json",
        r#"{"file":"orders-2.lock.json","types":3,"shapes":4}"#,
    );
    folder.write("orders-2.tsk", folder.text("orders-2.tsk").replace("version: 2", "version: 1"));
    let ran = folder.run("check orders-2.tsk");
    assert_eq!(ran.exit, 1, "{ran:?}");
    assert!(ran.stdout.contains("TL2310") && ran.stdout.contains("version 2"), "{ran:?}");
    let before = folder.text("orders-2.lock.json");
    assert_eq!(folder.run("events lock orders-2.tsk").exit, 1, "a changed shape can't be locked over");
    assert_eq!(folder.text("orders-2.lock.json"), before);
}

#[test]
fn the_third_version_reads_what_the_first_stored() {
    let folder = example();
    folder.check(
        "events census orders-3.tsk",
        "
                 2  OrderCreated 1 -> OrderPlaced 1, CustomerNamed 1  (city: string, id: string, name: string, sum: integer)
                 1  OrderViewed 1 -> nothing  (id: string)
                 1  OrderCreated 1 -> OrderPlaced 1, CustomerNamed 1  (id: string, name: string, sum: integer)
                 1  OrderDeleted 1 -> OrderCancelled 1  (id: string)
        5 events, 4 shapes
        ",
    );
    let ran = folder.run("dispatch orders-3.tsk CancelOrder --data {\"id\":\"2\",\"reason\":\"late\"}");
    assert!(ran.exit == 1 && ran.stdout.contains("order of max is cancelled: unknown"), "{ran:?}");
    let ran = folder.run("dispatch orders-3.tsk CancelOrder --data {\"id\":\"1\",\"reason\":\"late\"}");
    assert_eq!(ran.exit, 0, "{ran:?}");
    let ran = folder.run("events census orders-3.tsk --format json");
    let census = &ran.json()[0];
    assert_eq!((&census["events"], &census["undecodable"]), (&6.into(), &0.into()), "{ran:?}");
    let ran = folder.run("state orders-3.tsk order-1 --format json");
    let state = &ran.json()[0]["state"];
    assert_eq!(
        state.to_string(),
        r#"{"cents":1200,"currency":"EUR","customer":"ada","reason":"late","status":"cancelled"}"#
    );
}

#[test]
fn an_event_that_leads_nowhere_is_listed_and_fails() {
    let folder = example();
    folder.check(
        "events census orders-2.tsk",
        "
                 2  OrderCreated 1 -> OrderCreated 2  (city: string, id: string, name: string, sum: integer)
                 1  OrderViewed 1 -> nothing  (id: string)
                 1  OrderCreated 1 -> OrderCreated 2  (id: string, name: string, sum: integer)
                 1  OrderDeleted 1 -> OrderDeleted 1  (id: string)
        5 events, 4 shapes
        ",
    );
    let broken = folder.text("orders-2.tsk").replace("rename: { sum:", "rename: { som:");
    folder.write("broken.tsk", broken);
    let ran = folder.run("events census broken.tsk");
    assert_eq!(ran.exit, 1, "{ran:?}");
    assert!(
        ran.stdout.contains("2 events can't be read, first at position 1 (order-1 version 1):")
            && ran
                .stdout
                .contains("today it would be OrderCreated 2, and is not: \"total\" is a required property"),
        "{ran:?}"
    );
    assert!(ran.stderr.contains("3 stored events can't be read"), "{ran:?}");
}
