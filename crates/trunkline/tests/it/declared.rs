//! Declared commands: what they answer, and what of a file is refused before anything is dispatched.

use trunkline::{App, CommandRequest, EventStoreExt, Registered};

use crate::world::{app, mistakes, read, request, said};

async fn ask(app: &App, name: &str, data: &str) -> String {
    said(&app.send(CommandRequest::new(name, data.to_owned())).await)
}

#[tokio::test]
async fn rules_are_judged_in_order_and_the_first_that_fails_answers() {
    let app = app(r#"
        [commands.Open]
        stream: "'door-' + command.id"
        require: [
          { that: "command.by != ''",          else: "somebody opens a door" }
          { that: "command.key == command.id", else: "key {command.key} does not fit {command.id}" }
        ]
        emit: [{ type: "Opened", data: "{'by': command.by}" }]
    "#)
    .await;
    assert_eq!(ask(&app, "Open", r#"{"id":"a","by":"","key":"b"}"#).await, "rejected: somebody opens a door");
    assert_eq!(
        ask(&app, "Open", r#"{"id":"a","by":"ada","key":"b"}"#).await,
        "rejected: key b does not fit a"
    );
    assert_eq!(
        ask(&app, "Open", r#"{"id":"a","by":"ada","key":"a"}"#).await,
        r#"accepted: door-a@1 Opened {"by":"ada"}"#
    );
}

#[tokio::test]
async fn what_a_command_lacks_is_named() {
    let app = app(r#"
        [commands.Open]
        stream: "'door-' + command.id"
        require: [{ that: "command.key.teeth > 3", else: "no" }]
        emit: [{ type: "Opened", data: "command" }]
    "#)
    .await;
    let rejection = async |data: &str| {
        let outcome = app.send(CommandRequest::new("Open", data.to_owned())).await.unwrap();
        outcome.rejection().unwrap().clone()
    };
    let found = rejection("{}").await;
    assert_eq!((found.field.as_deref(), &*found.reason), (Some("command.id"), "`command` has no field `id`"));
    let found = rejection(r#"{"id":"a","key":{}}"#).await;
    assert_eq!(found.field.as_deref(), Some("command.key.teeth"), "{found:?}");
    for data in ["[]", "7", "{", ""] {
        assert_eq!(rejection(data).await.by, trunkline::RejectedBy::Data, "{data}");
    }
    let found = rejection(r#"{"id":"-"}"#).await;
    assert!(found.reason.contains("has no field `key`"), "{found:?}");
    let found = rejection(r#"{"id":""}"#).await;
    assert!(found.reason.contains("does not name a stream"), "{found:?}");
}

#[tokio::test]
async fn the_stream_must_be_as_expected() {
    let app = app(r#"
        [commands.Build]
        stream: "'door-' + command.id"
        expect: "no_stream"
        emit: [{ type: "Built", data: "command" }]

        [commands.Open]
        stream: "'door-' + command.id"
        expect: "exists"
        emit: [{ type: "Opened", data: "{'version': version}" }]
    "#)
    .await;
    assert_eq!(ask(&app, "Open", r#"{"id":"a"}"#).await, "rejected: door-a does not exist");
    assert!(ask(&app, "Build", r#"{"id":"a"}"#).await.starts_with("accepted"));
    assert_eq!(ask(&app, "Build", r#"{"id":"a"}"#).await, "rejected: door-a exists already");
    assert_eq!(ask(&app, "Open", r#"{"id":"a"}"#).await, r#"accepted: door-a@2 Opened {"version":1}"#);
}

#[tokio::test]
async fn the_data_must_be_of_the_commands_shape() {
    let app = app(r#"
        [commands.Open]
        stream: "'door-' + command.id"
        schema: {
          type: "object", required: ["id"]
          properties: { id: { type: "string" }, keys: { type: "array", items: { type: "integer" } } }
        }
        emit: [{ type: "Opened", data: "command" }]
    "#)
    .await;
    let outcome = app.send(CommandRequest::new("Open", r#"{"id":"a","keys":[1,"x"]}"#)).await.unwrap();
    let rejection = outcome.rejection().unwrap();
    assert_eq!(rejection.field.as_deref(), Some("command.keys[1]"));
    assert_eq!(rejection.reason, r#"keys[1]: "x" is not of type "integer""#);
    assert_eq!(ask(&app, "Open", "{}").await, r#"rejected: "id" is a required property"#);
    assert!(ask(&app, "Open", r#"{"id":"a","keys":[1]}"#).await.starts_with("accepted"));
}

#[tokio::test]
async fn an_assigned_id_is_the_same_for_the_same_command() {
    let text = r#"
        [commands.Build]
        assign: { id: "uuid" }
        stream: "'door-' + command.id"
        emit: [{ type: "Built", data: "command" }]
    "#;
    let build = async |id: &str, data: &str| said(&app(text).await.send(request(id, "Build", data)).await);
    let first = build("1", "{}").await;
    assert!(first.starts_with("accepted: door-"), "{first}");
    assert_eq!(build("1", "{}").await, first, "in another store, where nothing is remembered");
    assert_ne!(build("2", "{}").await, first);
    assert!(build("1", r#"{"id":"mine"}"#).await.starts_with("accepted: door-mine@1"), "what is there stays");
}

#[tokio::test]
async fn several_events_follow_in_order_with_tags_and_a_reply() {
    let app = app(r#"
        [commands.Pass]
        stream: "'door-' + command.id"
        emit: [
          { type: "Opened", data: "command", tags: "['by:' + command.by]" }
          { type: "Bowed",  data: "command", when: "command.by == 'max'" }
          { type: "Shut",   data: "{}" }
        ]
        reply: "{'passed': command.by}"
    "#)
    .await;
    let outcome = app.send(CommandRequest::new("Pass", r#"{"id":"a","by":"ada"}"#)).await.unwrap();
    let accepted = outcome.accepted().unwrap();
    let types: Vec<&str> = accepted.events.iter().map(|event| event.event_type.as_str()).collect();
    assert_eq!((types, &accepted.reply[..]), (vec!["Opened", "Shut"], &br#"{"passed":"ada"}"#[..]));
    let stored = app.store().stream_events(&"door-a".parse().unwrap()).await.unwrap();
    assert_eq!(stored[0].tags().collect::<Vec<_>>(), ["by:ada"]);
    assert_eq!(stored[0].data(), br#"{"id":"a","by":"ada"}"#, "passed through as it came");
}

#[tokio::test]
async fn a_stream_of_another_aggregate_is_the_files_mistake() {
    let app = app(r#"
        [aggregates.door]
        [commands.Open]
        aggregate: "door"
        stream: "'window-' + command.id"
        emit: [{ type: "Opened", data: "command" }]
    "#)
    .await;
    assert_eq!(
        ask(&app, "Open", r#"{"id":"a"}"#).await,
        "error: Open failed: its `stream` gives \"window-a\", which is no stream of the aggregate \"door\""
    );
}

#[tokio::test]
async fn a_state_that_can_not_be_made_is_not_decided_on() {
    let app = app(r#"
        [aggregates.door]
        on { Built: "{'height': event.data.height * 2}" }
        [commands.Build]
        stream: "'door-' + command.id"
        emit: [{ type: "Built", data: "command" }]
    "#)
    .await;
    assert!(
        ask(&app, "Build", r#"{"id":"a"}"#).await.starts_with("accepted"),
        "the first has no state to load"
    );
    let error = ask(&app, "Build", r#"{"id":"a"}"#).await;
    assert!(
        error.starts_with("error: a stored event can't be read: Built at position 1 (door-a version 1): ")
            && error.contains("has no field `height`"),
        "{error}"
    );
}

#[test]
fn mistakes_are_found_when_the_file_is_loaded() {
    let none = Registered { complete: true, ..Registered::default() };
    for (text, wanted) in [
        ("[commands.A]\nstream: \"'a-' + state.id\"\n", "line 2 col 17: there is no `state` here"),
        (
            "[commands.A]\nstream: \"'a-' + meta.actr\"\n",
            "line 2 col 22: `meta` has no field `actr`; did you mean `actor`?",
        ),
        ("[commands.A]\nexpect: \"none\"\n", "\"none\" is not one of \"any\", \"no_stream\", \"exists\""),
        ("[commands.A]\nemit: [{ data: \"command\" }]\n", "\"commands.A.emit.0.type\" is required"),
        (
            "[commands.A]\nstraem: \"'a-b'\"\n",
            "nothing in \"commands.A\" reads the key \"straem\"; did you mean \"stream\"?",
        ),
        ("[aggregates.a]\non { X: \"siez(state)\" }\n", "siez"),
        ("[comands.A]\nx: 1\n", "there is no section \"comands\"; did you mean \"commands\"?"),
        ("[cqrs.command_handlers]\nA: \"Shop\\\\Handler\\\\A\"\n", "no command handler named"),
    ] {
        let found = mistakes(text, &none);
        assert!(found.iter().any(|line| line.contains(wanted)), "{wanted} is not among {found:?}");
    }
}

#[test]
fn a_command_with_a_mistake_is_not_an_unknown_one() {
    let text =
        "[commands.A]\nstream: \"'a-' + comand.id\"\n[scenarios.s]\nwhen: { command: \"A\" }\nthen: []\n";
    let found = mistakes(text, &Registered { complete: true, ..Registered::default() });
    assert_eq!(found, ["line 2 col 17: there is no `comand` here; did you mean `command`?"]);
}

#[test]
fn a_php_class_is_told_what_to_become() {
    let none = Registered::default();
    let file = read("[cqrs.command_handlers]\nA: 'Shop\\Handler\\A'\n", &none);
    let found = &file.evaluated.diagnostics[0];
    assert!(found.note.as_ref().is_some_and(|note| note.contains("webhook")), "{found:?}");
    assert!(!found.is_error(), "the plain binary can't know: {found:?}");
}
