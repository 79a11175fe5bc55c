//! Consumers: how many hands they have, how fast they go, and what becomes of what fails.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use trunkline::messages::{Consumer, MessageError, MessageHandler, Stopper};
use trunkline_queue::{
    DeadLetterFilter, DeadLettersRead, Delivery, EmbeddedOptions, EmbeddedQueue, GroupOptions, MemoryQueue,
    MessageQueue, NewMessage, OperateQueue, OperateQueueExt, RetryPolicy,
};

use super::{group, topic};

/// Counts what it is handed, by message id, and does what it is told to.
#[derive(Default)]
struct Handed {
    seen: Mutex<BTreeMap<String, u32>>,
    at_once: AtomicUsize,
    most: AtomicUsize,
    /// How often each message fails.
    fails: u32,
    dead: bool,
    waits: bool,
}

impl MessageHandler for Handed {
    fn handle<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Result<(), MessageError>> {
        Box::pin(async move {
            let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            tokio::task::yield_now().await;
            self.at_once.fetch_sub(1, Ordering::SeqCst);
            let times = {
                let mut seen = self.seen.lock().unwrap();
                let times = seen.entry(delivery.message.id.to_string()).or_default();
                *times += 1;
                *times
            };
            if self.waits {
                std::future::pending::<()>().await;
            }
            if self.dead {
                return Err(MessageError::dead("no use"));
            }
            if times <= self.fails { Err(MessageError::retry(format!("failure {times}"))) } else { Ok(()) }
        })
    }
}

/// Runs a consumer over a queue until nothing is left to do in its group.
async fn run_until_done(queue: &Arc<MemoryQueue>, consumer: Consumer, handler: &Arc<Handed>) {
    let (stopper, stop) = Stopper::new();
    let (topics, runs) = (consumer.topics.clone(), Arc::clone(queue));
    let hands: Arc<Handed> = Arc::clone(handler);
    let running = tokio::spawn(async move { consumer.run(&*runs, &*hands, None, &stop).await });
    loop {
        tokio::task::yield_now().await;
        let stats = queue.stats().await.unwrap();
        let groups: Vec<_> = stats.topics.iter().flat_map(|topic| &topic.groups).collect();
        let left: u64 = groups.iter().map(|group| group.waiting + group.leased + group.delayed).sum();
        if groups.len() == topics.len() && left == 0 {
            break;
        }
        // Where all tasks wait, the clock jumps to the next retry.
        drop(tokio::time::timeout(Duration::from_millis(50), std::future::pending::<()>()).await);
    }
    stopper.stop();
    running.await.unwrap().unwrap();
}

fn quick() -> RetryPolicy {
    RetryPolicy { initial_delay: Duration::from_millis(1), ..RetryPolicy::default() }
}

async fn published(queue: &MemoryQueue, topics: &[&str], each: u64) {
    for name in topics {
        let messages = (0..each).map(|_| NewMessage::new("Ping", "{}")).collect();
        queue.publish(topic(name), messages).await.unwrap();
    }
}

#[tokio::test]
async fn a_consumer_handles_every_message_with_so_many_hands() {
    let queue = Arc::new(MemoryQueue::new());
    published(&queue, &["a", "b", "c"], 50).await;
    let handler = Arc::new(Handed::default());
    let topics = vec![topic("a"), topic("b"), topic("c"), topic("empty")];
    let consumer = Consumer { concurrency: 2, ..Consumer::new("work", topics, group("work")) };
    run_until_done(&queue, consumer, &handler).await;
    let seen = handler.seen.lock().unwrap();
    assert_eq!((seen.len(), seen.values().max()), (150, Some(&1)));
    assert_eq!(handler.most.load(Ordering::SeqCst), 2, "two hands, and both of them used");
}

#[tokio::test]
async fn any_rate_above_nothing_is_a_pace() {
    for rate in [f64::MAX, 1e10, f64::MIN_POSITIVE] {
        let queue = Arc::new(MemoryQueue::new());
        published(&queue, &["a"], 1).await;
        let handler = Arc::new(Handed::default());
        let consumer = Consumer::new("work", vec![topic("a")], group("work"));
        run_until_done(&queue, Consumer { rate: Some(rate), ..consumer }, &handler).await;
        assert_eq!(handler.seen.lock().unwrap().len(), 1, "{rate}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_messages_are_begun_than_the_rate_says() {
    let queue = Arc::new(MemoryQueue::new());
    published(&queue, &["a", "b"], 10).await;
    let handler = Arc::new(Handed::default());
    let consumer = Consumer::new("work", vec![topic("a"), topic("b")], group("work"));
    let begun = tokio::time::Instant::now();
    run_until_done(&queue, Consumer { rate: Some(4.0), ..consumer }, &handler).await;
    // The first at once, and then one every quarter of a second, over both topics.
    let (took, least) = (begun.elapsed(), Duration::from_millis(250) * 19);
    assert!(took >= least && took < least + Duration::from_secs(1), "{took:?}");
    assert_eq!(handler.seen.lock().unwrap().len(), 20);
}

#[tokio::test]
async fn what_fails_is_tried_again_and_then_a_dead_letter_with_its_error() {
    let queue = Arc::new(MemoryQueue::new());
    published(&queue, &["a"], 1).await;
    let consumer = || Consumer { retry: quick(), ..Consumer::new("work", vec![topic("a")], group("work")) };
    let handler = Arc::new(Handed { fails: 2, ..Handed::default() });
    run_until_done(&queue, consumer(), &handler).await;
    assert_eq!(handler.seen.lock().unwrap().values().collect::<Vec<_>>(), [&3]);

    published(&queue, &["a"], 1).await;
    let handler = Arc::new(Handed { fails: 9, ..Handed::default() });
    run_until_done(&queue, consumer(), &handler).await;
    let handler = Arc::new(Handed { dead: true, ..Handed::default() });
    published(&queue, &["a"], 1).await;
    run_until_done(&queue, consumer(), &handler).await;
    let read = DeadLettersRead { filter: DeadLetterFilter::default(), after: None, max: 10 };
    let dead = queue.dead_letters(read).await.unwrap();
    let said: Vec<(u32, &str)> = dead
        .iter()
        .map(|letter| (letter.tries.len() as u32, letter.tries.last().unwrap().error.as_str()))
        .collect();
    assert_eq!(said, [(3, "failure 3"), (1, "no use")]);
}

#[tokio::test]
async fn handling_has_a_time_limit() {
    let queue = Arc::new(MemoryQueue::new());
    published(&queue, &["a"], 1).await;
    let handler = Arc::new(Handed { waits: true, ..Handed::default() });
    let limit = Duration::from_millis(20);
    let consumer = Consumer {
        retry: quick(),
        time_limit: limit,
        ..Consumer::new("work", vec![topic("a")], group("work"))
    };
    run_until_done(&queue, consumer, &handler).await;
    let dead = queue.dead_letter_groups(DeadLetterFilter::default()).await.unwrap();
    assert!(dead[0].first.tries.iter().all(|attempt| attempt.error == "not handled within 20ms"), "{dead:?}");
}

/// Stops a consumer after this many messages.
struct StopAfter {
    left: AtomicU32,
    stopper: Stopper,
}

impl MessageHandler for StopAfter {
    fn handle<'a>(&'a self, _: &'a Delivery) -> BoxFuture<'a, Result<(), MessageError>> {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.stopper.stop();
        }
        Box::pin(std::future::ready(Ok(())))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_that_is_stopped_leaves_no_message_leased() {
    let folder = tempfile::tempdir().unwrap();
    let queue = EmbeddedQueue::open(folder.path(), EmbeddedOptions::default()).unwrap();
    let consumer = Consumer { concurrency: 4, ..Consumer::new("work", vec![topic("shop")], group("g")) };
    queue.subscribe(topic("shop"), group("g"), GroupOptions::default()).await.unwrap();
    for round in 1..=50 {
        let messages = (0..20).map(|_| NewMessage::new("Ping", "1")).collect();
        queue.publish(topic("shop"), messages).await.unwrap();
        let (stopper, stop) = Stopper::new();
        let handler = StopAfter { left: AtomicU32::new(1 + round % 15), stopper };
        consumer.run(&queue, &handler, None, &stop).await.unwrap();
        let stats = queue.stats().await.unwrap();
        assert_eq!(stats.topics[0].groups[0].leased, 0, "whoever goes on would have to wait for it");
    }
    // One that was stopped before it began has nothing to wait for.
    let (stopper, stop) = Stopper::new();
    stopper.stop();
    let handler = StopAfter { left: AtomicU32::new(9), stopper };
    consumer.run(&queue, &handler, None, &stop).await.unwrap();
    queue.close().await;
}
