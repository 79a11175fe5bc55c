//! What a file's rules read of a state: what nothing sets is found when the file is checked, or is no answer to a
//! command.

use trunkline::{App, CommandRequest, Decision, DispatchError, Registered};

use crate::world::{app, mistakes};

fn found(text: &str) -> Vec<String> {
    mistakes(text, &Registered::default())
}

/// Doors whose rules name each field that they set.
const DOORS: &str = r#"
[aggregates.door]
initial: "{'status': 'shut', 'opened': 0}"
on {
  Opened: "merge(state, {'status': 'open', 'opened': state.opened + 1, 'by': event.data.by})"
  Locked: "put(state, 'lock', event.data.lock)"
}
[commands.Lock]
stream: "'door-' + command.id"
emit: [{ type: "Locked", data: "{'lock': command.lock}" }]
"#;

fn opening(rule: &str, otherwise: &str, data: &str) -> String {
    format!(
        r#"{DOORS}
[commands.Open]
stream: "'door-' + command.id"
require: [{{ that: "{rule}", else: "{otherwise}" }}]
emit: [{{ type: "Opened", data: "{data}" }}]
"#
    )
}

#[test]
fn a_field_that_nothing_sets_is_a_mistake_where_all_is_known() {
    let data = "{'by': command.by}";
    for good in ["state.status == 'shut'", "state.opened < 3", "state.lock == ''", "has(state.by)"] {
        assert_eq!(found(&opening(good, "no", data)), [] as [&str; 0], "{good}");
    }
    let wrong = found(&opening("state.statuss == 'shut'", "it is {state.lok}", data));
    assert_eq!(
        wrong,
        [
            "line 14 col 19: nothing in [aggregates.door] sets `state.statuss`; did you mean \"status\"?",
            "line 14 col 52: nothing in [aggregates.door] sets `state.lok`; did you mean \"lock\"?",
        ]
    );
    let wrong = found(&opening("true", "no", "{'by': state.owner}"));
    assert_eq!(wrong.len(), 1, "{wrong:#?}");
    assert!(wrong[0].contains("sets `state.owner`"), "{wrong:#?}");
    let in_rule = DOORS.replace("state.opened + 1", "state.openned + 1");
    assert!(found(&in_rule)[0].contains("did you mean \"opened\""), "{:#?}", found(&in_rule));
}

#[tokio::test]
async fn what_may_come_with_an_event_is_a_warning_when_it_looks_like_what_is_set() {
    let file = |rule: &str| {
        format!(
            r#"
[aggregates.door]
on {{ Opened: "merge(event.data, {{'status': 'open'}})" }}
[commands.Open]
stream: "'door-' + command.id"
emit: [{{ type: "Opened", data: "command" }}]
[commands.Shut]
stream: "'door-' + command.id"
require: [{{ that: "{rule}", else: "no" }}]
"#
        )
    };
    assert_eq!(found(&file("state.by == 'me'")), [] as [&str; 0]);
    let near = found(&file("state.statuss == 'open'"));
    assert!(near[0].contains("did you mean \"status\""), "{near:#?}");
    // A warning: the command may bring a field of that name.
    let app = app(&file("state.statuss == 'open'")).await;
    dispatch(&app, "Open", r#"{"id":"1","statuss":"open"}"#).await.unwrap();
    let shut = dispatch(&app, "Shut", r#"{"id":"1"}"#).await.unwrap();
    assert!(matches!(shut, Decision::Accepted(_)), "{shut:?}");
}

#[test]
fn streams_without_an_aggregate_are_said_with_the_nearest_name() {
    let open = |stream: &str, rule: &str| {
        found(&format!(
            "{DOORS}\n[commands.Open]\nstream: \"{stream}\"\nrequire: [{{ that: \"{rule}\", else: \"no\" }}]\n"
        ))
    };
    let near = open("'doors-' + command.id", "true");
    assert_eq!(
        near,
        [
            "line 13 col 9: there is no [aggregates.doors], so that `state` is empty in streams doors-…; did you mean \
          \"door\"?"
        ]
    );
    let reads = open("'window-' + command.id", "state.status == 'open'");
    assert!(reads[0].contains("there is no [aggregates.window]"), "{reads:#?}");
    for quiet in ["'window-' + command.id", "command.stream", "'door-' + command.id"] {
        assert_eq!(open(quiet, "true"), [] as [&str; 0], "{quiet}");
    }
}

async fn dispatch(app: &App, command: &str, data: &str) -> Result<Decision, DispatchError> {
    app.send(CommandRequest::new(command, data.to_owned())).await.map(|outcome| outcome.decision)
}

#[tokio::test]
async fn a_field_that_the_state_lacks_is_no_answer_to_a_command() {
    let app = app(r#"
        [aggregates.door]
        on { Opened: "merge(event.data, {'status': 'open'})" }
        [commands.Open]
        stream: "'door-' + command.id"
        emit: [{ type: "Opened", data: "command" }]
        [commands.Shut]
        stream: "'door-' + command.id"
        require: [{ that: "state.holder == command.by", else: "no" }]
        emit: [{ type: "Shut", data: "{'id': command.id}" }]
    "#)
    .await;
    // A stream without events lacks everything: that is an answer, and so is what a command lacks.
    let none = dispatch(&app, "Shut", r#"{"id":"1","by":"me"}"#).await.unwrap();
    assert!(matches!(none, Decision::Rejected(_)), "{none:?}");
    dispatch(&app, "Open", r#"{"id":"1","holder":"me"}"#).await.unwrap();
    let lacking = dispatch(&app, "Shut", r#"{"id":"1"}"#).await.unwrap();
    assert!(matches!(lacking, Decision::Rejected(_)), "{lacking:?}");

    dispatch(&app, "Open", r#"{"id":"2"}"#).await.unwrap();
    let shut = CommandRequest::new("Shut", r#"{"id":"2","by":"me"}"#).id("s".parse().unwrap());
    let error = app.send(shut.clone()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "Shut failed: `state` has no field `holder` (it has `id`, `status`): the file's rules read what they have not \
         set; name a field that they set, or write `default(state.holder, …)`"
    );
    // Nothing was decided: once the state has it, the same command is judged.
    dispatch(&app, "Open", r#"{"id":"2","holder":"me"}"#).await.unwrap();
    assert!(matches!(app.send(shut).await.unwrap().decision, Decision::Accepted(_)));
}
