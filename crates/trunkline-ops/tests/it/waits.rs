//! What a run waits for, what it says of that, and what it leaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use trunkline::messages::{Consumer, ConsumerAction, MessageError, MessageHandler, OnReject};
use trunkline::queue::{Delivery, GroupOptions, Keep, MemoryQueue, MessageQueue, NewMessage, Receive};
use trunkline::{App, MemoryStore};
use trunkline_core::ManualClock;
use trunkline_ops::run::RunNews;

use crate::shop::play;
use crate::world::with_file;

/// An application of one consumer, of the topic `orders`.
async fn app(queue: &MemoryQueue, action: ConsumerAction) -> App {
    let consumer = Consumer::new("mail", vec!["orders".parse().unwrap()], "mail".parse().unwrap());
    let builder = App::builder().store(MemoryStore::new()).queue(queue.clone());
    builder.consumer(consumer, action).build().await.unwrap()
}

/// A queue whose group has one message.
async fn queue(group: &str, message: NewMessage) -> (MemoryQueue, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::default());
    let queue = MemoryQueue::with(Keep::default(), clock.clone());
    let topic = || "orders".parse().unwrap();
    queue.subscribe(topic(), group.parse().unwrap(), GroupOptions::default()).await.unwrap();
    queue.publish(topic(), vec![message]).await.unwrap();
    (queue, clock)
}

/// Wants to be asked again in 40 seconds, the first time.
struct Later(AtomicU32);

impl MessageHandler for Later {
    fn handle<'a>(&'a self, _: &'a Delivery) -> BoxFuture<'a, Result<(), MessageError>> {
        let first = self.0.fetch_add(1, Ordering::SeqCst) == 0;
        let again = match MessageError::retry("too many") {
            MessageError::Retry { reason, .. } => {
                MessageError::Retry { reason, after: Some(Duration::from_secs(40)) }
            }
            other => other,
        };
        std::future::ready(if first { Err(again) } else { Ok(()) }).boxed()
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_says_which_retry_it_waits_for() {
    let (queue, clock) = queue("mail", NewMessage::new("Ping", "1")).await;
    let app = app(&queue, ConsumerAction::Handle(Arc::new(Later(AtomicU32::new(0))))).await;
    let mut said = Vec::new();
    let listener = |news: RunNews<'_>| {
        // Where all wait, the time of the test goes on, also while the thread that reads commands begins.
        if let RunNews::Waiting(waits) = news
            && waits != ["the next command"]
        {
            said.extend_from_slice(waits);
            clock.advance(Duration::from_secs(41));
        }
    };
    let report = play(&app, String::new(), listener).await.unwrap();
    assert_eq!(said, ["a retry of topic `orders` for consumer `mail`, due in 40 s"]);
    assert_eq!((report.messages.delivered, report.left_over), (2, Vec::new()));
    app.close().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_delayed_for_longer_is_counted_and_the_run_ends() {
    let fortnight = Duration::from_secs(14 * 24 * 3600);
    let (queue, _) = queue("mail", NewMessage::new("Remind", "1").after(fortnight)).await;
    let app = app(&queue, ConsumerAction::Dispatch(OnReject::Ack)).await;
    let report = play(&app, String::new(), |_| ()).await.unwrap();
    let [left] = &*report.left_over else { panic!("{report:?}") };
    assert_eq!(
        left.says(),
        "1 message of topic `orders` for consumer `mail`, not before 2010-12-15T08:26:40.000000Z"
    );
    assert_eq!(left.remedy, None);
    assert_eq!(report.verdict(), Ok(()));
    app.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_group_that_no_consumer_takes_is_named_and_not_waited_for() {
    let (queue, _) = queue("post", NewMessage::new("Ping", "1")).await;
    let held = Receive::new("orders".parse().unwrap(), "post".parse().unwrap()).now();
    let held = queue.receive(held).await.unwrap().remove(0);
    queue.reject(&held.lease, "broken".to_owned()).await.unwrap();
    queue.publish("orders".parse().unwrap(), vec![NewMessage::new("Ping", "2")]).await.unwrap();
    let app = app(&queue, ConsumerAction::Handle(Arc::new(Later(AtomicU32::new(1))))).await;
    let report = play(&app, String::new(), |_| ()).await.unwrap();
    let [left] = &*report.left_over else { panic!("{report:?}") };
    assert_eq!(
        left.says(),
        "1 message and 1 dead letter of topic `orders` for group `post`, which no consumer of this application takes"
    );
    let remedy = left.remedy.as_deref().unwrap();
    for said in [
        "`was: \"post\"`",
        "queue adopt orders --from post",
        "queue purge orders --group post --yes",
        "dlq discard --topic orders --group post",
    ] {
        assert!(remedy.contains(said), "{remedy}");
    }
    // The other group has both, and had them handled.
    assert_eq!(report.messages.delivered, 2);
    app.close().await;
}

/// However many messages of others wait, commands are sent.
#[tokio::test(start_paused = true)]
async fn messages_of_others_make_no_run_wait_for_room() {
    let (queue, _) = queue("post", NewMessage::new("Ping", "1")).await;
    let many = (0..3_000).map(|_| NewMessage::new("Ping", "2")).collect();
    queue.publish("orders".parse().unwrap(), many).await.unwrap();
    let text = "[commands.Note]\nstream: \"'note-1'\"\nemit: [{ type: \"Noted\", data: \"command\" }]\n";
    let builder = App::builder().store(MemoryStore::new()).queue(queue);
    let app = with_file(builder, text).build().await.unwrap();
    let command = "{\"command\":\"Note\",\"data\":{}}\n";
    let report = play(&app, command.repeat(40), |_| ()).await.unwrap();
    assert_eq!((report.commands.total, report.left_over[0].messages), (40, 3_001));
    app.close().await;
}
