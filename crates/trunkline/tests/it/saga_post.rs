//! What sagas send: over a queue that is down for a time, and what can't be published at all.

use std::time::Duration;

use trunkline::App;
use trunkline::messages::{MemoryCheckpoints, Stopper};
use trunkline::saga::{SagaError, Status};
use trunkline::{Append, EventStore, EventStoreExt as _, Expected, MemoryStore, NewEvent, StreamName};
use trunkline_queue::{MemoryQueue, MessageQueue as _, Receive};

use crate::saga_runs::Shop;
use crate::wire::Wire;
use crate::world::with_file;

/// The clock of these tests jumps when all tasks wait.
async fn a_moment() {
    drop(tokio::time::timeout(Duration::from_millis(10), std::future::pending::<()>()).await);
}

#[tokio::test(start_paused = true)]
async fn while_the_queue_is_down_nothing_is_lost_and_nothing_doubled() {
    let shop = Shop::open().await;
    let wire = Wire::new(&shop.queue, &shop.store);
    let (stopper, asked) = Stopper::new();
    let customers = async {
        wire.refuses();
        for id in ["1", "2", "3"] {
            shop.order(id, 2, 100).await;
        }
        while wire.failed() < 3 {
            a_moment().await;
        }
        assert_eq!(shop.work().await, 0, "nothing goes out");
        // Now it goes out, and is taken for lost.
        wire.loses_answers();
        while wire.failed() < 6 {
            a_moment().await;
        }
        wire.works();
        for (round, command) in ["ReserveInventory", "ProcessPayment", "ConfirmOrder"].iter().enumerate() {
            let mut came = Vec::new();
            while came.len() < 3 {
                a_moment().await;
                for delivery in shop.messages().await {
                    assert_eq!(delivery.message.message_type, *command, "round {round}");
                    shop.handle(&delivery).await;
                    shop.queue.ack(&delivery.lease).await.unwrap();
                    came.push(delivery.message.id.clone());
                }
            }
            came.sort();
            came.dedup();
            assert_eq!(came.len(), 3, "each message once");
            // The queue goes down again on the way.
            wire.refuses();
            let failed = wire.failed();
            while round < 2 && wire.failed() == failed {
                a_moment().await;
            }
            wire.works();
        }
        while !shop.app.sagas().is_current().await.unwrap() {
            a_moment().await;
        }
        assert_eq!(shop.work().await, 0, "nothing comes twice");
        drop(stopper);
    };
    let all = async { tokio::join!(shop.app.sagas().run(&wire, &asked), customers) };
    let (ran, ()) = tokio::time::timeout(Duration::from_secs(600), all).await.expect("it gets on");
    ran.unwrap();
    for id in ["1", "2", "3"] {
        let happened = shop.happened(id).await;
        assert_eq!(happened, ["OrderCreated", "InventoryReserved", "PaymentProcessed", "OrderConfirmed"]);
        assert_eq!(shop.status("order", id).await, Status::Completed);
        assert_eq!(shop.recorded("order", id).await.len(), 8);
    }
}

#[tokio::test]
async fn what_could_not_be_published_is_published_by_whoever_runs_next() {
    let mut shop = Shop::open().await;
    shop.order("1", 2, 100).await;
    for fails in [Wire::refuses, Wire::loses_answers] {
        let wire = Wire::new(&shop.queue, &shop.store);
        fails(&wire);
        let failed = shop.app.sagas().catch_up(&wire).await.unwrap_err();
        assert!(matches!(failed, SagaError::Publish { .. }), "{failed}");
        shop = shop.reopened().await;
    }
    shop.sagas().await;
    assert_eq!(shop.work().await, 1);
    shop.settle().await;
    assert_eq!(shop.status("order", "1").await, Status::Completed);
}

#[tokio::test]
async fn a_message_goes_out_only_after_it_was_recorded() {
    let shop = Shop::open().await;
    // It looks for itself at each message.
    let wire = Wire::new(&shop.queue, &shop.store);
    shop.order("1", 2, 100).await;
    shop.order("2", 2, 900_000).await;
    loop {
        shop.app.sagas().catch_up(&wire).await.unwrap();
        if shop.work().await == 0 {
            break;
        }
    }
    assert_eq!(shop.status("order", "1").await, Status::Completed);
    assert_eq!(shop.status("order", "2").await, Status::Compensated);
}

/// A letter's key is what the customer is called, and keys have a limit.
const LETTERS: &str = r#"
[events.Asked]
[events.Answered]

[sagas.letter]
start: "Asked"
correlate: "event.data.id"
steps: [
  { name: "write", send: { topic: "post", command: "Write", data: "{'id': saga.id}", key: "saga.start.name" }
    done: "Answered", timeout: "1h", compensate: "none" }
]
failed: { send: { topic: "post", command: "Apologize", data: "{'id': saga.id}" }, done: "Answered", timeout: "1h" }

[message_queue]
external: ["post"]
"#;

#[tokio::test]
async fn a_message_that_no_queue_takes_reaches_its_saga_as_given_up_and_holds_up_nobody() {
    let (store, queue) = (MemoryStore::new(), MemoryQueue::new());
    let builder =
        App::builder().store(store.clone()).queue(queue.clone()).checkpoints(MemoryCheckpoints::default());
    let app = with_file(builder, LETTERS).build().await.unwrap();
    // All three are published at once; the one in the middle can't be.
    for (id, name) in [("1", "Ada"), ("2", &*"x".repeat(600)), ("3", "Grace")] {
        let event = NewEvent::json("Asked", format!(r#"{{"id":"{id}","name":"{name}"}}"#)).unwrap();
        let stream = format!("wish-{id}").parse().unwrap();
        store.append(Append::to(stream, Expected::Any).event(event)).await.unwrap();
    }
    let (topic, group) = ("post".parse().unwrap(), "work".parse().unwrap());
    queue.subscribe(topic, group, trunkline_queue::GroupOptions::default()).await.unwrap();
    app.sagas().catch_up(&queue).await.unwrap();
    let receive = Receive::new("post".parse().unwrap(), "work".parse().unwrap()).max(100).now();
    let came = queue.receive(receive).await.unwrap();
    let mut came: Vec<String> = came
        .iter()
        .map(|it| {
            let message = &it.message;
            format!("{} {}", message.message_type, message.headers["saga_id"])
        })
        .collect();
    came.sort();
    assert_eq!(came, ["Apologize 2", "Write 1", "Write 3"]);
    let failing = app.sagas().show("letter", "2").await.unwrap().state;
    assert_eq!(failing.status, Some(Status::Compensating));
    let reason = failing.reason.unwrap();
    assert!(reason.starts_with("dead letter: message `"), "{reason}");
    assert!(reason.ends_with("key too large: 600, limit 512"), "{reason}");
    // It is said in the log, once, however often it is tried.
    let again = with_file(
        App::builder().store(store.clone()).queue(queue.clone()).checkpoints(MemoryCheckpoints::default()),
        LETTERS,
    );
    let again = again.build().await.unwrap();
    again.sagas().catch_up(&queue).await.unwrap();
    let said = store.stream_events(&StreamName::system("$inbox-$sagas").unwrap()).await.unwrap();
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].event_type(), "$DeadLettered");
}
