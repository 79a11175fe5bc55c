//! A store that is restored to an older history, under a queue, checkpoints and read models that know a later one.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use trunkline::{App, CommandRequest, FromFile as _, LogStore, LogStoreOptions, config};
use trunkline::{messages::FileCheckpoints, queue};

use crate::folder::{Folder, files};

const APPLICATION: &str = r#"
[commands.Place]
stream: "'order-' + command.id"
expect: "no_stream"
emit: [{ type: "Placed", data: "command" }]
[commands.Pack]
stream: "'parcel-' + command.id"
emit: [{ type: "Packed", data: "command" }]
[sagas.pack]
start: "Placed"
correlate: "event.data.id"
steps: [{ name: "pack", send: { topic: "work", command: "Pack", data: "{'id': saga.id}" }, done: "Packed", timeout: "1h", compensate: "none" }]
[consumers.work]
topics: ["work"]
dispatch: "command"
[relay.out]
events: ["Placed"]
topic: "shipping"
[consumers.ship]
topics: ["shipping"]
webhook: "http://127.0.0.1:PORT/"
[projections.orders]
schema: "CREATE TABLE orders (id VARCHAR(64) PRIMARY KEY, packed BIGINT NOT NULL)"
on {
  Placed: "INSERT INTO orders VALUES (:data.id, 0)"
  Packed: "UPDATE orders SET packed = packed + 1 WHERE id = :data.id"
}
[queries.Orders]
sql: "SELECT COUNT(*) AS orders, SUM(packed) AS packed, MAX(packed) AS most FROM orders"
returns: "one"
"#;

/// A service that notes what is posted to it: of which stream, and under which key.
struct Service {
    port: u16,
    posted: Arc<Mutex<Vec<(String, String)>>>,
}

impl Service {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, posted) = (listener.local_addr().unwrap().port(), Arc::default());
        let noted: Arc<Mutex<Vec<_>>> = Arc::clone(&posted);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let noted = Arc::clone(&noted);
                std::thread::spawn(move || while answer(stream.as_ref().unwrap(), &noted).is_some() {});
            }
        });
        Self { port, posted }
    }

    /// How often each order was posted.
    fn orders(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for (stream, _) in &*self.posted.lock().unwrap() {
            *counts.entry(stream.clone()).or_default() += 1;
        }
        counts
    }

    fn keys(&self) -> Vec<String> {
        self.posted.lock().unwrap().iter().map(|(_, key)| key.clone()).collect()
    }
}

/// Answers one request of a connection; nothing at its end.
fn answer(stream: &TcpStream, noted: &Mutex<Vec<(String, String)>>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let (mut length, mut key) = (0, String::new());
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().unwrap();
            }
            Some((name, value)) if name.eq_ignore_ascii_case("idempotency-key") => value.clone_into(&mut key),
            None if line.trim().is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let event: Value = serde_json::from_slice(&body).unwrap();
    noted.lock().unwrap().push((event["subject"].as_str().unwrap().to_owned(), key));
    (&mut &*stream).write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").ok()
}

/// A folder with the application and its service.
fn shop() -> (Folder, Service) {
    let (folder, service) = (Folder::new(), Service::start());
    folder.write("app.tsk", APPLICATION.replace("PORT", &service.port.to_string()));
    (folder, service)
}

/// Places these orders, each by a command of its own id.
fn place(folder: &Folder, orders: std::ops::Range<u32>) {
    let line = |n| format!("{{\"command\":\"Place\",\"id\":\"c{n}\",\"data\":{{\"id\":\"{n}\"}}}}\n");
    folder.write("commands.jsonl", orders.map(line).collect::<String>());
    let ran = folder.run("run app.tsk --commands commands.jsonl --format json -q");
    assert_eq!(ran.exit, 0, "{ran:?}");
}

/// Restores the backup in the place of the store, under all that stands beside it.
fn restore_beneath(folder: &Folder) {
    std::fs::remove_dir_all(folder.path("data/events")).unwrap();
    let ran = folder.run("restore --from backup -q");
    assert_eq!(ran.exit, 0, "{ran:?}");
}

#[track_caller]
fn assert_well(folder: &Folder, orders: u64) {
    let ran = folder.run("doctor app.tsk -q");
    assert_eq!(ran.exit, 0, "{ran:?}");
    let row = folder.run("query app.tsk Orders --format json -q").json().remove(0);
    assert_eq!((&row["orders"], &row["packed"]), (&orders.into(), &orders.into()), "{row}");
    assert_eq!(row["most"], 1, "{row}");
    let ran = folder.run("saga verify app.tsk -q");
    assert_eq!(ran.exit, 0, "{ran:?}");
}

#[test]
fn after_an_older_store_is_restored_every_new_event_has_its_effects_once() {
    let (folder, service) = shop();
    place(&folder, 1..6);
    assert_eq!(folder.run("backup --to backup -q").exit, 0);
    place(&folder, 6..11);
    restore_beneath(&folder);
    let ran = folder.run("run app.tsk --commands commands.jsonl");
    assert!(ran.exit == 1 && ran.stderr.contains("`trunkline reconcile app.tsk`"), "{ran:?}");
    let ran = folder.run("doctor app.tsk");
    assert!(ran.exit == 1 && ran.stdout.contains("`trunkline reconcile app.tsk`"), "{ran:?}");
    let ran = folder.run("migrate app.tsk --from log:data/events --to log:new");
    assert!(
        ran.exit == 1 && ran.stderr.contains("`trunkline reconcile app.tsk`"),
        "its mark would be lost: {ran:?}"
    );
    assert!(!folder.path("new").exists());
    // The store itself can be used meanwhile.
    assert_eq!(folder.run("dispatch app.tsk Place --id early --data '{\"id\":\"early\"}' -q").exit, 0);
    let done = folder.run("reconcile app.tsk --format json -q").json().remove(0);
    assert_eq!(done["relays"][0]["after"], done["position"], "{done}");
    assert_eq!((&done["whole"], &done["rebuilt"][0]), (&false.into(), &"orders".into()), "{done}");
    let ran = folder.run("reconcile app.tsk");
    assert!(ran.exit == 1 && ran.stderr.contains("nothing to reconcile"), "{ran:?}");
    assert_eq!(folder.run("migrate app.tsk --from log:data/events --to log:new -q").exit, 0);

    // The same commands again, and others: what they had caused is gone.
    place(&folder, 6..14);
    assert_well(&folder, 14);
    let wanted = |n: u32| (format!("order-{n}"), if (6..11).contains(&n) { 2 } else { 1 });
    let mut wanted: BTreeMap<_, _> = (1..14).map(wanted).collect();
    wanted.insert("order-early".to_owned(), 1);
    assert_eq!(
        service.orders(),
        wanted,
        "each order that was placed was posted once each time that it was placed"
    );
    let keys = service.keys();
    let distinct: BTreeSet<_> = keys.iter().collect();
    assert_eq!(distinct.len(), keys.len(), "no two orders have one key");
}

#[test]
fn restored_elsewhere_nothing_is_posted_again_unless_it_is_asked_for() {
    let (folder, service) = shop();
    place(&folder, 1..6);
    assert_eq!(folder.run("backup --to backup -q").exit, 0);
    let before = service.keys();
    for (place, repost, posts) in [("a", "", 0), ("b", "--repost out", 5)] {
        let at = format!("--store log:{place}/events --queue embedded:{place}/queue -q");
        assert_eq!(folder.run(&format!("restore --from backup --store log:{place}/events -q")).exit, 0);
        assert_eq!(folder.run(&format!("run app.tsk --commands - {at}")).exit, 1);
        let ran = folder.run(&format!("reconcile app.tsk {repost} {at}"));
        assert_eq!(ran.exit, 0, "{ran:?}");
        let ran = folder.run(&format!("run app.tsk --commands - {at}"));
        assert_eq!(ran.exit, 0, "{ran:?}");
        let keys = service.keys();
        assert_eq!(keys.len(), before.len() + posts, "{place}");
        assert!(
            keys.iter().all(|key| before.contains(key)),
            "posted again, a message has the key that it had"
        );
    }
    let ran = folder.run("restore --from backup --store log:c/events -q");
    assert_eq!(ran.exit, 0, "{ran:?}");
    let ran = folder.run("reconcile app.tsk --repost oud --store log:c/events --queue embedded:c/queue");
    assert!(ran.exit == 4 && ran.stderr.contains("there are out"), "{ran:?}");
}

/// The application in this process, over the folder's store, with the folder's queue.
async fn open(folder: &Folder) -> (App, LogStore, queue::EmbeddedQueue) {
    let text = folder.text("app.tsk");
    let files = config::MemoryFiles::new().with("app.tsk", text);
    let world = config::World {
        loader: &files,
        environment: &config::MemoryEnvironment::new(),
        clock: &config::FixedClock(0),
    };
    let store = LogStore::open(&folder.path("data/events"), LogStoreOptions::default()).unwrap();
    let waiting =
        queue::EmbeddedQueue::open(&folder.path("data/queue"), queue::EmbeddedOptions::default()).unwrap();
    let builder = App::builder()
        .store(store.clone())
        .queue(waiting.clone())
        .checkpoints(FileCheckpoints::new(folder.path("data/events.checkpoints")));
    let app = builder.load("app.tsk", world).unwrap().build().await.unwrap();
    (app, store, waiting)
}

/// Places an order and lets sagas and relays do what follows, but no consumer.
async fn place_only(folder: &Folder, order: &str) {
    let (app, store, waiting) = open(folder).await;
    let data = format!("{{\"id\":\"{order}\"}}");
    app.send(CommandRequest::new("Place", data).id(order.parse().unwrap())).await.unwrap();
    app.sagas().catch_up(&waiting).await.unwrap();
    app.close().await;
    waiting.close().await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_saga_waits_for_is_sent_again_and_what_is_lost_is_passed_over() {
    let (folder, service) = shop();
    place(&folder, 1..2);
    // The backup has what the saga of order 7 sent, and not what came of it.
    place_only(&folder, "7").await;
    assert_eq!(folder.run("backup --to backup -q").exit, 0);
    place(&folder, 2..3);
    assert_well(&folder, 3);
    // Of order 8 the queue has the messages when its events are gone.
    place_only(&folder, "8").await;
    restore_beneath(&folder);
    assert_eq!(folder.run("reconcile app.tsk -q").exit, 0);
    place(&folder, 3..4);
    assert_well(&folder, 3);
    assert_eq!(folder.run("read parcel-8 --format json -q").exit, 4, "order 8 was never placed");
    let packed = folder.run("read parcel-7 --format json -q");
    assert_eq!(packed.json().len(), 1, "{packed:?}");
    let all = ["order-1", "order-2", "order-3", "order-7"].map(|order| (order.to_owned(), 1));
    assert_eq!(service.orders(), BTreeMap::from(all));
}

#[test]
fn a_reconcile_that_is_cut_off_anywhere_is_done_again_to_the_same_effect() {
    let (folder, service) = shop();
    place(&folder, 1..4);
    assert_eq!(folder.run("backup --to backup -q").exit, 0);
    place(&folder, 4..6);
    restore_beneath(&folder);
    let mark = folder.path("data/events/restored");
    let bytes = std::fs::read(&mark).unwrap();
    let done = folder.run("reconcile app.tsk --format json -q").json();
    // As if the process had ended before the last step, which is to remove the mark.
    std::fs::write(&mark, bytes).unwrap();
    assert_eq!(folder.run("run app.tsk --commands - -q").exit, 1);
    let again = folder.run("reconcile app.tsk --format json -q").json();
    assert_eq!(again[0]["relays"][0]["after"], done[0]["relays"][0]["after"]);
    let said = folder.run("read $store-history --format json -q").json();
    assert_eq!(said.len(), 1, "it is said once in the log: {said:?}");
    place(&folder, 4..6);
    assert_well(&folder, 5);
    assert_eq!(service.orders().values().sum::<usize>(), 7);
}

#[test]
fn a_relay_that_was_renamed_since_goes_on_after_the_backup_like_any_other() {
    let (folder, service) = shop();
    let text = folder.text("app.tsk");
    folder.write("app.tsk", format!("{text}[relay.gone]\nevents: [\"Placed\"]\ntopic: \"nowhere\"\n"));
    place(&folder, 1..4);
    assert_eq!(folder.run("backup --to backup -q").exit, 0);
    place(&folder, 4..6);
    folder.write("app.tsk", text.replace("[relay.out]", "[relay.sends]\nwas: \"out\""));
    place(&folder, 6..8);
    restore_beneath(&folder);
    let done = folder.run("reconcile app.tsk --format json -q").json().remove(0);
    assert_eq!(done["relays"][0]["after"], done["position"], "{done}");
    assert_eq!(done["left"], serde_json::json!(["gone"]), "its names of before are the relay's own: {done}");
    let ran = folder.run("reconcile app.tsk");
    assert!(
        ran.exit == 1 && ran.stderr.contains("nothing to reconcile"),
        "what was left is no reason: {ran:?}"
    );
    place(&folder, 4..10);
    assert_well(&folder, 9);
    let wanted = |n: u32| (format!("order-{n}"), if (4..8).contains(&n) { 2 } else { 1 });
    assert_eq!(service.orders(), (1..10).map(wanted).collect());
    let (keys, distinct) = (service.keys(), service.keys().into_iter().collect::<BTreeSet<_>>());
    assert_eq!(distinct.len(), keys.len(), "no two orders have one key");
}

#[test]
fn a_relay_that_is_renamed_with_the_restore_goes_on_where_its_older_name_was() {
    for (again, posts) in [("", 1), ("--repost sends", 4)] {
        let (folder, service) = shop();
        place(&folder, 1..4);
        // Nothing relays this one before the backup.
        assert_eq!(folder.run("dispatch app.tsk Place --id c4 --data '{\"id\":\"4\"}' -q").exit, 0);
        assert_eq!(folder.run("backup --to backup -q").exit, 0);
        restore_beneath(&folder);
        let before = service.keys();
        let text = folder.text("app.tsk");
        folder.write("app.tsk", text.replace("[relay.out]", "[relay.sends]\nwas: \"out\""));
        let ran = folder.run(&format!("reconcile app.tsk {again} -q"));
        assert_eq!(ran.exit, 0, "{ran:?}");
        assert_eq!(folder.run("run app.tsk --commands - -q").exit, 0);
        let keys = service.keys().split_off(before.len());
        assert_eq!(keys.len(), posts, "{again}: what is posted after the restore");
        let new = keys.iter().filter(|key| !before.contains(key)).count();
        assert_eq!(new, 1, "{again}: posted again, a message has the key that it had");
    }
}

#[test]
fn what_is_appended_before_it_is_reconciled_is_relayed_only_where_a_mark_says_what_was_there() {
    for (marked, posted) in [(true, Some(&1)), (false, None)] {
        let (folder, service) = shop();
        place(&folder, 1..3);
        assert_eq!(folder.run("backup --to backup -q").exit, 0);
        place(&folder, 3..5);
        restore_beneath(&folder);
        if !marked {
            // As of a folder that was copied back by hand.
            std::fs::remove_file(folder.path("data/events/restored")).unwrap();
        }
        assert_eq!(folder.run("dispatch app.tsk Place --id early --data '{\"id\":\"early\"}' -q").exit, 0);
        assert_eq!(folder.run("reconcile app.tsk -q").exit, 0);
        place(&folder, 5..6);
        let orders = service.orders();
        assert_eq!((orders.get("order-early"), orders["order-5"]), (posted, 1), "{marked}");
    }
}

#[test]
fn a_mark_that_is_damaged_is_remedied_by_the_command_that_the_error_names() {
    let (folder, service) = shop();
    place(&folder, 1..4);
    assert_eq!(folder.run("backup --to backup -q").exit, 0);
    let at = "--store log:new/events --queue embedded:new/queue";
    assert_eq!(folder.run("restore --from backup --store log:new/events -q").exit, 0);
    folder.write("new/events/restored", "nothing");
    let before = service.keys();
    let ran = folder.run(&format!("run app.tsk --commands - {at}"));
    assert!(ran.exit == 5 && ran.stderr.contains(&format!("`trunkline reconcile app.tsk {at}`")), "{ran:?}");
    let ran = folder.run(&format!("doctor app.tsk {at}"));
    assert!(ran.exit == 1 && ran.stdout.contains(&format!("`trunkline reconcile app.tsk {at}`")), "{ran:?}");
    let ran = folder.run(&format!("reconcile app.tsk {at} --format json"));
    assert!(ran.stderr.contains("the mark of a restored store is damaged, and is made anew"), "{ran:?}");
    let done = ran.json().remove(0);
    assert_eq!((&done["whole"], &done["relays"][0]["after"]), (&false.into(), &done["position"]), "{done}");
    let ran = folder.run(&format!("run app.tsk --commands - {at} -q"));
    assert_eq!(ran.exit, 0, "{ran:?}");
    assert_eq!(service.keys(), before, "nothing is posted again");
}

#[test]
fn a_backup_that_somebody_uses_is_not_written_or_restored_by_another() {
    let (folder, _service) = shop();
    place(&folder, 1..3);
    assert_eq!(folder.run("backup app.tsk --to all -q").exit, 0);
    let used = std::fs::File::open(folder.path("all")).unwrap();
    used.lock().unwrap();
    let to = "--store log:new/events --queue embedded:new/queue";
    for words in ["backup app.tsk --to all".to_owned(), format!("restore app.tsk --from all {to}")] {
        let ran = folder.run(&words);
        assert!(ran.exit == 1 && ran.stderr.contains("is in use by another process"), "{words}: {ran:?}");
        assert!(!folder.path("new").exists());
    }
    used.unlock().unwrap();
    assert_eq!(folder.run("backup app.tsk --to all -q").exit, 0);
    assert_eq!(folder.run(&format!("restore app.tsk --from all {to} -q")).exit, 0);
}

#[test]
fn of_a_damaged_backup_nothing_is_put_in_place() {
    let (folder, _service) = shop();
    place(&folder, 1..3);
    assert_eq!(folder.run("backup app.tsk --to all -q").exit, 0);
    let to = "--store log:new/events --queue embedded:new/queue";
    for part in ["all/events", "all/queue-1"] {
        // Of the queue, the last file is its newest segment.
        let file = files(&folder.path(part)).into_iter().rfind(|file| file.extension().is_some()).unwrap();
        let whole = std::fs::read(&file).unwrap();
        let mut bytes = whole.clone();
        let middle = bytes.iter().rposition(|byte| *byte != 0).unwrap() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&file, bytes).unwrap();
        let ran = folder.run(&format!("restore app.tsk --from all {to}"));
        assert!(ran.exit == 5 && ran.stderr.contains("damaged"), "{part}: {ran:?}");
        assert!(!folder.path("new").exists(), "{part}");
        std::fs::write(&file, whole).unwrap();
    }
    assert_eq!(folder.run(&format!("restore app.tsk --from all {to} -q")).exit, 0);
}

#[test]
fn copies_that_killed_backups_have_left_are_removed_by_the_next() {
    let (folder, _service) = shop();
    place(&folder, 1..3);
    assert_eq!(folder.run("backup app.tsk --to all -q").exit, 0);
    // As if it had ended before it removed the copy before, and the next one before its manifest.
    for (name, text) in [("queue-0", "old"), ("queue-7", "new")] {
        std::fs::create_dir(folder.path("all").join(name)).unwrap();
        folder.write(&format!("all/{name}/0000000001.seg"), text);
    }
    assert_eq!(folder.run("backup app.tsk --to all -q").exit, 0);
    let mut names: Vec<_> =
        std::fs::read_dir(folder.path("all")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["events", "queue-2", "whole"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_everything_has_what_waits_and_nothing_of_it_is_posted_twice() {
    let (folder, service) = shop();
    place(&folder, 1..4);
    // Of order 7 the messages wait: its parcel is not packed, and nobody was told.
    place_only(&folder, "7").await;
    assert_eq!(folder.run("queue publish letters --type Note --data '{\"n\":1}' -q").exit, 0);
    let taken = folder.run("backup app.tsk --to all --format json -q").json().remove(0);
    assert_eq!(taken["leaves_out"], serde_json::json!([]), "{taken}");
    let again = folder.run("backup app.tsk --to all --format json -q").json().remove(0);
    assert_eq!(again["position"], taken["position"], "what is there already is gone on with");

    let ran = folder.run("restore app.tsk --from all");
    assert!(ran.exit == 1 && ran.stderr.contains("is not written"), "nothing is written over: {ran:?}");
    std::fs::rename(folder.path("data"), folder.path("gone")).unwrap();
    let done = folder.run("restore app.tsk --from all --reconcile --format json -q").json().remove(0);
    assert_eq!((&done["whole"], &done["relays"][0]["moved"]), (&true.into(), &false.into()), "{done}");
    place(&folder, 8..10);
    assert_well(&folder, 6);
    let all =
        ["order-1", "order-2", "order-3", "order-7", "order-8", "order-9"].map(|order| (order.to_owned(), 1));
    assert_eq!(service.orders(), BTreeMap::from(all));
    let letters = folder.run("queue peek letters --format json -q").json();
    assert_eq!(letters.len(), 1, "what nobody has taken yet is there: {letters:?}");
}

#[test]
fn everything_is_restored_again_after_an_interruption_and_only_over_what_it_made_itself() {
    let (folder, _service) = shop();
    place(&folder, 1..3);
    assert_eq!(folder.run("backup app.tsk --to all -q").exit, 0);
    // Where a store is, nothing is put beside it either.
    let ran = folder.run("restore app.tsk --from all --queue embedded:other/queue");
    assert!(ran.exit == 1 && ran.stderr.contains("data/events is not written"), "{ran:?}");
    assert!(!folder.path("other").exists());
    let gone = folder.path("gone");
    std::fs::rename(folder.path("data"), &gone).unwrap();
    assert_eq!(folder.run("restore app.tsk --from all -q").exit, 0);
    // As if the process had ended when queue and checkpoints were there, and the store was not.
    std::fs::remove_dir_all(folder.path("data/events")).unwrap();
    let ran = folder.run("restore app.tsk --from all --reconcile -q");
    assert_eq!(ran.exit, 0, "{ran:?}");
    assert_well(&folder, 2);
    // What has gone on since is not taken for what a restore has left.
    place(&folder, 3..4);
    std::fs::remove_dir_all(folder.path("data/events")).unwrap();
    let ran = folder.run("restore app.tsk --from all -q");
    assert!(ran.exit == 1 && ran.stderr.contains("is not written"), "{ran:?}");
    assert!(!folder.path("data/events").exists());
    // Each of the two is reason enough, the queue also where a single bit is another.
    for (kept, other) in [("events.checkpoints", "queue"), ("queue", "events.checkpoints")] {
        let [from, to] = [format!("data/{other}"), format!("aside-{other}")].map(|path| folder.path(&path));
        std::fs::rename(&from, &to).unwrap();
        let ran = folder.run("restore app.tsk --from all -q");
        let refused = format!("data/{kept} is not written");
        assert!(ran.exit == 1 && ran.stderr.contains(&refused), "{kept}: {ran:?}");
        assert!(!folder.path("data/events").exists() && !from.exists(), "{kept}");
        std::fs::rename(&to, &from).unwrap();
    }
    let at = "--store log:new/events --queue embedded:new/queue -q";
    assert_eq!(folder.run(&format!("restore app.tsk --from all {at}")).exit, 0);
    std::fs::remove_dir_all(folder.path("new/events")).unwrap();
    let file = files(&folder.path("new/queue")).pop().unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[0] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let ran = folder.run(&format!("restore app.tsk --from all {at}"));
    assert!(ran.exit == 1 && ran.stderr.contains("new/queue is not written"), "{ran:?}");
    // Neither kind of backup goes over the other.
    std::fs::rename(&gone, folder.path("old")).unwrap();
    assert_eq!(folder.run("backup --store log:old/events --to all -q").exit, 1);
    assert_eq!(folder.run("backup --store log:old/events --to events -q").exit, 0);
    assert_eq!(folder.run("backup app.tsk --store log:old/events --to events -q").exit, 1);
    // The events can be restored alone, and are said to be.
    let ran = folder.run("restore --from all --store log:alone/events");
    assert!(ran.exit == 0 && ran.stdout.contains("left out: the queue's messages"), "{ran:?}");
}

/// Goal: until the next backup is whole, a folder has the one before. Method: the next one ends at damage of the events,
/// which come last: the queue was copied by then.
#[test]
fn a_backup_that_comes_to_no_end_is_the_one_before() {
    let (folder, _service) = shop();
    place(&folder, 1..3);
    let first = folder.run("backup app.tsk --to all --format json -q").json().remove(0);
    place(&folder, 3..6);
    let segment = folder.path("data/events/00000000000000000001.seg");
    let mut bytes = std::fs::read(&segment).unwrap();
    let event = bytes.windows(7).rposition(|bytes| bytes == b"order-4").unwrap();
    bytes[event] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let ran = folder.run("backup app.tsk --to all -q");
    assert_eq!(ran.exit, 5, "{ran:?}");
    assert!(folder.path("all/queue-2").exists(), "it had begun");
    std::fs::rename(folder.path("data"), folder.path("gone")).unwrap();
    let done = folder.run("restore app.tsk --from all --reconcile --format json -q").json().remove(0);
    let relay = &done["relays"][0];
    assert_eq!((&done["position"], &relay["moved"]), (&first["position"], &false.into()), "{done}");
    assert_well(&folder, 2);
}

/// Goal: there is no store before all is there that it was restored with, and the same again goes on.
/// Method: what is in the way of the queue ends the restore.
#[test]
fn a_restore_that_comes_to_no_end_has_made_no_store() {
    let (folder, _service) = shop();
    place(&folder, 1..3);
    assert_eq!(folder.run("backup app.tsk --to all -q").exit, 0);
    let at = "--store log:new/events --queue embedded:new/queue";
    std::fs::create_dir(folder.path("new")).unwrap();
    folder.write("new/queue.restoring", "somebody's");
    let ran = folder.run(&format!("restore app.tsk --from all {at} -q"));
    assert!(ran.exit != 0 && ran.stderr.contains("new/queue"), "{ran:?}");
    assert!(!folder.path("new/events").exists());
    std::fs::remove_file(folder.path("new/queue.restoring")).unwrap();
    let ran = folder.run(&format!("restore app.tsk --from all --reconcile {at} -q"));
    assert_eq!(ran.exit, 0, "{ran:?}");
}

#[test]
fn a_backup_that_is_taken_while_everything_runs_comes_to_rest_when_it_is_restored() {
    let folder = Folder::new();
    folder.write("orders.tsk", include_str!("../../../../examples/orders/orders.tsk"));
    let commands = include_str!("../../../../examples/orders/commands.jsonl");
    folder.write("commands.jsonl", commands.split_inclusive('\n').take(120).collect::<String>());
    let mut run = folder.start("run orders.tsk --commands commands.jsonl --format json");
    assert!(run.said().starts_with("store log:"));
    assert_eq!(folder.run("tail --type OrderCreated --after 0 --limit 1 -q").exit, 0);
    for number in 0..2 {
        let ran = folder.run(&format!("backup orders.tsk --to all{number} -q"));
        assert_eq!(ran.exit, 0, "{ran:?}");
    }
    assert_eq!(run.end().exit, 0);
    for number in 0..2 {
        let at = format!("--store log:r{number}/events --queue embedded:r{number}/queue -q");
        let ran = folder.run(&format!("restore orders.tsk --from all{number} --reconcile {at}"));
        assert_eq!(ran.exit, 0, "{ran:?}");
        // The same commands again: each has its outcome, or gets it now.
        let ran = folder.run(&format!("run orders.tsk --commands commands.jsonl --format json {at}"));
        assert_eq!(ran.exit, 0, "laws hold and nothing is left: {ran:?}");
        let sagas = &ran.json()[0]["sagas"];
        assert_eq!((&sagas["running"], &sagas["stuck"]), (&0.into(), &0.into()), "{sagas}");
    }
}
