//! What the order system is made of: the log, the queue, the sagas, and what customers ask for.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt as _, stream};
use trunkline::messages::{CommandDispatcher, FileCheckpoints, MessageHandler as _, OnReject};
use trunkline::{App, CommandRequest, LogStore, LogStoreOptions};
use trunkline_queue::{EmbeddedOptions, EmbeddedQueue, GroupOptions, MessageQueue as _, Receive};

use crate::outbox::Later;
use crate::world::with_file;

/// The example, as it is, but that messages in the hands of killed processes are not given up.
const ORDERS: &str = include_str!("../../../../../examples/orders/orders.tsk");

const TOPICS: [&str; 3] = ["orders", "inventory", "payment"];

/// A message may be in the hands of every process that is killed, and each time counts as an attempt.
const ATTEMPTS: u32 = 100;

/// So many commands are under way at the same time.
const AT_ONCE: usize = 8;

/// A process's own of all that; one process has it at a time.
pub(super) struct Parts {
    pub(super) app: App,
    pub(super) queue: EmbeddedQueue,
    log: LogStore,
}

impl Parts {
    /// Opens, and makes, everything in a folder.
    pub(super) async fn open(folder: &Path, run: u32) -> Self {
        let options = LogStoreOptions { segment_bytes: 1 << 18, ..LogStoreOptions::default() };
        let log = LogStore::open(&folder.join("events"), options).unwrap();
        // What a killed process held comes back at once, and some of what it waited for takes too long.
        let clock = Arc::new(Later(Duration::from_secs(3_600) * run));
        let options = EmbeddedOptions { clock, segment_bytes: 1 << 18, ..EmbeddedOptions::default() };
        let queue = EmbeddedQueue::open(&folder.join("queue"), options).unwrap();
        let sagas_clock = Later(Duration::from_secs(11) * run);
        let builder = App::builder()
            .store(log.clone())
            .queue(queue.clone())
            .checkpoints(FileCheckpoints::new(folder.join("checkpoints")))
            .saga_index(folder.join("sagas.db"))
            .clock(Arc::new(sagas_clock));
        let text = ORDERS.replace("[message_queue]", "[message_queue]\nretry { max_attempts: 100 }");
        let app = with_file(builder, &text).build().await.unwrap();
        for topic in TOPICS {
            // The second group is where every message comes once more, later.
            for group in ["work", "again"] {
                let (topic, group) = (topic.parse().unwrap(), group.parse().unwrap());
                queue.subscribe(topic, group, GroupOptions::default()).await.unwrap();
            }
        }
        Self { app, queue, log }
    }

    /// Customers order, and some of them think better of it a little later; what was asked before is asked again.
    pub(super) async fn ask(&self, orders: u64) {
        let after = |n: u64| n.checked_sub(10).filter(|n| n % 4 == 1).map(cancel);
        let order = |n: u64| (n < orders).then(|| create(n));
        self.send((0..orders + 10).flat_map(|n| order(n).into_iter().chain(after(n)))).await;
    }

    /// Some think better of it when all is done.
    pub(super) async fn think_better(&self, orders: u64) {
        self.send((0..orders).filter(|n| n % 4 == 2).map(cancel)).await;
    }

    async fn send(&self, asked: impl Iterator<Item = CommandRequest>) {
        let sent = stream::iter(asked).map(|request| self.app.send(request)).buffered(AT_ONCE);
        sent.for_each(|outcome| {
            outcome.unwrap();
            futures::future::ready(())
        })
        .await;
    }

    /// Handles messages that wait for a group, some at the same time; how many that were.
    pub(super) async fn handle(&self, group: &str, max: usize) -> usize {
        let mut handled = 0;
        let app = self.app.clone();
        // Also what comes once more is for the consumer of the file.
        let dispatcher = &CommandDispatcher { app, consumer: "work".to_owned(), on_reject: OnReject::Ack };
        for topic in TOPICS {
            let receive = Receive::new(topic.parse().unwrap(), group.parse().unwrap());
            let receive = receive.max(max).max_attempts(ATTEMPTS).now();
            let deliveries = self.queue.receive(receive).await.unwrap();
            handled += deliveries.len();
            let done = stream::iter(deliveries).for_each_concurrent(AT_ONCE, |delivery| async move {
                dispatcher.handle(&delivery).await.unwrap();
                self.queue.ack(&delivery.lease).await.unwrap();
            });
            done.await;
        }
        handled
    }

    pub(super) async fn close(self) {
        self.app.close().await;
        self.queue.close().await;
        self.log.close().await;
    }
}

/// An order; some ask for more than there is, or cost more than may be paid.
fn create(n: u64) -> CommandRequest {
    let quantity = if n % 11 == 3 { 1_001 } else { 1 + n % 3 };
    let price = if n % 7 == 5 { 300_000 } else { 10 + n };
    let total = quantity * price;
    let data = format!(
        r#"{{"order_id":"{n}","items":[{{"sku":"s{}","quantity":{quantity},"unit_price":{price}}}],"total":{total}}}"#,
        n % 5
    );
    CommandRequest::new("CreateOrder", data).id(format!("create-{n}").parse().unwrap())
}

fn cancel(n: u64) -> CommandRequest {
    let data = format!(r#"{{"order_id":"{n}","reason":"changed my mind"}}"#);
    CommandRequest::new("CancelOrder", data).id(format!("cancel-{n}").parse().unwrap())
}
