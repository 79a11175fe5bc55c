//! What the messages of sagas are called: over an update, and where a log has lost its end.

use std::sync::Arc;

use futures::TryStreamExt as _;
use trunkline::saga::{Status, still_waits};
use trunkline::{
    Append, EventStore, EventType, Expected, ManualClock, MemoryStore, Metadata, NewEvent, Timestamp,
};
use trunkline_core::Tag;
use trunkline_queue::{MemoryQueue, MessageQueue as _, NewMessage};
use trunkline_store::AllRead;

use crate::saga_runs::Shop;

/// The events of a log, as many of them as are wanted, their data changed.
async fn copied(
    from: &dyn EventStore,
    events: usize,
    change: impl Fn(&str) -> String,
) -> Arc<dyn EventStore> {
    let store = MemoryStore::new();
    let all: Vec<_> = from.read_all(AllRead::default()).try_collect().await.unwrap();
    for event in all.iter().take(events) {
        let data = change(std::str::from_utf8(event.data()).unwrap());
        let mut copy = NewEvent::new(EventType::system(event.event_type()).unwrap(), data)
            .id(event.event_id())
            .metadata(Metadata::parse(event.metadata().to_vec()).unwrap())
            .occurred_at(event.occurred_at());
        copy.tags = event.tags().map(|tag| Tag::system(tag).unwrap()).collect();
        store.append(Append::to(event.stream_name(), Expected::Any).event(copy)).await.unwrap();
    }
    Arc::new(store)
}

/// What was recorded before messages had their ids from those of events has the ids that it had.
#[tokio::test]
async fn what_was_sent_before_an_update_is_not_sent_again_under_another_id() {
    let before = Shop::open().await;
    before.order("1", 2, 100).await;
    before.sagas().await;
    let queue = MemoryQueue::new();
    let store = copied(&*before.store, usize::MAX, |data| data.replace(r#""outgoing":"#, r#""send":"#)).await;
    let shop = Shop::over(store, queue.clone(), ManualClock::at(Timestamp::default())).await;
    // It was published before the update; the checkpoint that says so was not kept.
    let message =
        NewMessage::new("ReserveInventory", r#"{"order_id":"1","items":[{"sku":"a","quantity":2}]}"#)
            .id("387b00d3-9b9e-5e54-b9b1-1c7ac5d83590".parse().unwrap())
            .key("1")
            .system_header("$saga", "order-1")
            .system_header("$saga_message", "2");
    queue.publish("inventory".parse().unwrap(), vec![message]).await.unwrap();
    shop.sagas().await;
    assert_eq!(shop.work().await, 1, "it is known to be there");
    shop.settle().await;
    assert_eq!(shop.status("order", "1").await, Status::Completed);
    let happened = shop.happened("1").await;
    assert_eq!(happened, ["OrderCreated", "InventoryReserved", "PaymentProcessed", "OrderConfirmed"]);
}

/// A log that has lost its end sends from the same places: what it sends is no repeat of what was lost, and an answer
/// to that is none to this.
#[tokio::test]
async fn a_log_that_lost_its_end_is_not_taken_for_the_one_that_it_was() {
    let before = Shop::open().await;
    before.order("1", 2, 100).await;
    let head = usize::try_from(before.store.head().await.unwrap().get()).unwrap();
    let store = copied(&*before.store, head, str::to_owned).await;
    before.sagas().await;
    let lost = before.messages().await;
    let shop = Shop::over(store, before.queue.clone(), ManualClock::at(Timestamp::default())).await;
    shop.sagas().await;
    let sent = shop.messages().await;
    assert_eq!((lost.len(), sent.len()), (1, 1), "the queue takes it, though it has the lost one");
    assert_eq!(lost[0].message.payload, sent[0].message.payload);
    shop.give_up(&lost[0]).await;
    shop.sagas().await;
    let recorded = shop.recorded("order", "1").await;
    assert_eq!(
        recorded.last().unwrap(),
        "ignored $DeadLettered: it answers a message that was never sent",
        "{recorded:?}"
    );
    assert_eq!(shop.status("order", "1").await, Status::Running);
    shop.handle(&sent[0]).await;
    shop.queue.ack(&sent[0].lease).await.unwrap();
    shop.settle().await;
    assert_eq!(shop.status("order", "1").await, Status::Completed);
}

/// What would answer a saga's message by another name than it has is no answer to it, so nothing waits for that either.
#[tokio::test]
async fn a_message_is_waited_for_under_the_one_name_by_which_its_saga_knows_it() {
    let before = Shop::open().await;
    before.order("1", 2, 100).await;
    before.sagas().await;
    let event = before.messages().await.remove(0).message;
    let id = event.headers["$saga_message"].clone();
    let store = copied(&*before.store, usize::MAX, |data| data.replace(r#""outgoing":"#, r#""send":"#)).await;
    for (store, known, other) in [(&before.store, &*id, "2"), (&store, "2", &*id)] {
        for (name, waits) in [(known, true), (other, false), ("3", false), ("x", false)] {
            let mut message = event.clone();
            message.headers.insert("$saga_message".to_owned(), name.to_owned());
            assert_eq!(still_waits(store, &message).await.unwrap(), Some(waits), "{name}, known as {known}");
        }
    }
}
