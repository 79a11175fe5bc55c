//! Names, messages and requests for the tests, and what is done with them.

use std::time::Duration;

use crate::{
    DeadLetter, DeadLetterId, DeadLettersRead, Delivery, GroupName, GroupOptions, GroupStats, MessageId,
    MessageQueue, NewMessage, OperateQueue, Published, Receive, TopicName, TopicStats, Unfinished,
};

/// How long a test waits for what is promised to come at once; long, for busy machines.
const SOON: Duration = Duration::from_secs(30);

/// How long a count may be too high: twice what is promised.
pub(super) const EXACT: Duration = Duration::from_secs(2);

/// How many given-up messages are read at a time: few, so that there are several pages.
const PAGE: usize = 3;

/// The visibility that the tests ask for: short enough to be waited for in real time.
pub(super) const VISIBILITY: Duration = Duration::from_millis(1_500);

/// A little less and a little more than that.
pub(super) const LESS: Duration = Duration::from_millis(500);
pub(super) const REST: Duration = Duration::from_secs(1);

/// A topic's name.
pub(super) fn topic(name: &str) -> TopicName {
    name.parse().expect("the suite's topics have names")
}

/// A group's name.
pub(super) fn group(name: &str) -> GroupName {
    name.parse().expect("the suite's groups have names")
}

/// A message's id.
pub(super) fn id(text: &str) -> MessageId {
    text.parse().expect("the suite's ids are ids")
}

/// A message of an id.
pub(super) fn message(text: &str) -> NewMessage {
    NewMessage::new("Ping", format!(r#"{{"id":"{text}"}}"#)).id(id(text))
}

/// A request for messages of `orders` for a group.
pub(super) fn ask(name: &str) -> Receive {
    Receive::new(topic("orders"), group(name)).visibility(VISIBILITY).consumer("suite").max(100)
}

/// Publishes to `orders`; all must be new.
pub(super) async fn publish(queue: &dyn MessageQueue, ids: &[&str]) {
    publish_all(queue, ids.iter().map(|id| message(id)).collect()).await;
}

/// Publishes to `orders`; all must be new.
pub(super) async fn publish_all(queue: &dyn MessageQueue, messages: Vec<NewMessage>) {
    let count = messages.len();
    let published = queue.publish(topic("orders"), messages).await.expect("a sound queue takes messages");
    assert_eq!(published, vec![Published::Stored; count]);
}

/// Subscribes a group without order to `orders`.
pub(super) async fn subscribe(queue: &dyn MessageQueue, name: &str) -> bool {
    let options = GroupOptions::default();
    queue.subscribe(topic("orders"), group(name), options).await.expect("a group can subscribe")
}

/// Subscribes a group ordered by key to `orders`.
pub(super) async fn subscribe_ordered(queue: &dyn MessageQueue, name: &str, partitions: u16) -> bool {
    let options = GroupOptions { ordered: Some(partitions), ..GroupOptions::default() };
    queue.subscribe(topic("orders"), group(name), options).await.expect("a group can subscribe")
}

/// What is due now for a group of `orders`.
pub(super) async fn due(queue: &dyn MessageQueue, name: &str) -> Vec<Delivery> {
    queue.receive(ask(name).now()).await.expect("the group is subscribed")
}

/// The one message that is due now for a group of `orders`.
pub(super) async fn one(queue: &dyn MessageQueue, name: &str) -> Delivery {
    let mut deliveries = due(queue, name).await;
    assert_eq!(deliveries.len(), 1, "exactly one message should be due: {:?}", ids(&deliveries));
    deliveries.remove(0)
}

/// The ids of deliveries, sorted.
pub(super) fn ids(deliveries: &[Delivery]) -> Vec<String> {
    let mut ids: Vec<String> = deliveries.iter().map(|delivery| delivery.message.id.to_string()).collect();
    ids.sort_unstable();
    ids
}

/// Acknowledges a message whose lease is good.
pub(super) async fn ack(queue: &dyn MessageQueue, delivery: &Delivery) {
    queue.ack(&delivery.lease).await.expect("a good lease acknowledges");
}

/// Makes a dead letter of the one message that is due.
pub(super) async fn kill(queue: &dyn MessageQueue, name: &str, error: &str) -> Delivery {
    let delivery = one(queue, name).await;
    queue.reject(&delivery.lease, error.to_owned()).await.expect("a good lease rejects");
    delivery
}

/// What operators have of the queue.
pub(super) fn operating(queue: &dyn MessageQueue) -> &dyn OperateQueue {
    queue.operating().expect("this suite is for queues that can be operated")
}

/// The messages that a group of `orders` has given up.
pub(super) async fn given_up(queue: &dyn MessageQueue, name: &str) -> Vec<DeadLetter> {
    given_up_after(queue, name, None).await
}

/// The messages that a group of `orders` has given up after one of them, read page by page.
pub(super) async fn given_up_after(
    queue: &dyn MessageQueue,
    name: &str,
    after: Option<DeadLetterId>,
) -> Vec<DeadLetter> {
    let (mut all, mut after) = (Vec::new(), after);
    loop {
        let page = queue.given_up(topic("orders"), group(name), after, PAGE).await;
        let page: Vec<DeadLetter> = page.expect("what was given up can be read");
        assert!(page.len() <= PAGE, "{} at a time are too many", page.len());
        let Some(last) = page.last() else { return all };
        after = Some(last.id.clone());
        all.extend(page);
        assert!(all.len() <= 10_000, "it goes on and on");
    }
}

/// Asserts what is not finished in `orders`: kept, due and delayed.
pub(super) async fn assert_left(queue: &dyn MessageQueue, wanted: [u64; 3]) {
    assert_unfinished(queue, Some("orders"), wanted, 0).await;
}

/// Asserts what is not finished: at once nothing less, and exactly that before long. So many of the delayed are
/// retries, which may be counted as due.
pub(super) async fn assert_unfinished(
    queue: &dyn MessageQueue,
    name: Option<&str>,
    wanted: [u64; 3],
    retries: u64,
) {
    let [kept, due, delayed] = wanted;
    let ask = async || queue.unfinished(name.map(topic)).await.expect("a sound queue can count");
    let mut found = ask().await;
    let enough = found.kept >= kept && found.due >= due && found.due + found.delayed >= due + delayed;
    assert!(enough, "{found:?} is less than kept, due and delayed {wanted:?}");
    let is_exact = |found: Unfinished| {
        found.kept == kept && found.due + found.delayed == due + delayed && found.due - due <= retries
    };
    let exact = async {
        while !is_exact(found) {
            tokio::task::yield_now().await;
            found = ask().await;
        }
    };
    let exact = tokio::time::timeout(EXACT, exact).await;
    assert!(exact.is_ok(), "{found:?} is not kept, due and delayed {wanted:?}");
}

/// All dead letters.
pub(super) async fn letters(queue: &dyn MessageQueue) -> Vec<DeadLetter> {
    let read = DeadLettersRead::default();
    operating(queue).dead_letters(read).await.expect("dead letters can be listed")
}

/// The numbers of `orders`.
pub(super) async fn topic_stats(queue: &dyn MessageQueue) -> TopicStats {
    let stats = operating(queue).stats().await.expect("a sound queue has numbers");
    let found = stats.topics.into_iter().find(|stats| stats.topic == topic("orders"));
    found.expect("the topic is there")
}

/// The numbers of a group in `orders`.
pub(super) async fn stats(queue: &dyn MessageQueue, name: &str) -> GroupStats {
    let found = topic_stats(queue).await.groups.into_iter().find(|stats| stats.group == group(name));
    found.expect("the group is there")
}

/// What a group has, as waiting, leased, delayed and dead.
pub(super) async fn counts(queue: &dyn MessageQueue, name: &str) -> [u64; 4] {
    let stats = stats(queue, name).await;
    [stats.waiting, stats.leased, stats.delayed, stats.dead]
}

/// What a future yields that must not take long.
pub(super) async fn soon<T>(future: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(SOON, future).await;
    done.unwrap_or_else(|_| panic!("this should have come at once, and didn't in {SOON:?}"))
}

/// Whether long samples were asked for.
pub(super) fn slow() -> bool {
    std::env::var_os("TRUNKLINE_SLOW").is_some_and(|value| value != "0")
}
