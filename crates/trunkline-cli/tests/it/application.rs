//! `check`, `config` and `explain`: the application file.

use crate::folder::{Folder, Ran};

/// A folder with a file `app.tsk`.
fn with_file(text: &str) -> Folder {
    let folder = Folder::new();
    folder.write("app.tsk", text);
    folder
}

const HOOKS: &str = r#"[event_driven]
event_store: @go("events.ConfigureEventStore")
message_queue: @go("events.ConfigureMessageQueue")
projections: @go("events.ConfigureProjections")
sagas: @go("events.ConfigureSagas")
replay: @go("events.ConfigureReplay")
"#;

#[test]
fn hooks_are_printed_by_name_and_checked() {
    let folder = with_file(HOOKS);
    folder.check(
        "config app.tsk",
        r#"{"event_driven":{"event_store":{"$go":"events.ConfigureEventStore"},"message_queue":{"$go":"events.ConfigureMessageQueue"},"projections":{"$go":"events.ConfigureProjections"},"sagas":{"$go":"events.ConfigureSagas"},"replay":{"$go":"events.ConfigureReplay"}}}"#,
    );
    folder.check("check app.tsk", "! app.tsk: no mistakes");
    folder.check("check app.tsk --quiet", "");
    folder.check("check app.tsk --format json", "[]");

    let folder = with_file(&HOOKS.replace("ConfigureSagas", "ConfigureSaga"));
    let ran = folder.run("check app.tsk");
    assert_eq!((ran.exit, ran.stderr.as_str()), (1, ""), "{ran:?}");
    assert!(ran.stdout.contains("no hook named \"events.ConfigureSaga\"; did you mean"), "{ran:?}");
    assert_eq!(folder.run("config app.tsk").exit, 0, "only a program has hooks, and it isn't known which");
}

#[test]
fn mistakes_are_data_with_their_places() {
    let folder = with_file("a: 1\nlist: [1, 2,\nb: 3\n");
    folder.check(
        "check app.tsk --format json",
        r#"
        [{"code":"TL1002","severity":"error","message":"'[' is never closed","file":"app.tsk","line":2,"column":7,"end_line":2,"end_column":8,"help":"add the closing ']'"}]
        exit code 1
        "#,
    );
    let ran = folder.run("check app.tsk");
    assert_eq!((ran.exit, ran.stderr.as_str()), (1, ""), "all of it is data: {ran:?}");
    for wanted in ["error TL1002", "line 2 col 7: '[' is never closed", "app.tsk:2:7", "1 error, 0 warnings"]
    {
        assert!(ran.stdout.contains(wanted), "{wanted}: {ran:?}");
    }
    assert!(!ran.stdout.contains('\u{1b}'), "no terminal, no colour: {ran:?}");
}

#[test]
fn every_mistake_is_listed() {
    let folder = with_file("a: $nothing\nb: \"open\nc: 1 2\n");
    let ran = folder.run("check app.tsk --format json");
    let mistakes = ran.json().remove(0);
    let lines: Vec<_> =
        mistakes.as_array().unwrap().iter().map(|mistake| mistake["line"].as_u64().unwrap()).collect();
    assert!(lines.contains(&1) && lines.contains(&2), "{ran:?}");
}

#[test]
fn warnings_are_no_failure() {
    let folder = with_file("[event_store]\ndsn: \"log:a\"\ndsn: \"log:b\"\n");
    let ran = folder.run("check app.tsk");
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{ran:?}");
    assert!(ran.stdout.contains("0 errors, 1 warning"), "{ran:?}");
    let ran = folder.run("config app.tsk");
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, "{\"event_store\":{\"dsn\":\"log:b\"}}\n"), "{ran:?}");
    assert!(ran.stderr.contains("0 errors, 1 warning"), "{ran:?}");
    folder.check("config app.tsk --quiet", r#"{"event_store":{"dsn":"log:b"}}"#);
    let ran = folder.run("config app.tsk --format json");
    let warnings: serde_json::Value = serde_json::from_str(&ran.stderr).unwrap();
    assert_eq!(
        (&ran.json()[0]["event_store"]["dsn"], &warnings["warnings"][0]["line"]),
        (&"log:b".into(), &3.into()),
        "{ran:?}"
    );
}

#[test]
fn a_tree_with_gaps_is_not_printed() {
    let folder = with_file("a: 1\nb: $nothing\n");
    let ran = folder.run("config app.tsk");
    assert_eq!((ran.exit, ran.stdout.as_str()), (1, ""), "{ran:?}");
    assert_eq!(ran.stderr.matches("nothing above defines $nothing").count(), 1, "{ran:?}");
    assert!(ran.stderr.ends_with("\n1 error, 0 warnings\n"), "{ran:?}");
    let ran = folder.run("config app.tsk --format json");
    assert_eq!((ran.exit, ran.stdout.as_str()), (1, ""), "{ran:?}");
    let error = &serde_json::from_str::<serde_json::Value>(&ran.stderr).unwrap()["error"];
    assert_eq!(
        (&error["code"], &error["message"], &error["mistakes"][0]["line"]),
        (&"failed".into(), &"app.tsk has 1 error".into(), &2.into()),
        "{error}"
    );
}

#[test]
fn a_secret_is_never_printed() {
    let folder = with_file("[event_store]\npassword: @env.secure(\"TL_SECRET\")\n");
    for (words, wanted) in [
        ("config app.tsk", "{\"event_store\":{\"password\":\"***\"}}\n"),
        ("check app.tsk --format json", "[]\n"),
        ("check app.tsk", "! app.tsk: no mistakes\n"),
    ] {
        let mut command = folder.command(words);
        command.env("TL_SECRET", "hunter2");
        assert_eq!(Ran::of(command).outcome(), wanted, "{words}");
    }
    let folder = with_file("$p: @env.secure(\"TL_SECRET\")\nurl: \"postgres://ada:${p}@host\"\nn: $p + 1\n");
    for words in ["config app.tsk", "check app.tsk", "check app.tsk --format json"] {
        let mut command = folder.command(words);
        command.env("TL_SECRET", "hunter2");
        let ran = Ran::of(command);
        assert!(!ran.outcome().contains("hunter2"), "{words}: {ran:?}");
    }
}

/// The application file of a shop, in which an order reserves, pays and is confirmed, or goes back.
const SHOP: &str = r#"# the shop
$data: @env("SHOP_DATA", "./data")
@include "hooks.tsk"

[event_store]
dsn:      @env("SHOP_EVENTS", "log:${data}/events")
password: @env.secure("SHOP_PASSWORD")

# --- orders

[aggregates.order]
on {
  OrderCreated:   "merge(event.data, {'status': 'open'})"
  OrderCancelled: "put(state, 'status', 'cancelled')"
}

[commands.CreateOrder]
aggregate: "order"
stream: "'order-' + command.order_id"
expect: "no_stream"
require: [
  { that: "command.total > 0",     else: "the total must be positive" }
  { that: "size(command.items) > 0", else: "an order needs at least one item" }
]
emit: [{ type: "OrderCreated", data: "command" }]

[commands.ConfirmOrder]
aggregate: "order"
stream: "'order-' + command.order_id"
emit: [{ type: "OrderConfirmed", data: "command" }]

[commands.CancelOrder]
aggregate: "order"
stream: "'order-' + command.order_id"
emit: [{ type: "OrderCancelled", data: "command" }]

[aggregates.stock]
on { Reserved: "{'reserved': true}", Released: "{}" }

[commands.Reserve]
aggregate: "stock"
stream: "'stock-' + command.order_id"
emit: [
  { type: "Reserved",   data: "command", when: "command.order_id != '0'" }
  { type: "OutOfStock", data: "command", when: "command.order_id == '0'" }
]

[commands.Release]
aggregate: "stock"
stream: "'stock-' + command.order_id"
emit: [{ type: "Released", data: "command" }]

# --- the way through, and back

[sagas.order]
start: "OrderCreated"
correlate: "event.data.order_id"
steps: [
  { name: "reserve"
    send: { topic: "stock", command: "Reserve", data: "{'order_id': saga.id}" }
    done: "Reserved", failed: "OutOfStock", timeout: "30s"
    compensate: { send: { topic: "stock", command: "Release", data: "{'order_id': saga.id}" }, done: "Released" } }
  { name: "confirm"
    send: { topic: "orders", command: "ConfirmOrder", data: "{'order_id': saga.id}" }
    done: "OrderConfirmed", timeout: "5m", compensate: "none" }   # nothing to undo
]
on { OrderCancelled: { then: "fail", reason: "event.data.reason" } }

[consumers.work]
topics: ["orders", "stock"]
dispatch: "command"

# --- read side

[projections.orders]
schema: """
  CREATE TABLE orders (
    id VARCHAR(64) PRIMARY KEY,
    status VARCHAR(16) NOT NULL)
"""
on {
  OrderCreated: "INSERT INTO orders (id, status) VALUES (:data.order_id, 'open')"
}
"#;

#[test]
fn a_whole_application_file_is_parsed_and_checked() {
    let folder = with_file(SHOP);
    folder.write("hooks.tsk", HOOKS);
    let run = |words: &str, data: &str| {
        let mut command = folder.command(words);
        command.env("SHOP_PASSWORD", "hunter2").env("SHOP_DATA", data);
        Ran::of(command)
    };
    let checked = run("check app.tsk --format json", "");
    assert_eq!(checked.exit, 0, "{checked:?}");
    for mistake in checked.json().remove(0).as_array().unwrap() {
        assert_eq!(mistake["code"], "TL2109", "parts that come later are said, and nothing else: {mistake}");
    }
    let config = run("config app.tsk", "./data").json().remove(0);
    let sections: Vec<_> = config.as_object().unwrap().keys().collect();
    assert_eq!(
        sections,
        ["event_driven", "event_store", "aggregates", "commands", "sagas", "consumers", "projections"]
    );
    assert_eq!(config["event_driven"]["replay"]["$go"], "events.ConfigureReplay");
    assert_eq!(config["event_store"]["dsn"], "log:./data/events");
    assert_eq!(config["event_store"]["password"], "***");
    assert_eq!(config["sagas"]["order"]["steps"][0]["compensate"]["done"], "Released");
    let schema = config["projections"]["orders"]["schema"].as_str().unwrap();
    assert!(schema.contains("CREATE TABLE orders (\n"), "{schema}");
    let config = run("config app.tsk", "/srv/shop").json().remove(0);
    assert_eq!(config["event_store"]["dsn"], "log:/srv/shop/events");
}

#[test]
fn an_included_file_is_found_beside_the_one_that_names_it() {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.path("conf/parts")).unwrap();
    folder.write("conf/app.tsk", "@include \"./parts/../parts/a.tsk\"\nb: 2\n");
    folder.write("conf/parts/a.tsk", "a: 1\n");
    folder.check("config conf/app.tsk", r#"{"a":1,"b":2}"#);
    folder.write("conf/parts/a.tsk", "a: [1\n");
    let mistakes = folder.run("check conf/app.tsk --format json").json().remove(0);
    assert_eq!(mistakes[0]["file"].as_str().map(std::path::Path::new), Some("conf/parts/a.tsk".as_ref()));
}

#[test]
fn a_file_that_is_not_there_is_not_found() {
    let folder = Folder::new();
    for command in ["check", "config"] {
        folder.check(
            &format!("{command} none.tsk"),
            "
            ! error: reading none.tsk: there is no such file
            exit code 4
            ",
        );
        folder.check(
            &format!("{command} none.tsk --format json"),
            r#"
            ! {"error":{"code":"not_found","message":"reading none.tsk: there is no such file"}}
            exit code 4
            "#,
        );
        let ran = folder.run(&format!("{command} ."));
        assert!(ran.exit == 1 && ran.stderr.starts_with("error: reading .: "), "{ran:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_without_end_is_refused() {
    let ran = Folder::new().run("check /dev/zero");
    assert_eq!((ran.exit, ran.stdout.as_str()), (1, ""), "{ran:?}");
    assert!(ran.stderr.starts_with("error: reading /dev/zero: the file is larger than "), "{ran:?}");
}

#[test]
fn a_code_is_explained() {
    let folder = Folder::new();
    let page = include_str!("../../../../docs/errors/TL1002.md");
    for code in ["TL1002", "tl1002"] {
        assert_eq!(folder.run(&format!("explain {code}")).outcome(), page);
    }
    let explained = folder.run("explain tl1002 --format json").json().remove(0);
    assert_eq!((&explained["code"], &explained["page"]), (&"TL1002".into(), &page.into()));
    folder.check(
        "explain TLI002",
        "
        ! error: there is no code \"TLI002\"
        ! hint: did you mean TL1002?
        exit code 4
        ",
    );
    folder.check(
        "explain x --format json",
        r#"
        ! {"error":{"code":"not_found","message":"there is no code \"x\"","hint":"`trunkline explain` lists all codes"}}
        exit code 4
        "#,
    );
}

#[test]
fn all_codes_are_listed() {
    let folder = Folder::new();
    let ran = folder.run("explain");
    let pages = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors")).unwrap().count();
    assert_eq!((ran.stdout.lines().count(), ran.exit), (pages, 0), "{ran:?}");
    assert!(ran.stdout.contains("\nTL1002  a bracket or block is never closed\n"), "{ran:?}");
    let listed = folder.run("explain --format json").json();
    assert_eq!(listed.len(), pages);
    assert_eq!(
        listed[1],
        serde_json::json!({"code": "TL1002", "title": "a bracket or block is never closed"})
    );
}

#[test]
fn a_file_that_exists_is_left_as_it_is() {
    let folder = Folder::new();
    folder.write("app.tsk", "mine");
    let ran = folder.run("init");
    assert_eq!(ran.exit, 1, "{ran:?}");
    assert!(ran.stderr.contains("hint: name another file; one that exists is left as it is"), "{ran:?}");
    assert_eq!(folder.text("app.tsk"), "mine");
}

const DOORS: &str =
    "[commands.Open]\nstream: \"'door-' + command.id\"\nemit: [{ type: \"Opened\", data: \"command\" }]\n";

#[test]
fn an_id_that_was_used_for_another_command_is_refused() {
    let folder = with_file(DOORS);
    let dispatch =
        |data: &str| folder.run(&format!("dispatch app.tsk Open --id 7 --data '{data}' --store log:a -q"));
    assert_eq!(dispatch(r#"{"id":"a","n":1}"#).exit, 0);
    let again = dispatch(r#"{ "n": 1, "id": "a" }"#);
    assert!(again.exit == 0 && again.stdout.contains("(the outcome it had before)"), "{again:?}");
    folder.check(
        r#"dispatch app.tsk Open --id 7 --data '{"id":"a","n":2}' --store log:a -q"#,
        "
        ! error: this id was used for another command: \"7\" belongs to \"Open\" with other data
        ! hint: every command has an id of its own; choose another, or send the first one as it was to have its outcome
        exit code 1
        ",
    );
    folder.check(
        r#"dispatch app.tsk Open --data '{"id":"b","id":"c"}' --store log:a -q"#,
        "
        rejected: `id` is there twice, and readers differ in which of the two they take; write it once
          the data: see `command.id`
        exit code 1
        ",
    );
}

const COUNTER: &str = "[aggregates.count]\ninitial: \"{'n': 0}\"\non { Added: \"{'n': state.n + 1}\" }\n";

/// Goal: who looks at a stream with a long life sees its end and how much there was before; programs get all of it.
#[test]
fn the_history_of_a_long_stream_is_limited_for_people() {
    let folder = with_file(COUNTER);
    for _ in 0..23 {
        let ran = folder.run("append count-1 --type Added --data '{}' --store log:a -q");
        assert_eq!(ran.exit, 0, "{ran:?}");
    }
    let changes = |words: &str| {
        let shown = folder.run(&format!("state app.tsk count-1 --store log:a {words}")).stdout;
        assert!(shown.starts_with("count-1 at version 23\n   n: 23\n\n"), "{shown}");
        (shown.matches("   ~ n: ").count(), shown.contains("3 earlier events not shown; --all shows them"))
    };
    assert_eq!(changes(""), (20, true));
    assert_eq!(changes("--all"), (23, false));
    assert_eq!(changes("--last 2"), (2, false));
    let state = folder.run("state app.tsk count-1 --store log:a --format json").json();
    assert_eq!(state[0]["events"].as_array().unwrap().len(), 23);
}
