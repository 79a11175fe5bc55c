//! `import --stream`: the stream of each event by an expression.

use crate::folder::{Folder, Ran, cloud_event};

/// Imports `e.jsonl` by a rule.
fn import(folder: &Folder, store: &str, rule: &str) -> Ran {
    let mut command = folder.command(&format!("import e.jsonl --store {store} -q"));
    command.args(["--stream", rule]);
    Ran::of(command)
}

#[test]
fn a_rule_says_which_stream_an_event_goes_to() {
    let folder = Folder::new();
    let line = |id: u32, more: &str| {
        format!(r#"{{"specversion":"1.0","id":"{id}","source":"/shop","type":"Placed"{more}}}"#)
    };
    let catalogue = [
        line(1, r#","subject":"orders/17/items","data":{"order":"17"}"#),
        line(2, r#","subject":"order-17","tenant":"acme","data":{"order":"17"}"#),
        line(3, r#","data":{"order":"18"}"#),
    ];
    folder.write("e.jsonl", catalogue.join("\n"));
    let remedy = r#"; say with --stream EXPRESSION which stream an event goes to, such as --stream "'order-' + event.data.id""#;
    let ran = folder.run("import e.jsonl --store log:a -q --on-error skip");
    assert!(ran.stderr.contains(&format!("such as `orders/17/items-1`{remedy}\n")), "{ran:?}");
    assert!(ran.stderr.contains(&format!("line 3 of e.jsonl: \"subject\" is missing{remedy}\n")), "{ran:?}");
    let ran = import(&folder, "log:b", "'order-' + event.data.order");
    assert_eq!(ran.outcome(), "3 new, 0 already there\n");
    let events = folder.run("read --all --store log:b --format json").json();
    let placed: Vec<_> = events.iter().map(|event| (&event["stream"], &event["version"])).collect();
    assert_eq!(
        placed,
        [(&"order-17".into(), &1.into()), (&"order-17".into(), &2.into()), (&"order-18".into(), &1.into())]
    );
    assert_eq!(events[0]["metadata"]["subject"], "orders/17/items");
    assert_eq!(import(&folder, "log:b", "'order-' + event.data.order").outcome(), "0 new, 3 already there\n");
    // The names are those of `migrate`, and what a line doesn't say is no field of it.
    let rule = "event.type + '-' + (has(event.stream) ? event.metadata.id : event.metadata.source)";
    let ran = import(&folder, "log:c", rule);
    assert_eq!(ran.exit, 0, "{ran:?}");
    let events = folder.run("read --all --store log:c --format json").json();
    let placed: Vec<_> = events.iter().map(|event| event["stream"].as_str().unwrap()).collect();
    assert_eq!(placed, ["Placed-1", "Placed-2", "Placed-/shop"]);
}

#[test]
fn a_rule_that_gives_no_stream_is_a_mistake_of_the_line_or_of_the_rule() {
    let folder = Folder::new();
    folder.write("e.jsonl", cloud_event(1, "order-1", "T"));
    for (rule, exit, wanted) in [
        ("event.steam", 2, "did you mean `stream`?"),
        ("event.data.n", 1, "line 1 of e.jsonl: --stream: it gives an int, not a text"),
        ("event.type", 1, "line 1 of e.jsonl: --stream: \"T\" does not name a stream"),
        ("'$saga-' + event.type", 1, "line 1 of e.jsonl: --stream: "),
        ("'order-' + event.data.none", 1, "line 1 of e.jsonl: --stream: "),
    ] {
        let ran = import(&folder, "log:a", rule);
        assert!(ran.exit == exit && ran.stderr.contains(wanted), "{rule}: {ran:?}");
    }
}

#[test]
fn by_a_rule_versions_are_counted_anew_and_own_streams_stay() {
    let folder = Folder::new();
    let line = |id: u32, stream: &str, version: u32| {
        format!(
            r#"{{"position":{id},"stream":"{stream}","version":{version},"event_id":"00000000-0000-4000-8000-00000000000{id}","event_type":"T","schema_version":1,"data":1,"metadata":{{}},"tags":[],"occurred_at":"2010-12-01T08:26:00.000000Z","recorded_at":"2010-12-01T08:26:00.000000Z"}}"#
        )
    };
    folder.write("e.jsonl", [line(1, "a-1", 7), line(2, "$inbox-a", 1), line(3, "b-1", 7)].join("\n"));
    let ran = import(&folder, "log:a", "'all-' + event.stream_id");
    assert_eq!(ran.outcome(), "3 new, 0 already there\n");
    let events = folder.run("read --all --store log:a --format json").json();
    let placed: Vec<_> =
        events.iter().map(|event| format!("{} {}", event["stream"], event["version"])).collect();
    assert_eq!(placed, [r#""all-1" 1"#, r#""$inbox-a" 1"#, r#""all-1" 2"#]);
}
