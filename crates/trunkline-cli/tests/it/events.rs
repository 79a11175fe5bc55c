//! `events`: shapes are locked, and stored ones counted.

use std::io::Write as _;
use std::path::Path;

use crate::folder::{Folder, Ran, bytes, cloud_events, unindented};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/versions");

/// A folder with the files of the example, and the store that the first version wrote.
pub(crate) fn example() -> Folder {
    let folder = Folder::new();
    for file in ["orders-1.tsk", "orders-2.tsk", "orders-3.tsk"] {
        folder.write(file, std::fs::read(Path::new(EXAMPLE).join(file)).unwrap());
    }
    let ran = folder.run(&format!("restore --from '{EXAMPLE}/store' --quiet"));
    assert_eq!(ran.exit, 0, "{ran:?}");
    folder
}

const BEFORE: &str = "
        events  stored          today           shape
             2  OrderCreated 1  OrderCreated 1  city: string, id: string, name: string, sum: integer
             1  OrderViewed 1   OrderViewed 1   id: string
             1  OrderCreated 1  OrderCreated 1  id: string, name: string, sum: integer
             1  OrderDeleted 1  OrderDeleted 1  id: string
        5 events, 4 shapes
        ";

const AFTER: &str = "
        events  stored          today                           shape
             2  OrderCreated 1  OrderPlaced 1, CustomerNamed 1  city: string, id: string, name: string, sum: integer
             1  OrderViewed 1   nothing                         id: string
             1  OrderCreated 1  OrderPlaced 1, CustomerNamed 1  id: string, name: string, sum: integer
             1  OrderDeleted 1  OrderCancelled 1                id: string
        5 events, 4 shapes
        ";

#[test]
fn the_examples_page_shows_what_its_commands_print() {
    let page = std::fs::read_to_string(Path::new(EXAMPLE).join("README.md")).unwrap();
    for shown in [BEFORE, AFTER] {
        assert!(page.contains(&format!("```text\n{}```", unindented(shown))), "{shown}");
    }
}

#[cfg(unix)]
#[test]
fn a_lock_that_can_not_be_written_stays_as_it_was() {
    let folder = example();
    assert_eq!(folder.run("events lock orders-1.tsk -q").exit, 0);
    let before = folder.text("orders-1.lock.json");
    folder.write("orders-1.tsk", format!("{}\n[events.Other]\n", folder.text("orders-1.tsk")));
    let entries = || std::fs::read_dir(folder.path("")).unwrap().count();
    let count = entries();
    // No file may get any bytes, as on a full disk.
    let lock = folder.command("events lock orders-1.tsk");
    let mut full = std::process::Command::new("sh");
    full.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\""]).arg(lock.get_program());
    full.args(lock.get_args()).current_dir(folder.path(""));
    let ran = Ran::of(full);
    assert!(ran.exit == 1 && ran.stderr.contains("writing orders-1.lock.json"), "{ran:?}");
    assert_eq!((folder.text("orders-1.lock.json"), entries()), (before.clone(), count), "nothing is left");
    assert_eq!(folder.run("events lock orders-1.tsk -q").exit, 0);
    assert_ne!(folder.text("orders-1.lock.json"), before);
}

#[test]
fn before_the_first_event_there_is_nothing_to_count() {
    let folder = Folder::new();
    folder.write("app.tsk", "");
    folder.check(
        "events census app.tsk",
        "
        0 events, 0 shapes
        ! there is no event store yet: log:./data/events (default)
        ",
    );
    assert!(!folder.path("data").exists(), "and none is made");
    assert_eq!(folder.run("events census app.tsk --store log:typo").exit, 4, "what is named has to be there");
}

#[cfg(unix)]
#[test]
fn an_interrupted_census_ends_and_changes_nothing() {
    let folder = Folder::new();
    folder.write("events.jsonl", cloud_events(30_000, 7));
    assert_eq!(folder.run("import events.jsonl --store log:a -q").exit, 0);
    let before = bytes(&folder.path("a"));
    let made = std::process::Command::new("mkfifo").arg(folder.path("app.tsk")).status().unwrap();
    assert!(made.success());
    let running = folder.start("events census app.tsk --store log:a");
    // Who can write into the pipe knows that it is being read.
    let mut file = std::fs::OpenOptions::new().write(true).open(folder.path("app.tsk")).unwrap();
    running.interrupt();
    file.write_all(b"[events.Noted]\nschema: { type: \"object\" }\n").unwrap();
    drop(file);
    assert_eq!(
        running.end().outcome(),
        "! error: interrupted\n\
         ! hint: nothing was changed; run the same again to count from the beginning\n\
         exit code 130\n"
    );
    assert!(bytes(&folder.path("a")) == before);
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
    let store = folder.path("data/events");
    let before = bytes(&store);
    folder.check("events census orders-1.tsk", BEFORE);
    folder.check("events census orders-3.tsk", AFTER);
    assert!(bytes(&store) == before, "a census changes nothing");
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
        events  stored          today           shape
             2  OrderCreated 1  OrderCreated 2  city: string, id: string, name: string, sum: integer
             1  OrderViewed 1   nothing         id: string
             1  OrderCreated 1  OrderCreated 2  id: string, name: string, sum: integer
             1  OrderDeleted 1  OrderDeleted 1  id: string
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
