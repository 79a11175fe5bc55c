//! The check of all sagas: a true history is whole, and each way in which one could have gone wrong is found.
//!
//! A shop works, its log is copied into another store with one thing changed, and that store is checked.

use std::sync::Arc;

use futures::TryStreamExt as _;
use trunkline::messages::{CommandDispatcher, MemoryCheckpoints, MessageHandler as _, OnReject};
use trunkline::saga::SagaCheck;
use trunkline::{
    App, Append, CommandRequest, EventStore, EventType, Expected, MemoryStore, Metadata, NewEvent,
    RecordedEvent, StreamName,
};
use trunkline_queue::{Delivery, GroupOptions, MemoryQueue, MessageQueue as _, Receive};
use trunkline_store::AllRead;

use crate::world::with_file;

/// The example, as it is.
const ORDERS: &str = include_str!("../../../../examples/orders/orders.tsk");

const TOPICS: [&str; 3] = ["orders", "inventory", "payment"];

struct Shop {
    app: App,
    store: Arc<dyn EventStore>,
    queue: MemoryQueue,
}

impl Shop {
    async fn open() -> Self {
        let (store, queue): (Arc<dyn EventStore>, _) = (Arc::new(MemoryStore::new()), MemoryQueue::new());
        for topic in TOPICS {
            let (topic, group) = (topic.parse().unwrap(), "work".parse().unwrap());
            queue.subscribe(topic, group, GroupOptions::default()).await.unwrap();
        }
        Self { app: app(Arc::clone(&store)).await, store, queue }
    }

    /// One order after the other, settled each: confirmed, then one that can't be paid, then another one.
    async fn after_three_orders() -> Self {
        let shop = Self::open().await;
        for (id, total) in [("1", 100), ("2", 900_000), ("3", 50)] {
            shop.order(id, total).await;
            shop.settle().await;
        }
        shop
    }

    async fn order(&self, id: &str, total: u32) {
        let items = format!(r#"[{{"sku":"a","quantity":1,"unit_price":{total}}}]"#);
        let data = format!(r#"{{"order_id":"{id}","items":{items},"total":{total}}}"#);
        let outcome = self.app.send(CommandRequest::new("CreateOrder", data)).await.unwrap();
        assert!(outcome.rejection().is_none(), "{outcome:?}");
    }

    async fn sagas(&self) {
        self.app.sagas().catch_up(&self.queue).await.unwrap();
    }

    /// Messages that wait, and are now held.
    async fn messages(&self) -> Vec<Delivery> {
        let mut all = Vec::new();
        for topic in TOPICS {
            let receive = Receive::new(topic.parse().unwrap(), "work".parse().unwrap()).max(100).now();
            all.extend(self.queue.receive(receive).await.unwrap());
        }
        all
    }

    async fn settle(&self) {
        loop {
            self.sagas().await;
            let messages = self.messages().await;
            if messages.is_empty() {
                return;
            }
            for delivery in messages {
                self.handle(&delivery).await;
            }
        }
    }

    async fn handle(&self, delivery: &Delivery) {
        let (app, consumer) = (self.app.clone(), "work".to_owned());
        CommandDispatcher { app, consumer, on_reject: OnReject::Ack }.handle(delivery).await.unwrap();
        self.queue.ack(&delivery.lease).await.unwrap();
    }

    /// Tells the log that a message was given up.
    async fn give_up(&self, delivery: &Delivery) {
        let said: std::collections::BTreeMap<_, _> =
            delivery.message.headers.iter().filter(|(name, _)| name.starts_with("$saga")).collect();
        let dead = NewEvent::new(EventType::system("$DeadLettered").unwrap(), r#"{"reason":"no one home"}"#)
            .metadata(Metadata::of(&said).unwrap());
        let append = Append::to(StreamName::system("$inbox-work").unwrap(), Expected::Any).event(dead);
        self.store.append(append).await.unwrap();
        self.queue.reject(&delivery.lease, "no one home".to_owned()).await.unwrap();
    }

    async fn verify(&self) -> SagaCheck {
        self.app.sagas().verify().await.unwrap()
    }

    /// What is found in a copy of the log in which every event is what this makes of it.
    async fn verify_with(&self, change: impl Fn(&RecordedEvent) -> Changed) -> Vec<String> {
        let events: Vec<_> = self.store.read_all(AllRead::default()).try_collect().await.unwrap();
        let store: Arc<dyn EventStore> = Arc::new(MemoryStore::new());
        for event in events {
            let event_type = EventType::system(event.event_type()).unwrap();
            let copy = |data: &[u8]| {
                NewEvent::new(event_type.clone(), data.to_vec())
                    .metadata(Metadata::parse(event.metadata().to_vec()).unwrap())
                    .occurred_at(event.occurred_at())
            };
            // What is lost leaves its place to something else, so that positions stay.
            let lost = || (vec![NewEvent::json("Lost", "{}").unwrap()], "lost-1".parse().unwrap());
            let (events, stream) = match change(&event) {
                Changed::Same => (vec![copy(event.data())], event.stream_name()),
                Changed::Lost => lost(),
                Changed::Twice => (vec![copy(event.data()), copy(event.data())], event.stream_name()),
                Changed::Data(data) => (vec![copy(data.as_bytes())], event.stream_name()),
            };
            store.append(Append::to(stream, Expected::Any).with_events(events)).await.unwrap();
        }
        let found = app(store).await.sagas().verify().await.unwrap();
        found.problems.into_iter().map(|problem| format!("{}: {}", problem.saga, problem.what)).collect()
    }
}

/// What becomes of an event in a copy.
enum Changed {
    Same,
    Lost,
    Twice,
    Data(String),
}

async fn app(store: Arc<dyn EventStore>) -> App {
    let builder = App::builder().shared_store(store).checkpoints(MemoryCheckpoints::default());
    with_file(builder, ORDERS).build().await.unwrap()
}

/// Whether this is an event of a saga's stream, with these words in its data.
fn is(event: &RecordedEvent, stream: &str, event_type: &str, words: &str) -> bool {
    let data = std::str::from_utf8(event.data()).unwrap();
    event.stream() == stream && event.event_type() == event_type && data.contains(words)
}

fn lost_if(lost: bool) -> Changed {
    if lost { Changed::Lost } else { Changed::Same }
}

#[track_caller]
fn found(problems: &[String], wanted: &[&str]) {
    assert_eq!(problems.len(), wanted.len(), "{problems:#?}");
    for (problem, wanted) in problems.iter().zip(wanted) {
        assert!(problem.contains(wanted), "{wanted}: {problems:#?}");
    }
}

#[tokio::test]
async fn a_true_history_is_whole_at_every_moment() {
    let shop = Shop::open().await;
    for (id, total) in [("1", 100), ("2", 900_000)] {
        shop.order(id, total).await;
        shop.sagas().await;
        for _ in 0..10 {
            assert_eq!(shop.verify().await.problems, []);
            for delivery in shop.messages().await {
                shop.handle(&delivery).await;
                // Its answer is in the log, and sagas have not come so far.
                assert_eq!(shop.verify().await.problems, []);
            }
            shop.sagas().await;
        }
    }
    let check = shop.verify().await;
    assert_eq!((check.sagas, check.completed, check.compensated), (2, 1, 1), "{check:?}");
    found(&shop.verify_with(|_| Changed::Same).await, &[]);
}

#[tokio::test]
async fn an_event_that_started_nothing_is_found() {
    let shop = Shop::after_three_orders().await;
    let problems = shop.verify_with(|event| lost_if(event.stream() == "$saga.order-2")).await;
    found(&problems, &["order-2: OrderCreated at position"]);
    assert!(problems[0].ends_with("should have started it, and did not"), "{problems:?}");
    shop.order("4", 10).await;
    let problems = shop.verify_with(|_| Changed::Same).await;
    found(&problems, &["it does when sagas run, which have not come so far"]);
    shop.settle().await;
    found(&shop.verify_with(|_| Changed::Same).await, &[]);
}

#[tokio::test]
async fn a_compensation_that_is_missing_is_found() {
    let shop = Shop::after_three_orders().await;
    let part = r#""part":"compensation""#;
    let problems = shop
        .verify_with(|event| {
            let (sent, done) = ("$SagaSent", "$SagaStepDone");
            let stream = "$saga.order-2";
            lost_if(is(event, stream, sent, part) || is(event, stream, done, part))
        })
        .await;
    let owed = "was never undone: reserve_inventory";
    found(&problems, &[owed, owed]);
    let problems = shop
        .verify_with(|event| match event {
            event if is(event, "$saga.order-2", "$SagaSent", part) => {
                let data = std::str::from_utf8(event.data()).unwrap();
                Changed::Data(data.replace("ReleaseInventory", "KeepInventory"))
            }
            _ => Changed::Same,
        })
        .await;
    found(&problems, &["the compensation of reserve_inventory is another one than was remembered"]);
}

#[tokio::test]
async fn a_compensation_that_is_doubled_is_found() {
    let shop = Shop::after_three_orders().await;
    let part = r#""part":"compensation""#;
    let doubled = |event_type: &'static str| {
        shop.verify_with(move |event| match event {
            event if is(event, "$saga.order-2", event_type, part) => Changed::Twice,
            _ => Changed::Same,
        })
    };
    found(
        &doubled("$SagaSent").await,
        &["order-2: the compensation of reserve_inventory is sent as a new message, though version"],
    );
    found(&doubled("$SagaStepDone").await, &["reserve_inventory is undone, which was not to be undone then"]);
}

#[tokio::test]
async fn a_saga_that_waits_for_nothing_or_was_passed_over_is_found() {
    let shop = Shop::after_three_orders().await;
    // It was sent, and its answer stands in the log before what other sagas have read.
    let problems = shop
        .verify_with(|event| lost_if(event.stream() == "$saga.order-1" && event.version().get() > 2))
        .await;
    found(&problems, &["order-1: InventoryReserved at position"]);
    assert!(problems[0].contains("was passed over"), "{problems:?}");
    let problems = shop
        .verify_with(|event| lost_if(event.stream() == "$saga.order-1" && event.version().get() > 3))
        .await;
    found(&problems, &["order-1: it is running, and waits for nothing that could still come"]);
    let problems = shop.verify_with(|event| lost_if(is(event, "$saga.order-1", "$SagaStarted", ""))).await;
    assert!(problems[0].contains("something happens to it before it was started"), "{problems:?}");
    let problems = shop
        .verify_with(|event| match event {
            event if is(event, "$saga.order-1", "$SagaCompleted", "") => Changed::Twice,
            _ => Changed::Same,
        })
        .await;
    found(&problems, &["order-1: it goes on though it was completed"]);
}

#[tokio::test]
async fn what_an_operator_has_sent_again_is_no_doubling() {
    let shop = Shop::open().await;
    shop.order("1", 900_000).await;
    loop {
        shop.sagas().await;
        let messages = shop.messages().await;
        let is_release = |delivery: &&Delivery| delivery.message.message_type == "ReleaseInventory";
        if let Some(release) = messages.iter().find(is_release) {
            shop.give_up(release).await;
            break;
        }
        for delivery in &messages {
            shop.handle(delivery).await;
        }
    }
    shop.sagas().await;
    let check = shop.verify().await;
    assert_eq!((check.stuck, check.is_whole()), (1, true), "{check:?}");
    shop.app.sagas().retry("order", "1", "ada").await.unwrap();
    shop.settle().await;
    let check = shop.verify().await;
    assert_eq!((check.compensated, check.is_whole()), (1, true), "{check:?}");
    // Had nobody ordered it, it would be one.
    let problems = shop
        .verify_with(|event| match std::str::from_utf8(event.data()) {
            Ok(data) if data.contains(r#","operator":"ada""#) => {
                Changed::Data(data.replace(r#","operator":"ada""#, ""))
            }
            _ => Changed::Same,
        })
        .await;
    found(&problems, &["the compensation of reserve_inventory is sent as a new message"]);
}
