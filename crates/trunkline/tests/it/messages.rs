//! Relay and consumers: every event goes out once in effect, whatever is cut off in between.

mod applications;
mod consumers;
mod relay;
mod renamed;
mod topic_events;

use std::sync::Arc;

use trunkline::{App, Append, EventStore, Expected, MemoryStore, NewEvent};
use trunkline_queue::{GroupName, MemoryQueue, TopicName};

fn topic(name: &str) -> TopicName {
    TopicName::new(name).unwrap()
}

fn group(name: &str) -> GroupName {
    GroupName::new(name).unwrap()
}

async fn store_with(events: u64) -> Arc<dyn EventStore> {
    let store = MemoryStore::new();
    for number in 0..events {
        let stream = format!("order-{}", number % 7).parse().unwrap();
        let event = NewEvent::json("OrderCreated", format!("{{\"n\":{number}}}")).unwrap();
        store.append(Append::to(stream, Expected::Any).event(event)).await.unwrap();
    }
    Arc::new(store)
}

/// An application of a text whose messages are in that queue.
async fn with_queue(text: &str, queue: &MemoryQueue) -> App {
    let builder = App::builder().store(MemoryStore::new()).queue(queue.clone());
    crate::world::with_file(builder, text).build().await.unwrap()
}
