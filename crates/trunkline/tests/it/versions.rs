//! Events over the years: what the file says of their shapes, past and present.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use trunkline::history::{Until, follow};
use trunkline::upcast::Link;
use trunkline::{
    App, Append, BuildError, Command, CommandRequest, Decider, Event, EventStore, EventStoreExt, Expected,
    MemoryStore, NewEvent, Registered, scenario,
};

use crate::world::{app, mistakes, read, said, with_file};

const TILL: &str = r#"
[events.Paid]
version: 3
schema: { type: "object", required: ["amount"], properties: { amount: { type: "object", required: ["cents"], properties: { cents: { type: "integer" } } } } }
tags: "['by:' + default(event.data.by, 'nobody')]"
upcast: [
  { from: 1, steps: [{ rename: { sum: "euros" } }, { add: { currency: "EUR" } }] }
  { from: 2, steps: [
    { compute: { "amount.cents": "event.data.euros * 100" } }
    { move: { currency: "amount.currency" } }
    { remove: ["euros", "note"] }
  ] }
]

[events.Refunded]
upcast: [
  { from: 1, steps: [{ split: [
    { type: "Paid", version: 3, data: "{'amount': {'cents': -event.data.cents}}" }
    { type: "Apologised", when: "event.metadata.rude == true" }
  ] }] }
]

[events.Tested]
upcast: [{ from: 1, steps: [{ drop: true }] }]

[aggregates.till]
initial: "{'cents': 0, 'sorry': 0}"
on {
  Paid: "put(state, 'cents', state.cents + event.data.amount.cents)"
  Apologised: "put(state, 'sorry', state.sorry + 1)"
  Refunded: "{}", Tested: "{}"
}

[commands.Pay]
stream: "'till-' + command.till"
require: [{ that: "state.cents < 1000", else: "the till has {state.cents}, said sorry {state.sorry}" }]
emit: [{ type: "Paid", data: "drop(command, 'till')", tags: "['a:b']" }]
"#;

async fn store(store: &MemoryStore, event_type: &str, schema_version: u32, data: &str) {
    let event = NewEvent::json(event_type, data.to_owned()).unwrap();
    let event = event.metadata(trunkline::Metadata::parse(r#"{"rude":true}"#).unwrap());
    let append =
        Append::to("till-a".parse().unwrap(), Expected::Any).event(NewEvent { schema_version, ..event });
    store.append(append).await.unwrap();
}

async fn old_till() -> MemoryStore {
    let memory = MemoryStore::new();
    store(&memory, "Paid", 1, r#"{"sum":7,"note":"x"}"#).await;
    store(&memory, "Tested", 1, "{}").await;
    store(&memory, "Paid", 2, r#"{"euros":4,"currency":"CHF"}"#).await;
    store(&memory, "Refunded", 1, r#"{"cents":50}"#).await;
    memory
}

#[tokio::test]
async fn a_command_decides_over_old_events_in_todays_shape() {
    let memory = old_till().await;
    let app = with_file(App::builder().store(memory.clone()), TILL).build().await.unwrap();
    let pay = async |data: &str| said(&app.send(CommandRequest::new("Pay", data.to_owned())).await);
    assert_eq!(
        pay(r#"{"till":"a","amount":{"cents":1}}"#).await,
        "rejected: the till has 1050, said sorry 1"
    );
    store(&memory, "Paid", 3, r#"{"amount":{"cents":-500}}"#).await;
    let outcome = pay(r#"{"till":"a","amount":{"cents":1},"by":"ada"}"#).await;
    assert_eq!(outcome, r#"accepted: till-a@6 Paid {"amount":{"cents":1},"by":"ada"}"#);
    let events = memory.stream_events(&"till-a".parse().unwrap()).await.unwrap();
    assert_eq!(events[5].schema_version(), 3, "events are stored in the declared version");
    assert_eq!(events[5].tags().collect::<Vec<_>>(), ["a:b", "by:ada"]);
    assert_eq!(events[0].data(), br#"{"sum":7,"note":"x"}"#, "what is stored stays");
}

#[tokio::test]
async fn an_event_that_is_not_of_its_shape_is_refused_with_the_path() {
    let app = app(TILL).await;
    let outcome =
        app.send(CommandRequest::new("Pay", r#"{"till":"b","amount":{"cents":"1"}}"#)).await.unwrap();
    let rejection = outcome.rejection().unwrap();
    assert_eq!(rejection.field.as_deref(), Some("event.data.amount.cents"));
    assert_eq!(
        rejection.reason,
        r#"Paid would not be of its shape: amount.cents: "1" is not of type "integer""#
    );
    assert!(app.store().stream_events(&"till-b".parse().unwrap()).await.unwrap().is_empty());
    let outcome =
        app.send(CommandRequest::new("Pay", r#"{"till":"b","by":7,"amount":{"cents":1}}"#)).await.unwrap();
    let rejection = outcome.rejection().unwrap();
    assert!(rejection.reason.starts_with("the tags of Paid: "), "{rejection:?}");
}

#[tokio::test]
async fn a_state_is_followed_over_events_in_todays_shape() {
    let memory: Arc<dyn EventStore> = Arc::new(old_till().await);
    let file = read(TILL, &Registered::default());
    let history = follow(&file.definition, &memory, &"till-a".parse().unwrap(), Until::Now).await.unwrap();
    assert_eq!(history.state.get(), r#"{"cents":1050,"sorry":1}"#);
    let steps: Vec<(u64, &str)> =
        history.events.iter().map(|step| (step.version.get(), &*step.event_type)).collect();
    assert_eq!(steps, [(1, "Paid"), (3, "Paid"), (4, "Paid"), (4, "Apologised")]);
}

#[tokio::test]
async fn an_event_that_leads_nowhere_stops_what_rests_on_it() {
    for (version, data, wanted) in [
        (4, "{}", "newer than the present 3"),
        (2, "{}", "Paid 2, compute amount.cents: event.data.euros * 100: `event.data` has no field `euros`"),
        (1, "[]", "Paid 1, rename sum to euros: it is a list, not an object"),
    ] {
        let memory = MemoryStore::new();
        store(&memory, "Paid", version, data).await;
        let app = with_file(App::builder().store(memory), TILL).build().await.unwrap();
        let found = said(&app.send(CommandRequest::new("Pay", r#"{"till":"a"}"#)).await);
        assert!(found.starts_with("error: a stored event can't be read: Paid"), "{found}");
        assert!(found.contains(wanted), "{found}");
    }
}

#[tokio::test]
async fn scenarios_give_events_of_today_or_of_a_version() {
    let text = format!(
        "{TILL}
        [scenarios.both]
        given: [
          {{ type: \"Paid\", data: {{ amount: {{ cents: 700 }} }} }}
          {{ type: \"Paid\", version: 1, data: {{ sum: 4 }} }}
        ]
        when: {{ command: \"Pay\", data: {{ till: \"a\" }} }}
        then: {{ rejected: \"the till has 1100, said sorry 0\" }}
        "
    );
    let reports = scenario::run(&app(&text).await).await;
    assert!(reports.iter().all(|report| report.passed), "{reports:?}");
}

#[test]
fn mistakes_in_upcasts_are_found_when_the_file_is_loaded() {
    let none = Registered { complete: true, ..Registered::default() };
    for (text, wanted) in [
        ("version: 0", "0 is not in the range 1 to"),
        ("upcast: [{ steps: [] }]", "\"events.A.upcast.0.from\" is required"),
        ("version: 2, upcast: [{ from: 1, steps: [{ renam: { a: \"b\" } }] }]", "did you mean \"rename\"?"),
        ("version: 2, upcast: [{ from: 1, steps: [{}] }]", "a step does one thing"),
        (
            "version: 2, upcast: [{ from: 1, steps: [{ drop: true }, { remove: \"a\" }] }]",
            "nothing can follow",
        ),
        (
            "version: 2, upcast: [{ from: 1, steps: [{ compute: { a: \"evnt.data\" } }] }]",
            "there is no `evnt` here",
        ),
        (
            "version: 2, upcast: [{ from: 1, steps: [{ compute: { a: \"event.position\" } }] }]",
            "`event` has no field `position`",
        ),
        ("version: 3, upcast: [{ from: 1, steps: [] }]", "nothing leads from A 2 to its present version 3"),
        ("upcast: [{ from: 1, steps: [{ remove: \"a\" }] }]", "but 1 is its present version"),
        ("version: 2, upcast: [{ from: 1, steps: [] }, { from: 1, steps: [] }]", "two upcasts begin at A 1"),
    ] {
        let found = mistakes(&format!("[events]\nA: {{ {text} }}\n"), &none);
        assert!(found.iter().any(|line| line.contains(wanted)), "{wanted} is not among {found:?}");
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
enum LampEvent {
    #[event(version = 2)]
    SwitchedOn { by: String },
}

#[derive(Debug, Serialize, Deserialize, Command)]
enum LampCommand {
    SwitchOn { lamp: String },
}

struct Lamp;

impl Decider for Lamp {
    const AGGREGATE: &'static str = "lamp";
    type State = String;
    type Command = LampCommand;
    type Event = LampEvent;
    type Rejection = String;

    fn id(LampCommand::SwitchOn { lamp }: &LampCommand) -> std::borrow::Cow<'_, str> {
        lamp.into()
    }

    fn initial() -> String {
        String::new()
    }

    fn decide(by: &String, _: LampCommand) -> Result<Vec<LampEvent>, String> {
        if by.is_empty() {
            Ok(vec![LampEvent::SwitchedOn { by: "me".into() }])
        } else {
            Err(format!("by {by}"))
        }
    }

    fn evolve(_: String, LampEvent::SwitchedOn { by }: &LampEvent) -> String {
        by.clone()
    }
}

#[tokio::test]
async fn typed_deciders_get_old_events_in_todays_shape() {
    let memory = MemoryStore::new();
    let lit = NewEvent::json("Lit", r#"{"who":"ada"}"#).unwrap();
    memory.append(Append::to("lamp-1".parse().unwrap(), Expected::Any).event(lit)).await.unwrap();
    let links =
        [Link::from("Lit", 1).becomes("SwitchedOn", 1), Link::from("SwitchedOn", 1).rename("who", "by")];
    let app = App::builder().store(memory).decider::<Lamp>().upcast(links).build().await.unwrap();
    let outcome = app.dispatch(LampCommand::SwitchOn { lamp: "1".into() }).await;
    assert_eq!(said(&outcome), "rejected: by ada");
    let outcome = app.dispatch(LampCommand::SwitchOn { lamp: "2".into() }).await;
    assert_eq!(said(&outcome), r#"accepted: lamp-2@1 SwitchedOn {"by":"me"}"#);
}

#[tokio::test]
async fn events_of_typed_deciders_are_checked_too() {
    let text = r#"
        [events.SwitchedOn]
        version: 2
        schema: { properties: { by: { type: "string", enum: ["ada"] } } }
        upcast: [{ from: 1, steps: [{ rename: { who: "by" } }] }]
    "#;
    let memory = MemoryStore::new();
    let app = with_file(App::builder().store(memory.clone()).decider::<Lamp>(), text).build().await.unwrap();
    let outcome = app.dispatch(LampCommand::SwitchOn { lamp: "1".into() }).await.unwrap();
    let rejection = outcome.rejection().unwrap();
    assert_eq!(rejection.field.as_deref(), Some("event.data.by"));
    assert!(rejection.reason.starts_with("SwitchedOn would not be of its shape: by: "), "{rejection:?}");
    assert_eq!(memory.head().await.unwrap().get(), 0, "nothing is stored");
    let app = with_file(App::builder().store(memory).decider::<Lamp>(), &text.replace("ada", "me"));
    let outcome = app.build().await.unwrap().dispatch(LampCommand::SwitchOn { lamp: "1".into() }).await;
    assert_eq!(said(&outcome), r#"accepted: lamp-1@1 SwitchedOn {"by":"me"}"#);
}

#[tokio::test]
async fn the_program_and_the_file_have_to_agree() {
    let builder = || App::builder().store(MemoryStore::new()).decider::<Lamp>();
    let error = with_file(builder(), "[events.SwitchedOn]\nversion: 1\n").build().await.unwrap_err();
    assert!(matches!(error, BuildError::EventVersion { program: 2, file: 1, .. }), "{error}");
    let text = "[events.SwitchedOn]\nversion: 2\nupcast: [{ from: 1, steps: [] }]\n";
    let error = with_file(builder().upcast([Link::from("SwitchedOn", 1)]), text).build().await.unwrap_err();
    assert!(matches!(error, BuildError::Upcasts { .. }), "{error}");
    let error = builder().upcast([Link::from("SwitchedOn", 2)]).build().await.unwrap_err();
    assert!(error.to_string().contains("2 is its present version"), "{error}");
    assert!(with_file(builder(), text).build().await.is_ok());
}
