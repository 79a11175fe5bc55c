//! `read --all --correlation` and `--causation`: found through the index of causes beside the store, whatever becomes of
//! its file.

use std::fs;

use crate::folder::{Folder, Ran};

/// Lines of events, of which every third has `c1` as its cause.
fn lines(numbers: std::ops::RangeInclusive<u64>) -> String {
    let line = |n: u64| {
        let cause = n % 3 + 1;
        format!(
            r#"{{"stream":"order-{n}","event_type":"T","data":{n},"metadata":{{"causation_id":"m{n}","correlation_id":"c{cause}"}}}}"#
        )
    };
    numbers.map(line).collect::<Vec<_>>().join("\n")
}

fn import(folder: &Folder, numbers: std::ops::RangeInclusive<u64>) {
    folder.write("events.jsonl", lines(numbers));
    let ran = folder.run("import events.jsonl --store log:a -q");
    assert_eq!(ran.exit, 0, "{ran:?}");
}

fn folder() -> Folder {
    let folder = Folder::new();
    import(&folder, 1..=30);
    folder
}

fn read(folder: &Folder) -> Ran {
    folder.run("read --all --correlation c1 --store log:a --format json")
}

/// Asserts that all events of the cause are found, and of a number of events no other; says what else was said.
#[track_caller]
fn assert_found(ran: &Ran, events: u64) -> &str {
    let found: Vec<u64> = ran.json().iter().map(|event| event["position"].as_u64().unwrap()).collect();
    assert_eq!(found, (1..=events).filter(|n| n % 3 == 0).collect::<Vec<_>>(), "{ran:?}");
    assert_eq!(ran.exit, 0, "{ran:?}");
    &ran.stderr
}

#[test]
fn the_index_of_causes_is_made_when_it_is_asked_and_goes_on_later() {
    let folder = folder();
    assert!(!folder.path("a.causes").exists(), "appends cost nothing");
    assert_eq!(assert_found(&read(&folder), 30), "");
    let first = fs::read(folder.path("a.causes")).unwrap();
    assert_eq!(assert_found(&read(&folder), 30), "");
    assert!(first == fs::read(folder.path("a.causes")).unwrap(), "there was nothing to go on with");
    import(&folder, 31..=36);
    assert_eq!(assert_found(&read(&folder), 36), "");
    assert!(first != fs::read(folder.path("a.causes")).unwrap());
    assert!(!folder.path("a.causes-wal").exists());
}

#[test]
fn a_damaged_index_of_causes_is_made_anew_with_a_word() {
    let folder = folder();
    assert_eq!(assert_found(&read(&folder), 30), "");
    let whole = fs::read(folder.path("a.causes")).unwrap();
    let mut flipped = whole.clone();
    let key = b"position INTEGER";
    let at = whole.windows(key.len()).position(|window| window == key).unwrap();
    flipped[at] ^= 1;
    for damaged in [b"no database, but a text that is longer than its mark".to_vec(), flipped] {
        fs::write(folder.path("a.causes"), damaged).unwrap();
        let ran = read(&folder);
        let said = assert_found(&ran, 30);
        assert!(
            said.contains("note: the index of causes is damaged and is made anew from the log"),
            "{said}"
        );
        assert!(said.contains("a.causes"), "{said}");
        assert_eq!(assert_found(&read(&folder), 30), "");
    }
    // A page of rows, each of which is looked at when it is read.
    let mut zeroed = whole.clone();
    zeroed[8_192..].fill(0);
    fs::write(folder.path("a.causes"), zeroed).unwrap();
    assert!(assert_found(&read(&folder), 30).contains("is damaged and is made anew"));
    assert_eq!(assert_found(&read(&folder), 30), "");
}

/// The same place, and another history: what the index has read is not there any more.
#[test]
fn an_older_log_in_its_place_has_the_index_made_anew() {
    let folder = folder();
    let ran = folder.run("backup --store log:a --to b");
    assert_eq!(ran.exit, 0, "{ran:?}");
    import(&folder, 31..=36);
    assert_eq!(assert_found(&read(&folder), 36), "");
    fs::remove_dir_all(folder.path("a")).unwrap();
    let ran = folder.run("restore --from b --store log:a");
    assert_eq!(ran.exit, 0, "{ran:?}");
    let ran = read(&folder);
    let said = assert_found(&ran, 30);
    assert!(said.contains("note: the index of causes is of another log, or of another history"), "{said}");
    assert_eq!(assert_found(&read(&folder), 30), "");
}

#[test]
fn where_no_index_can_be_every_event_is_looked_at() {
    let folder = folder();
    fs::create_dir(folder.path("a.causes")).unwrap();
    fs::write(folder.path("a.causes/mine"), "mine").unwrap();
    let ran = read(&folder);
    let said = assert_found(&ran, 30);
    assert_eq!(said.matches("every event is looked at").count(), 1, "{said}");
    assert_eq!(folder.text("a.causes/mine"), "mine");
    let ran = folder.run("read --all --causation m7 --store log:a --format json");
    assert_eq!(ran.json()[0]["position"], 7, "{ran:?}");
}

#[test]
fn an_index_of_causes_is_not_written_over() {
    let folder = folder();
    assert_found(&read(&folder), 30);
    let before = fs::read(folder.path("a.causes")).unwrap();
    for words in ["export --store log:a --output a.causes", "export --store log:a --output a.causes-wal"] {
        let ran = folder.run(&format!("{words} --format json"));
        assert_eq!(ran.exit, 1, "{words}: {ran:?}");
        assert!(
            ran.stderr.contains("TL3009") && ran.stderr.contains("the index of causes"),
            "{words}: {ran:?}"
        );
    }
    assert!(before == fs::read(folder.path("a.causes")).unwrap());
}
