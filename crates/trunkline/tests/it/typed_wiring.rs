//! A program's sagas, relays and consumers are checked when the application is built, as a file's are.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use trunkline::messages::{Consumer, ConsumerAction, OnReject};
use trunkline::queue::MemoryQueue;
use trunkline::saga::{
    Compensation, Next, Outgoing, Outline, Saga, SagaQuery, SendOutline, Status, Step, StepOutline,
};
use trunkline::testing::given_saga;
use trunkline::{App, AppBuilder, BuildError, Event, EventStoreExt as _, MemoryStore, RecordedEvent, System};

use crate::doors::{Door, DoorCommand, consumer};

/// A saga that goes by the outline of its type.
macro_rules! saga {
    ($name:ident, $outline:expr) => {
        struct $name;

        impl Saga for $name {
            const NAME: &'static str = "door";
            const START: &'static str = "Built";
            type Event = Waited;
            type State = String;

            fn outline() -> Outline {
                $outline
            }

            fn id(event: &Waited) -> Cow<'_, str> {
                let (Waited::Built { id } | Waited::Painted { id }) = event;
                id.into()
            }

            fn start(event: &Waited) -> Option<String> {
                Some(Self::id(event).into_owned())
            }

            fn next(id: &String, after: Option<&str>) -> Next {
                match after {
                    None => Step::new("paint", paint(id)).done("Painted").compensate(strip(id)).into(),
                    Some(_) => Next::End,
                }
            }
        }
    };
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
enum Waited {
    Built { id: String },
    Painted { id: String },
}

fn paint(id: &str) -> Outgoing {
    Outgoing::command("doors", &DoorCommand::Paint { id: id.to_owned() })
}

fn strip(id: &str) -> Compensation {
    Compensation::new(Outgoing::command("doors", &DoorCommand::Strip { id: id.to_owned() }))
}

fn painted() -> StepOutline {
    StepOutline::new("paint", "doors", "Paint").done("Painted")
}

fn stripped() -> SendOutline {
    SendOutline::new("doors", "Strip")
}

saga!(Sound, Outline::of([painted().timeout().compensate(stripped())]));
saga!(ForEver, Outline::of([painted().compensate(stripped())]));
saga!(NoUndo, Outline::of([painted().timeout()]));
saga!(Misspelt, Outline::of([StepOutline::new("paint", "doors", "Pant").timeout().nothing_to_undo()]));
saga!(NeverDone, Outline::of([]).last(SendOutline::new("news", "Tell")));
saga!(Elsewhere, Outline::of([StepOutline::new("paint", "shop", "Paint").timeout().nothing_to_undo()]));

fn doors() -> AppBuilder {
    let (work, dispatch) = (consumer("work", "doors"), ConsumerAction::Dispatch(OnReject::Ack));
    App::builder().store(MemoryStore::new()).decider::<Door>().consumer(work, dispatch)
}

async fn problems(builder: AppBuilder) -> Vec<String> {
    match builder.build().await {
        Ok(_) => Vec::new(),
        Err(BuildError::Wiring { problems }) => problems.iter().map(ToString::to_string).collect(),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_saga_whose_steps_are_taken_answered_and_undone_is_built() {
    assert_eq!(problems(doors().saga::<Sound>()).await, [""; 0]);
}

#[tokio::test]
async fn an_event_that_nothing_emits_is_refused_unless_it_is_known() {
    let alone = || App::builder().store(MemoryStore::new()).saga::<Elsewhere>();
    let found = problems(alone()).await;
    assert_eq!(
        found,
        [
            "the saga \"door\": nothing emits the event \"Built\"; say that it comes from elsewhere: AppBuilder::known_event",
            "the saga \"door\": nothing emits the event \"Painted\"; say that it comes from elsewhere: AppBuilder::known_event"
        ]
    );
    assert_eq!(problems(alone().known_event("Built").event("Painted", 1)).await, [""; 0]);
}

#[tokio::test]
async fn a_command_that_nothing_handles_is_refused() {
    let found = problems(doors().saga::<Misspelt>()).await;
    let wanted = "the saga \"door\": nothing handles the command \"Pant\", which a consumer dispatches; did you mean \"Paint\"?";
    assert_eq!(found, [wanted]);
}

#[tokio::test]
async fn a_step_without_an_end_or_an_undo_is_refused() {
    let found = problems(doors().saga::<ForEver>()).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("the saga \"door\": the step \"paint\" may wait for ever; "), "{found:?}");
    let found = problems(doors().saga::<NoUndo>()).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("the saga \"door\": the step \"paint\" doesn't say what undoes Paint; "));
}

#[tokio::test]
async fn what_nothing_ever_answers_is_refused() {
    let news = Consumer::new("news", vec!["news".parse().unwrap()], "news".parse().unwrap());
    let handler = ConsumerAction::Handle(std::sync::Arc::new(crate::doors::Nothing));
    let found = problems(doors().consumer(news, handler).saga::<NeverDone>()).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("the saga \"door\": nothing ever says that Tell was done; "), "{found:?}");
}

#[tokio::test]
async fn a_topic_that_nobody_takes_from_is_a_warning_as_in_a_file() {
    assert_eq!(problems(doors().saga::<Elsewhere>()).await, [""; 0]);
}

#[tokio::test]
async fn what_a_program_registers_runs_to_its_end() {
    let app = doors().queue(MemoryQueue::new()).saga::<Sound>().build().await.unwrap();
    let mut system = System::start(&app).await.unwrap();
    app.dispatch(DoorCommand::Build { id: "7".to_owned() }).await.unwrap();
    system.at_rest().await.unwrap();
    let painted = app.store().stream_events(&"door-7".parse().unwrap()).await.unwrap();
    assert_eq!(painted.iter().map(RecordedEvent::event_type).collect::<Vec<_>>(), ["Built", "Painted"]);
    let sagas = app.sagas().list(&SagaQuery::default()).await.unwrap();
    assert_eq!(sagas.iter().map(|saga| saga.status).collect::<Vec<_>>(), [Status::Completed]);
    system.stop().await.unwrap();
}

#[tokio::test]
async fn a_step_that_the_outline_does_not_say_is_not_taken() {
    let built = Waited::Built { id: "7".to_owned() };
    let saga = given_saga::<Misspelt>([]).when(built);
    saga.then_nothing_is_sent().then_status(Status::Compensated);
}
