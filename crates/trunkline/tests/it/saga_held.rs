//! Sagas under way when the file changes: held where it doesn't name what they wait for, and freed when it does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use tempfile::TempDir;
use trunkline::messages::{CommandDispatcher, MessageHandler as _, OnReject, Stopper};
use trunkline::saga::{SagaQuery, Status, Transition};
use trunkline::{
    App, Append, AppendError, CommandRequest, EventStore, EventStoreExt as _, Expected, ManualClock,
    MemoryStore, NewEvent, Position, ReadError, StreamName, Timestamp,
};
use trunkline_core::{Appended, StoreId};
use trunkline_queue::{Delivery, GroupOptions, MemoryQueue, MessageQueue as _, Receive};
use trunkline_store::derived::FileCheckpoints;
use trunkline_store::{AllRead, EventStream, StreamList, StreamRead, StreamsRead};

use crate::world::{Meddle, Meddling, with_file};

/// Reserve, pay, ship; what is done is taken back when something fails.
const SHOP: &str = r#"
[commands.Place]
stream: "'order-' + command.id"
emit: [{ type: "Placed", data: "command" }]
[commands.Reserve]
stream: "'stock-' + command.id"
emit: [{ type: "Reserved", data: "command" }]
[commands.Release]
stream: "'stock-' + command.id"
emit: [{ type: "Released", data: "command" }]
[commands.Pay]
stream: "'payment-' + command.id"
emit: [{ type: "Paid", data: "command" }]
[commands.Charge]
stream: "'payment-' + command.id"
emit: [{ type: "Charged", data: "command" }]
[commands.Refund]
stream: "'payment-' + command.id"
emit: [{ type: "Refunded", data: "command" }]
[commands.Ship]
stream: "'parcel-' + command.id"
emit: [{ type: "Shipped", data: "command" }]
[consumers.work]
topics: ["w"]
dispatch: "command"
[sagas.order]
start: "Placed"
correlate: "event.data.id"
steps: [
  { name: "reserve", send: { topic: "w", command: "Reserve", data: "{'id': saga.id}" }, done: "Reserved", timeout: "1h",
    compensate: { send: { topic: "w", command: "Release", data: "{'id': saga.id}" }, done: "Released" } }
  { name: "pay", send: { topic: "w", command: "Pay", data: "{'id': saga.id}" }, done: "Paid", timeout: "1h",
    compensate: { send: { topic: "w", command: "Refund", data: "{'id': saga.id}" }, done: "Refunded" } }
  { name: "ship", send: { topic: "w", command: "Ship", data: "{'id': saga.id}" }, timeout: "1h", compensate: "none" }
]
"#;

pub(crate) struct Shop {
    pub(crate) app: App,
    pub(crate) store: Arc<dyn EventStore>,
    pub(crate) queue: MemoryQueue,
    pub(crate) checkpoints: Arc<TempDir>,
    pub(crate) clock: ManualClock,
}

impl Shop {
    /// A shop of this file over this log, with nothing else.
    pub(crate) async fn of(file: &str, store: Arc<dyn EventStore>) -> Self {
        let queue = MemoryQueue::new();
        let options = GroupOptions::default();
        queue.subscribe("w".parse().unwrap(), "work".parse().unwrap(), options).await.unwrap();
        let clock = ManualClock::at(Timestamp::default());
        let checkpoints = Arc::new(tempfile::tempdir().unwrap());
        Self::over(file, store, queue, checkpoints, clock).await
    }

    pub(crate) async fn over(
        file: &str,
        store: Arc<dyn EventStore>,
        queue: MemoryQueue,
        checkpoints: Arc<TempDir>,
        clock: ManualClock,
    ) -> Self {
        let builder = App::builder()
            .shared_store(Arc::clone(&store))
            .queue(queue.clone())
            .checkpoints(FileCheckpoints::new(checkpoints.path()))
            .clock(Arc::new(clock.clone()));
        let app = with_file(builder, file).build().await.unwrap();
        Self { app, store, queue, checkpoints, clock }
    }

    /// The same, with another file.
    pub(crate) async fn with(self, file: &str) -> Self {
        Self::over(file, self.store, self.queue, self.checkpoints, self.clock).await
    }

    pub(crate) async fn place(&self, id: &str) {
        let data = format!(r#"{{"id":"{id}"}}"#);
        self.app.send(CommandRequest::new("Place", data)).await.unwrap();
    }

    pub(crate) async fn sagas(&self) {
        self.app.sagas().catch_up(&self.queue).await.unwrap();
    }

    async fn messages(&self) -> Vec<Delivery> {
        let receive = Receive::new("w".parse().unwrap(), "work".parse().unwrap()).max(100).now();
        self.queue.receive(receive).await.unwrap()
    }

    /// Handles messages; how many that were.
    async fn work(&self) -> usize {
        let messages = self.messages().await;
        for delivery in &messages {
            let (app, consumer) = (self.app.clone(), "work".to_owned());
            CommandDispatcher { app, consumer, on_reject: OnReject::Ack }.handle(delivery).await.unwrap();
            self.queue.ack(&delivery.lease).await.unwrap();
        }
        messages.len()
    }

    pub(crate) async fn settle(&self) {
        loop {
            self.sagas().await;
            if self.work().await == 0 {
                return;
            }
        }
    }

    async fn status(&self, name: &str, id: &str) -> Status {
        self.app.sagas().show(name, id).await.unwrap().state.status.unwrap()
    }

    /// How many events an aggregate has.
    pub(crate) async fn events(&self, stream: &str) -> usize {
        self.store.stream_events(&stream.parse().unwrap()).await.unwrap().len()
    }

    /// What a check of all sagas finds.
    pub(crate) async fn problems(&self) -> Vec<String> {
        let found = self.app.sagas().verify().await.unwrap().problems.into_iter();
        found.map(|problem| problem.what).collect()
    }

    /// What the sagas under way need and the file doesn't name.
    async fn lacking(&self) -> Vec<(String, u64, u64)> {
        let lacking = self.app.sagas().lacking().await.unwrap();
        lacking.into_iter().map(|lacking| (lacking.what, lacking.sagas, lacking.held)).collect()
    }
}

/// Two orders whose payment is on its way.
async fn paying() -> Shop {
    paying_over(Arc::new(MemoryStore::new())).await
}

async fn paying_over(store: Arc<dyn EventStore>) -> Shop {
    let shop = Shop::of(SHOP, store).await;
    for id in ["1", "2"] {
        shop.place(id).await;
    }
    shop.sagas().await;
    assert_eq!(shop.work().await, 2);
    shop.sagas().await;
    shop
}

/// The ways in which a file may no longer name what an order waits for that is being paid, and what is missing then.
fn others() -> Vec<(String, &'static str)> {
    let without_command = SHOP.replace("[commands.Pay]", "[commands.Settle]").replace(
        r#"command: "Pay", data: "{'id': saga.id}" }, done: "Paid""#,
        r#"command: "Settle", data: "{'id': saga.id}" }, done: "Paid""#,
    );
    let pay = SHOP.find("  { name: \"pay\"").unwrap()..SHOP.find("  { name: \"ship\"").unwrap();
    let mut without_step = SHOP.to_owned();
    without_step.replace_range(pay, "");
    vec![
        (SHOP.replace(r#"name: "pay""#, r#"name: "charge""#), "at step \"pay\""),
        (without_step, "at step \"pay\""),
        (
            SHOP.replace(r#"command: "Pay""#, r#"command: "Charge""#)
                .replace(r#"done: "Paid""#, r#"done: "Charged""#),
            "it waits for Paid",
        ),
        (without_command, "the answer to Pay"),
        (SHOP.replace("[sagas.order]", "[sagas.sale]"), "no saga \"order\" is defined"),
    ]
}

#[tokio::test]
async fn what_a_new_file_does_not_name_is_said_before_held_meanwhile_and_found_when_it_is_named_again() {
    for (other, missing) in others() {
        let shop = paying().await.with(&other).await;
        let [(what, 2, 0)] = &shop.lacking().await[..] else { panic!("{missing}") };
        assert!(what.contains(missing), "{what}");
        let problems = shop.problems().await;
        let [problem] = &problems[..] else { panic!("{problems:?}") };
        assert!(problem.contains(missing) && problem.contains("2 are under way"), "{problem:?}");
        // They are held, and stay so whatever comes and however long it takes.
        shop.sagas().await;
        for id in ["1", "2"] {
            assert_eq!(shop.status("order", id).await, Status::Stuck, "{missing}");
        }
        assert!(matches!(&shop.lacking().await[..], [(_, 2, 2)]));
        let shop = shop.with(SHOP.split("[sagas.order]").next().unwrap()).await;
        assert_eq!(shop.work().await, 2, "what was sent is done, whatever becomes of its answer");
        let shop = shop.with(&other).await;
        shop.clock.advance(Duration::from_secs(7_200));
        shop.settle().await;
        assert_eq!((shop.events("payment-1").await, shop.events("stock-1").await), (1, 1), "{missing}");
        assert!(matches!(&shop.lacking().await[..], [(_, 2, 2)]));
        assert_eq!(shop.problems().await, [""; 0], "{missing}");
        // Named again, they go on.
        let shop = shop.with(SHOP).await;
        assert_eq!(shop.lacking().await, []);
        shop.settle().await;
        for id in ["1", "2"] {
            assert_eq!(shop.status("order", id).await, Status::Completed, "{missing}");
            assert_eq!(shop.events(&format!("payment-{id}")).await, 1);
            assert_eq!(shop.events(&format!("parcel-{id}")).await, 1);
        }
        assert_eq!(shop.app.sagas().verify().await.unwrap().problems, []);
    }
}

#[tokio::test]
async fn a_held_saga_is_freed_by_an_operator_with_what_it_has_not_heard_of() {
    let (other, _) = others().swap_remove(2);
    let shop = paying().await.with(&other).await;
    shop.sagas().await;
    let error = shop.app.sagas().retry("order", "1", "ada").await.unwrap_err();
    assert!(error.to_string().contains("it is held: it waits for Paid"), "{error}");
    assert_eq!(shop.work().await, 2);
    shop.sagas().await;
    let shop = shop.with(SHOP).await;
    let ordered = shop.app.sagas().retry("order", "1", "ada").await.unwrap();
    let names: Vec<_> = ordered.transitions.iter().map(Transition::name).collect();
    assert_eq!(names, ["$SagaFreed", "$SagaStepDone", "$SagaSent"], "its answer was there");
    assert_eq!(shop.status("order", "2").await, Status::Stuck);
    shop.settle().await;
    assert_eq!(shop.status("order", "1").await, Status::Completed);
    assert_eq!(shop.events("payment-1").await, 1);
}

#[tokio::test]
async fn an_operator_may_take_a_held_saga_back_or_its_step_as_done() {
    let (other, _) = others().swap_remove(2);
    let shop = paying().await.with(&other).await;
    shop.sagas().await;
    shop.app.sagas().resolve("order", "1", "paid by hand", "ada").await.unwrap();
    shop.app.sagas().compensate("order", "2", "enough", "ada").await.unwrap();
    shop.settle().await;
    assert_eq!(shop.status("order", "1").await, Status::Completed);
    assert_eq!(shop.status("order", "2").await, Status::Compensated);
}

#[tokio::test]
async fn a_step_and_a_saga_that_were_renamed_go_on() {
    let shop = paying().await;
    // Twice, and the second time the message of the first name is still on its way.
    let once = SHOP
        .replace(r#"name: "pay""#, r#"name: "charge", was: "pay""#)
        .replace("[sagas.order]", "[sagas.sale]\nwas: \"order\"");
    let twice = SHOP
        .replace(r#"name: "pay""#, r#"name: "settle", was: ["pay", "charge"]"#)
        .replace("[sagas.order]", "[sagas.buy]\nwas: [\"order\", \"sale\"]");
    let shop = shop.with(&once).await;
    assert_eq!(shop.lacking().await, []);
    shop.sagas().await;
    let shop = shop.with(&twice).await;
    // What would start it once more doesn't, under whatever name.
    shop.place("1").await;
    shop.place("3").await;
    shop.settle().await;
    for (name, id) in [("order", "1"), ("order", "2"), ("buy", "3")] {
        assert_eq!(shop.status(name, id).await, Status::Completed);
        assert_eq!(shop.events(&format!("payment-{id}")).await, 1);
    }
    let sagas = shop.app.sagas();
    assert_eq!(sagas.verify().await.unwrap().problems, []);
    for name in ["order", "buy"] {
        let query = SagaQuery { name: Some(name.to_owned()), ..SagaQuery::default() };
        let listed = sagas.list(&query).await.unwrap();
        let listed: Vec<_> = listed.iter().map(|row| format!("{}-{}", row.name, row.id)).collect();
        assert_eq!(listed, ["buy-3", "order-1", "order-2"]);
        assert_eq!(sagas.count(&query).await.unwrap(), 3);
        let after = Some(("buy".to_owned(), "3".to_owned()));
        let listed = sagas.list(&SagaQuery { after, limit: Some(1), ..query }).await.unwrap();
        assert_eq!(listed.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["1"]);
        assert_eq!(sagas.find(&format!("{name}-2")).await.unwrap(), ("order".to_owned(), "2".to_owned()));
    }
}

/// The clock of these tests jumps when all tasks wait.
async fn a_moment() {
    drop(tokio::time::timeout(Duration::from_millis(10), std::future::pending::<()>()).await);
}

#[tokio::test(start_paused = true)]
async fn while_the_log_takes_nothing_sagas_try_to_begin_and_may_be_stopped() {
    let store = Meddling::new(Meddle::Refuse, 0);
    let (other, _) = others().swap_remove(2);
    let shop = paying_over(Arc::clone(&store) as Arc<dyn EventStore>).await.with(&other).await;
    let sagas = shop.app.sagas();
    let tries = || u32::MAX - store.left.load(Ordering::SeqCst);
    for is_remedied in [false, true] {
        store.left.store(u32::MAX, Ordering::SeqCst);
        let (stopper, asked) = Stopper::new();
        let meanwhile = async {
            // More often than one beginning tries by itself.
            while tries() < 25 {
                a_moment().await;
            }
            if is_remedied {
                store.left.store(0, Ordering::SeqCst);
                while shop.status("order", "2").await != Status::Stuck {
                    a_moment().await;
                }
            }
            drop(stopper);
            tries()
        };
        let all = async { tokio::join!(sagas.run(&shop.queue, &asked), meanwhile) };
        let (ran, by_then) = tokio::time::timeout(Duration::from_secs(600), all).await.expect("it tries");
        ran.unwrap();
        assert_eq!(tries(), by_then, "nothing more is tried once it is asked to stop");
    }
}

/// A store that counts the reads of all its events that begin before a position.
#[derive(Debug, Default)]
struct Counting {
    inner: MemoryStore,
    before: AtomicU64,
    reads: AtomicU64,
}

impl EventStore for Counting {
    fn id(&self) -> StoreId {
        self.inner.id()
    }

    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, AppendError>> {
        self.inner.append(append)
    }

    fn read_stream(&self, stream: &StreamName, read: StreamRead) -> EventStream {
        self.inner.read_stream(stream, read)
    }

    fn read_all(&self, read: AllRead) -> EventStream {
        let is_of_all = read.query.is_all() && read.limit.is_none();
        if is_of_all && read.from.get() < self.before.load(Ordering::SeqCst) {
            self.reads.fetch_add(1, Ordering::SeqCst);
        }
        self.inner.read_all(read)
    }

    fn streams(&self, read: StreamsRead) -> StreamList {
        self.inner.streams(read)
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, ReadError>> {
        self.inner.head()
    }

    fn wait_beyond(&self, position: Position) -> BoxFuture<'_, Result<Position, ReadError>> {
        self.inner.wait_beyond(position)
    }
}

#[tokio::test]
async fn held_sagas_are_freed_with_what_they_have_not_heard_of_in_one_reading_of_the_log() {
    const ORDERS: u64 = 1_100;
    let store = Arc::new(Counting::default());
    let shop = Shop::of(SHOP, Arc::clone(&store) as Arc<dyn EventStore>).await;
    // More than are looked at in one go.
    let happen = async |event_type: &str| {
        for some in (0..ORDERS).collect::<Vec<_>>().chunks(500) {
            let event = |id: &u64| NewEvent::json(event_type, format!(r#"{{"id":"{id}"}}"#)).unwrap();
            let append = Append::to("book-1".parse().unwrap(), Expected::Any);
            store.append(append.with_events(some.iter().map(event))).await.unwrap();
        }
    };
    happen("Placed").await;
    shop.sagas().await;
    let shop = shop.with(&SHOP.replace("[sagas.order]", "[sagas.sale]")).await;
    shop.sagas().await;
    assert!(matches!(&shop.lacking().await[..], [(_, ORDERS, ORDERS)]));
    happen("Reserved").await;
    shop.sagas().await;
    let shop = shop.with(SHOP).await;
    store.before.store(store.head().await.unwrap().get(), Ordering::SeqCst);
    shop.sagas().await;
    assert_eq!(store.reads.load(Ordering::SeqCst), 1);
    for id in ["0", "999", "1000", "1099"] {
        let state = shop.app.sagas().show("order", id).await.unwrap().state;
        assert_eq!(state.status, Some(Status::Running));
        assert_eq!(state.waiting.unwrap().step, "pay", "{id} has heard of it");
    }
    assert_eq!(shop.problems().await, [""; 0]);
}
