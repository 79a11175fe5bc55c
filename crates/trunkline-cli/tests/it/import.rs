//! `import`.

use crate::folder::{Folder, cloud_event, cloud_events};

/// The data of all events of a store, in order.
fn stored(folder: &Folder, store: &str) -> String {
    let ran = folder.run(&format!("read --all --store {store} --format json"));
    ran.json().iter().map(|event| event["data"]["n"].to_string()).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_same_file_again_adds_nothing() {
    let folder = Folder::new();
    folder.write("e.jsonl", cloud_events(2500, 7));
    folder.check(
        "import e.jsonl --store log:a",
        "
        2500 new, 0 already there
        ! store log:a (--store)
        ",
    );
    folder.check("import e.jsonl --store log:a -q", "0 new, 2500 already there");
    folder.check(
        "import e.jsonl --store log:a --format json -q",
        r#"{"new":0,"already_there":2500,"rejected":0,"rejected_file":null}"#,
    );
    let wanted = (1..=2500).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
    assert_eq!(stored(&folder, "log:a"), wanted, "the order of the lines is kept");
}

#[test]
fn a_file_that_has_grown_adds_what_is_new() {
    let folder = Folder::new();
    for count in [5, 17, 40] {
        folder.write("e.jsonl", cloud_events(count, 3));
        assert_eq!(folder.run("import e.jsonl --store log:a --batch 10").exit, 0);
    }
    assert_eq!(stored(&folder, "log:a"), (1..=40).map(|n| n.to_string()).collect::<Vec<_>>().join(" "));
}

#[test]
fn a_cloud_event_becomes_an_event() {
    let folder = Folder::new();
    let id = "bd75590e-464f-5f27-9c32-235a94416fd3";
    folder.write(
        "e.jsonl",
        format!(
            r#"{{"specversion":"1.0","id":"{id}","source":"/shop","type":"T","subject":"a-1","time":"2010-12-01T08:26:00Z","traceparent":"00-1","data":{{"x": 1.50}}}}"#
        ),
    );
    folder.run("import e.jsonl --store log:a");
    let line = folder.run("read a-1 --store log:a --format json").stdout;
    let (before, _) = line.split_once(r#","recorded_at":"#).unwrap();
    assert_eq!(
        before,
        format!(
            r#"{{"position":1,"stream":"a-1","version":1,"event_id":"{id}","event_type":"T","schema_version":1,"#
        ) + r#""data":{"x": 1.50},"metadata":{"source":"/shop","specversion":"1.0","traceparent":"00-1"},"tags":[],"#
            + r#""occurred_at":"2010-12-01T08:26:00.000000Z""#
    );
}

#[test]
fn a_bad_line_stops_the_import_and_nothing_of_its_batch_is_kept() {
    let folder = Folder::new();
    let mut lines: Vec<String> = cloud_events(6, 2).lines().map(str::to_owned).collect();
    lines[4] = r#"{"subject":"order-1"}"#.to_owned();
    folder.write("e.jsonl", lines.join("\n"));
    folder.check(
        "import e.jsonl --store log:a --batch 3 -q",
        r#"
        ! error: line 5 of e.jsonl: neither a native event (no "event_type") nor a CloudEvents event (no "specversion"); the fields are subject
        ! hint: 3 new, 0 already there; nothing from line 4 on was stored
        ! hint: mend the line and run the same again: what is there is not added twice; or pass over such lines with --on-error skip
        exit code 1
        "#,
    );
    assert_eq!(stored(&folder, "log:a"), "1 2 3");
    // Mended, the same command goes on.
    folder.write("e.jsonl", cloud_events(6, 2));
    folder.check("import e.jsonl --store log:a --batch 3 -q", "3 new, 3 already there");
    assert_eq!(stored(&folder, "log:a"), "1 2 3 4 5 6");
}

#[test]
fn a_stopped_import_says_so_in_json() {
    let folder = Folder::new();
    folder.write("e.jsonl", format!("{}\n[1]\n", cloud_event(1, "order-1", "T")));
    let ran = folder.run("import e.jsonl --store log:a -q --format json");
    assert_eq!((ran.exit, ran.stdout.as_str()), (1, ""), "{ran:?}");
    let error: serde_json::Value = serde_json::from_str(&ran.stderr).unwrap();
    let error = &error["error"];
    assert_eq!(error["code"], "failed", "{ran:?}");
    assert_eq!(
        (&error["line"], &error["from_line"], &error["new"]),
        (&2.into(), &1.into(), &0.into()),
        "{ran:?}"
    );
}

#[test]
fn skipped_lines_go_to_a_file_as_they_were() {
    let folder = Folder::new();
    let text = format!(
        "{}\n{{\"a\": 1}}\r\n{}\nnot json\n{}\n",
        cloud_event(1, "order-1", "T"),
        cloud_event(2, "order", "T"),
        cloud_event(3, "order-1", "T")
    );
    folder.write("e.jsonl", &text);
    folder.check(
        "import e.jsonl --store log:a --on-error skip",
        r#"
        2 new, 0 already there, 3 rejected (see e.jsonl.rejected.jsonl)
        ! store log:a (--store)
        ! rejected line 2 of e.jsonl: neither a native event (no "event_type") nor a CloudEvents event (no "specversion"); the fields are a
        ! rejected line 3 of e.jsonl: "subject": "order" does not name a stream: a stream is named TYPE-ID, such as `order-1`; say with --stream EXPRESSION which stream an event goes to, such as --stream "'order-' + event.data.id"
        ! rejected line 4 of e.jsonl: not a JSON object: expected ident, in column 2; an event is an object on one line
        "#,
    );
    assert_eq!(
        folder.text("e.jsonl.rejected.jsonl"),
        format!("{{\"a\": 1}}\n{}\nnot json\n", cloud_event(2, "order", "T"))
    );
    assert_eq!(stored(&folder, "log:a"), "1 3");
    folder.check(
        "import e.jsonl --store log:b --on-error skip --rejected bad.jsonl --format json -q",
        r#"
        {"new":2,"already_there":0,"rejected":3,"rejected_file":"bad.jsonl"}
        ! rejected line 2 of e.jsonl: neither a native event (no "event_type") nor a CloudEvents event (no "specversion"); the fields are a
        ! rejected line 3 of e.jsonl: "subject": "order" does not name a stream: a stream is named TYPE-ID, such as `order-1`; say with --stream EXPRESSION which stream an event goes to, such as --stream "'order-' + event.data.id"
        ! rejected line 4 of e.jsonl: not a JSON object: expected ident, in column 2; an event is an object on one line
        "#,
    );
    assert_eq!(folder.text("bad.jsonl"), folder.text("e.jsonl.rejected.jsonl"));
}

#[test]
fn a_file_without_bad_lines_leaves_no_file_of_them() {
    let folder = Folder::new();
    folder.write("e.jsonl", cloud_events(3, 1));
    folder.check("import e.jsonl --store log:a --on-error skip -q", "3 new, 0 already there");
    assert!(!folder.path("e.jsonl.rejected.jsonl").exists());
}

#[test]
fn many_rejected_lines_are_not_all_named() {
    let folder = Folder::new();
    folder.write("e.jsonl", "x\n".repeat(150));
    let ran = folder.run("import e.jsonl --store log:a --on-error skip -q");
    assert_eq!(ran.stdout, "0 new, 0 already there, 150 rejected (see e.jsonl.rejected.jsonl)\n");
    assert_eq!(ran.stderr.lines().count(), 101, "{ran:?}");
    assert!(ran.stderr.ends_with("further rejected lines are not named here\n"), "{ran:?}");
    assert_eq!(folder.text("e.jsonl.rejected.jsonl").lines().count(), 150);
}

#[test]
fn rejected_lines_do_not_overwrite_what_is_imported() {
    let folder = Folder::new();
    folder.write("e.jsonl", "x\n");
    folder.check(
        "import e.jsonl --store log:a --on-error skip --rejected ./e.jsonl",
        "
        ! error: the rejected lines would overwrite the file that is imported
        ! hint: name another file with --rejected
        exit code 2
        ",
    );
    folder.check(
        "import e.jsonl --store log:a --rejected bad.jsonl",
        "
        ! error: --rejected names a file for lines that are passed over, and none are
        ! hint: add --on-error skip
        exit code 2
        ",
    );
    assert_eq!(folder.text("e.jsonl"), "x\n");
}

#[test]
fn native_events_keep_their_ids_versions_and_times() {
    let folder = Folder::with_events(&cloud_events(30, 4));
    let first = folder.run("export --store log:a -q").stdout;
    folder.write("a.jsonl", &first);
    folder.check("import a.jsonl --store log:b --batch 7 -q", "30 new, 0 already there");
    assert_eq!(folder.run("export --store log:b -q").stdout, first);
    folder.check("import a.jsonl --store log:b -q", "0 new, 30 already there");
}

#[test]
fn a_version_that_would_come_out_otherwise_is_a_bad_line() {
    let folder = Folder::with_events(&cloud_events(6, 2));
    let lines = folder.run("export --store log:a -q").stdout;
    let without_the_first: String = lines.split_inclusive('\n').skip(1).collect();
    folder.write("rest.jsonl", without_the_first);
    folder.check(
        "import rest.jsonl --store log:b -q",
        "
        ! error: line 2 of rest.jsonl: version 2 would come out as 1: stream `order-1` is at version 0
        ! hint: 0 new, 0 already there; nothing from line 1 on was stored
        ! hint: mend the line and run the same again: what is there is not added twice; or pass over such lines with --on-error skip
        exit code 1
        ",
    );
    folder.check(
        "import rest.jsonl --store log:b -q --on-error skip",
        "
        3 new, 0 already there, 2 rejected (see rest.jsonl.rejected.jsonl)
        ! rejected line 2 of rest.jsonl: version 2 would come out as 1: stream `order-1` is at version 0
        ! rejected line 4 of rest.jsonl: version 3 would come out as 1: stream `order-1` is at version 0
        ",
    );
    assert_eq!(stored(&folder, "log:b"), "2 4 6");
}

#[test]
fn an_id_of_another_stream_is_a_bad_line() {
    let folder = Folder::with_events(&cloud_event(1, "order-1", "T"));
    folder
        .write("e.jsonl", format!("{}\n{}", cloud_event(2, "order-2", "T"), cloud_event(1, "order-2", "T")));
    let ran = folder.run("import e.jsonl --store log:a -q");
    assert_eq!(ran.exit, 1, "{ran:?}");
    let wanted = "is that of the event at position 1, which belongs to stream `order-1`\n";
    assert!(
        ran.stderr.contains(wanted) && ran.stderr.starts_with("error: line 2 of e.jsonl: event id "),
        "{ran:?}"
    );
    assert_eq!(stored(&folder, "log:a"), "1");
}

#[test]
fn blank_lines_line_ends_and_a_byte_order_mark_do_not_matter() {
    let folder = Folder::new();
    let lines = [cloud_event(1, "a-1", "T"), String::new(), " \t".to_owned(), cloud_event(2, "a-1", "T")];
    folder.write("e.jsonl", format!("\u{feff}{}\r\n\r\n", lines.join("\r\n")));
    folder.check("import e.jsonl --store log:a -q", "2 new, 0 already there");
    folder.write("empty.jsonl", "");
    folder.check("import empty.jsonl --store log:a -q", "0 new, 0 already there");
}

#[test]
fn lines_come_from_standard_input() {
    let folder = Folder::new();
    let mut input = cloud_events(3, 1).into_bytes();
    input.extend(b"{\xff\n");
    let ran = folder.run_with("import - --store log:a -q --on-error skip", &input);
    assert_eq!(
        ran.outcome(),
        "3 new, 0 already there, 1 rejected (see stdin.rejected.jsonl)\n! rejected line 4 of standard input: not UTF-8 text, from byte 2 on\n"
    );
    assert_eq!(std::fs::read(folder.path("stdin.rejected.jsonl")).unwrap(), b"{\xff\n");
}

#[test]
fn a_large_event_is_imported_and_one_too_large_is_a_bad_line() {
    let folder = Folder::new();
    let line = |id: u64, bytes: usize| {
        cloud_event(id, "a-1", "T").replace("{\"n\"", &format!("{{\"x\":\"{}\",\"n\"", "x".repeat(bytes)))
    };
    let fits = (1 << 20) - r#"{"x":"","n":1}"#.len();
    folder.write("e.jsonl", [line(1, fits), line(2, fits + 1), line(3, 3 << 20)].join("\n"));
    let ran = folder.run("import e.jsonl --store log:a -q --on-error skip");
    assert_eq!(
        ran.outcome(),
        "1 new, 0 already there, 2 rejected (see e.jsonl.rejected.jsonl)\n\
         ! rejected line 2 of e.jsonl: event data too large: 1048577 bytes, limit 1048576\n\
         ! rejected line 3 of e.jsonl: event data too large: 3145742 bytes, limit 1048576\n"
    );
    folder.write("long.jsonl", "x".repeat((32 << 20) + 1) + "\n" + &cloud_event(4, "a-1", "T"));
    let ran = folder.run("import long.jsonl --store log:a -q --on-error skip");
    assert_eq!(
        ran.outcome(),
        "1 new, 0 already there, 1 rejected (see long.jsonl.rejected.jsonl)\n\
         ! rejected line 1 of long.jsonl: longer than 32 MiB\n"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_said_before_a_store_is_made() {
    let folder = Folder::new();
    let ran = folder.run("import none.jsonl --store log:a");
    assert_eq!(ran.exit, 4, "{ran:?}");
    assert!(ran.stderr.starts_with("error: opening none.jsonl: "), "{ran:?}");
    let ran = folder.run("import . --store log:a");
    assert_eq!(ran.exit, 1, "{ran:?}");
    assert!(!folder.path("a").exists());
}

#[test]
fn a_name_that_is_twice_is_a_bad_line_unless_a_store_has_had_it() {
    let folder = Folder::new();
    folder.write("new.jsonl", r#"{"stream":"a-1","event_type":"T","data":{"a":[{"b":1,"b":2}]}}"#);
    let ran = folder.run("import new.jsonl --store log:a");
    assert!(
        ran.exit == 1 && ran.stderr.contains("line 1 of new.jsonl: `data.a[0].b` is there twice"),
        "{ran:?}"
    );
    let exported = r#"{"position":1,"stream":"a-1","version":1,"event_id":"01010101-0101-0101-0101-010101010101","event_type":"T","schema_version":1,"data":{"a":[{"b":1,"b":2}]},"metadata":{"k":1,"k":2},"tags":[],"occurred_at":"2010-12-01T08:26:00.000000Z","recorded_at":"2010-12-01T08:26:00.000000Z"}
"#;
    folder.write("old.jsonl", exported);
    let ran = folder.run("import old.jsonl --store log:b");
    assert_eq!(ran.exit, 0, "{ran:?}");
    assert_eq!(folder.run("export --store log:b").stdout, exported, "and it can be imported again");
}
