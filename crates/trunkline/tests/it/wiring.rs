//! What is connected to nothing: each is said at its place, with what to do, and a file without any has nothing said of it.

use trunkline::FromFile as _;
use trunkline::{App, Registered};

use crate::world::{mistakes, read};

const DOORS: &str = r#"
[commands.Build]
stream: "'door-' + command.id"
emit: [{ type: "Built", data: "command" }]
[commands.Paint]
stream: "'door-' + command.id"
emit: [{ type: "Painted", data: "command" }]
[commands.Strip]
stream: "'door-' + command.id"
emit: [{ type: "Stripped", data: "command" }]
[commands.Look]
stream: "'door-' + command.id"
reply: "state"
[consumers.work]
topics: ["doors"]
dispatch: "command"
[consumers.tell]
topics: ["news"]
webhook: "https://news.example"
[sagas.door]
start: "Built"
correlate: "event.data.id"
steps: [
  { name: "look", send: { topic: "doors", command: "Look", data: "{'id': saga.id}" }, timeout: "1m" }
  { name: "paint", send: { topic: "doors", command: "Paint", data: "{'id': saga.id}" }
    done: "Painted", timeout: "1m"
    compensate: { send: { topic: "doors", command: "Strip", data: "{'id': saga.id}" }, done: "Stripped" } }
]
failed: { send: { topic: "doors", command: "Strip", data: "{'id': saga.id}" } }
"#;

/// What is said of the doors with one thing written otherwise: code, place, message and remedy.
fn said(from: &str, to: &str) -> Vec<String> {
    said_of(from, to, &Registered { complete: true, ..Registered::default() })
}

fn said_of(from: &str, to: &str, registered: &Registered) -> Vec<String> {
    assert!(DOORS.contains(from), "{from}");
    let file = read(&DOORS.replace(from, to), registered);
    let sources = &file.evaluated.sources;
    let found = file.evaluated.diagnostics.iter();
    let lines = found.map(|found| {
        assert!(found.fix.is_some(), "{found:?}");
        let kind = if found.is_error() { "error" } else { "warning" };
        format!("{} {kind} at `{}`: {}", found.code.as_str(), sources.slice(found.span()), found.message)
    });
    lines.collect()
}

#[test]
fn the_example_and_the_doors_have_none() {
    assert_eq!(said("door", "door"), [""; 0]);
    let example = include_str!("../../../../examples/orders/orders.tsk");
    assert_eq!(mistakes(example, &App::builder().registered()), [""; 0]);
}

#[test]
fn events_that_nothing_emits() {
    let gone = r#"TL2503 error at `"Paintd"`: nothing emits the event "Paintd"; did you mean "Painted"?"#;
    assert_eq!(said(r#"done: "Painted""#, r#"done: "Paintd""#), [gone]);
    assert_eq!(
        said(r#"start: "Built""#, r#"start: "Ordered""#),
        [r#"TL2503 error at `"Ordered"`: nothing emits the event "Ordered""#]
    );
    let with_compensation = said(r#"done: "Stripped""#, r#"done: "Vanished""#);
    assert!(with_compensation[0].contains("nothing emits the event \"Vanished\""), "{with_compensation:?}");
    let turns = said("failed: {", "on { Lost: { then: \"fail\" } }\nfailed: {");
    assert!(turns[0].contains("nothing emits the event \"Lost\""), "{turns:?}");
    // Declared ones come from elsewhere; folded ones are known too.
    let elsewhere = "[events.Ordered]\nversion: 1\n[sagas.door]\nstart: \"Ordered\"";
    assert_eq!(said("[sagas.door]\nstart: \"Built\"", elsewhere), [""; 0]);
    let folded = "[aggregates.door]\non { Ordered: \"state\" }\n[sagas.door]\nstart: \"Ordered\"";
    assert_eq!(said("[sagas.door]\nstart: \"Built\"", folded), [""; 0]);
}

#[test]
fn an_event_that_became_another_comes_no_more() {
    let older = "[events.Painted]\nversion: 1\n[events.Coloured]\nupcast: [{ from: 1, steps: [{ type: \"Painted\" }] }]\n[sagas.door]";
    let said = said_of("[sagas.door]", older, &Registered::default());
    assert_eq!(said, [""; 0]);
    let text = DOORS.replace("[sagas.door]", older).replace(r#"done: "Painted""#, r#"done: "Coloured""#);
    let found = mistakes(&text, &Registered::default());
    assert!(found[0].contains("every Coloured becomes another event, so none comes any more"), "{found:?}");
}

#[test]
fn commands_that_nothing_handles() {
    assert_eq!(
        said(r#"command: "Paint""#, r#"command: "Pant""#),
        [
            r#"TL2504 error at `"Pant"`: nothing handles the command "Pant", which a consumer dispatches; did you mean "Paint"?"#
        ]
    );
    // What the program handles isn't known to the plain binary, where the file names code of one.
    let coded = "[cqrs.command_handlers]\nOther: \"doors.Other\"\n[sagas.door]";
    let with_code =
        DOORS.replace("[sagas.door]", coded).replace(r#"command: "Paint""#, r#"command: "Varnish""#);
    let file = read(&with_code, &Registered::default());
    assert_eq!(file.mistakes().count(), 0, "{:?}", file.evaluated.diagnostics);
    let program =
        Registered { commands: ["Varnish".to_owned()].into(), complete: true, ..Registered::default() };
    assert_eq!(said_of(r#"command: "Paint""#, r#"command: "Varnish""#, &program), [""; 0]);
}

#[test]
fn events_that_a_consumer_takes_as_commands() {
    let relay = |events: &str| format!("[relay.out]\nevents: {events}\ntopic: \"doors\"\n[sagas.door]");
    assert_eq!(
        said("[sagas.door]", &relay("\"Painted\"")),
        [
            r#"TL2504 error at `"Painted"`: nothing handles the command "Painted", which a consumer dispatches; did you mean "Paint"?"#
        ]
    );
    assert_eq!(said("[sagas.door]", &relay("\"*\"")).len(), 3, "all events of the file");
    let elsewhere = relay("\"Painted\"").replace("topic: \"doors\"", "topic: \"news\"");
    assert_eq!(said("[sagas.door]", &elsewhere), [""; 0]);
}

#[test]
fn steps_that_do_not_say_what_undoes_them() {
    let undo = "\n    compensate: { send: { topic: \"doors\", command: \"Strip\", data: \"{'id': saga.id}\" }, done: \"Stripped\" }";
    assert_eq!(
        said(undo, ""),
        [r#"TL2505 error at `"Paint"`: the step "paint" doesn't say what undoes Paint"#]
    );
    assert_eq!(said(undo, ", compensate: \"none\""), [""; 0]);
}

#[test]
fn what_nothing_ever_says_was_done() {
    let to_news = |done: &str| {
        format!("failed: {{ send: {{ topic: \"news\", command: \"Tell\", data: \"saga.id\" }}{done} }}")
    };
    let failed = DOORS.lines().find(|line| line.starts_with("failed:")).unwrap();
    let found = said(failed, &to_news(""));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("TL2506 error"), "{found:?}");
    assert!(found[0].ends_with(": nothing ever says that Tell was done"), "{found:?}");
    assert_eq!(said(failed, &to_news(", done: \"Stripped\"")), [""; 0]);
}

#[test]
fn steps_that_may_wait_for_ever() {
    let found = said("done: \"Painted\", timeout: \"1m\"", "done: \"Painted\"");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("TL2507 error at `{ name: \"paint\""), "{found:?}");
    for end in ["failed: \"Stripped\"", "timeout: \"1h\""] {
        assert_eq!(said("done: \"Painted\", timeout: \"1m\"", &format!("done: \"Painted\", {end}")), [""; 0]);
    }
    let whole = DOORS.replace("done: \"Painted\", timeout: \"1m\"", "done: \"Painted\"");
    let whole = whole.replace("start: \"Built\"", "start: \"Built\"\ntimeout: \"1d\"");
    assert_eq!(mistakes(&whole, &Registered::default()), [""; 0], "a timeout of the whole saga will do");
}

#[test]
fn steps_that_are_never_taken() {
    let found = said("name: \"paint\",", "name: \"paint\", when: \"false && saga.start.wood\",");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("the step \"paint\" is never taken: its `when` never holds"), "{found:?}");
    assert_eq!(said("name: \"paint\",", "name: \"paint\", when: \"saga.start.wood\","), [""; 0]);
    let start = said("start: \"Built\"", "start: { event: \"Built\", when: \"1 > 2\" }");
    assert_eq!(start, [r#"TL2508 error at `"Built"`: no such saga ever starts: its `when` never holds"#]);
}

#[test]
fn topics_that_nobody_takes_from() {
    let to = |topic: &str| {
        said("topic: \"doors\", command: \"Paint\"", &format!("topic: \"{topic}\", command: \"Paint\""))
    };
    assert_eq!(
        to("door"),
        [
            r#"TL2509 warning at `"door"`: no consumer takes messages of the topic "door"; did you mean "doors"?"#
        ]
    );
    assert_eq!(
        to("paintshop"),
        [r#"TL2509 warning at `"paintshop"`: no consumer takes messages of the topic "paintshop""#]
    );
    let text =
        DOORS.replace("topic: \"doors\", command: \"Paint\"", "topic: \"paintshop\", command: \"Coat\"");
    let external = format!("[message_queue]\nexternal: \"paintshop\"\n{text}");
    assert_eq!(mistakes(&external, &Registered::default()), [""; 0]);
}

#[test]
fn one_mistake_is_not_said_twice() {
    // The command can't be read, and so nobody knows what it emits.
    let found =
        said("stream: \"'door-' + command.id\"\nemit: [{ type: \"Painted\"", "emit: [{ type: \"Painted\"");
    assert_eq!(found.len(), 1, "{found:?}");
    // Nor is a consumer missing which is there, with a mistake in it.
    let found = said("dispatch: \"command\"", "dispatch: \"comand\"");
    assert!(found.iter().all(|line| !line.starts_with("TL25")), "{found:?}");
}

#[test]
fn events_of_projections_that_nothing_emits_are_warnings() {
    let projection = "[projections.doors]\nschema: \"CREATE TABLE doors (id TEXT)\"\non {";
    let on = |name: &str| {
        let projection = format!(
            "{projection} Built: \"INSERT INTO doors VALUES (:stream)\", {name}: \"DELETE FROM doors\" }}\n"
        );
        ("[consumers.work]", format!("{projection}[consumers.work]"))
    };
    let (from, to) = on("Paintd");
    let misspelt = r#"TL2503 warning at `Paintd`: nothing emits the event "Paintd"; did you mean "Painted"?"#;
    assert_eq!(said(from, &to), [misspelt]);
    let code = Registered { complete: true, commands: ["Sell".to_owned()].into(), ..Registered::default() };
    assert_eq!(said_of(from, &to, &code), [misspelt]);
    let (from, to) = on("Sold");
    assert_eq!(said(from, &to), [r#"TL2503 warning at `Sold`: nothing emits the event "Sold""#]);
    assert_eq!(said_of(from, &to, &code), [""; 0], "the program may sell");
    let declared = to.replace("[consumers.work]", "[events.Sold]\nversion: 1\n[consumers.work]");
    assert_eq!(said(from, &declared), [""; 0]);
    let becomes = "[events.Painted]\nversion: 1\n[events.Sold]\nupcast: [{ from: 1, steps: [{ type: \"Painted\" }] }]\n[consumers.work]";
    assert_eq!(
        said(from, &to.replace("[consumers.work]", becomes)),
        ["TL2503 error at `Sold`: every Sold becomes another event, so none comes any more"]
    );
    // A file that knows no events at all is about those of another.
    let alone = format!("{projection} Sold: \"INSERT INTO doors VALUES (:stream)\" }}");
    assert_eq!(mistakes(&alone, &Registered::default()), [""; 0]);
}
