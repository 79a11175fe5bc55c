//! Sagas over a log and a queue: the whole order system, and what comes late, twice, or not at all.

use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt as _;
use trunkline::messages::{CommandDispatcher, MemoryCheckpoints, MessageHandler as _, OnReject, Stopper};
use trunkline::saga::{SagaError, SagaQuery, Status, Transition};
use trunkline::{
    App, Append, CommandRequest, EventStore, EventStoreExt as _, EventType, Expected, ManualClock,
    MemoryStore, Metadata, NewEvent, StreamName, Timestamp,
};
use trunkline_queue::{Delivery, GroupOptions, MemoryQueue, MessageQueue as _, Receive};
use trunkline_store::AllRead;

use crate::world::with_file;

/// The example, as it is.
const ORDERS: &str = include_str!("../../../../examples/orders/orders.tsk");

/// An application with everything in memory, whose time stands still until it is moved.
pub(crate) struct Shop {
    pub(crate) app: App,
    pub(crate) store: Arc<dyn EventStore>,
    pub(crate) queue: MemoryQueue,
    clock: ManualClock,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        Self::over(Arc::new(MemoryStore::new()), MemoryQueue::new(), ManualClock::at(Timestamp::default()))
            .await
    }

    pub(crate) async fn over(store: Arc<dyn EventStore>, queue: MemoryQueue, clock: ManualClock) -> Self {
        let builder = App::builder()
            .shared_store(Arc::clone(&store))
            .queue(queue.clone())
            .checkpoints(MemoryCheckpoints::default())
            .clock(Arc::new(clock.clone()));
        let app = with_file(builder, ORDERS).build().await.unwrap();
        for topic in ["orders", "inventory", "payment"] {
            let (topic, group) = (topic.parse().unwrap(), "work".parse().unwrap());
            queue.subscribe(topic, group, GroupOptions::default()).await.unwrap();
        }
        Self { app, store, queue, clock }
    }

    /// The same log and queue, and nothing else that was kept.
    pub(crate) async fn reopened(self) -> Self {
        Self::over(self.store, self.queue, self.clock).await
    }

    fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    pub(crate) async fn order(&self, id: &str, quantity: u32, total: u32) {
        let price = total / quantity;
        let data = format!(
            r#"{{"order_id":"{id}","items":[{{"sku":"a","quantity":{quantity},"unit_price":{price}}}],"total":{total}}}"#
        );
        self.send("CreateOrder", &data).await;
    }

    async fn send(&self, name: &str, data: &str) {
        let outcome = self.app.send(CommandRequest::new(name, data.to_owned())).await.unwrap();
        assert!(outcome.rejection().is_none(), "{outcome:?}");
    }

    async fn cancel(&self, id: &str) {
        self.send("CancelOrder", &format!(r#"{{"order_id":"{id}","reason":"changed my mind"}}"#)).await;
    }

    /// Sagas do what there is to do.
    pub(crate) async fn sagas(&self) {
        let done = self.app.sagas().catch_up(&self.queue).await.unwrap();
        assert_eq!(done, self.store.head().await.unwrap());
        assert!(self.app.sagas().is_current().await.unwrap());
    }

    /// Messages that wait, and are now held.
    pub(crate) async fn messages(&self) -> Vec<Delivery> {
        let mut all = Vec::new();
        for topic in ["orders", "inventory", "payment"] {
            let receive = Receive::new(topic.parse().unwrap(), "work".parse().unwrap()).max(100).now();
            all.extend(self.queue.receive(receive).await.unwrap());
        }
        all
    }

    pub(crate) async fn handle(&self, delivery: &Delivery) {
        let (app, consumer) = (self.app.clone(), "work".to_owned());
        let dispatcher = CommandDispatcher { app, consumer, on_reject: OnReject::Ack };
        dispatcher.handle(delivery).await.unwrap();
    }

    /// Handles what waits; how many messages that were.
    pub(crate) async fn work(&self) -> usize {
        let messages = self.messages().await;
        for delivery in &messages {
            self.handle(delivery).await;
            self.queue.ack(&delivery.lease).await.unwrap();
        }
        messages.len()
    }

    /// Until nothing happens any more.
    pub(crate) async fn settle(&self) {
        loop {
            self.sagas().await;
            if self.work().await == 0 {
                return;
            }
        }
    }

    /// What happened to anything of an order, but for its sagas.
    pub(crate) async fn happened(&self, id: &str) -> Vec<String> {
        let events: Vec<_> = self.store.read_all(AllRead::default()).try_collect().await.unwrap();
        let of = |stream: &str| {
            ["order-", "reservation-", "payment-"].iter().any(|kind| *stream == format!("{kind}{id}"))
        };
        events.iter().filter(|event| of(event.stream())).map(|event| event.event_type().to_owned()).collect()
    }

    pub(crate) async fn status(&self, name: &str, id: &str) -> Status {
        self.app.sagas().show(name, id).await.unwrap().state.status.unwrap()
    }

    /// What a saga recorded, each in a word or two.
    pub(crate) async fn recorded(&self, name: &str, id: &str) -> Vec<String> {
        let detail = self.app.sagas().show(name, id).await.unwrap();
        let said = |transition: &Transition| match transition {
            Transition::Sent(sent) => format!("sent {}", sent.send.command),
            Transition::Resent(resent) => format!("resent {}", resent.step),
            Transition::StepDone(done) => format!("done {}", done.step),
            Transition::Failing(failing) => format!("failing: {}", failing.reason),
            Transition::Stuck(stuck) => format!("stuck: {}", stuck.reason),
            Transition::Ignored(ignored) => {
                format!("ignored {}: {}", ignored.cause.event.as_deref().unwrap_or_default(), ignored.why)
            }
            other => other.name().trim_start_matches("$Saga").to_lowercase(),
        };
        detail.history.iter().map(|recording| said(&recording.transition)).collect()
    }

    /// An event that no command caused.
    async fn append(&self, stream: &str, event_type: &str, data: &str) {
        let event = NewEvent::json(event_type, data.to_owned()).unwrap();
        let append = Append::to(stream.parse().unwrap(), Expected::Any).event(event);
        self.store.append(append).await.unwrap();
    }

    /// A message is given up.
    pub(crate) async fn give_up(&self, delivery: &Delivery) {
        let said: std::collections::BTreeMap<_, _> =
            delivery.message.headers.iter().filter(|(name, _)| name.starts_with("$saga")).collect();
        let event = NewEvent::new(EventType::system("$DeadLettered").unwrap(), r#"{"reason":"no one home"}"#)
            .metadata(Metadata::of(&said).unwrap());
        let append = Append::to(StreamName::system("$inbox-work").unwrap(), Expected::Any).event(event);
        self.store.append(append).await.unwrap();
        self.queue.reject(&delivery.lease, "no one home".to_owned()).await.unwrap();
    }
}

#[tokio::test]
async fn an_order_is_reserved_paid_and_confirmed() {
    let shop = Shop::open().await;
    shop.order("1", 2, 100).await;
    shop.settle().await;
    assert_eq!(
        shop.happened("1").await,
        ["OrderCreated", "InventoryReserved", "PaymentProcessed", "OrderConfirmed"]
    );
    assert_eq!(
        shop.recorded("order", "1").await,
        [
            "started",
            "sent ReserveInventory",
            "done reserve_inventory",
            "sent ProcessPayment",
            "done process_payment",
            "sent ConfirmOrder",
            "done confirm_order",
            "completed"
        ]
    );
}

#[tokio::test]
async fn what_cannot_be_paid_is_given_back_and_cancelled() {
    let shop = Shop::open().await;
    shop.order("1", 2, 900_000).await;
    shop.order("2", 5_000, 5_000).await;
    shop.settle().await;
    assert_eq!(
        shop.happened("1").await,
        ["OrderCreated", "InventoryReserved", "PaymentFailed", "InventoryReleased", "OrderCancelled"]
    );
    assert_eq!(shop.happened("2").await, ["OrderCreated", "InventoryReservationFailed", "OrderCancelled"]);
    assert_eq!(shop.status("order", "1").await, Status::Compensated);
    assert_eq!(shop.status("order", "2").await, Status::Compensated);
    assert!(shop.recorded("order", "1").await.contains(&"failing: over the limit".to_owned()));
}

#[tokio::test]
async fn a_customer_who_cancels_midway_gets_everything_back() {
    for before in 0..4 {
        let shop = Shop::open().await;
        shop.order("1", 2, 100).await;
        for _ in 0..before {
            shop.sagas().await;
            shop.work().await;
        }
        shop.cancel("1").await;
        shop.settle().await;
        let happened = shop.happened("1").await;
        let count = |what: &str| happened.iter().filter(|event| *event == what).count();
        // One that refunds nothing bars a payment that may still be on its way.
        let (paid, refunded) = (count("PaymentProcessed"), count("PaymentRefunded"));
        assert!(paid <= refunded && refunded <= 1, "{before}: {happened:?}");
        assert_eq!(count("OrderCancelled"), 1, "{before}: {happened:?}");
        assert!(count("InventoryReleased") >= count("InventoryReserved"), "{before}: {happened:?}");
        assert!(shop.status("order", "1").await.is_ended());
    }
}

#[tokio::test]
async fn a_confirmed_order_that_is_cancelled_is_undone_by_another_saga() {
    let shop = Shop::open().await;
    shop.order("1", 2, 100).await;
    shop.settle().await;
    shop.cancel("1").await;
    shop.settle().await;
    assert_eq!(
        shop.happened("1").await.split_off(4),
        ["OrderCancelled", "PaymentRefunded", "InventoryReleased"]
    );
    assert_eq!(shop.status("cancellation", "1").await, Status::Completed);
    let recorded = shop.recorded("order", "1").await;
    assert_eq!(recorded.iter().filter(|what| what.ends_with("it is completed")).count(), 3, "{recorded:?}");
}

#[tokio::test]
async fn reading_all_again_changes_nothing_and_sends_nothing() {
    let mut shop = Shop::open().await;
    for (id, total) in [("1", 100), ("2", 900_000), ("3", 50)] {
        shop.order(id, 1, total).await;
    }
    shop.settle().await;
    shop.cancel("3").await;
    shop.settle().await;
    shop.order("4", 1, 10).await;
    shop.sagas().await;
    let head = shop.store.head().await.unwrap();
    for _ in 0..2 {
        // Checkpoints, states and the index are gone.
        shop = shop.reopened().await;
        shop.sagas().await;
        assert_eq!(shop.store.head().await.unwrap(), head);
    }
    assert_eq!(shop.work().await, 1, "the reservation of the fourth, once");
    shop.settle().await;
    assert_eq!(shop.status("order", "4").await, Status::Completed);
}

#[tokio::test]
async fn a_timeout_begins_the_way_back_and_the_late_answer_is_visible() {
    let shop = Shop::open().await;
    shop.order("1", 2, 100).await;
    shop.sagas().await;
    let held = shop.messages().await;
    shop.pass(Duration::from_secs(30));
    shop.settle().await;
    assert_eq!(shop.status("order", "1").await, Status::Compensated);
    assert_eq!(shop.happened("1").await, ["OrderCreated", "InventoryReleased", "OrderCancelled"]);
    // The message was in somebody's hands all the time. What undid it bars it.
    shop.handle(&held[0]).await;
    shop.settle().await;
    assert_eq!(shop.happened("1").await.len(), 3);
    let recorded = shop.recorded("order", "1").await;
    assert_eq!(recorded[2], "failing: timeout: reserve_inventory");
    assert_eq!(recorded.last().unwrap(), "ignored $Outcome: nothing waits for it");
}

#[tokio::test]
async fn a_timer_is_judged_only_after_the_log_was_read_to_its_head() {
    let shop = Shop::open().await;
    shop.order("1", 2, 100).await;
    shop.sagas().await;
    // Done in time; nobody has read it when the time is over.
    shop.work().await;
    shop.pass(Duration::from_secs(3_600));
    shop.sagas().await;
    let recorded = shop.recorded("order", "1").await;
    assert_eq!(recorded[2..4], ["done reserve_inventory", "sent ProcessPayment"]);
}

#[tokio::test]
async fn a_timer_is_judged_by_whoever_runs_after_it_has_fired() {
    let shop = Shop::open().await;
    shop.order("1", 2, 100).await;
    shop.sagas().await;
    drop(shop.messages().await);
    shop.pass(Duration::from_secs(60));
    let shop = shop.reopened().await;
    shop.sagas().await;
    assert_eq!(shop.status("order", "1").await, Status::Compensating);
}

#[tokio::test]
async fn a_dead_letter_reaches_the_saga_that_sent_it() {
    let shop = Shop::open().await;
    shop.order("1", 2, 100).await;
    shop.sagas().await;
    let held = shop.messages().await;
    shop.give_up(&held[0]).await;
    shop.sagas().await;
    let recorded = shop.recorded("order", "1").await;
    assert_eq!(recorded[2..], ["failing: dead letter: no one home", "sent ReleaseInventory"]);
    // So does that of what was to undo it, and then an operator is needed.
    let held = shop.messages().await;
    shop.give_up(&held[0]).await;
    shop.sagas().await;
    assert_eq!(shop.status("order", "1").await, Status::Stuck);
    let stuck = SagaQuery { statuses: vec![Status::Stuck], ..SagaQuery::default() };
    let listed = shop.app.sagas().list(&stuck).await.unwrap();
    assert_eq!(listed[0].reason.as_deref(), Some("dead letter: no one home"));
    shop.app.sagas().retry("order", "1", "ada").await.unwrap();
    shop.settle().await;
    assert_eq!(shop.status("order", "1").await, Status::Compensated);
    assert_eq!(shop.happened("1").await, ["OrderCreated", "InventoryReleased", "OrderCancelled"]);
}

#[tokio::test]
async fn messages_that_come_again_have_no_second_effect() {
    let shop = Shop::open().await;
    shop.order("1", 2, 100).await;
    for _ in 0..5 {
        shop.sagas().await;
        for delivery in shop.messages().await {
            shop.handle(&delivery).await;
            shop.sagas().await;
            shop.handle(&delivery).await;
            shop.queue.retry(&delivery.lease, Duration::ZERO, "again".to_owned()).await.unwrap();
        }
    }
    shop.settle().await;
    assert_eq!(
        shop.happened("1").await,
        ["OrderCreated", "InventoryReserved", "PaymentProcessed", "OrderConfirmed"]
    );
    assert_eq!(shop.recorded("order", "1").await.len(), 8);
}

#[tokio::test]
async fn an_operator_starts_compensates_and_resolves() {
    let shop = Shop::open().await;
    let sagas = shop.app.sagas();
    shop.append("x-1", "InventoryReserved", r#"{"order_id":"7"}"#).await;
    let started = sagas.start("order", r#"{"order_id":"7","items":[],"total":5}"#, "ada").await.unwrap();
    assert_eq!((started.state.id.as_str(), started.transitions.len()), ("7", 2));
    let again = sagas.start("order", r#"{"order_id":"7","items":[],"total":5}"#, "ada").await.unwrap_err();
    assert_eq!(again.to_string(), "order-7: it was started before");
    // What happened before it was started is not for it.
    shop.sagas().await;
    assert_eq!(shop.recorded("order", "7").await, ["started", "sent ReserveInventory"]);
    sagas.compensate("order", "7", "never mind", "ada").await.unwrap();
    shop.sagas().await;
    let held = shop.messages().await;
    assert_eq!(held.len(), 2);
    shop.give_up(held.iter().find(|it| it.message.message_type == "ReleaseInventory").unwrap()).await;
    shop.sagas().await;
    let resolved = sagas.resolve("order", "7", "put back by hand", "ada").await.unwrap();
    assert_eq!(resolved.state.status, Some(Status::Compensating));
    let detail = sagas.show("order", "7").await.unwrap();
    let last = detail.history.last().unwrap();
    assert_eq!(last.transition.cause().operator.as_deref(), Some("ada"));
    let steps = ["reserve_inventory", "process_payment", "confirm_order"];
    assert_eq!(detail.names.unwrap().steps(), steps);
    let unknown = sagas.start("ordre", "{}", "ada").await.unwrap_err();
    assert_eq!(unknown.to_string(), "there is no saga named \"ordre\"; did you mean \"order\"?");
    let no_key = sagas.start("order", "{}", "ada").await.unwrap_err();
    assert!(matches!(no_key, SagaError::NoKey { .. }), "{no_key}");
}

#[tokio::test]
async fn sagas_are_found_and_counted() {
    let shop = Shop::open().await;
    for id in ["1", "2"] {
        shop.order(id, 1, 10).await;
    }
    shop.settle().await;
    shop.cancel("2").await;
    shop.settle().await;
    shop.order("3", 1, 10).await;
    shop.sagas().await;
    let sagas = shop.app.sagas();
    let count = |name: &str, status, count| (name.to_owned(), status, count);
    assert_eq!(
        sagas.counts().await.unwrap(),
        [
            count("cancellation", Status::Completed, 1),
            count("order", Status::Completed, 2),
            count("order", Status::Running, 1)
        ]
    );
    assert_eq!(sagas.find("1").await.unwrap(), ("order".to_owned(), "1".to_owned()));
    assert_eq!(sagas.find("order-2").await.unwrap().1, "2");
    assert_eq!(
        sagas.find("2").await.unwrap_err().to_string(),
        "several sagas have this id: cancellation-2, order-2; name one"
    );
    assert_eq!(sagas.find("4").await.unwrap_err().to_string(), "no saga `4` was started");
    let running = SagaQuery { statuses: vec![Status::Running], ..SagaQuery::default() };
    let listed = sagas.list(&running).await.unwrap();
    assert_eq!((listed.len(), listed[0].step.as_deref()), (1, Some("reserve_inventory")));
    assert_eq!(listed[0].due.map(Timestamp::as_micros), Some(30_000_000));
    let rest =
        SagaQuery { after: Some(("order".into(), "1".into())), limit: Some(1), ..SagaQuery::default() };
    assert_eq!(sagas.list(&rest).await.unwrap()[0].id, "2");
}

#[tokio::test]
async fn events_say_which_saga_asked_for_them_and_why() {
    let shop = Shop::open().await;
    shop.order("1", 2, 100).await;
    shop.settle().await;
    let events: Vec<_> = shop.store.stream_events(&"payment-1".parse().unwrap()).await.unwrap();
    let said: serde_json::Value = serde_json::from_slice(events[0].metadata()).unwrap();
    assert_eq!((said["saga_id"].as_str(), said["$saga"].as_str()), (Some("1"), Some("order-1")));
    let created = shop.store.stream_events(&"order-1".parse().unwrap()).await.unwrap();
    let first: serde_json::Value = serde_json::from_slice(created[0].metadata()).unwrap();
    assert_eq!(said["correlation_id"], first["correlation_id"], "all of it has one cause");
}

#[tokio::test(start_paused = true)]
async fn running_sagas_wait_for_what_comes_and_for_the_time_until_they_are_stopped() {
    let shop = Shop::open().await;
    let (stopper, asked) = Stopper::new();
    let sagas = shop.app.sagas();
    let reaches = async |id: &str, wanted: Status| {
        while sagas.show("order", id).await.ok().and_then(|detail| detail.state.status) != Some(wanted) {
            // The clock of these tests jumps when all tasks wait.
            drop(tokio::time::timeout(Duration::from_millis(10), std::future::pending::<()>()).await);
        }
    };
    let customers = async {
        shop.order("1", 5_000, 5_000).await;
        reaches("1", Status::Running).await;
        while shop.work().await == 0 {
            drop(tokio::time::timeout(Duration::from_millis(10), std::future::pending::<()>()).await);
        }
        reaches("1", Status::Compensating).await;
        shop.order("2", 2, 100).await;
        reaches("2", Status::Running).await;
        // Nothing happens but that time passes.
        shop.pass(Duration::from_secs(30));
        reaches("2", Status::Compensating).await;
        drop(stopper);
    };
    let (ran, ()) = tokio::join!(sagas.run(&shop.queue, &asked), customers);
    ran.unwrap();
}
