//! Consumers and relays that an application's file asks for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use trunkline::messages::{CommandDispatcher, MessageError, MessageHandler, OnReject, Stopper};
use trunkline::{
    App, Append, EventId, EventStore, EventStoreExt, Expected, MemoryStore, NewEvent, Position, Version,
};
use trunkline_queue::{
    Delivery, GroupOptions, MemoryQueue, MessageQueue, MessageQueueExt, NewMessage, OperateQueue, Receive,
};

use super::{group, topic, with_queue};
use crate::told::Told;
use crate::world::app;

const DOOR: &str = r#"
[aggregates.door]
on { Opened: "{'open': true}" }

[commands.Open]
stream: "'door-' + command.id"
require: [{ that: "!default(state.open, false)", else: "it is open" }]
emit: [{ type: "Opened", data: "command" }]
"#;

#[tokio::test]
async fn a_message_is_a_command_with_one_effect_however_often_it_comes() {
    let app = app(DOOR).await;
    let dispatcher =
        CommandDispatcher { app: app.clone(), consumer: "work".into(), on_reject: OnReject::Dead };
    let queue = MemoryQueue::new();
    queue.subscribe(topic("doors"), group("work"), GroupOptions::default()).await.unwrap();
    let message =
        NewMessage::new("Open", r#"{"id":"a"}"#).header("saga_id", "s").header("correlation_id", "c");
    queue.publish_one(topic("doors"), message).await.unwrap();
    let delivery = queue.receive(Receive::new(topic("doors"), group("work"))).await.unwrap().remove(0);
    for _ in 0..3 {
        dispatcher.handle(&delivery).await.unwrap();
    }
    let events = app.store().stream_events(&"door-a".parse().unwrap()).await.unwrap();
    assert_eq!((events.len(), events[0].version()), (1, Version::FIRST));
    let metadata: serde_json::Value = serde_json::from_slice(events[0].metadata()).unwrap();
    assert_eq!((&metadata["saga_id"], &metadata["correlation_id"]), (&"s".into(), &"c".into()));
    assert_eq!(metadata["causation_id"], delivery.message.id.as_str());

    let again = NewMessage::new("Open", r#"{"id":"a"}"#);
    let unknown = NewMessage::new("Opne", "{}");
    queue.publish(topic("doors"), vec![again, unknown]).await.unwrap();
    let deliveries = queue.receive(Receive::new(topic("doors"), group("work")).max(2)).await.unwrap();
    let rejected = dispatcher.handle(&deliveries[0]).await;
    assert_eq!(rejected, Err(MessageError::dead("rejected: it is open")));
    let acks = CommandDispatcher { on_reject: OnReject::Ack, ..dispatcher };
    assert_eq!(acks.handle(&deliveries[0]).await, Ok(()), "a rejection is an answer");
    let unknown = acks.handle(&deliveries[1]).await;
    assert_eq!(unknown, Err(MessageError::dead("no command is named \"Opne\"; did you mean \"Open\"?")));
}

#[tokio::test]
async fn a_message_with_the_id_of_another_one_is_a_dead_letter_unless_it_was_made_of_an_event() {
    let app = app(DOOR).await;
    let dispatcher =
        CommandDispatcher { app: app.clone(), consumer: "work".into(), on_reject: OnReject::Ack };
    let queue = MemoryQueue::new();
    let mut answers = Vec::new();
    for (number, (id, data, made)) in [
        ("1", r#"{"id":"a"}"#, false),
        ("1", r#"{ "id": "a" }"#, false),
        ("1", r#"{"id":"b"}"#, false),
        ("2", r#"{"id":"c"}"#, true),
        ("2", r#"{"id":"d","n":1,"n":2}"#, true),
    ]
    .into_iter()
    .enumerate()
    {
        // Each to a topic of its own: a topic itself knows ids for a while.
        let topic = topic(&format!("doors{number}"));
        queue.subscribe(topic.clone(), group("work"), GroupOptions::default()).await.unwrap();
        let mut message = NewMessage::new("Open", data).id(id.parse().unwrap());
        if made {
            message = message.cause(EventId::generate(), Position::FIRST);
        }
        queue.publish_one(topic.clone(), message).await.unwrap();
        let delivery = queue.receive(Receive::new(topic, group("work"))).await.unwrap().remove(0);
        answers.push(dispatcher.handle(&delivery).await);
    }
    let dead = answers.remove(2).unwrap_err().to_string();
    assert!(dead.contains("belongs to \"Open\" with other data"), "{dead}");
    assert_eq!(answers, [Ok(()), Ok(()), Ok(()), Ok(())]);
    assert_eq!(app.store().head().await.unwrap(), Position::new(2));
}

#[tokio::test]
async fn the_file_says_who_takes_which_messages() {
    let text = format!(
        "{DOOR}\n[message_queue]\nretry {{ initial_delay: \"1ms\" }}\n[relay.out]\nevents: \"Opened\"\ntopic: \"opened\"\nkey: \"'door ' + event.data.id\"\n[consumers.work]\ntopics: [\"doors\"]\ndispatch: \"command\"\n"
    );
    let queue = MemoryQueue::new();
    let app = with_queue(&text, &queue).await;
    let open = |door: &str| NewMessage::new("Open", format!("{{\"id\":\"{door}\"}}"));
    queue.publish(topic("doors"), vec![open("a"), open("a"), open("b")]).await.unwrap();
    queue.subscribe(topic("opened"), group("end"), GroupOptions::default()).await.unwrap();
    let (stopper, stop) = Stopper::new();
    let seen = async {
        let mut seen = Vec::new();
        while seen.len() < 2 {
            let received = queue.receive(Receive::new(topic("opened"), group("end")).max(2)).await.unwrap();
            seen.extend(received.into_iter().map(|delivery| delivery.message.key.unwrap()));
        }
        stopper.stop();
        seen
    };
    let (ran, mut seen) = tokio::join!(app.run_messages(&stop), seen);
    ran.unwrap();
    seen.sort();
    assert_eq!(seen, ["door a", "door b"]);
}

#[test]
fn what_waits_and_what_consumers_do_is_told_as_metrics() {
    let text = format!(
        "{DOOR}\n[consumers.work]\ntopics: [\"doors\"]\ndispatch: \"command\"\nconcurrency: 1\non_reject: \"dead\"\n"
    );
    let queue = MemoryQueue::new();
    let told = Told::default();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let app = runtime.block_on(with_queue(&text, &queue));
    metrics::with_local_recorder(&told, || {
        runtime.block_on(async {
            let open = || NewMessage::new("Open", r#"{"id":"a"}"#);
            queue.publish(topic("doors"), vec![open(), open(), NewMessage::new("Opne", "{}")]).await.unwrap();
            let (stopper, stop) = Stopper::new();
            let wanted = "trunkline_queue_dead{topic=doors,group=work} 2";
            let seen = async {
                // Where all tasks wait, the clock jumps to when the numbers are told next.
                while !told.lines().iter().any(|line| line == wanted) {
                    drop(tokio::time::timeout(Duration::from_secs(1), std::future::pending::<()>()).await);
                }
                stopper.stop();
            };
            tokio::join!(app.run_messages(&stop), seen).0.unwrap();
        });
    });
    let lines = told.lines();
    let count = |line: &str| lines.iter().filter(|told| *told == line).count();
    assert_eq!(count("trunkline_consumer_delivered_total{consumer=work} 1"), 3);
    assert_eq!(count("trunkline_consumer_dead_total{consumer=work} 1"), 2);
    for gauge in ["waiting", "leased", "delayed", "oldest_age_seconds"] {
        assert!(count(&format!("trunkline_queue_{gauge}{{topic=doors,group=work}} 0")) > 0, "{lines:#?}");
    }
}

/// Has the relay fail while it works, and then goes on for a while.
struct Upsetting {
    store: Arc<dyn EventStore>,
    finished: AtomicU32,
}

impl MessageHandler for Upsetting {
    fn handle<'a>(&'a self, _: &'a Delivery) -> BoxFuture<'a, Result<(), MessageError>> {
        Box::pin(async move {
            let event = NewEvent::json("Opened", "{}").unwrap();
            let append = Append::to("door-x".parse().unwrap(), Expected::Any).event(event);
            self.store.append(append).await.unwrap();
            let never = std::future::pending::<()>();
            drop(tokio::time::timeout(Duration::from_millis(100), never).await);
            self.finished.fetch_add(1, Ordering::SeqCst);
            Ok(())
        })
    }
}

/// One that the test looks at, too.
struct Shared(Arc<Upsetting>);

impl MessageHandler for Shared {
    fn handle<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Result<(), MessageError>> {
        self.0.handle(delivery)
    }
}

#[tokio::test]
async fn when_one_fails_the_others_finish_what_they_hold() {
    let store: Arc<dyn EventStore> = Arc::new(MemoryStore::new());
    let handler = Arc::new(Upsetting { store: Arc::clone(&store), finished: AtomicU32::new(0) });
    let builder =
        App::builder().shared_store(store).message_handler("test.Upsetting", Shared(Arc::clone(&handler)));
    let text = "[relay.out]\ntopic: \"opened\"\nkey: \"event.data.id\"\n[consumers.work]\ntopics: [\"doors\"]\nclass: \"test.Upsetting\"\n";
    let queue = MemoryQueue::new();
    let app = crate::world::with_file(builder.queue(queue.clone()), text).build().await.unwrap();
    queue.publish_one(topic("doors"), NewMessage::new("Open", "{}")).await.unwrap();
    let (_stopper, stop) = Stopper::new();
    let error = app.run_messages(&stop).await.unwrap_err();
    assert!(
        error.to_string().starts_with("the relay \"out\" stopped: the key of the event at position 1"),
        "{error}"
    );
    assert_eq!(handler.finished.load(Ordering::SeqCst), 1);
    let stats = queue.stats().await.unwrap();
    let left: u64 =
        stats.topics.iter().flat_map(|topic| &topic.groups).map(|group| group.leased + group.waiting).sum();
    assert_eq!(left, 0, "and its message is settled");
}
