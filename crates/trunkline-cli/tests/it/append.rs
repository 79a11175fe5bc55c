//! `append`.

use crate::folder::Folder;

const ID: &str = "01010101-0101-0101-0101-010101010101";

#[test]
fn an_event_is_appended_and_said_where() {
    let folder = Folder::new();
    folder.check(
        &format!("append order-1 --type OrderCreated --data '{{\"a\": 1}}' --id {ID} --expected no-stream --store log:a"),
        "
        appended: order-1 version 1, position 1, id 01010101-0101-0101-0101-010101010101
        ! store log:a (--store)
        ",
    );
    let ran =
        folder.run("append order-1 --type OrderPaid --data 2 --expected 1 --store log:a --format json -q");
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let [report] = &ran.json()[..] else { panic!("one object: {ran:?}") };
    assert_eq!((&report["stream"], &report["version"]), (&"order-1".into(), &2.into()));
    assert_eq!((&report["position"], &report["repeated"]), (&2.into(), &false.into()));
}

#[test]
fn everything_said_of_an_event_is_stored() {
    let folder = Folder::new();
    let ran = folder.run(&format!(
        "append order-1 --type T --data '{{\"b\":1, \"a\":1.0}}' --tag sku:1 --tag k:v --schema-version 3 --id {ID} \
         --metadata '{{\"actor\":\"ada\"}}' --occurred-at 2010-12-01T09:26:00+01:00 --store log:a"
    ));
    assert_eq!(ran.exit, 0, "{ran:?}");
    let line = folder.run("read order-1 --store log:a --format json").stdout;
    let (before, recorded_at) = line.split_once(r#","recorded_at":"#).unwrap();
    assert_eq!(
        before,
        format!(
            r#"{{"position":1,"stream":"order-1","version":1,"event_id":"{ID}","event_type":"T","schema_version":3,"#
        ) + r#""data":{"b":1, "a":1.0},"metadata":{"actor":"ada"},"tags":["sku:1","k:v"],"#
            + r#""occurred_at":"2010-12-01T08:26:00.000000Z""#
    );
    assert!(recorded_at.ends_with("Z\"}\n"), "{recorded_at}");
}

#[test]
fn a_conflict_says_expected_and_found_and_what_to_do() {
    let folder = Folder::new();
    folder.run("append order-1 --type T --data 1 --store log:a");
    folder.check(
        "append order-1 --type T --data 1 --expected no-stream --store log:a -q",
        "
        ! error: stream `order-1` is not as expected: expected no stream, found version 1
        ! hint: see what is there with `trunkline read order-1`, decide again, and append with --expected 1
        exit code 3
        ",
    );
    folder.check(
        "append order-2 --type T --data 1 --expected exists --store log:a -q",
        "
        ! error: stream `order-2` is not as expected: expected an existing stream, found version 0
        ! hint: stream `order-2` has no events yet: --expected no-stream appends its first
        exit code 3
        ",
    );
    folder.check(
        "append order-1 --type T --data 1 --expected 7 --store log:a -q --format json",
        r#"
        ! {"error":{"code":"conflict","message":"stream `order-1` is not as expected: expected version 7, found version 1","hint":"see what is there with `trunkline read order-1`, decide again, and append with --expected 1","explain":"TL3005","stream":"order-1","found":1}}
        exit code 3
        "#,
    );
    assert_eq!(folder.run("read --all --store log:a").stdout.lines().count(), 1);
}

#[test]
fn a_repeat_is_stored_once() {
    let folder = Folder::new();
    let append = format!("append order-1 --type T --data 1 --id {ID} --expected no-stream --store log:a -q");
    folder.run(&append);
    folder.run("append order-1 --type T --data 2 --store log:a");
    folder.check(&append, &format!("already there: order-1 version 1, position 1, id {ID}"));
    folder.check(
        &append.replace("order-1", "order-2"),
        &format!(
            "
            ! error: event id {ID} is taken by the event at position 1, and this batch is not a repeat of it
            ! hint: every event has an id of its own; without --id it gets a new one
            exit code 1
            "
        ),
    );
}

#[test]
fn data_comes_from_a_file_or_standard_input() {
    let folder = Folder::new();
    folder.write("data.json", "{\"a\":\n1}\r\n");
    folder.run("append order-1 --type T --data-file data.json --store log:a");
    folder.run_with("append order-1 --type T --data-file - --store log:a", b"[1]\n");
    let ran = folder.run("read order-1 --store log:a --format json");
    assert_eq!(ran.json()[0]["data"], serde_json::json!({"a": 1}), "{ran:?}");
    assert_eq!(ran.json()[1]["data"], serde_json::json!([1]), "{ran:?}");
    let ran = folder.run("append order-1 --type T --data-file none.json --store log:a");
    assert_eq!(ran.exit, 4, "{ran:?}");
    assert!(ran.stderr.starts_with("error: reading none.json: "), "{ran:?}");
}

#[test]
fn what_is_no_event_is_a_mistake_in_the_command_line() {
    let folder = Folder::new();
    for (words, wanted) in [
        ("order-1 --type T", "required arguments were not provided"),
        ("order-1 --type T --data 1 --data-file x", "cannot be used with"),
        ("order-1 --type T --data {", "error: the data is not JSON: EOF while parsing an object"),
        (
            "order --type T --data 1",
            "\"order\" does not name a stream: a stream is named TYPE-ID, such as `order-1`",
        ),
        ("$x-1 --type T --data 1", "begins with `$`, which is reserved"),
        ("order-1 --type $T --data 1", "begins with `$`, which is reserved"),
        (
            "order-1 --type T --data 1 --tag sku",
            "\"sku\" is not a tag: a tag is key:value, such as `key:sku`",
        ),
        ("order-1 --type T --data 1 --metadata [1]", "metadata must be a JSON object"),
        ("order-1 --type T --data 1 --occurred-at today", "\"today\" is not a time"),
        ("order-1 --type T --data 1 --expected some", "write any, no-stream, exists or a version such as 3"),
        ("order-1 --type T --data 1 --schema-version 0", "invalid value '0' for '--schema-version <N>'"),
        ("order-1 --type T --data 1 --id 7", "invalid value '7' for '--id <UUID>'"),
    ] {
        let ran = folder.run(&format!("append {words} --store log:a"));
        assert_eq!(ran.exit, 2, "{words}: {ran:?}");
        assert!(ran.stderr.contains(wanted), "{words}: {ran:?}");
    }
    assert!(!folder.path("a").exists(), "a mistake makes no store");
}

#[test]
fn data_beyond_the_limit_is_refused() {
    let folder = Folder::new();
    folder.write("data.json", format!("\"{}\"", "x".repeat(1 << 20)));
    folder.check(
        "append order-1 --type T --data-file data.json --store log:a -q",
        "
        ! error: event data too large: 1048578 bytes, limit 1048576
        exit code 1
        ",
    );
}

#[test]
fn a_name_that_is_twice_in_the_data_is_refused_with_its_place() {
    let folder = Folder::new();
    let data = r#"'{"items":[{"n":1,"n":2}]}'"#;
    let refused = "
        ! error: the data: `items[0].n` is there twice, and readers differ in which of the two they take; write it once
        ! hint: nothing was stored; send it again with the one value that is meant
        exit code 2
        ";
    for command in [
        "append order-1 --type T --store log:a",
        "queue publish orders --type T --queue embedded:q",
        "dlq edit 17 --queue embedded:q",
        "saga start app.tsk order",
    ] {
        folder.check(&format!("{command} -q --data {data}"), refused);
    }
    let ran = folder.run(&format!("append order-1 --type T --data 1 --metadata {data} --store log:a"));
    assert!(ran.exit == 2 && ran.stderr.contains("`items[0].n` is there twice"), "{ran:?}");
    let ran = folder.run("queue publish orders --type T --data '{\"a\":1,\"a\":2' --queue embedded:q");
    assert_eq!(ran.exit, 0, "text that is no JSON is carried as it is: {ran:?}");
}

#[test]
fn what_was_typed_at_length_is_not_said_again_at_length() {
    let folder = Folder::new();
    let long = "x".repeat(5000);
    for command in [
        format!("append order-1 --type T --data 1 --id {long}"),
        format!("append order-1 --type T --data 1 --id={long} --format json"),
        format!("append {long} --type T --data 1"),
        format!("append order-1 --type T --data 1 --expected {long}"),
        format!("queue publish orders --type T --data 1 --id {long}"),
        format!("explain {long}"),
        format!("explain {long} --format json"),
        format!("read order-1 --{long}"),
        long.clone(),
    ] {
        let ran = folder.run(&command);
        assert!(ran.exit != 0 && ran.stderr.contains("xxx…"), "{ran:?}");
        assert!(ran.stderr.len() < 1000, "{} bytes: {}", ran.stderr.len(), ran.stderr);
    }
}
