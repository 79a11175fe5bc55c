//! What bounds how much a whole application has on its way: whoever has commands without end waits for capacity.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use trunkline::messages::{Consumer, ConsumerAction, MemoryCheckpoints, MessageError, MessageHandler};
use trunkline::queue::{Delivery, GroupOptions, MemoryQueue, MessageQueue, NewMessage, Receive};
use trunkline::{App, Append, EventStore, Expected, MemoryStore, NewEvent, System, SystemError};

use crate::wire::Wire;
use crate::world::with_file;

/// The clock of these tests jumps when all tasks wait.
const A_WHILE: Duration = Duration::from_secs(5);

/// So many messages and events may be on their way, and one less than that leaves capacity.
const UNDERWAY: usize = 2_000;

/// An event asks for a message that somebody else takes.
const LETTERS: &str = r#"
[events.Asked]
[events.Answered]

[sagas.letter]
start: "Asked"
correlate: "event.data.id"
steps: [
  { name: "write", send: { topic: "post", command: "Write", data: "{'id': saga.id}" }
    done: "Answered", timeout: "1h", compensate: "none" }
]

[message_queue]
external: ["post"]
"#;

async fn publish(queue: &MemoryQueue, messages: usize, new: impl Fn() -> NewMessage) {
    queue.publish("work".parse().unwrap(), (0..messages).map(|_| new()).collect()).await.unwrap();
}

fn ping() -> NewMessage {
    NewMessage::new("Ping", "{}")
}

fn work() -> Receive {
    Receive::new("work".parse().unwrap(), "hands".parse().unwrap()).now()
}

/// A queue with a group that nobody in the application works for.
async fn queue() -> MemoryQueue {
    let queue = MemoryQueue::new();
    let options = GroupOptions::default();
    queue.subscribe("work".parse().unwrap(), "hands".parse().unwrap(), options).await.unwrap();
    queue
}

/// The queue as one that can't tell its groups apart: what others work for counts, too.
fn without_numbers(queue: &MemoryQueue, store: &MemoryStore) -> Wire {
    let shared: Arc<dyn EventStore> = Arc::new(store.clone());
    Wire::new(queue, &shared)
}

async fn has_capacity(system: &mut System) -> bool {
    timeout(A_WHILE, system.wait_for_capacity()).await.is_ok_and(|waited| {
        waited.unwrap();
        true
    })
}

/// Events that are of no interest to any saga.
async fn append(store: &MemoryStore, events: usize) {
    let events = (0..events).map(|_| NewEvent::json("Passed", "{}").unwrap());
    let append = Append::to("street-1".parse().unwrap(), Expected::Any).with_events(events);
    store.append(append).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn there_is_capacity_until_too_many_messages_wait_or_are_held() {
    let (store, queue) = (MemoryStore::new(), queue().await);
    let wire = without_numbers(&queue, &store);
    let app = App::builder().store(store).queue(wire).build().await.unwrap();
    let mut system = System::start(&app).await.unwrap();
    publish(&queue, UNDERWAY - 1, ping).await;
    assert!(has_capacity(&mut system).await, "one more may be on its way");
    publish(&queue, 1, ping).await;
    assert!(!has_capacity(&mut system).await, "no more may be on its way");
    let held = queue.receive(work().max(10)).await.unwrap();
    assert!(!has_capacity(&mut system).await, "what is held is on its way");
    queue.ack(&held[0].lease).await.unwrap();
    assert!(has_capacity(&mut system).await, "one is done");
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_its_time_or_for_somebody_is_not_on_its_way() {
    let (store, queue) = (MemoryStore::new(), queue().await);
    let wire = without_numbers(&queue, &store);
    let app = App::builder().store(store).queue(wire).build().await.unwrap();
    let mut system = System::start(&app).await.unwrap();
    publish(&queue, UNDERWAY, || ping().after(Duration::from_secs(3_600))).await;
    publish(&queue, UNDERWAY, ping).await;
    assert!(!has_capacity(&mut system).await);
    for _ in 0..2 {
        for delivery in queue.receive(work().max(UNDERWAY / 2)).await.unwrap() {
            queue.reject(&delivery.lease, "never".to_owned()).await.unwrap();
        }
    }
    assert!(has_capacity(&mut system).await, "some are delayed, and some dead letters");
    // What a group that has left didn't take is nobody's work.
    publish(&queue, UNDERWAY, ping).await;
    assert!(!has_capacity(&mut system).await);
    queue.unsubscribe("work".parse().unwrap(), "hands".parse().unwrap()).await.unwrap();
    assert!(has_capacity(&mut system).await);
    system.stop().await.unwrap();
}

/// Handles as many messages as it is allowed to.
struct Gate(Arc<Semaphore>);

impl MessageHandler for Gate {
    fn handle<'a>(&'a self, _: &'a Delivery) -> BoxFuture<'a, Result<(), MessageError>> {
        async move {
            self.0.acquire().await.map_err(|error| MessageError::retry(error.to_string()))?.forget();
            Ok(())
        }
        .boxed()
    }
}

#[tokio::test(start_paused = true)]
async fn what_no_consumer_of_the_application_takes_is_not_on_its_way() {
    let queue = queue().await;
    let gate = Arc::new(Semaphore::new(0));
    let own = Consumer::new("own", vec!["work".parse().unwrap()], "own".parse().unwrap());
    let builder = App::builder().store(MemoryStore::new()).queue(queue.clone());
    let app =
        builder.consumer(own, ConsumerAction::Handle(Arc::new(Gate(gate.clone())))).build().await.unwrap();
    let mut system = System::start(&app).await.unwrap();
    publish(&queue, UNDERWAY, ping).await;
    assert!(!has_capacity(&mut system).await, "its own consumer has them all before it");
    gate.add_permits(UNDERWAY);
    assert!(has_capacity(&mut system).await, "what `hands` has left is nobody's here");
    system.stop().await.unwrap();
}

/// Who waits looks ten times a second, and each time asks the queue once: there may be many commands that wait.
#[tokio::test(start_paused = true)]
async fn the_queue_is_asked_once_for_each_look() {
    let (store, queue) = (MemoryStore::new(), queue().await);
    let wire = without_numbers(&queue, &store);
    let app = App::builder().store(store).queue(wire.clone()).build().await.unwrap();
    let mut system = System::start(&app).await.unwrap();
    publish(&queue, UNDERWAY, ping).await;
    let mut said = Vec::new();
    let mut tell = |waits: &[String]| said.extend_from_slice(waits);
    let waited = timeout(A_WHILE, system.wait_for_capacity_telling(&mut tell)).await;
    assert!(waited.is_err(), "no more may be on its way: {waited:?}");
    assert_eq!(said, ["2000 messages of the queue"]);
    let looks = 10 * A_WHILE.as_secs() + 1;
    assert!(wire.counted() <= looks, "{} times in {looks} looks", wire.counted());
    system.stop().await.unwrap();
}

/// A system whose sagas stand, since nothing can be published, with an event that they have not done with.
async fn standing() -> (System, MemoryStore, MemoryQueue, Wire) {
    let (store, queue) = (MemoryStore::new(), queue().await);
    let wire = without_numbers(&queue, &store);
    wire.refuses();
    let builder =
        App::builder().store(store.clone()).queue(wire.clone()).checkpoints(MemoryCheckpoints::default());
    let app = with_file(builder, LETTERS).build().await.unwrap();
    let system = System::start(&app).await.unwrap();
    let asked = NewEvent::json("Asked", r#"{"id":"1"}"#).unwrap();
    store.append(Append::to("wish-1".parse().unwrap(), Expected::Any).event(asked)).await.unwrap();
    while wire.failed() == 0 {
        drop(timeout(Duration::from_millis(1), std::future::pending::<()>()).await);
    }
    // It was started, and what it sent is not published; the first event says from where on sagas are started.
    assert_eq!((app.sagas().read_to().get(), store.head().await.unwrap().get()), (2, 4));
    (system, store, queue, wire)
}

#[tokio::test(start_paused = true)]
async fn events_that_sagas_have_not_read_count_with_the_messages() {
    let (mut system, store, queue, wire) = standing().await;
    publish(&queue, UNDERWAY / 2, ping).await;
    append(&store, UNDERWAY / 2 - 3).await;
    let waited = timeout(Duration::from_secs(1), system.wait_for_capacity()).await;
    waited.expect("one more may be on its way").unwrap();
    append(&store, 1).await;
    let waited = timeout(Duration::from_secs(1), system.wait_for_capacity()).await;
    assert!(waited.is_err(), "no more may be on its way: {waited:?}");
    wire.works();
    assert!(has_capacity(&mut system).await, "the sagas go on");
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_capacity_learns_what_keeps_it_from_coming() {
    let (mut system, store, _, _) = standing().await;
    append(&store, UNDERWAY).await;
    let waited = timeout(Duration::from_secs(60), system.wait_for_capacity())
        .await
        .expect("it is said after some seconds");
    let Err(error @ SystemError::HeldUp { .. }) = waited else { panic!("{waited:?}") };
    let said = error.to_string();
    assert!(said.starts_with("the runner of sagas has been waiting for 1"), "{said}");
    assert!(
        said.ends_with("the sagas stand after position 2: nothing was stored: the cable is out"),
        "{said}"
    );
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_capacity_learns_that_a_part_has_ended() {
    let (store, queue) = (MemoryStore::new(), queue().await);
    let counted = NewEvent::json("Counted", r#"{"n":1}"#).unwrap();
    store.append(Append::to("counter-a".parse().unwrap(), Expected::Any).event(counted)).await.unwrap();
    publish(&queue, UNDERWAY, ping).await;
    let text = "[relay.out]\nevents: [\"Counted\"]\ntopic: \"out\"\nkey: \"event.data.who\"\n";
    let wire = without_numbers(&queue, &store);
    let builder = App::builder().store(store).queue(wire).checkpoints(MemoryCheckpoints::default());
    let app = with_file(builder, text).build().await.unwrap();
    let mut system = System::start(&app).await.unwrap();
    let waited = timeout(A_WHILE, system.wait_for_capacity()).await.expect("it is said at once");
    assert!(matches!(waited, Err(SystemError::Run(_))), "{waited:?}");
}
