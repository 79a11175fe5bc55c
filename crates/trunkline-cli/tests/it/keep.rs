//! `verify`, `stats`, `backup` and `restore`.

use std::fs;

use crate::folder::{Folder, cloud_events, files};

#[test]
fn a_clean_store_is_said_to_be_clean() {
    let folder = Folder::with_events(&cloud_events(5, 2));
    folder.check("verify --store log:a", "clean: 5 events in 2 streams, 1 segment");
    folder.check(
        "verify --store log:a --format json",
        r#"{"clean":true,"events":5,"streams":2,"segments":1,"unconfirmed_bytes":0,"problems":[]}"#,
    );
}

/// Changes a byte of the store's events, far before their end.
fn damage(folder: &Folder, store: &str) {
    let needle = b"\"n\":17}";
    for path in files(&folder.path(store)) {
        let mut bytes = fs::read(&path).unwrap();
        if let Some(at) = bytes.windows(needle.len()).position(|window| window == needle) {
            bytes[at + 4] ^= 1;
            fs::write(&path, bytes).unwrap();
            return;
        }
    }
    panic!("no file of {store} has the event");
}

#[test]
fn a_damaged_store_is_said_to_be_corrupt() {
    let folder = Folder::new();
    folder.write("events.jsonl", cloud_events(500, 2));
    assert_eq!(folder.run("import events.jsonl --store log:a --batch 10 -q").exit, 0);
    damage(&folder, "a");

    for words in [
        "verify",
        "append order-1 --type T --data 1",
        "read --all",
        "export",
        "backup --to b",
        "stats",
        "tail",
        "tail --after 0",
    ] {
        let ran = folder.run(&format!("{words} --store log:a -q"));
        assert_eq!(ran.exit, 5, "an error never looks like the end: {words}: {ran:?}");
        assert!(ran.outcome().contains(" is damaged at byte "), "{words}: {ran:?}");
    }
    let ran = folder.run("verify --store log:a");
    assert!(ran.stdout.starts_with("corrupt: 16 events in 2 streams, 1 segment\nproblem: "), "{ran:?}");
    assert!(ran.stderr.starts_with("error: the store is corrupt: "), "{ran:?}");
    let verified = &folder.run("verify --store log:a --format json").json()[0];
    assert_eq!((&verified["clean"], &verified["events"]), (&false.into(), &16.into()), "{verified}");
    assert_eq!(verified["problems"].as_array().unwrap().len(), 1, "each damage is named once: {verified}");
    assert_eq!(folder.run("stats --store log:a --format json").json()[0]["events"], 16);
    let ran = folder.run("tail --store log:a --after 0");
    assert_eq!(ran.stdout.lines().count(), 16, "what is whole is followed: {ran:?}");
    let ran = folder.run("read --all --store log:a");
    assert_eq!(ran.stdout.lines().count(), 16, "what is whole is read: {ran:?}");
    folder.check(
        "read order-1 --limit 1 --store log:a",
        "1  order-1  1  Noted  2010-12-01T08:26:00Z  {\"n\":1}",
    );
    let ran = folder.run("append order-1 --type T --data 1 --store log:a -q --format json");
    let error: serde_json::Value = serde_json::from_str(&ran.stderr).unwrap();
    assert_eq!(error["error"]["code"], "corrupt", "{ran:?}");
}

#[test]
fn stats_are_counts_and_sizes() {
    let folder = Folder::with_events(&cloud_events(5, 2));
    let ran = folder.run("stats --store log:a");
    let first: Vec<_> = ran.stdout.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(first, ["events", "segments", "indexes"], "{ran:?}");
    let stats = &folder.run("stats --store log:a --format json").json()[0];
    assert_eq!((&stats["events"], &stats["segments"]), (&5.into(), &1.into()));
    assert!(stats["event_bytes"].as_u64().unwrap() > 0, "{stats}");
}

#[test]
fn a_backup_takes_what_has_come_since_and_is_restored() {
    let folder = Folder::with_events(&cloud_events(5, 2));
    let ran = folder.run("backup --store log:a --to b");
    assert!(ran.stdout.starts_with("backed up to position 5 in b: "), "{ran:?}");
    folder.run("append order-9 --type T --data 1 --store log:a");
    let report = &folder.run("backup --store log:a --to b --format json").json()[0];
    assert_eq!((&report["position"], &report["to"]), (&6.into(), &"b".into()), "{report}");
    let again = &folder.run("backup --store log:a --to b --format json").json()[0];
    assert_eq!(again["bytes_copied"], 0, "{again}");

    let ran = folder.run("restore --from b --store log:c");
    assert!(ran.stdout.starts_with("restored and verified up to position 6: "), "{ran:?}");
    assert_eq!(ran.stderr, "store log:c (--store)\n");
    assert_eq!(folder.run("export --store log:c").stdout, folder.run("export --store log:a").stdout);
    folder.check("verify --store log:c", "clean: 6 events in 3 streams, 1 segment");

    let ran = folder.run("restore --from b --store log:c");
    assert_eq!(ran.exit, 1, "nothing is overwritten: {ran:?}");
    let ran = folder.run("restore --from b --store log:d --format json -q");
    assert_eq!(ran.json()[0]["position"], 6, "{ran:?}");
}

#[test]
fn a_backup_that_is_missing_or_damaged_is_not_restored() {
    let folder = Folder::with_events(&cloud_events(50, 2));
    let ran = folder.run("restore --from none --store log:c -q");
    assert_eq!(ran.exit, 4, "{ran:?}");
    folder.run("backup --store log:a --to b");
    damage(&folder, "b");
    let ran = folder.run("restore --from b --store log:c -q");
    assert_eq!(ran.exit, 5, "{ran:?}");
    let ran = folder.run("read --all --store log:c");
    assert_eq!(ran.exit, 4, "half a store is no store: {ran:?}");
}
