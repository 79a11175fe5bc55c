//! The embedded backend: a journal in a folder, held by one process.
//!
//! Messages are read from the journal when they are handed out; the state (what groups made of them) is in memory,
//! about 45 bytes for each message that waits. `docs/format/queue-v1.md` has the bytes.
//!
//! `frame`, `record`, `codec` are the bytes; `journal` the files; `index` what a segment has, in short; `snapshot`
//! the state as a file; `recover` opens by having all frames `replay`ed, `missing` says what isn't there, and `repair`
//! goes on without;
//! `stage` and `writer` are what happens to an operation, `clean` gives space back, `operate` is what operators see and order;
//! `numbers` is what other processes see, and `copy` takes a copy beside them.

mod clean;
mod codec;
mod copy;
mod error;
mod frame;
mod index;
mod journal;
mod load;
mod missing;
mod numbers;
mod operate;
mod record;
mod recover;
mod repair;
mod replay;
mod snapshot;
mod stage;
mod writer;

use std::fmt;
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::oneshot;
use trunkline_core::Timestamp;
use trunkline_log::disk::{Disk, Kind, LookedAt, RealDisk};

use crate::check::{IdHasher, check, keep};
use crate::engine::{Bell, Change, Keep, Picked, Settlement};
use crate::{
    Clock, DeadLetter, DeadLetterId, Delivery, GroupName, GroupOptions, Lease, MessageQueue, NewMessage,
    OpenError, OperateError, OperateQueue, PublishError, Published, QueueStats, Receive, ReceiveError,
    SettleError, StorageError, SubscribeError, SystemClock, TopicName, Unfinished,
};
pub use copy::{QueueCopy, copy_queue};
use load::{Unreadable, load, may_hold};
use operate::{DEAD_PAGE, letter, with_bodies};
use record::Draft;
#[cfg(test)]
pub(crate) use record::Place;
use recover::{Recovered, recover};
pub use repair::{GivenUpPart, Repaired};
use stage::{Stage, weight};
use writer::{Finish, Job, Writer};

/// What errors call it.
const STORAGE: &str = "the queue";

/// After how long a message is read again that the disk failed to give.
const UNREADABLE_AGAIN: Duration = Duration::from_secs(1);

/// The file that the one process holds.
const LOCK_FILE: &str = "lock";

/// The least size of a segment: a header, and room for some frames.
const SEGMENT_BYTES_MIN: u64 = 4 << 10;

/// The most, since places in a segment have 32 bits.
const SEGMENT_BYTES_MAX: u64 = 1 << 30;

/// How to open an embedded queue.
#[derive(Clone, Debug)]
pub struct EmbeddedOptions {
    /// How long it keeps things.
    pub keep: Keep,
    /// Its clock.
    pub clock: Arc<dyn Clock>,
    /// The size of a new segment, in bytes: what is finished is given back in pieces of this size.
    pub segment_bytes: u64,
    /// Who opens the queue, for those who want to and cannot.
    pub owner: String,
    /// Whether to make the queue when there is none.
    pub create: bool,
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        Self {
            keep: Keep::default(),
            clock: Arc::new(SystemClock),
            segment_bytes: 16 << 20,
            owner: format!("process {}", std::process::id()),
            create: true,
        }
    }
}

/// A queue in a folder, durable on one disk; clones are the same queue.
///
/// A message is synced before its publishing is acknowledged, and so is every decision of an operator and every
/// subscription. What consumers do (leases, acknowledgements, retries) is written before it is answered, so it
/// survives the end of the process, and is synced with the next message or within a second: after a power cut it
/// may be older, and messages then come again.
///
/// All messages of one publish are stored, or none of them.
///
/// ```
/// use trunkline_queue::{EmbeddedOptions, EmbeddedQueue, MessageQueue, NewMessage};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("queue");
/// let queue = EmbeddedQueue::open(&path, EmbeddedOptions::default())?;
/// queue.publish("orders".parse()?, vec![NewMessage::new("Ping", r#"{"n":1}"#)]).await?; // on disk, synced
/// queue.close().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct EmbeddedQueue {
    inner: Arc<Inner>,
}

struct Inner {
    jobs: Sender<Job>,
    clock: Arc<dyn Clock>,
    hasher: IdHasher,
    rolled_back: u64,
    folder: String,
    /// Taken by whoever waits for the writer's end.
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // So that whoever opens the queue next is not told that it is in use.
        let _ = self.jobs.send(Job::Close(Box::new(|| ())));
        if let Some(writer) = self.writer.lock().ok().and_then(|mut writer| writer.take()) {
            let _ = writer.join();
        }
    }
}

impl EmbeddedQueue {
    /// Opens the queue in a folder.
    pub fn open(path: &Path, options: EmbeddedOptions) -> Result<Self, OpenError> {
        Self::open_on(Arc::new(RealDisk::new(path)), options)
    }

    /// Opens the queue in a folder for who only looks: nothing in the folder changes, and no right to write there is
    /// needed. What is done with it is in memory, and gone with it.
    ///
    /// One that a process holds is [`OpenError::InUse`], since it changes meanwhile; its
    /// [numbers](Self::published_numbers) can be had.
    pub fn look(path: &Path, options: EmbeddedOptions) -> Result<Self, OpenError> {
        Self::open_on(Arc::new(LookedAt::new(path)), EmbeddedOptions { create: false, ..options })
    }

    /// Opens the queue on a disk of its own.
    pub fn open_on(disk: Arc<dyn Disk>, options: EmbeddedOptions) -> Result<Self, OpenError> {
        Self::open_or_repair(disk, options, None)
    }

    /// Opens a queue of which a part is missing or damaged, goes on without that part, and says what it is.
    ///
    /// Messages of a missing file are given up for every group, and so are those of a damaged frame that can't be
    /// read. What consumers had done by a damaged frame is forgotten with it: its messages come again. From then on
    /// the queue opens as ever.
    ///
    /// Where a topic or a group would be taken for another that may be lost, or what is whole would be given up since its
    /// topic or group is lost, the answer is [`OpenError::Renumbered`], and there is no remedy but a backup.
    pub fn repair_on(disk: Arc<dyn Disk>, options: EmbeddedOptions) -> Result<(Self, Repaired), OpenError> {
        let mut repaired = Repaired::default();
        let queue = Self::open_or_repair(disk, options, Some(&mut repaired))?;
        Ok((queue, repaired))
    }

    /// The same in a folder.
    pub fn repair(path: &Path, options: EmbeddedOptions) -> Result<(Self, Repaired), OpenError> {
        Self::repair_on(Arc::new(RealDisk::new(path)), options)
    }

    #[expect(clippy::needless_pass_by_value, reason = "a queue takes its disk, as a log does")]
    fn open_or_repair(
        disk: Arc<dyn Disk>,
        options: EmbeddedOptions,
        mut repaired: Option<&mut Repaired>,
    ) -> Result<Self, OpenError> {
        let names = disk.list("").map_err(OpenError::io("list the queue's folder"))?;
        let is_none = !names.iter().any(|name| journal::segment_number(name).is_some());
        if !options.create && is_none && missing::remains(&names).is_none() {
            return Err(OpenError::NotFound { folder: disk.name() });
        }
        let held = disk.in_the_way_of(Kind::Queue, false);
        if let Some(held) = held.map_err(OpenError::io(format!("look what {} holds", disk.name())))? {
            return Err(OpenError::Occupied { folder: disk.name(), held: held.to_string() });
        }
        disk.create_dir("").map_err(OpenError::io(format!("make the folder {}", disk.name())))?;
        let locked = disk.lock(LOCK_FILE, &options.owner);
        let lock = match locked.map_err(OpenError::io(format!("lock {}", disk.name())))? {
            Ok(lock) => lock,
            Err(owner) => return Err(OpenError::InUse { folder: disk.name(), owner }),
        };
        let segment_bytes = options.segment_bytes.clamp(SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX);
        let Recovered { mut engine, journal, hasher, state, state_bytes, rolled_back } =
            recover(&disk, options.keep, segment_bytes, options.create, repaired.as_deref_mut())?;
        let is_old = journal.segments.get(&journal.last).is_some_and(|segment| segment.header.old);
        // Nobody else had the queue, as its locks show: whoever was handed messages is gone.
        let reopened = !engine.leased().is_empty();
        engine.apply(&Change::Reopened);
        let is_repaired = repaired.is_some_and(|repaired| !repaired.parts.is_empty());
        if rolled_back > 0 {
            tracing::warn!(rolled_back, "what was cut off in the queue has been rolled back");
        }
        let (jobs, waiting) = channel();
        let clock = Arc::clone(&options.clock);
        // What was replayed counts as written since the state, so that a state is written before long.
        let since_state = segment_bytes;
        let mut writer = Writer {
            engine,
            journal,
            clock: options.clock,
            jobs: waiting,
            state,
            state_bytes,
            since_state,
            poisoned: None,
            reopened,
            lock,
        };
        if is_old || is_repaired {
            // No new change goes into a segment whose version doesn't know it, and nothing damaged is read again.
            writer.begin_anew(is_repaired).map_err(OpenError::io("begin the queue's next segment"))?;
        }
        // At once, so that who looks beside this process finds some.
        writer.publish_numbers();
        let thread = std::thread::Builder::new().name("queue".to_owned());
        let thread = thread.spawn(|| writer.run()).map_err(OpenError::io("start the queue's thread"))?;
        let writer = Mutex::new(Some(thread));
        let inner = Inner { jobs, clock, hasher, rolled_back, folder: disk.name(), writer };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The numbers of the queue in a folder as its process published them last, also while it runs; none when
    /// there never were any.
    pub fn published_numbers(path: &Path) -> std::io::Result<Option<QueueStats>> {
        numbers::read(&RealDisk::new(path))
    }

    /// How many bytes were rolled back when the queue was opened: a commit that was cut off, and was never
    /// acknowledged but for what consumers did in the last second before a power cut.
    pub fn rolled_back_bytes(&self) -> u64 {
        self.inner.rolled_back
    }

    /// Closes the queue: everything is synced, and another process may open it. Every handle is then of a closed
    /// queue.
    pub async fn close(&self) {
        let (closed, wait) = oneshot::channel();
        let job = Job::Close(Box::new(move || {
            // Nobody hears it when the future was dropped.
            let _ = closed.send(());
        }));
        if self.inner.jobs.send(job).is_ok() {
            // An error says that it was closed by somebody else.
            let _ = wait.await;
        }
    }

    /// Has the writer do something, and waits for how it came out.
    async fn call<T, E>(
        &self,
        weight: usize,
        stores: bool,
        operation: impl FnOnce(&mut Stage<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel::<Result<T, E>>();
        let operation = Box::new(move |stage: Result<&mut Stage<'_>, StorageError>| match stage {
            Ok(stage) => {
                let result = operation(stage);
                let finish: Finish = Box::new(move |outcome: Result<(), StorageError>| {
                    // Nobody hears it when the future was dropped.
                    let _ = reply.send(outcome.map_err(E::from).and(result));
                });
                Some(finish)
            }
            Err(error) => {
                let _ = reply.send(Err(error.into()));
                None
            }
        });
        let closed = || Err(StorageError::Closed { storage: STORAGE }.into());
        if self.inner.jobs.send(Job::Operation { weight, stores, operation }).is_err() {
            return closed();
        }
        answer.await.unwrap_or_else(|_| closed())
    }

    async fn publish_drafts(
        &self,
        topic: TopicName,
        messages: Vec<NewMessage>,
    ) -> Result<Vec<Published>, PublishError> {
        check(&messages)?;
        let now = self.inner.clock.now();
        let hasher = self.inner.hasher;
        let drafts: Vec<Draft> =
            messages.into_iter().map(|new| Draft::new(&keep(&topic, new, now), hasher)).collect();
        self.call(weight(&drafts) + 256, true, move |stage| Ok(stage.publish(&topic, drafts))).await
    }

    /// What can be handed out now, and what rings when there may be more.
    async fn receive_now(&self, receive: &Receive) -> Result<(Vec<Delivery>, Arc<Bell>), ReceiveError> {
        loop {
            let (deliveries, bell, put_aside) = self.receive_once(receive).await?;
            if !deliveries.is_empty() || !put_aside {
                return Ok((deliveries, bell));
            }
        }
    }

    /// The same, and whether there were messages that can't be read: those are put aside, and there may be others.
    async fn receive_once(
        &self,
        receive: &Receive,
    ) -> Result<(Vec<Delivery>, Arc<Bell>, bool), ReceiveError> {
        let weight =
            512 + receive.max.clamp(1, crate::limits::RECEIVE_MESSAGES_MAX) * (128 + receive.consumer.len());
        let asked = receive.clone();
        let (picked, bell) = self
            .call(weight, false, move |stage| {
                let received = {
                    let holds = may_hold(stage.segments);
                    stage.engine.receive(stage.now, &asked, &holds, &mut stage.changes)?
                };
                let picked: Result<Vec<_>, StorageError> = received
                    .picked
                    .into_iter()
                    .map(|picked| {
                        let body = stage.body(picked.body)?;
                        let Picked { attempt, last_error, decision, former, lease, .. } = picked;
                        Ok((body, attempt, last_error, decision, former, lease))
                    })
                    .collect();
                Ok::<_, ReceiveError>((picked?, received.bell))
            })
            .await?;
        let mut deliveries = Vec::with_capacity(picked.len());
        let mut put_aside = false;
        for (body, attempt, last_error, decision, former, lease) in picked {
            match load(&lease.topic, &body) {
                Ok(message) => {
                    deliveries.push(Delivery { message, attempt, last_error, decision, former, lease });
                }
                Err(unreadable) => {
                    self.put_aside(&lease, attempt >= receive.max_attempts, &unreadable).await?;
                    put_aside = true;
                }
            }
        }
        Ok((deliveries, bell, put_aside))
    }

    /// Gives up a message that is damaged, so that it is seen and others go on; one that the disk failed to give is
    /// tried again as any that failed.
    async fn put_aside(
        &self,
        lease: &Lease,
        is_last_attempt: bool,
        unreadable: &Unreadable,
    ) -> Result<(), ReceiveError> {
        let what = unreadable.what();
        tracing::error!(what, topic = %lease.topic, group = %lease.group, "a message can't be read; others go on");
        let error = format!("the message can't be read: {what}");
        let settlement = match unreadable {
            Unreadable::Failed(_) if !is_last_attempt => Settlement::Retry(UNREADABLE_AGAIN, error),
            Unreadable::Failed(_) | Unreadable::Damaged(_) => Settlement::Reject(error),
        };
        match self.settle(lease, settlement).await {
            Err(SettleError::Storage(error)) => Err(error.into()),
            // Its lease may have been short.
            Ok(_) | Err(SettleError::Lost { .. }) => Ok(()),
        }
    }

    async fn receive_waiting(&self, receive: Receive) -> Result<Vec<Delivery>, ReceiveError> {
        let (mut deliveries, bell) = self.receive_now(&receive).await?;
        while receive.wait && deliveries.is_empty() {
            let ring = bell.ring(&*self.inner.clock);
            (deliveries, _) = self.receive_now(&receive).await?;
            if deliveries.is_empty() {
                ring.wait().await;
            }
        }
        Ok(deliveries)
    }

    fn settle(&self, lease: &Lease, settlement: Settlement) -> BoxFuture<'_, Result<Timestamp, SettleError>> {
        let lease = lease.clone();
        let weight = 256 + crate::limits::ERROR_BYTES_MAX;
        let settle = move |stage: &mut Stage<'_>| {
            let holds = may_hold(stage.segments);
            stage.engine.settle(stage.now, &lease, settlement, &holds, &mut stage.changes)
        };
        self.call(weight, false, settle).boxed()
    }

    async fn given_up_page(
        &self,
        topic: TopicName,
        group: GroupName,
        after: Option<DeadLetterId>,
        max: usize,
    ) -> Result<Vec<DeadLetter>, StorageError> {
        let looks = self
            .call(0, false, move |stage| {
                let looks = stage.engine.given_up(&topic, &group, after.as_ref());
                let looks = looks.take(max.min(DEAD_PAGE)).collect();
                with_bodies(stage, looks)
            })
            .await?;
        Ok(looks.into_iter().map(|(topic, look)| letter(&topic, look)).collect())
    }
}

impl MessageQueue for EmbeddedQueue {
    fn publish(
        &self,
        topic: TopicName,
        messages: Vec<NewMessage>,
    ) -> BoxFuture<'_, Result<Vec<Published>, PublishError>> {
        self.publish_drafts(topic, messages).boxed()
    }

    fn subscribe(
        &self,
        topic: TopicName,
        group: GroupName,
        options: GroupOptions,
    ) -> BoxFuture<'_, Result<bool, SubscribeError>> {
        let subscribe = move |stage: &mut Stage<'_>| {
            let holds = may_hold(stage.segments);
            stage.engine.subscribe(&topic, &group, options, &holds, &mut stage.changes)
        };
        self.call(1_024, false, subscribe).boxed()
    }

    fn unsubscribe(&self, topic: TopicName, group: GroupName) -> BoxFuture<'_, Result<(), OperateError>> {
        let unsubscribe =
            move |stage: &mut Stage<'_>| stage.engine.unsubscribe(&topic, &group, &mut stage.changes);
        self.call(64, false, unsubscribe).boxed()
    }

    fn receive(&self, receive: Receive) -> BoxFuture<'_, Result<Vec<Delivery>, ReceiveError>> {
        self.receive_waiting(receive).boxed()
    }

    fn ack(&self, lease: &Lease) -> BoxFuture<'_, Result<(), SettleError>> {
        let lease = lease.clone();
        let ack = move |stage: &mut Stage<'_>| {
            let holds = may_hold(stage.segments);
            stage.engine.settle(stage.now, &lease, Settlement::Ack, &holds, &mut stage.changes).map(drop)
        };
        self.call(64, false, ack).boxed()
    }

    fn extend(&self, lease: &Lease, visibility: Duration) -> BoxFuture<'_, Result<Timestamp, SettleError>> {
        self.settle(lease, Settlement::Extend(visibility))
    }

    fn retry(&self, lease: &Lease, delay: Duration, error: String) -> BoxFuture<'_, Result<(), SettleError>> {
        self.settle(lease, Settlement::Retry(delay, error)).map(|done| done.map(drop)).boxed()
    }

    fn reject(&self, lease: &Lease, error: String) -> BoxFuture<'_, Result<(), SettleError>> {
        self.settle(lease, Settlement::Reject(error)).map(|done| done.map(drop)).boxed()
    }

    fn unfinished(&self, topic: Option<TopicName>) -> BoxFuture<'_, Result<Unfinished, StorageError>> {
        let count = move |stage: &mut Stage<'_>| Ok(stage.engine.unfinished(stage.now, topic.as_ref()));
        self.call(0, false, count).boxed()
    }

    fn given_up(
        &self,
        topic: TopicName,
        group: GroupName,
        after: Option<DeadLetterId>,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<DeadLetter>, StorageError>> {
        self.given_up_page(topic, group, after, max).boxed()
    }

    fn operating(&self) -> Option<&dyn OperateQueue> {
        Some(self)
    }
}
