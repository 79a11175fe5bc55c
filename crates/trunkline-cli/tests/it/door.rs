//! What is accepted can be read, and what is no repeat is not taken for one.

use crate::folder::{Folder, Ran};

const APP: &str = r#"
[event_store]
dsn: "log:a"
[aggregates.meter]
on { Read: "put(state, 'n', default(state.n, 0) + 1)" }
[commands.Reset]
stream: "'meter-' + command.id"
emit: [{ type: "Reset", data: "{'after': default(state.n, 0)}" }]
[commands.Copy]
stream: "'meter-' + command.id"
emit: [{ type: "Copied", data: "{'serial': command.serial}" }]
[commands.Add]
stream: "'meter-' + command.id"
emit: [{ type: "Added", data: "{'serial': command.serial + 1}" }]
"#;

fn app() -> Folder {
    let folder = Folder::new();
    folder.write("app.tsk", APP);
    folder
}

fn deep(levels: usize) -> String {
    "[".repeat(levels) + &"]".repeat(levels)
}

fn assert_works(folder: &Folder, what: &str) {
    for verb in ["dispatch app.tsk Reset --data '{\"id\":\"1\"}'", "state app.tsk meter-1"] {
        let ran = folder.run(&format!("{verb} -q"));
        assert_eq!(ran.exit, 0, "{what}: {verb}: {ran:?}");
    }
}

#[test]
fn what_is_appended_never_locks_its_stream() {
    for (data, refused) in [
        (r#"{"serial":18446744073709551615}"#.to_owned(), None),
        (format!(r#"{{"serial":-1{}}}"#, "0".repeat(200)), None),
        (r#"{"serial":-0.0,"n":1e-999}"#.to_owned(), None),
        (r#"{"note":"\u0000"}"#.to_owned(), None),
        (format!(r#"{{"d":{}}}"#, deep(126)), None),
        (r#"{"note":"\ud800"}"#.to_owned(), Some("`note` has half of a surrogate pair")),
        (r#"{"\udc00":1}"#.to_owned(), Some("`\\udc00` has half of a surrogate pair")),
        (r#"{"a":[1E400]}"#.to_owned(), Some("`a[0]` is a number beyond 1.8e308")),
        (format!(r#"{{"d":{}}}"#, deep(127)), Some("nested deeper than 127 levels")),
    ] {
        let folder = app();
        folder.write("data.json", &data);
        let appended = folder.run("append meter-1 --type Read --data-file data.json --store log:a -q");
        match refused {
            None => assert_eq!(appended.exit, 0, "{data}: {appended:?}"),
            Some(reason) => {
                assert_eq!(appended.exit, 2, "{data}: {appended:?}");
                assert!(appended.stderr.contains(reason), "{data}: {appended:?}");
            }
        }
        assert_works(&folder, &data);
    }
}

/// A line as `export` writes it, which is taken as it is.
fn exported(version: u64, data: &str) -> String {
    format!(
        r#"{{"position":{version},"stream":"meter-1","version":{version},"event_id":"00000000-0000-0000-0000-00000000000{version}","event_type":"Read","schema_version":1,{data},"metadata":{{}},"tags":[],"occurred_at":"2020-01-01T00:00:00Z","recorded_at":"2020-01-01T00:00:00Z"}}"#
    )
}

#[test]
fn what_is_stored_already_is_read() {
    let folder = app();
    let lines = [
        exported(1, r#""data":{"note":"\ud800","\udc00":1}"#),
        exported(2, r#""data":{"n":1E400,"m":[-1E400]}"#),
        exported(3, &format!(r#""data":{{"d":{}}}"#, deep(300))),
        exported(4, r#""data_base64":"/v8A""#),
        exported(5, r#""data":{"a":1,"a":2}"#),
    ];
    folder.write("in.jsonl", lines.join("\n"));
    let ran = folder.run("import in.jsonl --store log:a -q");
    assert_eq!(ran.exit, 0, "{ran:?}");
    assert_works(&folder, "stored");
    let ran = folder.run("read meter-1 --store log:a --format json -q");
    assert!(ran.stdout.contains(r#""data":{"after":5}"#), "{ran:?}");
    // What is copied out of it is judged like everything else that comes in, but for a name twice, stored once already.
    folder.write(
        "copy.tsk",
        APP.replace("{'after': default(state.n, 0)}", "state")
            .replace("put(state, 'n', default(state.n, 0) + 1)", "event.data"),
    );
    for (version, data, refused) in [
        (6, r#""data":{"note":"\ud800"}"#.to_owned(), true),
        (7, r#""data":{"n":1E400}"#.to_owned(), true),
        (8, format!(r#""data":{{"d":{}}}"#, deep(300)), true),
        (9, r#""data":{"a":1,"a":2}"#.to_owned(), false),
        (9, r#""data":{"a":18446744073709551616}"#.to_owned(), false),
    ] {
        let fresh = Folder::new();
        fresh.write("copy.tsk", folder.text("copy.tsk"));
        fresh.write("in.jsonl", exported(1, &data));
        assert_eq!(fresh.run("import in.jsonl --store log:a -q").exit, 0);
        let state = fresh.run("state copy.tsk meter-1 -q");
        assert_eq!(state.exit, 0, "{version} {data}: {state:?}");
        let ran = fresh.run(r#"dispatch copy.tsk Reset --data '{"id":"1"}' -q"#);
        assert_eq!(ran.exit != 0, refused, "{data}: {ran:?}");
    }
}

#[test]
fn the_data_of_commands_is_judged_by_the_same_rule() {
    let folder = app();
    let dispatch = |command: &str, serial: &str| -> Ran {
        folder.write("data.json", format!(r#"{{"id":"1","serial":{serial}}}"#));
        folder.run(&format!("dispatch app.tsk {command} --data-file data.json -q"))
    };
    assert_eq!(dispatch("Copy", "18446744073709551616").exit, 0);
    let stored = folder.run("read meter-1 --store log:a --format json -q").stdout;
    assert!(stored.contains(r#""data":{"serial":18446744073709551616}"#), "{stored}");
    let added = dispatch("Add", "18446744073709551616");
    assert!(added.exit != 0 && added.stdout.contains("`command.serial`"), "{added:?}");
    for (serial, reason) in [
        (r#""\ud800""#, "half of a surrogate pair"),
        ("1E400", "a number beyond 1.8e308"),
        (&*deep(200), "nested deeper than 127 levels"),
    ] {
        let ran = dispatch("Reset", serial);
        assert!(ran.exit != 0 && ran.stdout.contains(reason), "{serial}: {ran:?}");
        assert!(ran.stdout.contains("command.serial"), "{serial}: {ran:?}");
    }
}

#[test]
fn an_id_with_other_data_is_no_repeat() {
    let folder = Folder::new();
    let append = |data: &str, event_type: &str| {
        let id = "01010101-0101-0101-0101-010101010101";
        folder.run(&format!("append order-1 --type {event_type} --data '{data}' --id {id} --store log:a -q"))
    };
    assert_eq!(append(r#"{"a":1,"b":2}"#, "T").exit, 0);
    let again = append(r#"{"b": 2, "a": 1}"#, "T");
    assert!(again.exit == 0 && again.stdout.starts_with("already there"), "{again:?}");
    for other in [append(r#"{"a":1,"b":3}"#, "T"), append(r#"{"a":1,"b":2}"#, "U")] {
        assert_ne!(other.exit, 0, "{other:?}");
        let said = "event id 01010101-0101-0101-0101-010101010101 is that of the event at position 1, which has another \
                    type or other data";
        assert!(other.stderr.contains(said), "{other:?}");
    }
    assert_eq!(folder.run("read order-1 --store log:a --format json -q").json().len(), 1);
}

#[test]
fn an_import_names_lines_whose_ids_are_others() {
    let line = |id: &str, source: &str, n: u32| {
        format!(
            r#"{{"specversion":"1.0","id":"{id}","source":"{source}","type":"t","subject":"o-1","data":{{"n":{n}}}}}"#
        )
    };
    let lines = [
        line("7", "/s", 1),
        line("", "/s", 2),
        line("7", "", 3),
        line("7", "/s", 1),
        line("7", "/s", 4),
        line("8", "/s", 5),
        line("9", "/s", 6).replace("6}", r#""\ud800"}"#),
    ];
    let folder = Folder::new();
    folder.write("in.jsonl", lines.join("\n"));
    let stopped = folder.run("import in.jsonl --store log:a -q");
    assert!(
        stopped.exit != 0 && stopped.stderr.contains("line 2 of in.jsonl: \"id\": it is empty"),
        "{stopped:?}"
    );
    let ran = folder.run("import in.jsonl --store log:a -q --on-error skip");
    assert!(ran.stdout.starts_with("2 new, 1 already there, 4 rejected"), "{ran:?}");
    for said in [
        "rejected line 2 of in.jsonl: \"id\": it is empty",
        "rejected line 3 of in.jsonl: \"source\": it is empty",
        "rejected line 5 of in.jsonl: event id ",
        "which has another type or other data",
        "rejected line 7 of in.jsonl: `data.n` has half of a surrogate pair",
    ] {
        assert!(ran.stderr.contains(said), "{said}: {ran:?}");
    }
    assert_eq!(folder.run("read o-1 --store log:a --format json -q").json().len(), 2);
}
