//! Relay and consumers: every event goes out once in effect, whatever is cut off in between.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use trunkline::messages::{
    Checkpoint, CheckpointError, Checkpoints, CommandDispatcher, Consumer, FileCheckpoints,
    MemoryCheckpoints, MessageError, MessageHandler, OnReject, Relay, RelayError, Stopper,
};
use trunkline::{
    App, Append, EventId, EventStore, EventStoreExt, Expected, MemoryStore, NewEvent, Position, Version,
};
use trunkline_core::Metadata;
use trunkline_core::limits::EVENT_DATA_BYTES_MAX;
use trunkline_queue::limits::RECEIVE_BYTES_MAX;
use trunkline_queue::{
    DeadLetterFilter, DeadLettersRead, Delivery, EmbeddedOptions, EmbeddedQueue, GroupName, GroupOptions,
    MemoryQueue, MessageQueue, MessageQueueExt, NewMessage, Receive, RetryPolicy, TopicName,
};

use trunkline_store::Limits;

use crate::counter::Counter;
use crate::told::Told;
use crate::world::app;

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

fn relay() -> Relay {
    Relay::new("out", topic("shop"))
}

async fn waiting(queue: &MemoryQueue) -> Vec<String> {
    queue.subscribe(topic("shop"), group("g"), GroupOptions::default()).await.unwrap();
    let receive = Receive::new(topic("shop"), group("g")).max(100_000).now();
    let deliveries = queue.receive(receive).await.unwrap();
    deliveries.iter().map(|delivery| String::from_utf8(delivery.message.payload.to_vec()).unwrap()).collect()
}

#[tokio::test]
async fn events_become_cloudevents_in_their_order() {
    let app = App::builder().store(MemoryStore::new()).decider::<Counter>().build().unwrap();
    let request = trunkline::CommandRequest::of(&crate::counter::increment("a", 1)).unwrap();
    let context = trunkline::Context {
        traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into()),
        correlation_id: Some("c".into()),
        saga_id: Some("s".into()),
        occurred_at: Some("2010-12-01T08:26:00Z".parse().unwrap()),
        ..trunkline::Context::default()
    };
    app.send(request.id("7".parse().unwrap()).context(context)).await.unwrap();
    let queue = MemoryQueue::new();
    relay().catch_up(app.store(), &queue, &MemoryCheckpoints::default()).await.unwrap();
    let event = app.store().event_at(Position::FIRST).await.unwrap().unwrap();
    let payload: serde_json::Value = serde_json::from_str(&waiting(&queue).await[0]).unwrap();
    assert_eq!(
        payload,
        serde_json::json!({
            "specversion": "1.0", "id": event.event_id().to_string(),
            "source": format!("urn:uuid:{}", app.store().id()),
            "type": "Incremented", "subject": "counter-a", "time": "2010-12-01T08:26:00.000000Z",
            "datacontenttype": "application/json", "dataversion": 1, "streamversion": 1, "position": 1,
            "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "correlationid": "c", "causationid": "7", "sagaid": "s", "data": {},
        })
    );
}

/// Keeps nothing for the first so many times, as a process that is killed before it could.
struct Forgetful {
    inner: MemoryCheckpoints,
    forgets: AtomicU32,
}

impl Checkpoints for Forgetful {
    fn load(&self, name: &str) -> Result<Option<Checkpoint>, CheckpointError> {
        self.inner.load(name)
    }

    fn save(&self, name: &str, checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
        let forget =
            self.forgets.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        if forget {
            let source = std::io::Error::other("killed");
            return Err(CheckpointError::Io { name: name.to_owned(), done: "written", source });
        }
        self.inner.save(name, checkpoint)
    }

    fn forget(&self, name: &str) -> Result<(), CheckpointError> {
        self.inner.forget(name)
    }
}

#[tokio::test]
async fn a_relay_that_is_killed_before_its_checkpoint_doubles_nothing() {
    let store = store_with(900).await;
    let queue = MemoryQueue::new();
    let checkpoints = Forgetful { inner: MemoryCheckpoints::default(), forgets: AtomicU32::new(2) };
    for _ in 0..2 {
        let relay = relay();
        let killed = relay.catch_up(&store, &queue, &checkpoints).await.unwrap_err();
        assert_eq!(relay.reached.position(), Position::START);
        assert!(matches!(killed, RelayError::Checkpoint(CheckpointError::Io { .. })), "{killed:?}");
    }
    assert_eq!(relay().catch_up(&store, &queue, &checkpoints).await.unwrap(), Position::new(900));
    let numbers: Vec<u64> = waiting(&queue)
        .await
        .iter()
        .map(|payload| {
            serde_json::from_str::<serde_json::Value>(payload).unwrap()["data"]["n"].as_u64().unwrap()
        })
        .collect();
    assert!(numbers.iter().copied().eq(0..900), "{} messages: {numbers:?}", numbers.len());
}

/// Whatever the log takes can be relayed: nothing in it makes a relay stand there for good.
#[tokio::test]
async fn the_largest_events_and_odd_metadata_are_relayed() {
    let limits = Limits { event_data_bytes_max: EVENT_DATA_BYTES_MAX };
    let time = trunkline_core::Timestamp::from_micros(0);
    let store = MemoryStore::with(limits, Arc::new(move || time));
    let folder = tempfile::tempdir().unwrap();
    let queue = EmbeddedQueue::open(&folder.path().join("q"), EmbeddedOptions::default()).unwrap();
    queue.subscribe(topic("shop"), group("g"), GroupOptions::default()).await.unwrap();
    // No JSON, so that it goes out as base64.
    let largest = vec![0xff; EVENT_DATA_BYTES_MAX];
    let said = |value: String| Metadata::of(&BTreeMap::from([("correlation_id", value)])).unwrap();
    let mut events = vec![
        NewEvent::new("Drawn".parse().unwrap(), largest).metadata(said("é".repeat(30_000))),
        NewEvent::new("Drawn".parse().unwrap(), "{}").metadata(said("two\nlines".to_owned())),
    ];
    events.extend((0..30).map(|_| NewEvent::new("Drawn".parse().unwrap(), vec![0xff; 1 << 20])));
    for event in events {
        let stream = "picture-1".parse().unwrap();
        store.append(Append::to(stream, Expected::Any).event(event)).await.unwrap();
    }
    let store: Arc<dyn EventStore> = Arc::new(store);
    let done = relay().catch_up(&store, &queue, &MemoryCheckpoints::default()).await.unwrap();
    assert_eq!(done, Position::new(32));
    let mut came = Vec::new();
    while came.len() < 32 {
        let receive = Receive::new(topic("shop"), group("g")).max(100).now();
        let deliveries = queue.receive(receive).await.unwrap();
        assert!(!deliveries.is_empty(), "{} came", came.len());
        let all_but_last = deliveries.iter().rev().skip(1);
        let bytes: usize = all_but_last.map(|delivery| delivery.message.payload.len()).sum();
        assert!(bytes <= RECEIVE_BYTES_MAX, "{bytes} bytes came at once");
        came.extend(deliveries.into_iter().map(|delivery| delivery.message));
    }
    let positions: Vec<u64> = came.iter().map(|message| message.cause.unwrap().position.get()).collect();
    assert!(positions.iter().copied().eq(1..=32), "{positions:?}");
    // What can be no header is in the envelope all the same.
    let envelope: serde_json::Value = serde_json::from_slice(&came[1].payload).unwrap();
    assert_eq!(
        (&came[1].headers.get("correlation_id"), &envelope["correlationid"]),
        (&None, &"two\nlines".into())
    );
}

#[tokio::test]
async fn a_relay_goes_on_where_it_was_and_follows_what_comes() {
    let store = store_with(10).await;
    let queue = Arc::new(MemoryQueue::new());
    let checkpoints = Arc::new(MemoryCheckpoints::default());
    relay().catch_up(&store, &*queue, &*checkpoints).await.unwrap();
    let (stopper, stop) = Stopper::new();
    let running = {
        let (store, queue, checkpoints) = (Arc::clone(&store), Arc::clone(&queue), Arc::clone(&checkpoints));
        tokio::spawn(async move { relay().run(&store, &*queue, &*checkpoints, &stop).await })
    };
    queue.subscribe(topic("shop"), group("g"), GroupOptions::default()).await.unwrap();
    let take = async |max| queue.receive(Receive::new(topic("shop"), group("g")).max(max)).await.unwrap();
    assert_eq!(take(100).await.len(), 10);
    let event = NewEvent::json("OrderCreated", "{}").unwrap();
    store.append(Append::to("order-x".parse().unwrap(), Expected::Any).event(event)).await.unwrap();
    assert_eq!(take(100).await[0].message.key.as_deref(), Some("order-x"));
    stopper.stop();
    running.await.unwrap().unwrap();
    let kept = checkpoints.load("out").unwrap().unwrap();
    assert_eq!(kept.position, Position::new(11));
}

#[tokio::test]
async fn trunklines_own_events_and_others_types_stay_inside() {
    let app = app(
        "[commands.A]\nstream: \"'a-' + command.id\"\nemit: [{ type: \"X\", data: \"command\" }, { type: \"Y\", data: \"command\" }]\n",
    );
    app.send(crate::world::request("1", "A", r#"{"id":"b"}"#)).await.unwrap();
    app.send(crate::world::request("2", "A", "{}")).await.unwrap();
    assert_eq!(app.store().head().await.unwrap(), Position::new(3), "a kept rejection among them");
    let queue = MemoryQueue::new();
    let only = Relay { events: vec!["Y".parse().unwrap()], ..relay() };
    only.catch_up(app.store(), &queue, &MemoryCheckpoints::default()).await.unwrap();
    assert_eq!(waiting(&queue).await.len(), 1);
    let queue = MemoryQueue::new();
    relay().catch_up(app.store(), &queue, &MemoryCheckpoints::default()).await.unwrap();
    assert_eq!(waiting(&queue).await.len(), 2);
}

#[tokio::test]
async fn a_relay_ahead_of_its_log_stops() {
    let (old, new) = (store_with(5).await, store_with(9).await);
    let checkpoints = MemoryCheckpoints::default();
    let queue = MemoryQueue::new();
    relay().catch_up(&old, &queue, &checkpoints).await.unwrap();
    let error = relay().catch_up(&new, &queue, &checkpoints).await.unwrap_err();
    assert!(error.to_string().contains("where the log has the events of another store"), "{error}");
    for (position, wanted) in [(Position::new(6), "no event"), (Position::new(4), "another event")] {
        let checkpoint = Checkpoint { store: old.id(), position, event_id: EventId::generate() };
        checkpoints.save("out", &checkpoint).unwrap();
        let error = relay().catch_up(&old, &queue, &checkpoints).await.unwrap_err();
        assert!(error.to_string().contains(wanted), "{error}");
    }
}

#[tokio::test]
async fn a_relay_tells_of_what_is_in_the_queue_and_of_what_it_passed_over() {
    let queue = MemoryQueue::new();
    let app = with_queue("[relay.out]\nevents: \"Y\"\ntopic: \"shop\"\n", &queue);
    let head = Position::new(3);
    assert!(app.relays_have_passed(Position::START) && !app.relays_have_passed(Position::FIRST));
    for event_type in ["X", "Y", "X"] {
        let event = NewEvent::json(event_type, "{}").unwrap();
        app.store().append(Append::to("a-1".parse().unwrap(), Expected::Any).event(event)).await.unwrap();
    }
    let (stopper, stop) = Stopper::new();
    let seen = async {
        while !app.relays_have_passed(head) {
            tokio::task::yield_now().await;
        }
        assert!(!app.relays_have_passed(Position::new(4)));
        stopper.stop();
    };
    let (ran, ()) = tokio::join!(app.run_messages(&stop), seen);
    ran.unwrap();
    assert_eq!(waiting(&queue).await.len(), 1);
}

#[test]
fn a_checkpoint_in_a_file_is_the_old_one_or_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = FileCheckpoints::new(folder.path().join("relay"));
    assert_eq!(checkpoints.load("out").unwrap(), None);
    let checkpoint = |position| Checkpoint {
        store: trunkline_core::StoreId::from_bytes([7; 16]),
        position: Position::new(position),
        event_id: EventId::from_bytes([9; 16]),
    };
    checkpoints.save("out", &checkpoint(1)).unwrap();
    checkpoints.save("out", &checkpoint(2)).unwrap();
    std::fs::write(folder.path().join("relay/out.checkpoint.new"), "cut of").unwrap();
    assert_eq!(checkpoints.load("out").unwrap(), Some(checkpoint(2)));
    std::fs::write(folder.path().join("relay/out.checkpoint.json"), "damaged").unwrap();
    let error = checkpoints.load("out").unwrap_err().to_string();
    assert!(
        error.starts_with("the checkpoint of `out` could not be read: "),
        "and never a new beginning: {error}"
    );
    checkpoints.save("../a b", &checkpoint(3)).unwrap();
    assert_eq!(checkpoints.load("../a b").unwrap(), Some(checkpoint(3)));
    assert!(
        folder.path().join("relay/..%2fa%20b.checkpoint.json").exists(),
        "whatever its name, it is in the folder"
    );
}

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

/// An application of a text whose messages are in that queue.
fn with_queue(text: &str, queue: &MemoryQueue) -> App {
    let builder = App::builder().store(MemoryStore::new()).queue(queue.clone());
    crate::world::with_file(builder, text).build().unwrap()
}

const DOOR: &str = r#"
[aggregates.door]
on { Opened: "{'open': true}" }

[commands.Open]
stream: "'door-' + command.id"
require: [{ that: "!default(state.open, false)", else: "it is open" }]
emit: [{ type: "Opened", data: "command" }]
"#;

#[tokio::test]
async fn a_message_is_a_command_with_one_effect_however_often_it_comes() {
    let app = app(DOOR);
    let dispatcher =
        CommandDispatcher { app: app.clone(), consumer: "work".into(), on_reject: OnReject::Dead };
    let queue = MemoryQueue::new();
    queue.subscribe(topic("doors"), group("work"), GroupOptions::default()).await.unwrap();
    let message =
        NewMessage::new("Open", r#"{"id":"a"}"#).header("saga_id", "s").header("correlation_id", "c");
    queue.publish_one(topic("doors"), message).await.unwrap();
    let delivery = queue.receive(Receive::new(topic("doors"), group("work"))).await.unwrap().remove(0);
    for _ in 0..3 {
        dispatcher.handle(&delivery).await.unwrap();
    }
    let events = app.store().stream_events(&"door-a".parse().unwrap()).await.unwrap();
    assert_eq!((events.len(), events[0].version()), (1, Version::FIRST));
    let metadata: serde_json::Value = serde_json::from_slice(events[0].metadata()).unwrap();
    assert_eq!((&metadata["saga_id"], &metadata["correlation_id"]), (&"s".into(), &"c".into()));
    assert_eq!(metadata["causation_id"], delivery.message.id.as_str());

    let again = NewMessage::new("Open", r#"{"id":"a"}"#);
    let unknown = NewMessage::new("Opne", "{}");
    queue.publish(topic("doors"), vec![again, unknown]).await.unwrap();
    let deliveries = queue.receive(Receive::new(topic("doors"), group("work")).max(2)).await.unwrap();
    let rejected = dispatcher.handle(&deliveries[0]).await;
    assert_eq!(rejected, Err(MessageError::dead("rejected: it is open")));
    let acks = CommandDispatcher { on_reject: OnReject::Ack, ..dispatcher };
    assert_eq!(acks.handle(&deliveries[0]).await, Ok(()), "a rejection is an answer");
    let unknown = acks.handle(&deliveries[1]).await;
    assert_eq!(unknown, Err(MessageError::dead("no command is named \"Opne\"; did you mean \"Open\"?")));
}

#[tokio::test]
async fn a_message_with_the_id_of_another_one_is_a_dead_letter_unless_it_was_made_of_an_event() {
    let app = app(DOOR);
    let dispatcher =
        CommandDispatcher { app: app.clone(), consumer: "work".into(), on_reject: OnReject::Ack };
    let queue = MemoryQueue::new();
    let mut answers = Vec::new();
    for (number, (id, data, made)) in [
        ("1", r#"{"id":"a"}"#, false),
        ("1", r#"{ "id": "a" }"#, false),
        ("1", r#"{"id":"b"}"#, false),
        ("2", r#"{"id":"c"}"#, true),
        ("2", r#"{"id":"d","n":1,"n":2}"#, true),
    ]
    .into_iter()
    .enumerate()
    {
        // Each to a topic of its own: a topic itself knows ids for a while.
        let topic = topic(&format!("doors{number}"));
        queue.subscribe(topic.clone(), group("work"), GroupOptions::default()).await.unwrap();
        let mut message = NewMessage::new("Open", data).id(id.parse().unwrap());
        if made {
            message = message.cause(EventId::generate(), Position::FIRST);
        }
        queue.publish_one(topic.clone(), message).await.unwrap();
        let delivery = queue.receive(Receive::new(topic, group("work"))).await.unwrap().remove(0);
        answers.push(dispatcher.handle(&delivery).await);
    }
    let dead = answers.remove(2).unwrap_err().to_string();
    assert!(dead.contains("belongs to \"Open\" with other data"), "{dead}");
    assert_eq!(answers, [Ok(()), Ok(()), Ok(()), Ok(())]);
    assert_eq!(app.store().head().await.unwrap(), Position::new(2));
}

#[tokio::test]
async fn the_file_says_who_takes_which_messages() {
    let text = format!(
        "{DOOR}\n[message_queue]\nretry {{ initial_delay: \"1ms\" }}\n[relay.out]\nevents: \"Opened\"\ntopic: \"opened\"\nkey: \"'door ' + event.data.id\"\n[consumers.work]\ntopics: [\"doors\"]\ndispatch: \"command\"\n"
    );
    let queue = MemoryQueue::new();
    let app = with_queue(&text, &queue);
    let open = |door: &str| NewMessage::new("Open", format!("{{\"id\":\"{door}\"}}"));
    queue.publish(topic("doors"), vec![open("a"), open("a"), open("b")]).await.unwrap();
    queue.subscribe(topic("opened"), group("end"), GroupOptions::default()).await.unwrap();
    let (stopper, stop) = Stopper::new();
    let seen = async {
        let mut seen = Vec::new();
        while seen.len() < 2 {
            let received = queue.receive(Receive::new(topic("opened"), group("end")).max(2)).await.unwrap();
            seen.extend(received.into_iter().map(|delivery| delivery.message.key.unwrap()));
        }
        stopper.stop();
        seen
    };
    let (ran, mut seen) = tokio::join!(app.run_messages(&stop), seen);
    ran.unwrap();
    seen.sort();
    assert_eq!(seen, ["door a", "door b"]);
}

#[test]
fn what_waits_and_what_consumers_do_is_told_as_metrics() {
    let text = format!(
        "{DOOR}\n[consumers.work]\ntopics: [\"doors\"]\ndispatch: \"command\"\nconcurrency: 1\non_reject: \"dead\"\n"
    );
    let queue = MemoryQueue::new();
    let app = with_queue(&text, &queue);
    let told = Told::default();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    metrics::with_local_recorder(&told, || {
        runtime.block_on(async {
            let open = || NewMessage::new("Open", r#"{"id":"a"}"#);
            queue.publish(topic("doors"), vec![open(), open(), NewMessage::new("Opne", "{}")]).await.unwrap();
            let (stopper, stop) = Stopper::new();
            let wanted = "trunkline_queue_dead{topic=doors,group=work} 2";
            let seen = async {
                // Where all tasks wait, the clock jumps to when the numbers are told next.
                while !told.lines().iter().any(|line| line == wanted) {
                    drop(tokio::time::timeout(Duration::from_secs(1), std::future::pending::<()>()).await);
                }
                stopper.stop();
            };
            tokio::join!(app.run_messages(&stop), seen).0.unwrap();
        });
    });
    let lines = told.lines();
    let count = |line: &str| lines.iter().filter(|told| *told == line).count();
    assert_eq!(count("trunkline_consumer_delivered_total{consumer=work} 1"), 3);
    assert_eq!(count("trunkline_consumer_dead_total{consumer=work} 1"), 2);
    for gauge in ["waiting", "leased", "delayed", "oldest_age_seconds"] {
        assert!(count(&format!("trunkline_queue_{gauge}{{topic=doors,group=work}} 0")) > 0, "{lines:#?}");
    }
}

/// Has the relay fail while it works, and then goes on for a while.
struct Upsetting {
    store: Arc<dyn EventStore>,
    finished: AtomicU32,
}

impl MessageHandler for Upsetting {
    fn handle<'a>(&'a self, _: &'a Delivery) -> BoxFuture<'a, Result<(), MessageError>> {
        Box::pin(async move {
            let event = NewEvent::json("Opened", "{}").unwrap();
            let append = Append::to("door-x".parse().unwrap(), Expected::Any).event(event);
            self.store.append(append).await.unwrap();
            let never = std::future::pending::<()>();
            drop(tokio::time::timeout(Duration::from_millis(100), never).await);
            self.finished.fetch_add(1, Ordering::SeqCst);
            Ok(())
        })
    }
}

/// One that the test looks at, too.
struct Shared(Arc<Upsetting>);

impl MessageHandler for Shared {
    fn handle<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Result<(), MessageError>> {
        self.0.handle(delivery)
    }
}

#[tokio::test]
async fn when_one_fails_the_others_finish_what_they_hold() {
    let store: Arc<dyn EventStore> = Arc::new(MemoryStore::new());
    let handler = Arc::new(Upsetting { store: Arc::clone(&store), finished: AtomicU32::new(0) });
    let builder =
        App::builder().shared_store(store).message_handler("test.Upsetting", Shared(Arc::clone(&handler)));
    let text = "[relay.out]\ntopic: \"opened\"\nkey: \"event.data.id\"\n[consumers.work]\ntopics: [\"doors\"]\nclass: \"test.Upsetting\"\n";
    let queue = MemoryQueue::new();
    let app = crate::world::with_file(builder.queue(queue.clone()), text).build().unwrap();
    queue.publish_one(topic("doors"), NewMessage::new("Open", "{}")).await.unwrap();
    let (_stopper, stop) = Stopper::new();
    let error = app.run_messages(&stop).await.unwrap_err();
    assert!(
        error.to_string().starts_with("the relay \"out\" stopped: the key of the event at position 1"),
        "{error}"
    );
    assert_eq!(handler.finished.load(Ordering::SeqCst), 1);
    let stats = queue.stats().await.unwrap();
    let left: u64 =
        stats.topics.iter().flat_map(|topic| &topic.groups).map(|group| group.leased + group.waiting).sum();
    assert_eq!(left, 0, "and its message is settled");
}

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

/// Runs an application whose consumers of these names take the topic `events`, until `done`.
async fn take_events(
    names: &[&str],
    parts: (&Arc<dyn EventStore>, &MemoryQueue, &Arc<MemoryCheckpoints>),
    done: impl Fn(&[Vec<u64>]) -> bool,
) -> Vec<Vec<u64>> {
    let (store, queue, checkpoints) = parts;
    let builder = App::builder().shared_store(Arc::clone(store)).queue(queue.clone());
    let mut builder = builder.checkpoints(Kept(Arc::clone(checkpoints)));
    let mut seen = Vec::new();
    for name in names {
        let noting = Noting::default();
        seen.push(noting.clone());
        builder = builder.message_handler(format!("test.{name}"), noting);
    }
    let section =
        |name| format!("[consumers.{name}]\ntopics: \"events\"\nordered: true\nclass: \"test.{name}\"\n");
    let text: String = names.iter().map(section).collect();
    let app = crate::world::with_file(builder, &text).build().unwrap();
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

/// Checkpoints that several applications keep in one place.
struct Kept(Arc<MemoryCheckpoints>);

impl Checkpoints for Kept {
    fn load(&self, name: &str) -> Result<Option<Checkpoint>, CheckpointError> {
        self.0.load(name)
    }

    fn save(&self, name: &str, checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
        self.0.save(name, checkpoint)
    }

    fn forget(&self, name: &str) -> Result<(), CheckpointError> {
        self.0.forget(name)
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
async fn where_a_relay_fills_the_topic_events_consumers_take_what_that_says() {
    let queue = MemoryQueue::new();
    let text = "[relay.out]\nevents: \"Y\"\ntopic: \"events\"\n[consumers.all]\ntopics: \"events\"\nclass: \"test.Noting\"\n";
    let noting = Noting::default();
    let builder = App::builder().store(MemoryStore::new()).queue(queue.clone());
    let builder = builder.message_handler("test.Noting", noting.clone());
    let app = crate::world::with_file(builder, text).build().unwrap();
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

#[tokio::test(start_paused = true)]
async fn a_relay_with_a_window_reads_on_when_there_is_room() {
    let (store, queue) = (store_with(1_200).await, MemoryQueue::new());
    let relay = Relay { window: Some(10), ..relay() };
    queue.subscribe(topic("shop"), group("g"), GroupOptions::default()).await.unwrap();
    let (stopper, stop) = Stopper::new();
    let checkpoints = MemoryCheckpoints::default();
    let taken = async {
        let mut taken = 0;
        while taken < 1_200 {
            // Long enough for all to be relayed, by a clock that jumps.
            drop(tokio::time::timeout(Duration::from_secs(5), std::future::pending::<()>()).await);
            let waits = queue.stats().await.unwrap().topics[0].messages;
            assert!(waits <= 500, "{waits} wait");
            assert_eq!(relay.reached.position().get(), taken as u64 + waits);
            let all = queue.receive(Receive::new(topic("shop"), group("g")).max(1_000)).await.unwrap();
            for delivery in &all {
                queue.ack(&delivery.lease).await.unwrap();
            }
            taken += all.len();
        }
        stopper.stop();
    };
    let (ran, ()) = tokio::join!(relay.run(&store, &queue, &checkpoints, &stop), taken);
    ran.unwrap();
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
