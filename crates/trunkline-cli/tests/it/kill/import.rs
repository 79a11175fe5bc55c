//! The binary's own import, killed again and again until it gets through.

use std::os::unix::process::ExitStatusExt as _;

use tokio::time::timeout;
use trunkline_core::Position;
use trunkline_store::{EventStore as _, LogStore};

use super::{PATIENCE, open};
use crate::folder::{Folder, cloud_events};
use crate::random::{Random, seed, slow};

const LINES: u64 = 6_000;

#[tokio::test]
async fn an_import_that_is_killed_and_run_again_comes_to_the_same() {
    let mut random = Random::new(seed());
    let folder = Folder::new();
    folder.write("events.jsonl", cloud_events(LINES, 7));
    assert_eq!(folder.run("import events.jsonl --store log:whole -q").exit, 0);
    let whole = folder.run("export --store log:whole -q").stdout;
    assert_eq!(whole.lines().count() as u64, LINES);

    is_killed_until_it_is_done(&folder, "events.jsonl", "a", &mut random).await;
    // The events of the file are recorded when they are imported, so that is when they differ.
    let timeless = |lines: &str| -> Vec<serde_json::Value> {
        let mut events: Vec<serde_json::Value> =
            lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for event in &mut events {
            event.as_object_mut().unwrap().remove("recorded_at").unwrap();
        }
        events
    };
    let resumed = folder.run("export --store log:a -q").stdout;
    assert!(timeless(&resumed) == timeless(&whole), "each line once, in order");

    folder.write("exported.jsonl", &whole);
    is_killed_until_it_is_done(&folder, "exported.jsonl", "b", &mut random).await;
    assert!(folder.run("export --store log:b -q").stdout == whole, "to the byte");
}

/// Imports the file, with a kill whenever the store has come a random way further.
async fn is_killed_until_it_is_done(folder: &Folder, file: &str, store: &str, random: &mut Random) {
    // Made beforehand, so that it can be watched.
    open(&folder.path(store)).close().await;
    let watched = LogStore::open_read_only(&folder.path(store)).unwrap();
    // Small batches, so that there is much to interrupt.
    let import = format!("import {file} --store log:{store} --batch 4 -q");
    let mut killed = 0;
    let kills = if slow() { 30 } else { 4 };
    for left in (1..=kills).rev() {
        let head = watched.head().await.unwrap().get();
        let further = random.below((LINES - head) / (left + 1) + 1);
        let mut running = folder.start(&import);
        let came_there = timeout(PATIENCE, watched.wait_beyond(Position::new(head + further))).await;
        running.child.kill().unwrap();
        let ended = running.child.wait().unwrap();
        came_there.unwrap_or_else(|_| panic!("no further than {head}: {ended}")).unwrap();
        killed += u32::from(ended.signal() == Some(9));
        if ended.success() {
            break;
        }
    }
    assert!(killed > 0, "the import was through before it could be killed once");
    let seen = watched.head().await.unwrap().get();
    let [report] = &folder.run(&format!("{import} --format json")).json()[..] else { panic!("one report") };
    let [new, there] = ["new", "already_there"].map(|count| report[count].as_u64().unwrap());
    // What the kill cut off from its publication may be there without having been seen.
    assert!(there >= seen && new + there == LINES, "{seen} were seen before: {report}");
    folder.check(
        &format!("verify --store log:{store}"),
        &format!("clean: {LINES} events in 7 streams, {} segments", segments(folder, store)),
    );
}

/// How many segments there are: the store was made with small ones.
fn segments(folder: &Folder, store: &str) -> u64 {
    let stats = folder.run(&format!("stats --store log:{store} --format json")).json().remove(0);
    stats["segments"].as_u64().unwrap()
}
