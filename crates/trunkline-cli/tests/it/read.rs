//! `read` and `streams`.

use crate::folder::{Folder, cloud_event};

fn folder() -> Folder {
    let lines = [
        cloud_event(1, "order-1", "OrderCreated"),
        cloud_event(2, "order-2", "OrderCreated"),
        cloud_event(3, "order-1", "OrderPaid"),
        cloud_event(4, "parcel-1", "Sent"),
        cloud_event(5, "order-1", "OrderClosed"),
    ];
    Folder::with_events(&lines.join("\n"))
}

#[test]
fn a_stream_is_read_in_columns() {
    folder().check(
        "read order-1 --store log:a",
        r#"
        1  order-1  1  OrderCreated  2010-12-01T08:26:00Z  {"n":1}
        3  order-1  2  OrderPaid     2010-12-01T08:26:00Z  {"n":3}
        5  order-1  3  OrderClosed   2010-12-01T08:26:00Z  {"n":5}
        "#,
    );
}

#[test]
fn an_event_is_one_json_object_on_a_line() {
    let folder = folder();
    folder.run("append order-9 --type T --data 1 --tag sku:1 --store log:a");
    let events = folder.run("read order-9 --store log:a --format json").json();
    let fields: Vec<_> = events[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        fields,
        [
            "position",
            "stream",
            "version",
            "event_id",
            "event_type",
            "schema_version",
            "data",
            "metadata",
            "tags",
            "occurred_at",
            "recorded_at"
        ]
    );
}

/// The positions of the events that are read.
fn positions(folder: &Folder, words: &str) -> String {
    let ran = folder.run(&format!("read {words} --store log:a --format json"));
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{words}");
    ran.json().iter().map(|event| event["position"].to_string()).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_part_of_a_stream_is_read() {
    let folder = folder();
    for (words, wanted) in [
        ("order-1", "1 3 5"),
        ("order-1 --from 2", "3 5"),
        ("order-1 --after 2", "5"),
        ("order-1 --after 3", ""),
        ("order-1 --to 2", "1 3"),
        ("order-1 --from 2 --to 2", "3"),
        ("order-1 --limit 2", "1 3"),
        ("order-1 --backward", "5 3 1"),
        ("order-1 --backward --limit 1", "5"),
        ("order-1 --backward --to 2", "3 1"),
        ("order-1 --after 18446744073709551615", ""),
    ] {
        assert_eq!(positions(&folder, words), wanted, "{words}");
    }
}

#[test]
fn a_part_of_the_store_is_read() {
    let folder = folder();
    folder.run("append order-2 --type OrderPaid --data 1 --tag sku:1 --tag c:2 --store log:a");
    for (words, wanted) in [
        ("--all", "1 2 3 4 5 6"),
        ("--all --after 4", "5 6"),
        ("--all --from 4 --to 5", "4 5"),
        ("--all --type OrderCreated --after 0 --limit 1", "1"),
        ("--all --type OrderCreated --type Sent", "1 2 4"),
        ("--all --aggregate parcel", "4"),
        ("--all --aggregate order --type OrderPaid", "3 6"),
        ("--all --aggregate order --aggregate parcel --backward", "6 5 4 3 2 1"),
        ("--all --tag sku:1 --tag c:2", "6"),
        ("--all --tag sku:1 --tag c:3", ""),
        ("--all --type Nothing", ""),
    ] {
        assert_eq!(positions(&folder, words), wanted, "{words}");
    }
}

/// Two causes: ada's, of which three events followed, and one that somebody else had.
fn causes() -> Folder {
    let folder = Folder::new();
    for (stream, metadata) in [
        ("order-1", r#"{"actor":"ada","command":"Create","causation_id":"c1","correlation_id":"c1"}"#),
        ("order-2", r#"{"actor":"bob","causation_id":"c2","correlation_id":"c2"}"#),
        ("parcel-1", r#"{"causation_id":"m1","correlation_id":"c1"}"#),
        ("order-1", r#"{"causation_id":"m2","correlation_id":"c1"}"#),
        ("order-3", r#"{"correlation_id":["c1"]}"#),
    ] {
        let ran =
            folder.run(&format!("append {stream} --type T --data 1 --metadata '{metadata}' --store log:a"));
        assert_eq!(ran.exit, 0, "{ran:?}");
    }
    folder
}

#[test]
fn what_has_a_cause_in_common_is_found() {
    let folder = causes();
    for (words, wanted) in [
        ("--all --correlation c1", "1 3 4"),
        ("--all --correlation c1 --limit 2", "1 3"),
        ("--all --correlation c1 --backward --limit 2", "4 3"),
        ("--all --correlation c1 --aggregate order", "1 4"),
        ("--all --correlation c1 --after 1 --to 3", "3"),
        ("--all --causation c1", "1"),
        ("--all --causation m2 --correlation c1", "4"),
        ("--all --causation m2 --correlation c2", ""),
        ("--all --correlation c", ""),
    ] {
        assert_eq!(positions(&folder, words), wanted, "{words}");
    }
    let ran = folder.run("read order-1 --correlation c1 --store log:a");
    assert_eq!(ran.exit, 2, "{ran:?}");
    assert!(ran.stderr.contains("read --all instead of order-1"), "{ran:?}");
}

#[test]
fn who_did_it_and_why_is_told_to_people() {
    let ran = causes().run("read --all --to 3 --store log:a");
    let told = |line: &str| line.split("Z  ").nth(1).unwrap_or_default().to_owned();
    let lines: Vec<String> = ran.stdout.lines().map(told).collect();
    assert_eq!(
        lines,
        ["by ada, command Create, cause c1  1", "by bob, cause c2  1", "cause m1, correlation c1  1"],
        "{ran:?}"
    );
}

#[test]
fn a_stream_without_events_is_not_found() {
    let folder = folder();
    folder.check(
        "read order-7 --store log:a",
        "
        ! error: stream `order-7` has no events
        exit code 4
        ",
    );
    folder.check(
        "read order-7 --store log:a --format json",
        r#"
        ! {"error":{"code":"not_found","message":"stream `order-7` has no events"}}
        exit code 4
        "#,
    );
}

#[test]
fn what_is_read_must_be_said() {
    let folder = folder();
    for (words, wanted) in [
        ("", "required arguments were not provided"),
        ("order-1 --all", "cannot be used with"),
        ("order-1 --from 1 --after 1", "cannot be used with"),
        ("order", "\"order\" does not name a stream"),
        ("--all --limit 0", "invalid value '0'"),
        ("--all --aggregate order-1", "an aggregate type is the text before the first `-`, such as `order`"),
        ("--all --tag sku", "is not a tag"),
    ] {
        let ran = folder.run(&format!("read {words} --store log:a"));
        assert_eq!(ran.exit, 2, "{words}: {ran:?}");
        assert!(ran.stderr.contains(wanted), "{words}: {ran:?}");
    }
    folder.check(
        "read order-1 --type T --store log:a",
        "
        ! error: --type, --aggregate, --tag, --correlation and --causation select from all streams, and a stream was named
        ! hint: leave out the filter, or read --all instead of order-1
        exit code 2
        ",
    );
}

#[test]
fn streams_are_listed_in_the_order_in_which_they_began() {
    let folder = folder();
    folder.check(
        "streams --store log:a",
        "
        stream    version  first position  last position
        order-1         3               1              5
        order-2         1               2              2
        parcel-1        1               4              4
        ",
    );
    folder.check(
        "streams --store log:a --type order --limit 1 --format json",
        r#"
        {"stream":"order-1","version":3,"first_position":1,"last_position":5}
        "#,
    );
    folder.check(
        "streams --store log:a --after 2",
        "stream    version  first position  last position\nparcel-1        1               4              4",
    );
    folder.check("streams --store log:a --type nothing", "");
}
