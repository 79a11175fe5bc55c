//! A relay: every event goes out once in effect, in its order, whatever is cut off in between.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use trunkline::messages::{
    Checkpoint, CheckpointError, Checkpoints, MemoryCheckpoints, Relay, RelayError, Stopper, event_of,
};
use trunkline::{App, Append, EventId, EventStore, EventStoreExt, Expected, MemoryStore, NewEvent, Position};
use trunkline_core::limits::EVENT_DATA_BYTES_MAX;
use trunkline_core::{ManualClock, Metadata, RecordedEvent, StoreId};
use trunkline_queue::limits::RECEIVE_BYTES_MAX;
use trunkline_queue::{
    EmbeddedOptions, EmbeddedQueue, GroupOptions, MemoryQueue, MessageQueue, OnDead, OperateQueue, Receive,
};
use trunkline_store::Limits;

use super::{group, store_with, topic, with_queue};
use crate::counter::Counter;
use crate::world::app;

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
    let app = App::builder().store(MemoryStore::new()).decider::<Counter>().build().await.unwrap();
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

/// What the relay makes of a line that was imported.
async fn relayed(line: &str) -> (RecordedEvent, serde_json::Value) {
    let store: Arc<dyn EventStore> = Arc::new(MemoryStore::new());
    let line = trunkline_core::json::from_line(line).unwrap();
    store.append(Append::to(line.stream, Expected::Any).event(line.event)).await.unwrap();
    let queue = MemoryQueue::new();
    relay().catch_up(&store, &queue, &MemoryCheckpoints::default()).await.unwrap();
    let event = store.event_at(Position::FIRST).await.unwrap().unwrap();
    (event, serde_json::from_str(&waiting(&queue).await[0]).unwrap())
}

#[tokio::test]
async fn what_came_as_a_cloudevent_goes_out_as_it_came() {
    for came in [
        r#"{"specversion":"1.0","id":"1","source":"/cam","type":"Shot","subject":"cam-1",
            "time":"2010-12-01T08:26:00.000000Z","datacontenttype":"image/png",
            "dataschema":"https://x.example/shot","tenant":"acme","seen":true,"lens":35,
            "traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01","correlationid":"c","data_base64":"AAECAw=="}"#,
        // Text in JSON, JSON in base64, and what is no JSON though it says so.
        r#"{"specversion":"1.0","id":"a","source":"s","type":"T","subject":"cam-1",
            "time":"2010-12-01T08:26:00.000000Z","datacontenttype":"text/plain","data":"hello"}"#,
        r#"{"specversion":"1.0","id":"a","source":"s","type":"T","subject":"cam-1",
            "time":"2010-12-01T08:26:00.000000Z","datacontenttype":"text/plain","data_base64":"NDI="}"#,
        r#"{"specversion":"1.0","id":"a","source":"s","type":"T","subject":"cam-1",
            "time":"2010-12-01T08:26:00.000000Z","datacontenttype":"application/json","data_base64":"/w=="}"#,
        // Without a word on what the bytes are, with a time of somewhere, and with nanoseconds.
        r#"{"specversion":"1.0","id":"a","source":"s","type":"T","subject":"cam-1",
            "time":"2010-12-01T09:26:00.5+01:00","data_base64":"NDI="}"#,
        r#"{"specversion":"1.0","id":"a","source":"s","type":"T","subject":"cam-1",
            "time":"2010-12-01T08:26:00.123456789Z","data_base64":"/w=="}"#,
        r#"{"specversion":"1.0","id":"BD75590E-464F-5F27-9C32-235A94416FD3","source":"s","type":"T",
            "subject":"cam-1","time":"2010-12-01T08:26:00.000000Z","datacontenttype":"application/json",
            "data":{"n":null}}"#,
    ] {
        let (event, mut went) = relayed(came).await;
        let own = went.as_object_mut().unwrap();
        for name in ["dataversion", "streamversion", "position"] {
            assert_eq!(own.remove(name), Some(1.into()), "{name}");
        }
        assert_eq!(went, serde_json::from_str::<serde_json::Value>(came).unwrap());
        // So it does from a store that took it from an export, and so its handlers get it.
        let exported = trunkline_core::json::to_line(&event);
        let mut again = relayed(&exported).await.1;
        for name in ["dataversion", "streamversion", "position"] {
            again.as_object_mut().unwrap().remove(name);
        }
        assert_eq!(again, went);
    }
}

#[tokio::test]
async fn a_subject_that_is_no_stream_goes_out_beside_the_stream() {
    let came = r#"{"specversion":"1.0","id":"1","source":"/cam","type":"Shot","subject":"cams/1","data":1}"#;
    let parts = trunkline_core::json::parts_of_line(came).unwrap();
    let line = parts.in_stream("cam-1".parse().unwrap()).unwrap();
    let store: Arc<dyn EventStore> = Arc::new(MemoryStore::new());
    store.append(Append::to(line.stream, Expected::Any).event(line.event)).await.unwrap();
    let queue = MemoryQueue::new();
    queue.subscribe(topic("shop"), group("g"), GroupOptions::default()).await.unwrap();
    relay().catch_up(&store, &queue, &MemoryCheckpoints::default()).await.unwrap();
    let delivery = queue.receive(Receive::new(topic("shop"), group("g"))).await.unwrap().remove(0);
    let went: serde_json::Value = serde_json::from_slice(&delivery.message.payload).unwrap();
    assert_eq!((&went["subject"], &went["streamname"]), (&"cams/1".into(), &"cam-1".into()));
    assert_eq!(event_of(&delivery.message).unwrap().stream(), "cam-1");
}

#[tokio::test]
async fn a_traceparent_that_is_none_is_not_passed_on() {
    let line = |name: &str| {
        format!(
            r#"{{"specversion":"1.0","id":"1","source":"/cam","type":"Shot","subject":"cam-1","{name}":"00-1"}}"#
        )
    };
    let (event, went) = relayed(&line("traceparent")).await;
    assert!(went.get("traceparent").is_none(), "{went}");
    let message = trunkline::messages::message_of(&event, StoreId::from_bytes([1; 16]), "out", 0);
    assert_eq!(message.headers.get("traceparent"), None);
    assert_eq!(relayed(&line("tracestate")).await.1["tracestate"], "00-1");
}

#[tokio::test]
async fn a_position_beyond_32_bits_is_a_text() {
    let event = NewEvent::json("T", "1").unwrap();
    for (position, wanted) in [(i32::MAX as u64, "2147483647"), (1 << 31, "\"2147483648\"")] {
        let now = "2010-12-01T08:26:00Z".parse().unwrap();
        let (stream, version) = ("a-1".parse().unwrap(), trunkline_core::Version::new(position));
        let event = RecordedEvent::from_new(&event, &stream, Position::new(position), version, now);
        let message = trunkline::messages::message_of(&event, StoreId::from_bytes([1; 16]), "out", 0);
        let went: serde_json::Value = serde_json::from_slice(&message.payload).unwrap();
        assert_eq!(
            (went["position"].to_string(), went["streamversion"].to_string()),
            (wanted.into(), wanted.into())
        );
        let queue = MemoryQueue::new();
        queue.subscribe(topic("shop"), group("g"), GroupOptions::default()).await.unwrap();
        queue.publish(topic("shop"), vec![message]).await.unwrap();
        let delivery = queue.receive(Receive::new(topic("shop"), group("g"))).await.unwrap().remove(0);
        let back = event_of(&delivery.message).unwrap();
        assert_eq!((back.position(), back.version()), (event.position(), event.version()));
    }
}

#[tokio::test]
async fn what_was_no_cloudevent_keeps_its_metadata_to_itself() {
    let (event, went) = relayed(
        r#"{"stream":"a-1","event_type":"T","data":1,"metadata":{"source":"web","id":"7","actor":"ada"}}"#,
    )
    .await;
    assert_eq!(went["id"], event.event_id().to_string());
    assert!(went.get("actor").is_none() && went["source"] != "web", "{went}");
}

#[tokio::test]
async fn a_handler_gets_the_event_that_was_imported() {
    let came = r#"{"specversion":"1.0","id":"1","source":"/cam","type":"Shot","subject":"cam-1",
        "tenant":"acme","correlation_id":"c","data_base64":"AAECAw=="}"#;
    let line = trunkline_core::json::from_line(came).unwrap();
    let store: Arc<dyn EventStore> = Arc::new(MemoryStore::new());
    store.append(Append::to(line.stream, Expected::Any).event(line.event)).await.unwrap();
    let queue = MemoryQueue::new();
    queue.subscribe(topic("shop"), group("g"), GroupOptions::default()).await.unwrap();
    relay().catch_up(&store, &queue, &MemoryCheckpoints::default()).await.unwrap();
    let delivery = queue.receive(Receive::new(topic("shop"), group("g"))).await.unwrap().remove(0);
    let stored = store.event_at(Position::FIRST).await.unwrap().unwrap();
    let event = event_of(&delivery.message).unwrap();
    assert_eq!((event.event_id(), event.data()), (stored.event_id(), stored.data()));
    let metadata: serde_json::Value = serde_json::from_slice(event.metadata()).unwrap();
    assert_eq!((&metadata["tenant"], &metadata["correlation_id"]), (&"acme".into(), &"c".into()));
}

/// Keeps nothing for the first so many times, as a process that is killed before it could.
#[derive(Debug)]
struct Forgetful {
    inner: MemoryCheckpoints,
    forgets: AtomicU32,
}

impl Checkpoints for Forgetful {
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Checkpoint>, CheckpointError>> {
        self.inner.load(name)
    }

    fn save<'a>(
        &'a self,
        name: &'a str,
        checkpoint: &'a Checkpoint,
    ) -> BoxFuture<'a, Result<(), CheckpointError>> {
        let forget =
            self.forgets.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        if forget {
            let (name, source) = (name.to_owned(), "killed".into());
            let killed = CheckpointError::Storage { name, done: "written", passes: false, source };
            return ready(Err(killed)).boxed();
        }
        self.inner.save(name, checkpoint)
    }

    fn forget<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), CheckpointError>> {
        self.inner.forget(name)
    }

    fn all(&self) -> BoxFuture<'_, Result<BTreeMap<String, Checkpoint>, CheckpointError>> {
        self.inner.all()
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
        assert_eq!(relay.progress.position(), Position::START);
        assert!(matches!(killed, RelayError::Checkpoint(CheckpointError::Storage { .. })), "{killed:?}");
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
    let store = MemoryStore::with(limits, Arc::new(ManualClock::default()));
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
    let kept = checkpoints.load("out").await.unwrap().unwrap();
    assert_eq!(kept.position, Position::new(11));
}

#[tokio::test]
async fn trunklines_own_events_and_others_types_stay_inside() {
    let app = app(
        "[commands.A]\nstream: \"'a-' + command.id\"\nemit: [{ type: \"X\", data: \"command\" }, { type: \"Y\", data: \"command\" }]\n",
    ).await;
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
        checkpoints.save("out", &checkpoint).await.unwrap();
        let error = relay().catch_up(&old, &queue, &checkpoints).await.unwrap_err();
        assert!(error.to_string().contains(wanted), "{error}");
    }
}

#[tokio::test]
async fn a_relay_tells_of_what_is_in_the_queue_and_of_what_it_passed_over() {
    let queue = MemoryQueue::new();
    let app = with_queue("[relay.out]\nevents: \"Y\"\ntopic: \"shop\"\n", &queue).await;
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
            assert_eq!(relay.progress.position().get(), taken as u64 + waits);
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

/// A key that a dead letter holds keeps none of the others waiting, however much of it there is.
#[tokio::test(start_paused = true)]
async fn what_a_dead_letter_holds_takes_no_room_of_the_window() {
    let (store, queue) = (store_with(1_200).await, MemoryQueue::new());
    let relay = Relay { window: Some(10), ..relay() };
    let options = GroupOptions { ordered: Some(1), on_dead: OnDead::Hold };
    queue.subscribe(topic("shop"), group("g"), options).await.unwrap();
    let (stopper, stop) = Stopper::new();
    let checkpoints = MemoryCheckpoints::default();
    let handled = async {
        let mut handled = 0;
        while relay.progress.position() < Position::new(1_200) {
            let receive = queue.receive(Receive::new(topic("shop"), group("g")));
            let Ok(received) = tokio::time::timeout(Duration::from_secs(5), receive).await else { break };
            for delivery in received.unwrap() {
                if delivery.message.key.as_deref() == Some("order-0") {
                    queue.reject(&delivery.lease, "never".to_owned()).await.unwrap();
                } else {
                    queue.ack(&delivery.lease).await.unwrap();
                    handled += 1;
                }
            }
        }
        stopper.stop();
        handled
    };
    let (ran, handled) = tokio::join!(relay.run(&store, &queue, &checkpoints, &stop), handled);
    ran.unwrap();
    assert_eq!(relay.progress.position(), Position::new(1_200), "{handled} were handled");
    let left = queue.unfinished(None).await.unwrap();
    // One of seven streams is held, but for its first event.
    assert_eq!(left.held, 1_200_u64.div_ceil(7) - 1);
}

/// What one group holds is still to be handled by another, and that one's backlog bounds the relay.
#[tokio::test(start_paused = true)]
async fn a_group_that_holds_leaves_no_room_for_another() {
    let (store, queue) = (store_with(1_200).await, MemoryQueue::new());
    let relay = Relay { window: Some(10), ..relay() };
    let options = GroupOptions { ordered: Some(1), on_dead: OnDead::Hold };
    for name in ["g", "slow"] {
        queue.subscribe(topic("shop"), group(name), options).await.unwrap();
    }
    let (stopper, stop) = Stopper::new();
    let checkpoints = MemoryCheckpoints::default();
    let rejected = async {
        let mut passes = 0;
        while passes < 20 {
            let receive = Receive::new(topic("shop"), group("g")).now();
            for delivery in queue.receive(receive).await.unwrap() {
                queue.reject(&delivery.lease, "never".to_owned()).await.unwrap();
            }
            drop(tokio::time::timeout(Duration::from_secs(5), std::future::pending::<()>()).await);
            passes += 1;
        }
        stopper.stop();
    };
    let (ran, ()) = tokio::join!(relay.run(&store, &queue, &checkpoints, &stop), rejected);
    ran.unwrap();
    let left = queue.unfinished(None).await.unwrap();
    assert!(left.kept - left.held < 10, "{left:?}");
    assert_eq!(relay.progress.position(), Position::new(500), "the slow group has all of these left");
}

/// Dead letters stay until somebody decides, and no relay waits for that.
#[tokio::test(start_paused = true)]
async fn dead_letters_take_no_room_of_the_window() {
    let (store, queue) = (store_with(1_200).await, MemoryQueue::new());
    let relay = Relay { window: Some(10), ..relay() };
    queue.subscribe(topic("shop"), group("g"), GroupOptions::default()).await.unwrap();
    let (stopper, stop) = Stopper::new();
    let checkpoints = MemoryCheckpoints::default();
    let rejected = async {
        while relay.progress.position() < Position::new(1_200) {
            let receive = queue.receive(Receive::new(topic("shop"), group("g")).max(1_000));
            let Ok(received) = tokio::time::timeout(Duration::from_secs(5), receive).await else { break };
            for delivery in received.unwrap() {
                queue.reject(&delivery.lease, "never".to_owned()).await.unwrap();
            }
        }
        stopper.stop();
    };
    let (ran, ()) = tokio::join!(relay.run(&store, &queue, &checkpoints, &stop), rejected);
    ran.unwrap();
    assert_eq!(relay.progress.position(), Position::new(1_200));
}
