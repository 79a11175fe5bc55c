//! Consumers of the topic `events`, whose events nobody else relays.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use trunkline::messages::{
    Checkpoint, CheckpointError, Checkpoints, MemoryCheckpoints, MessageError, MessageHandler, Relay,
    Stopper, topic_of,
};
use trunkline::{App, Append, EventStore, Expected, MemoryStore, NewEvent, Position};
use trunkline_queue::{Delivery, MemoryQueue};

use super::store_with;

/// Handles everything, and says which events came, in turn.
#[derive(Clone, Default)]
struct Noting(Arc<Mutex<Vec<u64>>>);

impl MessageHandler for Noting {
    fn handle<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Result<(), MessageError>> {
        let position = delivery.message.cause.unwrap().position.get();
        self.0.lock().unwrap().push(position);
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Runs an application whose consumers of these names, `NEW<OLD` with an older one, take the topic `events`, until `done`.
async fn take_events(
    names: &[&str],
    parts: (&Arc<dyn EventStore>, &MemoryQueue, &Arc<MemoryCheckpoints>),
    done: impl Fn(&[Vec<u64>]) -> bool,
) -> Vec<Vec<u64>> {
    let (store, queue, checkpoints) = parts;
    let builder = App::builder().shared_store(Arc::clone(store)).queue(queue.clone());
    let mut builder = builder.checkpoints(Kept(Arc::clone(checkpoints)));
    let mut seen = Vec::new();
    for (name, _) in names.iter().map(|name| renamed(name)) {
        let noting = Noting::default();
        seen.push(noting.clone());
        builder = builder.message_handler(format!("test.{name}"), noting);
    }
    let section = |(name, was): (&str, &str)| {
        format!("[consumers.{name}]\n{was}topics: \"events\"\nordered: true\nclass: \"test.{name}\"\n")
    };
    let was = |older: &str| if older.is_empty() { String::new() } else { format!("was: \"{older}\"\n") };
    let both = names.iter().map(|name| renamed(name));
    let text: String = both.map(|(name, older)| section((name, &was(older)))).collect();
    let app = crate::world::with_file(builder, &text).build().await.unwrap();
    let (stopper, stop) = Stopper::new();
    let look = async {
        loop {
            let seen: Vec<Vec<u64>> = seen.iter().map(|noting| noting.0.lock().unwrap().clone()).collect();
            if done(&seen) {
                stopper.stop();
                return seen;
            }
            drop(tokio::time::timeout(Duration::from_millis(5), std::future::pending::<()>()).await);
        }
    };
    let (ran, seen) = tokio::join!(app.run_messages(&stop), look);
    ran.unwrap();
    seen
}

/// A name, and the one that it had before.
fn renamed(name: &str) -> (&str, &str) {
    name.split_once('<').unwrap_or((name, ""))
}

/// Checkpoints that several applications keep in one place.
#[derive(Debug)]
struct Kept(Arc<MemoryCheckpoints>);

impl Checkpoints for Kept {
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Checkpoint>, CheckpointError>> {
        self.0.load(name)
    }

    fn save<'a>(
        &'a self,
        name: &'a str,
        checkpoint: &'a Checkpoint,
    ) -> BoxFuture<'a, Result<(), CheckpointError>> {
        self.0.save(name, checkpoint)
    }

    fn forget<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), CheckpointError>> {
        self.0.forget(name)
    }

    fn all(&self) -> BoxFuture<'_, Result<BTreeMap<String, Checkpoint>, CheckpointError>> {
        self.0.all()
    }
}

#[tokio::test]
async fn each_group_of_the_topic_events_gets_every_event_from_the_first_on() {
    let (store, queue) = (store_with(20).await, MemoryQueue::new());
    let checkpoints = Arc::new(MemoryCheckpoints::default());
    let parts = (&store, &queue, &checkpoints);
    let sorted = |mut positions: Vec<u64>| {
        positions.sort_unstable();
        positions
    };
    let first = take_events(&["mail"], parts, |seen| seen[0].len() >= 20).await.remove(0);
    assert_eq!(sorted(first), (1..=20).collect::<Vec<u64>>());
    let event = NewEvent::json("OrderCreated", "{}").unwrap();
    store.append(Append::to("order-1".parse().unwrap(), Expected::Any).event(event)).await.unwrap();
    let [mail, later]: [Vec<u64>; 2] =
        take_events(&["mail", "later"], parts, |seen| !seen[0].is_empty() && seen[1].len() >= 21)
            .await
            .try_into()
            .unwrap();
    assert_eq!(mail, [21], "what it has had does not come again");
    let of_one: Vec<u64> = later.iter().copied().filter(|position| position % 7 == 1).collect();
    assert!(of_one.is_sorted() && of_one.len() == 3, "a stream in its order: {later:?}");
    assert_eq!(sorted(later), (1..=21).collect::<Vec<u64>>());
}

#[tokio::test]
async fn a_group_of_the_topic_events_with_another_name_goes_on() {
    let (store, queue) = (store_with(20).await, MemoryQueue::new());
    let checkpoints = Arc::new(MemoryCheckpoints::default());
    let parts = (&store, &queue, &checkpoints);
    take_events(&["post"], parts, |seen| seen[0].len() >= 20).await;
    // Five wait in the topic of the group, as when it was stopped.
    for number in 0..5 {
        let event = NewEvent::json("OrderCreated", number.to_string()).unwrap();
        store.append(Append::to("order-1".parse().unwrap(), Expected::Any).event(event)).await.unwrap();
    }
    let topic = topic_of(&"post".parse().unwrap()).unwrap();
    let relay = Relay::new("$events.post", topic);
    relay.catch_up(&store, &queue, &*checkpoints).await.unwrap();
    for number in 5..8 {
        let event = NewEvent::json("OrderCreated", number.to_string()).unwrap();
        store.append(Append::to("order-1".parse().unwrap(), Expected::Any).event(event)).await.unwrap();
    }
    let mail = take_events(&["mail<post"], parts, |seen| seen[0].len() >= 8).await.remove(0);
    assert_eq!(mail, (21..=28).collect::<Vec<u64>>(), "in order, and each once");
}

#[tokio::test]
async fn where_a_relay_fills_the_topic_events_consumers_take_what_that_says() {
    let queue = MemoryQueue::new();
    let text = "[relay.out]\nevents: \"Y\"\ntopic: \"events\"\n[consumers.all]\ntopics: \"events\"\nclass: \"test.Noting\"\n";
    let noting = Noting::default();
    let builder = App::builder().store(MemoryStore::new()).queue(queue.clone());
    let builder = builder.message_handler("test.Noting", noting.clone());
    let app = crate::world::with_file(builder, text).build().await.unwrap();
    for event_type in ["X", "Y"] {
        let event = NewEvent::json(event_type, "{}").unwrap();
        app.store().append(Append::to("a-1".parse().unwrap(), Expected::Any).event(event)).await.unwrap();
    }
    let (stopper, stop) = Stopper::new();
    let look = async {
        while noting.0.lock().unwrap().is_empty() || !app.relays_have_passed(Position::new(2)) {
            tokio::task::yield_now().await;
        }
        stopper.stop();
    };
    let (ran, ()) = tokio::join!(app.run_messages(&stop), look);
    ran.unwrap();
    assert_eq!(*noting.0.lock().unwrap(), [2]);
}
