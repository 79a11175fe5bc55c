//! A log that says that it goes on from an older history: what it says is read by whoever sends, or nothing is sent.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use trunkline::messages::{
    Consumer, ConsumerAction, MemoryCheckpoints, MessageError, MessageHandler, Relay, Stopper,
};
use trunkline::{
    App, Append, EventId, EventStore, EventType, Expected, HISTORY_STREAM, MemoryStore, NewEvent, Position,
    StreamName,
};
use trunkline_queue::{Delivery, GroupOptions, MemoryQueue, MessageQueue as _, NewMessage, Receive};

use crate::world::with_file;

const FILE: &str = r#"
[events.Asked]
[events.Answered]

[sagas.letter]
start: "Asked"
correlate: "event.data.id"
steps: [
  { name: "write", send: { topic: "post", command: "Write", data: "{'id': saga.id}" }
    done: "Answered", timeout: "1h", compensate: "none" }
]

[message_queue]
external: ["post"]
"#;

async fn put(store: &MemoryStore, stream: StreamName, event_type: &str, data: &str) {
    let event = NewEvent::new(EventType::system(event_type).unwrap(), data.to_owned());
    store.append(Append::to(stream, Expected::Any).event(event)).await.unwrap();
}

async fn goes_on(store: &MemoryStore, data: &str) {
    put(store, StreamName::system(HISTORY_STREAM).unwrap(), "$Reconciled", data).await;
}

/// What can't be read may be what tells the messages of this history from those of the one that was lost.
#[tokio::test]
async fn nothing_is_sent_while_it_cannot_be_read_how_the_log_goes_on() {
    let (store, queue) = (MemoryStore::new(), MemoryQueue::new());
    put(&store, "wish-1".parse().unwrap(), "Asked", r#"{"id":"1"}"#).await;
    goes_on(&store, r#"{"restored":"much later"}"#).await;
    let builder = App::builder().store(store.clone()).queue(queue.clone());
    let app = with_file(builder.checkpoints(MemoryCheckpoints::default()), FILE).build().await.unwrap();
    let shared: Arc<dyn EventStore> = Arc::new(store);
    let (_stopper, asked) = Stopper::new();
    let relay = Relay::new("out", "shop".parse().unwrap());
    let errors = [
        app.sagas().catch_up(&queue).await.unwrap_err().to_string(),
        relay.catch_up(&shared, &queue, &MemoryCheckpoints::default()).await.unwrap_err().to_string(),
        app.run_messages(&asked).await.unwrap_err().to_string(),
    ];
    for error in errors {
        assert!(error.contains("$Reconciled at position 2 can't be read: "), "{error}");
    }
}

/// After a migration the last event of the backup has another position than in the messages that were published
/// before.
#[tokio::test]
async fn where_the_history_ended_is_said_by_its_cause_and_what_messages_say_by_its_position() {
    let store = MemoryStore::new();
    for id in ["1", "2"] {
        put(&store, format!("wish-{id}").parse().unwrap(), "Asked", &format!(r#"{{"id":"{id}"}}"#)).await;
    }
    let restored = "8a0d1a33-51b3-4d6e-8d4f-6a3a35f1a1f2";
    let history =
        format!(r#"{{"restored":"{restored}","position":5,"whole":false,"cause":{{"position":1}}}}"#);
    goes_on(&store, &history).await;
    let queue = MemoryQueue::new();
    let subscribed =
        |topic: &str| queue.subscribe(topic.parse().unwrap(), "g".parse().unwrap(), GroupOptions::default());
    subscribed("shop").await.unwrap();
    let shared: Arc<dyn EventStore> = Arc::new(store.clone());
    let relay = Relay::new("out", "shop".parse().unwrap());
    relay.catch_up(&shared, &queue, &MemoryCheckpoints::default()).await.unwrap();
    let receive = Receive::new("shop".parse().unwrap(), "g".parse().unwrap()).max(9).now();
    let sent = queue.receive(receive).await.unwrap();
    let told_apart: Vec<bool> =
        sent.iter().map(|delivery| delivery.message.headers.contains_key("$original")).collect();
    assert_eq!(told_apart, [false, true], "{sent:?}");

    // Of two messages that were published before, one is of the lost future.
    let (handler, mut came) = unbounded_channel();
    let consumer = Consumer::new("mail", vec!["mail".parse().unwrap()], "g".parse().unwrap());
    let app = App::builder()
        .store(store)
        .queue(queue.clone())
        .consumer(consumer, ConsumerAction::Handle(Arc::new(Tells(handler))))
        .build()
        .await
        .unwrap();
    subscribed("mail").await.unwrap();
    let caused = |position| {
        NewMessage::new("Note", format!("{position}"))
            .cause(EventId::from_bytes([9; 16]), Position::new(position))
    };
    queue.publish("mail".parse().unwrap(), vec![caused(6), caused(4)]).await.unwrap();
    let (stopper, asked) = Stopper::new();
    let first = async {
        let first = came.recv().await;
        drop(stopper);
        first
    };
    let (ran, first) = tokio::join!(app.run_messages(&asked), first);
    ran.unwrap();
    assert_eq!(first.as_deref(), Some("4"));
}

/// Tells what it is handed.
struct Tells(UnboundedSender<String>);

impl MessageHandler for Tells {
    fn handle<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Result<(), MessageError>> {
        self.0.send(String::from_utf8_lossy(&delivery.message.payload).into_owned()).unwrap();
        std::future::ready(Ok(())).boxed()
    }
}
