//! Consumers and relays with another name: what the older one left is theirs, and nothing has a second effect.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt as _;
use trunkline::messages::{
    Checkpoints, CommandDispatcher, Consumer, MemoryCheckpoints, MessageHandler as _, OnReject, Relay,
    Stopper, message_id,
};
use trunkline::{App, EventStore, MemoryStore, RecordedEvent};
use trunkline_queue::{
    Adoption, Delivery, GroupOptions, MemoryQueue, MessageQueue, MessageQueueExt as _, NewMessage,
    OperateQueue, Receive,
};
use trunkline_store::AllRead;

use super::{group, store_with, topic};
use crate::world::with_file;

/// An application whose consumer of the topic `work` is declared like that.
async fn app(store: &Arc<dyn EventStore>, queue: &MemoryQueue, consumer: &str) -> App {
    let text = format!(
        "[commands.Ship]\nstream: \"'ship-' + command.id\"\nemit: [{{ type: \"Shipped\", data: \"command\" }}]\n\
         [consumers.{consumer}\ntopics: \"work\"\ndispatch: \"command\"\n"
    );
    let builder = App::builder().shared_store(Arc::clone(store)).queue(queue.clone());
    with_file(builder, &text).build().await.unwrap()
}

async fn publish(queue: &MemoryQueue, id: &str) {
    let data = format!("{{\"id\":\"{id}\"}}");
    queue.publish_one(topic("work"), NewMessage::new("Ship", data).id(id.parse().unwrap())).await.unwrap();
}

/// A message is handed to a consumer of this name, which has its effect and is killed before it says so.
async fn killed_before_the_ack(app: &App, queue: &MemoryQueue, consumer: &str, of: &str) -> Delivery {
    let delivery = queue.receive(Receive::new(topic("work"), group(of)).consumer(consumer).now()).await;
    let delivery = delivery.unwrap().remove(0);
    let dispatcher =
        CommandDispatcher { app: app.clone(), consumer: consumer.to_owned(), on_reject: OnReject::Ack };
    dispatcher.handle(&delivery).await.unwrap();
    queue.retry(&delivery.lease, Duration::ZERO, "killed".to_owned()).await.unwrap();
    delivery
}

/// Runs the messages of an application until its consumers have none.
async fn run_until_done(app: &App, queue: &MemoryQueue) {
    let (stopper, stop) = Stopper::new();
    let look = async {
        loop {
            let stats = queue.stats().await.unwrap();
            let groups =
                stats.topics.iter().flat_map(|topic| topic.groups.iter().map(move |group| (topic, group)));
            let mut left = groups.filter(|(topic, group)| {
                let waits = group.waiting + group.leased + group.delayed > 0;
                waits && app.consumer_of(&topic.topic, &group.group).is_some()
            });
            if left.next().is_none() && stats.topics.iter().any(|topic| !topic.groups.is_empty()) {
                stopper.stop();
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    let (ran, ()) = tokio::join!(app.run_messages(&stop), look);
    ran.unwrap();
}

async fn all(store: &Arc<dyn EventStore>) -> Vec<RecordedEvent> {
    store.read_all(AllRead::default()).try_collect().await.unwrap()
}

/// The streams that something was shipped in, in turn.
async fn shipped(store: &Arc<dyn EventStore>) -> Vec<String> {
    let events = all(store).await;
    let shipped = events.iter().filter(|event| event.event_type() == "Shipped");
    shipped.map(|event| event.stream().to_owned()).collect()
}

#[tokio::test]
async fn what_an_older_name_had_is_handled_once() {
    for (older, newer, of) in [
        ("post]", "mail]\nwas: \"post\"", "post"),
        // The group has a name of its own, and only the consumer's is another.
        ("post]\ngroup: \"g\"", "mail]\ngroup: \"g\"\nwas: [\"post\"]", "g"),
    ] {
        let (store, queue): (Arc<dyn EventStore>, _) = (Arc::new(MemoryStore::new()), MemoryQueue::new());
        let first = app(&store, &queue, older).await;
        queue.subscribe(topic("work"), group(of), GroupOptions::default()).await.unwrap();
        publish(&queue, "1").await;
        killed_before_the_ack(&first, &queue, "post", of).await;
        publish(&queue, "2").await;
        let second = app(&store, &queue, newer).await;
        run_until_done(&second, &queue).await;
        assert_eq!(shipped(&store).await, ["ship-1", "ship-2"], "{newer}");
        publish(&queue, "3").await;
        run_until_done(&second, &queue).await;
        assert_eq!(shipped(&store).await.len(), 3);
        let groups = queue.stats().await.unwrap().topics.remove(0).groups;
        assert_eq!(groups.len(), 1, "the older group is gone: {groups:?}");
    }
}

/// The group remembers whose its messages were, so that nobody need say it for ever.
#[tokio::test]
async fn the_older_name_may_be_taken_out_of_the_file() {
    let (store, queue): (Arc<dyn EventStore>, _) = (Arc::new(MemoryStore::new()), MemoryQueue::new());
    let first = app(&store, &queue, "post]").await;
    queue.subscribe(topic("work"), group("post"), GroupOptions::default()).await.unwrap();
    publish(&queue, "1").await;
    killed_before_the_ack(&first, &queue, "post", "post").await;
    let mail = Consumer::new("mail", vec![topic("work")], group("mail"));
    Consumer { was: vec!["post".to_owned()], ..mail }.take_over(&queue).await.unwrap();
    run_until_done(&app(&store, &queue, "mail]").await, &queue).await;
    assert_eq!(shipped(&store).await, ["ship-1"]);
}

/// Somebody renamed the consumer, ran it, and only then had it adopt what it had left.
#[tokio::test]
async fn what_the_newer_name_has_handled_comes_again_without_effect() {
    let (store, queue): (Arc<dyn EventStore>, _) = (Arc::new(MemoryStore::new()), MemoryQueue::new());
    queue.subscribe(topic("work"), group("post"), GroupOptions::default()).await.unwrap();
    publish(&queue, "1").await;
    let second = app(&store, &queue, "mail]").await;
    run_until_done(&second, &queue).await;
    let adoption =
        Adoption { topic: topic("work"), from: group("post"), to: group("mail"), name: "post".to_owned() };
    assert_eq!(queue.adopt(adoption).await.unwrap().messages, 1);
    run_until_done(&second, &queue).await;
    assert_eq!(shipped(&store).await, ["ship-1"]);
}

/// How many messages are said to be given up.
async fn told(store: &Arc<dyn EventStore>) -> usize {
    all(store).await.iter().filter(|event| event.event_type() == "$DeadLettered").count()
}

/// Runs the messages of an application until its consumer `mail` has looked through the dead letters, which it does first
/// of all: it tells of those that nobody told of, and ships what is published then.
async fn run_past_dead_letters(app: &App, queue: &MemoryQueue, store: &Arc<dyn EventStore>) {
    let (stopper, stop) = Stopper::new();
    let look = async {
        let adopted = async || queue.stats().await.unwrap().topics[0].groups[0].group == group("mail");
        while !adopted().await {
            tokio::task::yield_now().await;
        }
        publish(queue, "1").await;
        while shipped(store).await.is_empty() {
            tokio::task::yield_now().await;
        }
        stopper.stop();
    };
    let (ran, ()) = tokio::join!(app.run_messages(&stop), look);
    ran.unwrap();
}

#[tokio::test]
async fn dead_letters_of_an_older_name_are_not_told_of_again() {
    let (store, queue): (Arc<dyn EventStore>, _) = (Arc::new(MemoryStore::new()), MemoryQueue::new());
    queue.subscribe(topic("work"), group("post"), GroupOptions::default()).await.unwrap();
    let unknown = NewMessage::new("Nobody", "1");
    queue.publish_one(topic("work"), unknown).await.unwrap();
    run_until_done(&app(&store, &queue, "post]").await, &queue).await;
    assert_eq!(told(&store).await, 1);
    run_past_dead_letters(&app(&store, &queue, "mail]\nwas: \"post\"").await, &queue, &store).await;
    assert_eq!(told(&store).await, 1);
}

/// An older name that left nothing behind is no other name for what the newer one gives up.
#[tokio::test]
async fn dead_letters_are_told_of_once_where_an_older_name_had_nothing() {
    let (store, queue): (Arc<dyn EventStore>, _) = (Arc::new(MemoryStore::new()), MemoryQueue::new());
    queue.publish_one(topic("work"), NewMessage::new("Nobody", "1")).await.unwrap();
    let app = app(&store, &queue, "mail]\nwas: \"post\"").await;
    run_until_done(&app, &queue).await;
    assert_eq!(told(&store).await, 1);
    run_past_dead_letters(&app, &queue, &store).await;
    assert_eq!(told(&store).await, 1);
}

/// The ids of all messages of the topic `shop`.
async fn ids(queue: &MemoryQueue) -> BTreeSet<String> {
    queue.subscribe(topic("shop"), group("g"), GroupOptions::default()).await.unwrap();
    let mut ids = BTreeSet::new();
    for delivery in queue.receive(Receive::new(topic("shop"), group("g")).max(100).now()).await.unwrap() {
        assert!(ids.insert(delivery.message.id.to_string()), "each id is there once");
    }
    ids
}

#[tokio::test]
async fn a_relay_goes_on_where_its_older_name_was_and_keeps_the_ids_of_messages() {
    let (store, queue) = (store_with(10).await, MemoryQueue::new());
    let checkpoints = MemoryCheckpoints::default();
    let relay = |name: &str, was: &[&str]| {
        let was = was.iter().map(|name| (*name).to_owned()).collect();
        Relay { was, ..Relay::new(name, topic("shop")) }
    };
    relay("out", &[]).catch_up(&store, &queue, &checkpoints).await.unwrap();
    let kept = checkpoints.load("out").await.unwrap().unwrap();
    let event = |number: u64| {
        let event = trunkline::NewEvent::json("OrderCreated", number.to_string()).unwrap();
        trunkline::Append::to("order-9".parse().unwrap(), trunkline::Expected::Any).event(event)
    };
    // Five more are published, and the process is killed before it keeps its place.
    for number in 10..15 {
        store.append(event(number)).await.unwrap();
    }
    relay("out", &[]).catch_up(&store, &queue, &checkpoints).await.unwrap();
    checkpoints.save("out", &kept).await.unwrap();
    relay("shop", &["out"]).catch_up(&store, &queue, &checkpoints).await.unwrap();
    for number in 15..18 {
        store.append(event(number)).await.unwrap();
    }
    relay("shop", &["out"]).catch_up(&store, &queue, &checkpoints).await.unwrap();
    // Killed again, and the older name is out of the file.
    checkpoints.save("shop", &kept).await.unwrap();
    relay("shop", &[]).catch_up(&store, &queue, &checkpoints).await.unwrap();
    // With a third name, what was published under the first keeps its ids, too.
    checkpoints.save("shop", &kept).await.unwrap();
    relay("third", &["shop"]).catch_up(&store, &queue, &checkpoints).await.unwrap();
    let wanted = all(&store).await.into_iter().enumerate().map(|(number, event)| {
        let name = if number < 15 { "out" } else { "shop" };
        message_id(event.event_id(), name).to_string()
    });
    assert_eq!(ids(&queue).await, wanted.collect());
}

/// It was killed after it had published, and before it kept its first checkpoint.
#[tokio::test]
async fn a_relay_whose_older_name_kept_no_checkpoint_keeps_the_ids_too() {
    let (store, queue) = (store_with(3).await, MemoryQueue::new());
    Relay::new("out", topic("shop")).catch_up(&store, &queue, &MemoryCheckpoints::default()).await.unwrap();
    let checkpoints = MemoryCheckpoints::default();
    let renamed = Relay { was: vec!["out".to_owned()], ..Relay::new("new", topic("shop")) };
    renamed.catch_up(&store, &queue, &checkpoints).await.unwrap();
    assert_eq!(ids(&queue).await.len(), 3);
}
