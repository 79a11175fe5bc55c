//! `doctor` beside what was broken on purpose: it says so, and its remedy works as it is printed.

use std::collections::BTreeSet;

use serde_json::Value;
use trunkline_queue::{EmbeddedOptions, EmbeddedQueue};

use crate::folder::{Folder, files};

/// A saga over two commands, rows, a relay, and the consumer of what the saga sends.
const APP: &str = r#"
[commands.Place]
stream: "'order-' + command.id"
emit: [{ type: "Placed", data: "command" }]
[commands.Ship]
stream: "'ship-' + command.id"
emit: [{ type: "Shipped", data: "command" }]
[projections.orders]
schema: "CREATE TABLE orders (id TEXT PRIMARY KEY, total INTEGER NOT NULL)"
on { Placed: "INSERT INTO orders VALUES (:data.id, :data.total)" }
[relay.out]
events: ["Shipped"]
topic: "shipped"
[consumers.work]
topics: ["ship"]
dispatch: "command"
[sagas.order]
start: "Placed"
correlate: "event.data.id"
steps: [{ name: "ship", send: { topic: "ship", command: "Ship", data: "{'id': saga.id}" }, done: "Shipped", timeout: "1h", compensate: "none" }]
"#;

const PLACE: &str = "dispatch app.tsk Place --quiet --data '{\"id\":\"1\",\"total\":5}'";

fn app() -> Folder {
    let folder = Folder::new();
    folder.write("app.tsk", APP);
    folder
}

/// An application that has done something and is at rest.
fn at_rest() -> Folder {
    let folder = app();
    done(&folder, PLACE);
    done(&folder, "run app.tsk --quiet");
    folder
}

fn done(folder: &Folder, words: &str) {
    let ran = folder.run(words);
    assert_eq!(ran.exit, 0, "{words}: {ran:?}");
}

/// What is bad: each with its name, what is said, and the remedy.
fn bad(folder: &Folder, flags: &str) -> Vec<[String; 3]> {
    let ran = folder.run(&format!("doctor app.tsk --quiet --format json {flags}"));
    let found = ran.json().remove(0);
    let is_bad = |check: &&Value| check["state"] == "bad" && check["name"] != "disk";
    let text = |check: &Value, name: &str| check[name].as_str().unwrap_or_default().to_owned();
    let checks = found["checks"].as_array().unwrap();
    // How full the disk is of the machine that runs this, is none of the application's faults, and one of doctor's.
    assert_eq!(i32::from(checks.iter().any(|check| check["state"] == "bad")), ran.exit, "{ran:?}");
    let bad = checks.iter().filter(is_bad);
    bad.map(|check| [text(check, "name"), text(check, "says"), text(check, "remedy")]).collect()
}

/// The first command of a remedy, as it is printed.
fn command(remedy: &str) -> &str {
    command_of(remedy).unwrap_or_else(|| panic!("no command in {remedy:?}"))
}

fn command_of(remedy: &str) -> Option<&str> {
    Some(remedy.split_once("`trunkline ")?.1.split_once('`')?.0)
}

/// What is broken, what doctor calls it, what somebody does first who reads the remedy, and the verb that it names.
struct Case {
    breaks: fn(&Folder),
    name: &'static str,
    says: &'static str,
    first: fn(&Folder, &str),
    remedy: &'static str,
}

const NOTHING: fn(&Folder, &str) = |_, _| ();

const CASES: &[Case] = &[
    Case {
        breaks: |folder| done(folder, PLACE),
        name: "sagas",
        says: "1 event waits to have an effect on sagas; no process runs the application",
        first: NOTHING,
        remedy: "run",
    },
    Case {
        breaks: |folder| done(folder, PLACE),
        name: "read models",
        says: "1 event waits to be applied to orders; no process",
        first: NOTHING,
        remedy: "run",
    },
    Case {
        breaks: |folder| done(folder, "dispatch app.tsk Ship --quiet --data '{\"id\":\"9\"}'"),
        name: "relays",
        says: "1 event waits to be relayed by out; no process",
        first: NOTHING,
        remedy: "run",
    },
    Case {
        breaks: |folder| done(folder, "queue publish ship --type Ship --data '{\"id\":\"9\"}' --quiet"),
        name: "messages",
        says: "1 message waits of ship for work to be handled; no process",
        first: NOTHING,
        remedy: "run",
    },
    Case {
        breaks: |folder| {
            done(folder, "dispatch app.tsk Place --quiet --data '{\"id\":\"2\"}'");
            assert_eq!(folder.run("run app.tsk --quiet").exit, 1);
        },
        name: "read models",
        says: "orders stopped",
        first: |folder, _| folder.write("app.tsk", APP.replace("total INTEGER NOT NULL", "total INTEGER")),
        remedy: "run",
    },
    Case {
        breaks: |folder| {
            done(folder, PLACE);
            done(folder, "run app.tsk --quiet");
            folder.write("app.tsk", APP.replace(", :data.total)", ", :data.total * 2)"));
        },
        name: "read models",
        says: "orders shows rows that earlier statements made",
        first: NOTHING,
        remedy: "projection rebuild",
    },
    Case {
        breaks: |folder| {
            done(folder, PLACE);
            done(folder, "run app.tsk --quiet");
            std::fs::remove_dir_all(folder.path("data/events")).unwrap();
            std::fs::remove_dir_all(folder.path("data/events.checkpoints")).unwrap();
            done(folder, PLACE);
        },
        name: "read models",
        says: "orders can't go on: `orders` has rows of the events of another store",
        first: NOTHING,
        remedy: "projection rebuild",
    },
    Case {
        breaks: |folder| {
            done(folder, PLACE);
            done(folder, "run app.tsk --quiet");
            folder.write("data/read.orders.1.db", "nothing");
        },
        name: "read models",
        says: "orders can't go on",
        first: NOTHING,
        remedy: "projection rebuild",
    },
    Case {
        breaks: |folder| {
            done(folder, PLACE);
            done(folder, "run app.tsk --quiet");
            std::fs::remove_file(folder.path("data/read.orders.1.db")).unwrap();
        },
        name: "read models",
        says: "orders can't go on",
        first: NOTHING,
        remedy: "projection rebuild",
    },
    Case {
        breaks: |folder| {
            done(folder, PLACE);
            done(folder, "run app.tsk --quiet");
            folder.write("data/events.checkpoints/out.checkpoint.json", "nothing");
        },
        name: "relays",
        says: "out.checkpoint.json is damaged",
        first: |folder, remedy| {
            assert!(remedy.contains("what is older is published, and handled, once more"), "{remedy}");
            let file = remedy.split_once("remove the file ").unwrap().1.split_once("; ").unwrap().0;
            std::fs::remove_file(folder.path(file)).unwrap();
        },
        remedy: "run",
    },
    Case {
        breaks: |folder| {
            done(folder, PLACE);
            done(folder, "run app.tsk --quiet");
            folder.write("data/events.checkpoints/$sagas.checkpoint.json", "nothing");
        },
        name: "sagas",
        says: "sagas.checkpoint.json is damaged",
        first: |folder, remedy| {
            let file = remedy.split_once("remove the file ").unwrap().1.split_once("; ").unwrap().0;
            std::fs::remove_file(folder.path(file)).unwrap();
        },
        remedy: "run",
    },
    Case {
        breaks: |folder| {
            done(folder, "queue publish ship --type Ship --data '{\"id\":\"9\"}' --quiet");
            folder.write("app.tsk", APP.replace("[consumers.work]", "[consumers.labour]"));
        },
        name: "messages",
        says: "1 message and 0 dead letters of ship are the group work's, which no consumer of app.tsk is in",
        first: NOTHING,
        remedy: "queue purge",
    },
    Case {
        breaks: |folder| {
            folder.write("app.tsk", APP.replace("\"event.data.id\"", "\"event.data.order_id\""));
            done(folder, PLACE);
            folder.run("run app.tsk --quiet");
        },
        name: "sagas",
        says: "finds no saga of this name",
        first: |folder, _| {
            let correlate = "\"has(event.data.order_id) ? event.data.order_id : null\"";
            folder.write("app.tsk", APP.replace("\"event.data.id\"", correlate));
        },
        remedy: "saga verify",
    },
];

/// Goal: every line that is bad has a remedy that works when it is followed.
/// Method: something is broken, the command of the remedy is run as it is printed, and that line is gone.
#[test]
fn a_remedy_works_as_it_is_printed() {
    for Case { breaks, name, says, first, remedy } in CASES {
        let folder = app();
        done(&folder, "run app.tsk --quiet");
        breaks(&folder);
        let before = bad(&folder, "");
        let found = before.iter().find(|[found, said, _]| found == name && said.contains(says));
        let Some([_, _, printed]) = found else { panic!("{name}: {says}: {before:?}") };
        first(&folder, printed);
        let command = command(printed);
        assert!(command.starts_with(remedy), "{says}: {printed}");
        let ran = folder.run(command);
        assert_eq!(ran.exit, 0, "{command}: {ran:?}");
        let after = bad(&folder, "");
        assert!(
            !after.iter().any(|[found, said, _]| found == name && said.contains(says)),
            "{says}: {after:?}"
        );
    }
}

#[test]
fn nothing_is_bad_at_rest_and_before_anything_was_done() {
    let folder = app();
    assert_eq!(folder.run("doctor app.tsk").exit, 4, "there is no store yet");
    assert_eq!(bad(&at_rest(), ""), [[""; 3]; 0]);
}

/// A place that a flag names is named in the remedy too.
#[test]
fn a_remedy_names_the_places_that_flags_named() {
    let folder = app();
    done(&folder, &format!("{PLACE} --store log:shop"));
    let flags = "--store log:shop --queue embedded:post";
    let found = bad(&folder, flags);
    let [_, _, remedy] = found.iter().find(|[name, _, _]| name == "sagas").unwrap();
    assert_eq!(command(remedy), format!("run app.tsk {flags}"));
    done(&folder, command(remedy));
    assert_eq!(bad(&folder, flags), [[""; 3]; 0]);
}

/// Goal: whoever holds the queue runs the application: it is said who that is, and what waits is its to do.
#[tokio::test]
async fn a_process_that_runs_it_is_named() {
    let folder = at_rest();
    done(&folder, "dispatch app.tsk Place --quiet --data '{\"id\":\"2\",\"total\":5}'");
    let options = EmbeddedOptions { owner: "the shop (process 7)".to_owned(), ..EmbeddedOptions::default() };
    let held = EmbeddedQueue::open(&folder.path("data/queue"), options).unwrap();
    let found = folder.run("doctor app.tsk --quiet --format json");
    assert_eq!(found.json()[0]["checks"][0]["says"], "it is run by the shop (process 7)");
    assert_eq!(bad(&folder, ""), [[""; 3]; 0], "what came a moment ago is its to do");
    held.close().await;
    drop(held);
    let found = folder.run("doctor app.tsk --quiet --format json");
    assert_eq!((found.exit, &found.json()[0]["checks"][0]["says"]), (1, &"none runs it now".into()));
}

/// All files of a folder with their bytes.
fn everything(folder: &Folder) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    files(&folder.path("")).into_iter().map(|file| (file.clone(), std::fs::read(&file).unwrap())).collect()
}

/// Goal: a look changes nothing, whatever is there: before anything was done, at rest, and with work that waits.
/// Method: every byte of the folder is compared; where the system keeps rights from this user, they are taken away, too.
#[test]
fn a_look_changes_nothing_and_needs_no_right_to_write() {
    let fresh = app();
    done(&fresh, PLACE);
    let waiting = at_rest();
    done(&waiting, "dispatch app.tsk Place --quiet --data '{\"id\":\"2\",\"total\":5}'");
    let renamed = at_rest();
    renamed.write("app.tsk", APP.replace("[projections.orders]", "[projections.bought]"));
    for folder in [fresh, at_rest(), waiting, renamed] {
        let before = everything(&folder);
        for path in directories(&folder.path("")) {
            read_only(&path, true);
        }
        let first = folder.run("doctor app.tsk --format json");
        let second = folder.run("doctor app.tsk --format json");
        for path in directories(&folder.path("")) {
            read_only(&path, false);
        }
        assert!(first.exit <= 1 && !first.stdout.contains("can't be looked at"), "{first:?}");
        assert_eq!(first.json()[0]["well"], second.json()[0]["well"]);
        let after = everything(&folder);
        let names = |all: &[(std::path::PathBuf, Vec<u8>)]| {
            all.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names(&before), names(&after));
        for ((name, before), (_, after)) in before.iter().zip(&after) {
            assert!(before == after, "{} changed", name.display());
        }
    }
}

/// A folder and all in it.
fn directories(root: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut all = vec![root.to_owned()];
    for entry in std::fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(directories(&path));
        }
    }
    all
}

fn read_only(path: &std::path::Path, is: bool) {
    let mut rights = std::fs::metadata(path).unwrap().permissions();
    #[cfg(unix)]
    std::os::unix::fs::PermissionsExt::set_mode(&mut rights, if is { 0o555 } else { 0o755 });
    #[cfg(not(unix))]
    rights.set_readonly(is && path.is_file());
    std::fs::set_permissions(path, rights).unwrap();
}

/// Goal: an older log under what is newer is found in each part, and what the remedies say brings all of it together again.
#[test]
fn an_older_log_under_newer_parts_is_found_in_each_and_mended() {
    let folder = at_rest();
    let copy = |from: &str, to: &str| {
        std::fs::create_dir_all(folder.path(to)).unwrap();
        for file in files(&folder.path(from)) {
            let name = file.file_name().unwrap();
            std::fs::copy(&file, folder.path(to).join(name)).unwrap();
        }
    };
    copy("data/events", "older");
    done(&folder, "dispatch app.tsk Place --quiet --data '{\"id\":\"2\",\"total\":5}'");
    done(&folder, "run app.tsk --quiet");
    std::fs::remove_dir_all(folder.path("data/events")).unwrap();
    copy("older", "data/events");
    let found = bad(&folder, "");
    let names: Vec<&str> = found.iter().map(|[name, _, _]| name.as_str()).collect();
    assert_eq!(names, ["read models", "relays", "sagas"], "{found:?}");
    let mut followed = BTreeSet::new();
    for [name, _, remedy] in &found {
        // Relays and sagas have the same one.
        if followed.insert(command(remedy)) {
            done(&folder, command(remedy));
        }
        let verb = if name == "read models" { "projection rebuild app.tsk" } else { "reconcile app.tsk" };
        assert!(command(remedy).starts_with(verb), "{remedy}");
    }
    done(&folder, "run app.tsk --quiet");
    assert_eq!(bad(&folder, ""), [[""; 3]; 0]);
}

/// Goal: of a damaged store, doctor names the damage, and each remedy names the store, wherever the damage was met.
#[test]
fn damage_of_a_store_that_a_flag_named_is_named_with_commands_on_that_store() {
    let folder = app();
    done(&folder, &format!("{PLACE} --store log:shop"));
    let at = "--store log:shop --queue embedded:post";
    done(&folder, &format!("run app.tsk --quiet {at}"));
    let segment = folder.path("shop/00000000000000000001.seg");
    let mut bytes = std::fs::read(&segment).unwrap();
    let event = bytes.windows(6).position(|bytes| bytes == b"Placed").unwrap();
    bytes[event] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let found = bad(&folder, at);
    let events = found.iter().find(|[name, _, _]| name == "events");
    let Some([_, says, remedy]) = events else { panic!("{found:?}") };
    assert!(says.contains("00000000000000000001.seg"), "{says}");
    assert!(remedy.contains("restore the store from a backup"), "{remedy}");
    assert!(found.len() > 1, "others meet it, too: {found:?}");
    for [_, says, remedy] in &found {
        let named = remedy.replace("`trunkline verify --store log:shop`", "");
        assert!(!named.contains("trunkline verify") && !named.contains("FILE"), "{says}: {remedy}");
    }
    assert!(
        found.iter().any(|[_, _, remedy]| command_of(remedy) == Some("verify --store log:shop")),
        "{found:?}"
    );
}

/// Goal: what is waiting for a group that nobody takes has one remedy, whoever says it, and all of its commands work.
#[test]
fn what_a_group_has_left_has_the_same_remedy_from_doctor_and_from_a_run() {
    let folder = app();
    let at = "--queue embedded:post";
    done(&folder, &format!("queue publish ship --type Ship --data '{{\"id\":\"9\"}}' --quiet {at}"));
    done(&folder, &format!("{PLACE} --store log:data/events"));
    done(&folder, &format!("run app.tsk --quiet {at}"));
    done(&folder, &format!("queue publish ship --type Ship --data '{{\"id\":\"8\"}}' --quiet {at}"));
    folder.write("app.tsk", APP.replace("[consumers.work]", "[consumers.labour]"));
    folder.write("none.jsonl", "");
    let ran = folder.run(&format!("run app.tsk --commands none.jsonl --format json -q {at}"));
    let report = ran.json().pop().unwrap();
    let remedy = report["left_over"][0]["remedy"].as_str().unwrap();
    let found = bad(&folder, at);
    let [_, _, printed] = found.iter().find(|[name, _, _]| name == "messages").unwrap();
    assert_eq!(remedy, printed);
    let commands: Vec<&str> = printed.split('`').filter_map(|part| part.strip_prefix("trunkline ")).collect();
    let [purge, adopt] = *commands else { panic!("{printed}") };
    done(&folder, &adopt.replace("GROUP", "labour"));
    done(&folder, &format!("run app.tsk --quiet {at}"));
    assert_eq!(bad(&folder, at), [[""; 3]; 0]);
    assert_eq!(purge, "queue purge ship --group work --yes --queue embedded:post");
}

/// Goal: an older log under what is newer is never met with the advice to remove what is newer.
#[test]
fn whoever_runs_an_older_log_is_told_of_reconcile() {
    let folder = at_rest();
    done(&folder, "backup --to backup --quiet");
    done(&folder, "dispatch app.tsk Place --quiet --data '{\"id\":\"2\",\"total\":5}'");
    done(&folder, "run app.tsk --quiet");
    std::fs::remove_dir_all(folder.path("data/events")).unwrap();
    done(&folder, "restore --from backup --quiet");
    std::fs::remove_file(folder.path("data/events/restored")).unwrap();
    let ran = folder.run("run app.tsk");
    assert!(ran.exit == 1 && ran.stderr.contains("`trunkline reconcile app.tsk`"), "{ran:?}");
    assert!(!ran.stderr.contains(".checkpoint"), "{ran:?}");
    let found = bad(&folder, "");
    let [_, _, remedy] = found.iter().find(|[name, _, _]| name == "relays").unwrap();
    assert!(remedy.contains("before anything is appended"), "{remedy}");
    done(&folder, command(remedy));
    done(&folder, "run app.tsk --quiet");
    assert_eq!(bad(&folder, ""), [[""; 3]; 0]);
}
