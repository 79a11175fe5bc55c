//! What a message causes says so, and what is given up is in the log.

use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt as _;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use trunkline::messages::{Consumer, Inbox, MessageError, MessageHandler, Stopper};
use trunkline::{App, EventStore, MemoryStore, RecordedEvent};
use trunkline_queue::{
    DeadLetterDecision, DeadLettersRead, Delivery, GroupName, GroupOptions, ManualClock, MemoryQueue,
    MessageQueue, MessageQueueExt, NewMessage, OperateQueue, Receive, RetryPolicy, TopicName,
};
use trunkline_store::AllRead;

use crate::world::{Meddle, Meddling, with_file};

const DOOR: &str = r#"
[commands.Open]
stream: "'door-' + command.id"
require: [{ that: "command.id != 'stuck'", else: "it is stuck" }]
emit: [{ type: "Opened", data: "command" }]
"#;

fn doors() -> TopicName {
    "doors".parse().unwrap()
}

fn work() -> GroupName {
    "work".parse().unwrap()
}

/// JSON, to be looked into.
fn parsed(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

fn from_saga(id: &str, data: &'static str) -> NewMessage {
    let message = NewMessage::new("Open", data).id(id.parse().unwrap());
    message.header("correlation_id", "c").system_header("$saga", "order-1")
}

/// Waits until so many events are in the store, and reads them all.
async fn events(store: &Arc<dyn EventStore>, count: usize) -> Vec<RecordedEvent> {
    for _ in 0..1_000 {
        let events: Vec<RecordedEvent> = store.read_all(AllRead::default()).try_collect().await.unwrap();
        if events.len() >= count {
            return events;
        }
        // Where all tasks wait, the clock jumps on.
        drop(tokio::time::timeout(Duration::from_millis(100), std::future::pending::<()>()).await);
    }
    panic!("there are no {count} events");
}

#[tokio::test(start_paused = true)]
async fn what_a_message_causes_names_it_and_carries_its_saga() {
    let queue = MemoryQueue::new();
    let builder = App::builder().store(MemoryStore::new()).queue(queue.clone());
    let text =
        format!("{DOOR}[consumers.work]\ntopics: \"doors\"\ndispatch: \"command\"\non_reject: \"dead\"\n");
    let app = with_file(builder, &text).build().await.unwrap();
    let messages = vec![from_saga("m1", r#"{"id":"a"}"#), from_saga("m2", r#"{"id":"stuck"}"#)];
    queue.publish(doors(), messages).await.unwrap();
    let (stopper, stop) = Stopper::new();
    let seen = async {
        let events = events(app.store(), 3).await;
        stopper.stop();
        events
    };
    let (ran, events) = tokio::join!(app.run_messages(&stop), seen);
    ran.unwrap();
    let said: Vec<(&str, &str, Value, Value, Value)> = events
        .iter()
        .map(|event| {
            let metadata = parsed(event.metadata());
            let field = |name: &str| metadata[name].clone();
            (
                event.stream(),
                event.event_type(),
                field("causation_id"),
                field("correlation_id"),
                field("$saga"),
            )
        })
        .collect();
    assert_eq!(
        said,
        [
            ("door-a", "Opened", json!("m1"), json!("c"), json!("order-1")),
            ("$inbox-work", "$Outcome", json!("m2"), json!("c"), json!("order-1")),
            ("$inbox-work", "$DeadLettered", json!("m2"), json!("c"), json!("order-1")),
        ]
    );
    assert_eq!(
        parsed(events[2].data()),
        json!({
            "message_id": "m2", "topic": "doors", "group": "work", "type": "Open",
            "reason": "rejected: it is stuck", "attempts": 1,
        })
    );
}

/// Gives up everything.
struct Hopeless;

impl MessageHandler for Hopeless {
    fn handle<'a>(&'a self, _: &'a Delivery) -> BoxFuture<'a, Result<(), MessageError>> {
        Box::pin(async { Err(MessageError::dead("no use")) })
    }
}

fn consumer() -> Consumer {
    Consumer::new("work", vec![doors()], work())
}

/// Runs the consumer until its inbox has so many events.
async fn run(queue: &MemoryQueue, store: &Arc<dyn EventStore>, count: usize) -> Vec<RecordedEvent> {
    let (stopper, stop) = Stopper::new();
    let inbox = Inbox::new(store, "work").unwrap();
    let consumer = consumer();
    let seen = async {
        let events = events(store, count).await;
        stopper.stop();
        events
    };
    let (ran, events) = tokio::join!(consumer.run(queue, &Hopeless, Some(&inbox), &stop), seen);
    ran.unwrap();
    events
}

async fn dead(queue: &MemoryQueue) -> Vec<trunkline_queue::DeadLetter> {
    queue.dead_letters(DeadLettersRead::default()).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn each_time_that_a_message_is_given_up_is_told_once() {
    let store: Arc<dyn EventStore> = Arc::new(MemoryStore::new());
    let queue = MemoryQueue::new();
    queue.publish_one(doors(), from_saga("m1", "{}")).await.unwrap();
    assert_eq!(run(&queue, &store, 1).await.len(), 1);
    // Another consumer, which looks through the dead letters, has nothing to add.
    queue.publish_one(doors(), from_saga("m2", "{}")).await.unwrap();
    assert_eq!(run(&queue, &store, 2).await.len(), 2);
    let again = dead(&queue).await.remove(0);
    queue.decide(again.id, DeadLetterDecision::Replay, "ada".to_owned()).await.unwrap();
    let events = run(&queue, &store, 3).await;
    let messages: Vec<Value> =
        events.iter().map(|event| parsed(event.data())["message_id"].clone()).collect();
    assert_eq!(messages, ["m1", "m2", "m1"]);
    assert_eq!(dead(&queue).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_last_lease_runs_out_is_told_of_too() {
    let store: Arc<dyn EventStore> = Arc::new(MemoryStore::new());
    let clock = ManualClock::default();
    let queue = MemoryQueue::with(trunkline_queue::Keep::default(), Arc::new(clock.clone()));
    queue.subscribe(doors(), work(), GroupOptions::default()).await.unwrap();
    queue.publish_one(doors(), from_saga("m1", "{}")).await.unwrap();
    for _ in 0..RetryPolicy::default().max_attempts {
        // A process that is gone before it says a word.
        assert_eq!(queue.receive(Receive::new(doors(), work())).await.unwrap().len(), 1);
        clock.advance(Duration::from_secs(60));
    }
    let events = run(&queue, &store, 1).await;
    assert_eq!(parsed(events[0].metadata())["$saga"], "order-1");
    let said = parsed(events[0].data());
    assert_eq!((&said["attempts"], &said["message_id"]), (&json!(3), &json!("m1")));
    assert!(said["reason"].as_str().unwrap().contains("neither finished nor failed"), "{said}");
    assert_eq!(run(&queue, &store, 1).await.len(), 1, "also after another start");
}

#[tokio::test(start_paused = true)]
async fn what_the_log_could_not_be_told_is_no_dead_letter_yet() {
    let store: Arc<dyn EventStore> = Meddling::new(Meddle::Refuse, 1);
    let queue = MemoryQueue::new();
    queue.publish_one(doors(), from_saga("m1", "{}")).await.unwrap();
    let (stopper, stop) = Stopper::new();
    let inbox = Inbox::new(&store, "work").unwrap();
    let consumer = consumer();
    let seen = async {
        let leased = async || {
            let stats = queue.stats().await.unwrap();
            let group = &stats.topics[0].groups[0];
            group.delivered == 1 && group.leased == 1
        };
        // Long enough for it to be handled, and not for another try, by a clock that jumps.
        drop(tokio::time::timeout(Duration::from_millis(25), std::future::pending::<()>()).await);
        assert!(leased().await && dead(&queue).await.is_empty(), "it is held until the log can be told");
        events(&store, 1).await;
        stopper.stop();
    };
    let (ran, ()) = tokio::join!(consumer.run(&queue, &Hopeless, Some(&inbox), &stop), seen);
    ran.unwrap();
    assert_eq!(dead(&queue).await.len(), 1);
}
