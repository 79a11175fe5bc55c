//! What other SDKs write as `CloudEvents` comes in, and goes out as it came.

use serde_json::{Map, Value, json};

use crate::folder::{Folder, Ran};

/// Events as SDKs write them in structured mode: the order of members, spaces, times and what is left out are theirs.
const WRITTEN: &[(&str, &str)] = &[
    (
        "Python 1",
        r#"{"specversion": "1.0", "id": "4ac1c084-8477-48fc-b9e0-954b8d1e9aac", "source": "/shop", "type": "com.example.placed", "subject": "orders/17", "time": "2018-04-05T17:31:00.124550+00:00", "data": {"n": 1}}"#,
    ),
    (
        "Python 1, bytes and an extension that says nothing",
        r#"{"specversion": "1.0", "id": "A1", "source": "/shop", "type": "com.example.placed", "time": "2018-04-05T17:31:00.124550+00:00", "x": null, "data_base64": "AP8="}"#,
    ),
    (
        "Python 2",
        r#"{"type": "com.example.placed", "source": "/shop", "id": "A2", "specversion": "1.0", "subject": "orders/17", "time": "2018-04-05T17:31:00.123456+02:00", "datacontenttype": "application/json", "tenant": "acme", "seq": 3, "ok": true, "data": {"n": 1}}"#,
    ),
    (
        "Python 2, text",
        r#"{"type": "com.example.placed", "source": "/shop", "id": "A3", "specversion": "1.0", "time": "2018-04-05T17:31:00.123456+02:00", "datacontenttype": "text/plain", "data": "hello"}"#,
    ),
    (
        "JavaScript",
        r#"{"id":"A4","time":"2018-04-05T17:31:00.123Z","type":"com.example.placed","source":"/shop","specversion":"1.0","subject":"orders/17","data":{"n":1},"tenant":"acme","seq":3,"ok":true}"#,
    ),
    (
        "JavaScript, bytes",
        r#"{"id":"A5","time":"2018-04-05T17:31:00.123Z","type":"com.example.placed","source":"/shop","specversion":"1.0","datacontenttype":"application/octet-stream","subject":"orders/17","data_base64":"AP8=","tenant":"acme"}"#,
    ),
    (
        "Go, with nanoseconds",
        r#"{"specversion":"1.0","id":"A6","source":"https://shop.example/orders","type":"com.example.placed","subject":"orders/17","datacontenttype":"application/json","dataschema":"https://shop.example/placed.json","time":"2018-04-05T17:31:00.123456789Z","data":{"n":1},"ok":true,"seq":-2147483648}"#,
    ),
    (
        "Go, XML",
        r#"{"specversion":"1.0","id":"A7","source":"/shop","type":"com.example.placed","datacontenttype":"application/xml","data":"<n>1</n>"}"#,
    ),
    (
        "Java",
        r#"{"specversion":"1.0","id":"A8","source":"/shop","type":"com.example.placed","datacontenttype":"application/json","dataschema":"/placed","subject":"orders/17","time":"2018-04-05T17:31:00.5+05:30","ext":"x","data":{"n":1.50}}"#,
    ),
    (
        "Java, bytes of JSON",
        r#"{"specversion":"1.0","id":"A9","source":"/shop","type":"com.example.placed","datacontenttype":"application/json","data_base64":"eyJuIjoxfQ=="}"#,
    ),
];

/// Those that a store adds of itself.
const OF_THE_STORE: [&str; 4] = ["dataversion", "streamname", "streamversion", "position"];

fn import(folder: &Folder, store: &str) -> Ran {
    let mut command = folder.command(&format!("import sdk.jsonl --store {store} -q"));
    command.args(["--stream", "'order-' + event.metadata.source"]);
    Ran::of(command)
}

/// What an event is to be exported as, by what it came as.
fn wanted(came: &str) -> Map<String, Value> {
    let mut event: Map<String, Value> = serde_json::from_str(came).unwrap();
    event.retain(|_, value| !value.is_null());
    let source = format!("order-{}", event["source"].as_str().unwrap());
    event.entry("subject").or_insert(source.into());
    if event.contains_key("data") {
        event.entry("datacontenttype").or_insert("application/json".into());
    }
    event
}

fn exported(folder: &Folder, store: &str) -> Vec<Map<String, Value>> {
    let ran = folder.run(&format!("export --store {store} --as cloudevents -q"));
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{ran:?}");
    ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn what_sdks_write_comes_in_once_and_goes_out_as_it_came() {
    let folder = Folder::new();
    let lines: Vec<&str> = WRITTEN.iter().map(|(_, line)| *line).collect();
    folder.write("sdk.jsonl", lines.join("\n"));
    let count = WRITTEN.len();
    assert_eq!(import(&folder, "log:a").outcome(), format!("{count} new, 0 already there\n"));
    assert_eq!(import(&folder, "log:a").outcome(), format!("0 new, {count} already there\n"));
    let native = folder.run("export --store log:a -q").stdout;
    folder.write("native.jsonl", &native);
    assert_eq!(folder.run("import native.jsonl --store log:b -q").exit, 0);
    for store in ["log:a", "log:b"] {
        let exported = exported(&folder, store);
        assert_eq!(exported.len(), count);
        for ((sdk, came), mut went) in WRITTEN.iter().zip(exported) {
            went.retain(|name, _| !OF_THE_STORE.contains(&name.as_str()));
            let mut wanted = wanted(came);
            if let (None, Some(time)) = (wanted.get("time"), went.get("time")) {
                wanted.insert("time".to_owned(), time.clone());
            }
            let time = |event: &Map<String, Value>| event["time"].as_str().unwrap().replace("+00:00", "Z");
            let (said, meant) = (time(&went), time(&wanted));
            let is_as_it_was = said == meant || said.trim_end_matches("000Z") == meant.trim_end_matches('Z');
            assert!(is_as_it_was, "{sdk}: {said} and {meant}");
            went.remove("time");
            wanted.remove("time");
            assert_eq!(went, wanted, "{sdk}");
        }
    }
}

#[test]
fn a_strangers_attributes_by_names_of_the_store_are_kept_and_do_not_go_out() {
    let folder = Folder::new();
    let mut line =
        json!({"specversion": "1.0", "id": "1", "source": "/shop", "type": "T", "subject": "order-1"});
    for name in OF_THE_STORE {
        line[name] = "theirs".into();
    }
    folder.write("theirs.jsonl", line.to_string());
    assert_eq!(folder.run("import theirs.jsonl --store log:a -q").exit, 0);
    let read = folder.run("read order-1 --store log:a --format json").json();
    let went = &exported(&folder, "log:a")[0];
    let page = include_str!("../../../../docs/reference/events.md");
    for name in OF_THE_STORE {
        assert_eq!(read[0]["metadata"][name], "theirs", "{name}");
        assert_ne!(went.get(name), Some(&"theirs".into()), "{name}");
        assert!(page.contains(&format!("| `{name}` |")), "the reference has no {name}");
    }
}

#[test]
fn without_a_rule_the_error_names_the_option() {
    let folder = Folder::new();
    for (sdk, line) in WRITTEN {
        folder.write("sdk.jsonl", line);
        let ran = folder.run("import sdk.jsonl --store log:a -q");
        let is_named = ran.stderr.starts_with("error: line 1 of sdk.jsonl: \"subject\"")
            && ran.stderr.contains("say with --stream EXPRESSION");
        assert!(ran.exit == 1 && is_named, "{sdk}: {ran:?}");
    }
}

#[test]
fn what_is_no_cloudevent_is_refused_with_its_place_and_remedy() {
    let folder = Folder::new();
    for (name, value, remedy) in [
        ("id", json!(""), "it is empty"),
        ("source", json!(""), "it is empty"),
        ("time", json!("2016-12-31T23:59:60Z"), "write the second before it, or the one after"),
        ("sequence", json!(4_294_967_296_u64), "write it as a text"),
        ("weight", json!(1.5), "write it as a text"),
        ("place", json!({"x": 1}), "put it into the data"),
    ] {
        let mut event =
            json!({"specversion": "1.0", "id": "1", "source": "s", "type": "T", "subject": "a-1"});
        event[name] = value;
        folder.write("e.jsonl", event.to_string());
        let ran = folder.run("import e.jsonl --store log:a -q");
        let is_named = ran.stderr.starts_with(&format!("error: line 1 of e.jsonl: \"{name}\": "));
        assert!(ran.exit == 1 && is_named && ran.stderr.contains(remedy), "{ran:?}");
    }
}

#[test]
fn an_event_of_this_store_is_a_cloudevent_on_one_line() {
    let folder = Folder::new();
    folder.write(
        "e.jsonl",
        concat!(
            r#"{"stream":"a-1","event_type":"T","data":{"n":1},"tags":["k:v"],"metadata":{"actor":"ada"}}"#,
            "\n",
            r#"{"position":2,"stream":"$inbox-a","version":1,"event_id":"00000000-0000-4000-8000-000000000002","event_type":"$DeadLettered","schema_version":1,"data":1,"metadata":{},"tags":[],"occurred_at":"2010-12-01T08:26:00.000000Z","recorded_at":"2010-12-01T08:26:00.000000Z"}"#,
        ),
    );
    assert_eq!(folder.run("import e.jsonl --store log:a -q").exit, 0);
    let events = exported(&folder, "log:a");
    assert_eq!(events.len(), 1);
    let (event, of) = (&events[0], |name: &str| events[0][name].as_str().unwrap());
    assert_eq!((of("specversion"), of("type"), of("subject")), ("1.0", "T", "a-1"));
    assert!(of("source").starts_with("urn:uuid:") && event["data"] == json!({"n": 1}), "{event:?}");
    assert!(!event.contains_key("actor") && !event.contains_key("tags"), "{event:?}");
    folder.check(
        "export --store log:a --as cloudevents --output out.jsonl --format json",
        r#"{"events":1,"position":2,"left_out":1,"output":"out.jsonl"}"#,
    );
    let ran = folder.run("export --store log:a --as cloudevents");
    assert_eq!(ran.stderr, "exported 1 event, up to position 2 (1 of Trunkline's own left out)\n");
    // It can be taken in again, under the id it has.
    assert_eq!(folder.run("import out.jsonl --store log:b -q").exit, 0);
    assert_eq!(folder.run("read a-1 --store log:b --format json").json()[0]["event_id"], of("id"));
}
