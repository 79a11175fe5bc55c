//! Sagas with more to record than fits into an event: each takes its way back or is stuck, and says why; others go on.

use std::sync::Arc;

use futures::future::BoxFuture;
use trunkline::messages::MemoryCheckpoints;
use trunkline::saga::{SagaQuery, SagaState, Status};
use trunkline::{
    App, Append, AppendError, EventStore, Expected, ManualClock, MemoryStore, Metadata, NewEvent, StreamName,
};
use trunkline_core::{Appended, StoreId};
use trunkline_queue::{GroupOptions, MemoryQueue, MessageQueue as _, Receive};
use trunkline_store::{EventStream, Limits, StreamRead};

use crate::world::{forward_reads, with_file};

/// The largest data of an event here.
const LIMIT: usize = 8_192;

/// Whatever a letter says is said once more at each place where a wish says so.
const LETTERS: &str = r#"
[events.Asked]
[events.Drafted]
[events.Shredded]
[events.Written]
[events.Told]

[sagas.letter]
start: "Asked"
correlate: "event.data.id"
steps: [
  { name: "draft"
    send: { topic: "post", command: "Draft", data: "{'id': saga.id, 'text': saga.start.sent}" }
    done: "Drafted", timeout: "1h", remember: "{'text': event.data.text}"
    compensate: { send: { topic: "post", command: "Shred", data: "{'id': saga.id, 'text': saga.start.undone}" }
      done: "Shredded", timeout: "1h" } }
  { name: "write"
    send: { topic: "post", command: "Write", data: "{'id': saga.id, 'text': saga.state.text + saga.state.text}" }
    done: "Written", timeout: "1h", compensate: "none" }
]
completed: { send: { topic: "post", command: "Tell", data: "{'id': saga.id, 'text': saga.start.completed + saga.start.completed}" }
  done: "Told", timeout: "1h" }
failed: { send: { topic: "post", command: "Apologize", data: "{'id': saga.id, 'text': saga.start.failed + saga.start.failed}" }
  done: "Told", timeout: "1h" }

[message_queue]
external: ["post"]
"#;

/// A post office that takes no large events.
struct Post {
    app: App,
    store: Arc<dyn EventStore>,
    queue: MemoryQueue,
}

impl Post {
    async fn open() -> Self {
        let limits = Limits { event_data_bytes_max: LIMIT };
        Self::over(Arc::new(MemoryStore::with(limits, Arc::new(ManualClock::default())))).await
    }

    async fn over(store: Arc<dyn EventStore>) -> Self {
        let queue = MemoryQueue::new();
        let options = GroupOptions::default();
        queue.subscribe("post".parse().unwrap(), "work".parse().unwrap(), options).await.unwrap();
        let builder = App::builder().shared_store(Arc::clone(&store)).queue(queue.clone());
        let app =
            with_file(builder.checkpoints(MemoryCheckpoints::default()), LETTERS).build().await.unwrap();
        Self { app, store, queue }
    }

    async fn append(&self, id: &str, events: impl IntoIterator<Item = NewEvent>) {
        let append = Append::to(format!("wish-{id}").parse().unwrap(), Expected::Any);
        self.store.append(append.with_events(events)).await.unwrap();
    }

    async fn happens(&self, event_type: &str, id: &str, text: &str) {
        self.append(id, [happened(event_type, id, text)]).await;
    }

    /// A letter is wished for, of which this field is so long.
    async fn asked(&self, id: &str, long: &str, bytes: usize) {
        let text = |name: &str| if name == long { "x".repeat(bytes) } else { "x".to_owned() };
        let fields =
            ["sent", "undone", "completed", "failed"].map(|name| format!(r#","{name}":"{}""#, text(name)));
        let data = format!(r#"{{"id":"{id}"{}}}"#, fields.concat());
        self.append(id, [NewEvent::json("Asked", data).unwrap()]).await;
    }

    /// Sagas do what there is to do.
    async fn sagas(&self) {
        self.app.sagas().catch_up(&self.queue).await.unwrap();
    }

    /// What went out since, and to whose letters.
    async fn sent(&self) -> Vec<String> {
        let receive = Receive::new("post".parse().unwrap(), "work".parse().unwrap()).max(100).now();
        let mut sent = Vec::new();
        for delivery in self.queue.receive(receive).await.unwrap() {
            self.queue.ack(&delivery.lease).await.unwrap();
            let message = delivery.message;
            sent.push(format!("{} {}", message.message_type, message.headers["saga_id"]));
        }
        sent.sort();
        sent
    }

    async fn state(&self, id: &str) -> SagaState {
        self.app.sagas().show("letter", id).await.unwrap().state
    }

    /// Which sagas are stuck, and why, as it is listed.
    async fn stuck(&self) -> Vec<(String, String)> {
        let query = SagaQuery { statuses: vec![Status::Stuck], ..SagaQuery::default() };
        let rows = self.app.sagas().list(&query).await.unwrap();
        rows.into_iter().map(|row| (row.id, row.reason.unwrap())).collect()
    }

    async fn is_whole(&self) {
        let check = self.app.sagas().verify().await.unwrap();
        assert!(check.problems.is_empty(), "{:?}", check.problems);
    }
}

fn happened(event_type: &str, id: &str, text: &str) -> NewEvent {
    NewEvent::json(event_type, format!(r#"{{"id":"{id}","text":"{text}"}}"#)).unwrap()
}

/// Whether a reason says that a part of a saga doesn't fit.
#[track_caller]
fn says(reason: &str, part: &str) {
    assert!(reason.starts_with(&format!("{part}: ")), "{reason}");
    assert!(reason.ends_with(" bytes, an event takes at most 8192"), "{reason}");
}

#[tokio::test]
async fn a_step_that_is_too_large_begins_the_way_back_and_others_go_on() {
    let post = Post::open().await;
    for id in ["1", "2", "3"] {
        post.asked(id, "none", 0).await;
    }
    post.sagas().await;
    assert_eq!(post.sent().await, ["Draft 1", "Draft 2", "Draft 3"]);
    // Twice as much as is remembered is sent.
    for (id, bytes) in [("1", 10), ("2", LIMIT / 2), ("3", 10)] {
        post.happens("Drafted", id, &"x".repeat(bytes)).await;
    }
    post.sagas().await;
    assert_eq!(post.sent().await, ["Shred 2", "Write 1", "Write 3"]);
    let state = post.state("2").await;
    assert_eq!(state.status, Some(Status::Compensating));
    says(&state.reason.unwrap(), "write");
    post.is_whole().await;
    // All of them come to their ends.
    post.happens("Shredded", "2", "").await;
    post.happens("Written", "1", "").await;
    post.sagas().await;
    assert_eq!(post.sent().await, ["Apologize 2", "Tell 1"]);
    post.happens("Told", "2", "").await;
    post.sagas().await;
    assert_eq!(post.state("2").await.status, Some(Status::Compensated));
    post.is_whole().await;
}

#[tokio::test]
async fn a_step_whose_compensation_is_too_large_beside_it_is_not_sent() {
    let post = Post::open().await;
    post.asked("1", "undone", LIMIT - 300).await;
    post.asked("2", "sent", LIMIT - 300).await;
    post.asked("3", "none", 0).await;
    post.sagas().await;
    assert_eq!(post.sent().await, ["Apologize 1", "Apologize 2", "Draft 3"]);
    for id in ["1", "2"] {
        says(&post.state(id).await.reason.unwrap(), "draft");
    }
    post.is_whole().await;
}

#[tokio::test]
async fn what_is_too_large_to_be_remembered_begins_the_way_back() {
    let post = Post::open().await;
    post.asked("1", "none", 0).await;
    post.sagas().await;
    post.sent().await;
    post.happens("Drafted", "1", &"x".repeat(LIMIT - 50)).await;
    post.sagas().await;
    assert_eq!(post.sent().await, ["Shred 1"]);
    says(&post.state("1").await.reason.unwrap(), "draft");
    post.is_whole().await;
}

#[tokio::test]
async fn a_last_send_that_is_too_large_leaves_its_saga_stuck() {
    let post = Post::open().await;
    for (id, long) in [("1", "completed"), ("2", "failed"), ("3", "none")] {
        post.asked(id, long, LIMIT / 2).await;
    }
    post.sagas().await;
    for id in ["1", "2", "3"] {
        // What is remembered of the second is too large for its next step.
        let bytes = if id == "2" { LIMIT / 2 } else { 1 };
        post.happens("Drafted", id, &"x".repeat(bytes)).await;
        post.sagas().await;
    }
    post.happens("Written", "1", "").await;
    post.happens("Shredded", "2", "").await;
    post.happens("Written", "3", "").await;
    post.sent().await;
    post.sagas().await;
    assert_eq!(post.sent().await, ["Tell 3"]);
    let [(one, completed), (two, failed)] = &post.stuck().await[..] else { panic!("two are stuck") };
    assert_eq!((one.as_str(), two.as_str()), ("1", "2"));
    says(completed, "completed");
    says(failed, "failed");
    post.is_whole().await;
    // Trying again is no way out, and an operator's word is.
    let again = post.app.sagas().retry("letter", "1", "ada").await.unwrap().state;
    assert_eq!(again.status, Some(Status::Stuck));
    let resolved = post.app.sagas().resolve("letter", "1", "told by hand", "ada").await.unwrap().state;
    assert_eq!(resolved.status, Some(Status::Completed));
    let resolved = post.app.sagas().resolve("letter", "2", "told by hand", "ada").await.unwrap().state;
    assert_eq!(resolved.status, Some(Status::Compensated));
    post.is_whole().await;
}

#[tokio::test]
async fn an_event_that_is_as_large_as_may_be_starts_a_saga_that_says_so() {
    let post = Post::open().await;
    // All of it belongs to what is recorded of the start.
    post.asked("1", "unused", 0).await;
    let around = r#"{"id":"2","failed":"x","text":""}"#;
    let text = "x".repeat(LIMIT - around.len());
    let data = around.replace(r#""text":"""#, &format!(r#""text":"{text}""#));
    assert_eq!(data.len(), LIMIT);
    post.append("2", [NewEvent::json("Asked", data).unwrap()]).await;
    post.sagas().await;
    assert_eq!(post.sent().await, ["Draft 1"]);
    // Its last send is made of data that is not there.
    let state = post.state("2").await;
    says(&state.reason.unwrap(), "start");
    let [(id, reason)] = &post.stuck().await[..] else { panic!("one is stuck") };
    assert_eq!(id, "2");
    assert!(reason.starts_with("failed: "), "{reason}");
    post.is_whole().await;
    // An operator is told at once instead.
    let data = format!(r#"{{"id":"3","text":"{}"}}"#, "x".repeat(LIMIT));
    let refused = post.app.sagas().start("letter", data, "ada").await.unwrap_err().to_string();
    assert!(refused.starts_with("letter-3: start: "), "{refused}");
    assert!(post.app.sagas().show("letter", "3").await.is_err());
}

#[tokio::test]
async fn a_long_reason_is_cut() {
    let post = Post::open().await;
    post.asked("1", "none", 0).await;
    post.sagas().await;
    post.sent().await;
    let reason = "é".repeat(LIMIT);
    post.app.sagas().compensate("letter", "1", &reason, "ada").await.unwrap();
    let cut = post.state("1").await.reason.unwrap();
    assert!(reason.starts_with(cut.trim_end_matches('…')), "{cut}");
    assert!((4_000..=4_096).contains(&cut.len()), "{} bytes", cut.len());
}

#[tokio::test]
async fn what_no_queue_takes_is_told_of_its_saga_alone() {
    let post = Post::over(Arc::new(MemoryStore::new())).await;
    // It goes into the headers of every message of the saga's.
    let metadata = std::collections::BTreeMap::from([("correlation_id", "x".repeat(20_000))]);
    let event = happened("Asked", "1", "").metadata(Metadata::of(&metadata).unwrap());
    let data = br#"{"id":"1","sent":"","undone":"","completed":"","failed":""}"#;
    post.append("1", [NewEvent { data: data.to_vec().into(), ..event }]).await;
    post.asked("2", "none", 0).await;
    post.sagas().await;
    assert_eq!(post.sent().await, ["Draft 2"]);
    let [(id, reason)] = &post.stuck().await[..] else { panic!("one is stuck") };
    assert_eq!(id, "1");
    assert!(reason.starts_with("dead letter: message `"), "{reason}");
    assert!(reason.contains("headers too large: 2") && reason.ends_with(", limit 16384"), "{reason}");
    assert_eq!(post.state("1").await.waiting.unwrap().step, "draft");
    post.is_whole().await;
}

/// A store that takes little at a time, as all do: what is much for it are a few events.
#[derive(Debug)]
struct Little {
    inner: MemoryStore,
}

const BATCH_BYTES: usize = 4_000;

impl EventStore for Little {
    fn id(&self) -> StoreId {
        self.inner.id()
    }

    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, AppendError>> {
        let bytes = append.events().map(|event| event.data.len()).sum();
        if bytes > BATCH_BYTES {
            let error = AppendError::TooLarge { what: "batch", bytes, bytes_max: BATCH_BYTES };
            return Box::pin(async { Err(error) });
        }
        self.inner.append(append)
    }

    fn read_stream(&self, stream: &StreamName, read: StreamRead) -> EventStream {
        self.inner.read_stream(stream, read)
    }

    forward_reads!();
}

#[tokio::test]
async fn what_is_too_much_for_one_append_is_taken_one_by_one() {
    let post = Post::over(Arc::new(Little { inner: MemoryStore::new() })).await;
    post.asked("1", "none", 0).await;
    post.asked("2", "none", 0).await;
    // Each of these leaves a word in the saga's stream.
    for _ in 0..2 {
        post.append("1", (0..8).map(|_| happened("Written", "1", "").metadata(Metadata::default()))).await;
    }
    post.happens("Drafted", "1", &"x".repeat(1_000)).await;
    post.happens("Written", "1", "").await;
    post.sagas().await;
    let state = post.state("1").await;
    assert_eq!((state.status, state.ignored), (Some(Status::Running), 16));
    assert_eq!(state.waiting.unwrap().step, "completed");
    assert_eq!(post.state("2").await.status, Some(Status::Running));
    post.is_whole().await;
}
