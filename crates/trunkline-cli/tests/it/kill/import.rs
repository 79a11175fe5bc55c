//! The binary's own import, killed again and again until it gets through.

use super::kill_on_the_way;
use crate::folder::{Folder, cloud_events};
use crate::random::{Random, seed};

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
    // Small batches, so that there is much to interrupt.
    let import = format!("import {file} --store log:{store} --batch 4 -q");
    let seen = kill_on_the_way(folder, &import, store, LINES, random).await;
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
