//! The runner: one reader of the log, from which all follows that sagas do.
//!
//! ```text
//!                 ┌─▶ events that sagas name, answers ─▶ advance ─▶ append to $saga.NAME-ID ─┐
//! log, in order ──┤                                                                          │
//!   ▲             └─▶ $saga.NAME-ID: what was sent ────▶ publish; index                      │
//!   └────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! A piece of the log is done with when all that follows was appended and all that it says was published; only then
//! does the checkpoint move over it. Done again after a crash, each part finds that it was done.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use indexmap::{IndexMap, IndexSet};
use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;
use trunkline_core::saga::{self, Input};
use trunkline_core::{Position, RecordedEvent, StreamName, Timestamp};
use trunkline_queue::MessageQueue;
use trunkline_store::derived::{Checkpoint, SagaIndex, SagaKey};
use trunkline_store::{Advice, AllRead, EventStream, ReadError};

use super::advance::{advance, count_ignored};
use super::publish::Publisher;
use super::refresh::rows;
use super::route::Routed;
use super::states::{self, Recording};
use super::{SagaError, Sagas};
use crate::follow::{Bounds, Follower, Wanted};
use crate::messages::Stop;
use crate::reconcile::Histories;

/// The name of the sagas' checkpoint, which no relay's can be.
pub(super) const NAME: &str = "$sagas";

/// How much of the log is done with at a time, and done again at most after a crash.
const BOUNDS: Bounds = Bounds { events: 1_000, bytes: 8 << 20 };

/// How many sagas are advanced at the same time, so that their appends share syncs.
const AT_ONCE: usize = 256;

/// How many sagas' timers are judged at a time.
const DUE_MAX: u32 = 1_000;

/// How often the checkpoint is kept: what is done again after a crash is harmless, and each time costs two syncs.
const CHECKPOINT_EVERY: Duration = Duration::from_millis(250);

/// How often rows of the index are put at most, while there is more to do: a saga's later row takes the place of its
/// earlier ones. So much later a timer may be judged.
const INDEX_EVERY: Duration = Duration::from_millis(100);

/// How many sagas may wait for that.
const UNINDEXED_MAX: usize = 2_000;

/// The longest wait without a look at the clock, which may be moved.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often the sagas' metrics are recorded.
const METRICS_EVERY: Duration = Duration::from_secs(5);

/// What runs the sagas of an application.
pub(super) struct Runner<'a> {
    sagas: &'a Sagas,
    publisher: Publisher<'a>,
    index: &'a dyn SagaIndex,
    follower: Follower,
    /// What is done, and was not kept as a checkpoint yet.
    unkept: Option<Checkpoint>,
    kept_at: Instant,
    /// The sagas whose rows are not in the index yet, and how far the log was read for them.
    unindexed: IndexSet<SagaKey>,
    read: Option<Checkpoint>,
    indexed_at: Instant,
}

impl<'a> Runner<'a> {
    /// What runs the sagas; as long as it lives it holds the right to, which this guard is.
    pub(super) fn new(sagas: &'a Sagas, queue: &'a dyn MessageQueue, running: OwnedMutexGuard<()>) -> Self {
        let (index, now) = (&*sagas.index, Instant::now());
        let unindexed = IndexSet::new();
        let follower = Follower::new(&sagas.tail, Wanted::All, BOUNDS, Position::START).holding(running);
        Self {
            sagas,
            publisher: Publisher { sagas, queue, histories: Arc::default() },
            index,
            follower,
            unkept: None,
            kept_at: now,
            unindexed,
            read: None,
            indexed_at: now,
        }
    }

    pub(super) async fn run(mut self, stop: &Stop) -> Result<(), SagaError> {
        if self.sagas.routes.is_empty() {
            stop.asked().await;
            return Ok(());
        }
        let mut measured: Option<Instant> = None;
        let mut has_begun = false;
        while !stop.is_asked() {
            let work = async {
                if !has_begun {
                    self.begin().await?;
                    has_begun = true;
                }
                self.turn(INDEX_EVERY).await
            };
            let worked = tokio::select! {
                worked = work => worked,
                () = stop.asked() => break,
            };
            match worked {
                Ok(true) => self.sagas.back_off.reset(),
                Ok(false) => {
                    self.sagas.back_off.reset();
                    if measured.is_none_or(|at| at.elapsed() >= METRICS_EVERY) {
                        self.record_metrics().await?;
                        measured = Some(Instant::now());
                    }
                    self.wait(stop).await?;
                }
                Err(error) if error.advice() == Advice::Retry => {
                    if !self.sagas.back_off.wait("sagas", &error, stop).await {
                        break;
                    }
                    self.follower.go_to(self.sagas.read_to());
                }
                Err(error) => {
                    self.keep().await?;
                    return Err(error);
                }
            }
        }
        self.keep().await
    }

    pub(super) async fn catch_up(mut self) -> Result<Position, SagaError> {
        self.begin().await?;
        while self.turn(Duration::ZERO).await? {}
        self.keep().await?;
        Ok(self.follower.position())
    }

    /// Goes on where the checkpoint is, once the log has been seen to have what that names.
    async fn begin(&mut self) -> Result<(), SagaError> {
        let done = match self.sagas.checkpoints.load(NAME).await? {
            Some(checkpoint) => {
                checkpoint.check(NAME, &*self.sagas.store).await?;
                checkpoint.position
            }
            None => Position::START,
        };
        self.publisher.histories = Histories::of(&*self.sagas.store).await?;
        self.sagas.refresh().await?;
        // Before anything is read with definitions that may be others than those by which it was read until now.
        if !self.sagas.looked.load(Ordering::Acquire) {
            self.sagas.look(done).await?;
            self.catch_up_new(done).await?;
            self.sagas.looked.store(true, Ordering::Release);
        }
        self.sagas.read_to.send_replace(done);
        self.follower.go_to(done);
        Ok(())
    }

    /// Lets new sagas that begin in what others have read already read that too, and nobody else.
    async fn catch_up_new(&self, done: Position) -> Result<(), SagaError> {
        let behind = self.sagas.behind().await?;
        let Some(after) = behind.values().map(|rule| rule.after).min() else { return Ok(()) };
        let mut events = self.sagas.store.read_all(AllRead { to: done, ..AllRead::after(after) });
        let mut pace = self.sagas.tail.replay().pace();
        loop {
            pace.wait().await;
            let chunk = next_chunk(&mut events).await?;
            if chunk.is_empty() {
                break;
            }
            pace.took(chunk.len());
            let mut inputs: IndexMap<SagaKey, Vec<Input>> = IndexMap::new();
            for event in chunk.iter().filter(|event| saga::of_stream(event.stream()).is_none()) {
                for Routed { name, id, begun_as, recorded } in self.sagas.routes.deliver(event)?.routed {
                    if !behind.contains_key(&name) {
                        continue;
                    }
                    if let Some(key) = self.sagas.concerned(event, name, id, begun_as).await? {
                        inputs.entry(key).or_default().push(Input::Recorded(recorded));
                    }
                }
            }
            self.advance(inputs).await?;
        }
        self.sagas.caught_up(behind.keys(), done).await
    }

    /// Does what there is to do as of now; whether that was anything. Timers are left for later when rows were put in
    /// the index within this time.
    async fn turn(&mut self, pause: Duration) -> Result<bool, SagaError> {
        // The time first, then the head: all that was there by then is read before a timer is judged.
        let now = self.sagas.now();
        let head = self.sagas.store.head().await?;
        if head > self.follower.position() {
            self.read(head).await?;
            return Ok(true);
        }
        if !self.unindexed.is_empty() && self.indexed_at.elapsed() < pause {
            return Ok(false);
        }
        self.put_rows().await?;
        self.judge(now, self.follower.position()).await
    }

    /// Waits for something to do.
    async fn wait(&mut self, stop: &Stop) -> Result<(), SagaError> {
        let look_at = if self.unindexed.is_empty() {
            let now = self.sagas.now();
            let left = self.index.next_due().await?.map_or(LOOK_EVERY, |due| {
                let micros = due.as_micros().saturating_sub(now.as_micros());
                Duration::from_micros(u64::try_from(micros).unwrap_or(0)).min(LOOK_EVERY)
            });
            Instant::now() + left
        } else {
            self.indexed_at + INDEX_EVERY
        };
        let keep_at = self.unkept.is_some().then(|| self.kept_at + CHECKPOINT_EVERY);
        let until = keep_at.unwrap_or(look_at).min(look_at);
        let more = self.sagas.store.wait_beyond(self.follower.position());
        tokio::select! {
            head = more => drop(head?),
            () = tokio::time::sleep_until(until) => {}
            () = stop.asked() => {}
        }
        if self.kept_at.elapsed() >= CHECKPOINT_EVERY {
            self.keep().await?;
        }
        Ok(())
    }

    async fn keep(&mut self) -> Result<(), SagaError> {
        let Some(checkpoint) = &self.unkept else { return Ok(()) };
        self.kept_at = Instant::now();
        match self.sagas.checkpoints.save(NAME, checkpoint).await {
            // An older one does until the disk takes a new one: more is done again after a crash.
            Err(error) if error.passes() => {
                tracing::warn!(%error, "the sagas' checkpoint stays where it was");
                return Ok(());
            }
            kept => kept?,
        }
        self.unkept = None;
        Ok(())
    }

    /// Does what follows from the log up to a position.
    async fn read(&mut self, to: Position) -> Result<(), SagaError> {
        while self.follower.position() < to {
            let done = self.follower.position();
            let piece = self.follower.next().await?;
            let touched = self.piece(&piece.events, done).await?;
            self.unindexed.extend(touched);
            self.read = Some(piece.end);
            if self.unindexed.len() >= UNINDEXED_MAX || self.indexed_at.elapsed() >= INDEX_EVERY {
                self.put_rows().await?;
            }
            self.unkept = Some(piece.end);
            let due = self.follower.is_checkpoint_due();
            if due.unwrap_or(self.kept_at.elapsed() >= CHECKPOINT_EVERY) {
                self.keep().await?;
            }
            self.sagas.read_to.send_replace(piece.end.position);
            self.sagas.activity.notify();
        }
        Ok(())
    }

    /// Puts the rows of all sagas in the index to which something has happened.
    async fn put_rows(&mut self) -> Result<(), SagaError> {
        let states = self.sagas.standings(&self.unindexed).await?;
        self.index.put(rows(&states), self.read).await?;
        self.read = None;
        self.sagas.states.evict_ended(&states);
        self.unindexed.clear();
        self.indexed_at = Instant::now();
        Ok(())
    }

    /// Does all that follows from a piece of the log; the sagas to which something has happened in it.
    async fn piece(&self, events: &[RecordedEvent], after: Position) -> Result<IndexSet<SagaKey>, SagaError> {
        let mut inputs: IndexMap<SagaKey, Vec<Input>> = IndexMap::new();
        let mut sent: Vec<(SagaKey, StreamName, Recording)> = Vec::new();
        let mut touched: IndexSet<SagaKey> = IndexSet::new();
        for event in events {
            if let Some((name, id)) = saga::of_stream(event.stream()) {
                let key = (name.to_owned(), id.to_owned());
                let recording = states::read(event)?;
                self.sagas.states.evict_older(&key, recording.version);
                if recording.transition.sends() {
                    sent.push((key.clone(), event.stream_name(), recording));
                }
                touched.insert(key);
                continue;
            }
            let delivered = self.sagas.routes.deliver(event)?;
            for (name, problem) in delivered.problems {
                let (position, event_type) = (event.position(), event.event_type());
                tracing::warn!(saga = name, %position, event_type, %problem, "an event finds no saga");
                count_ignored(&name, "problem");
            }
            for Routed { name, id, begun_as, recorded } in delivered.routed {
                if let Some(key) = self.sagas.concerned(event, name, id, begun_as).await? {
                    inputs.entry(key).or_default().push(Input::Recorded(recorded));
                }
            }
        }
        // What a saga no longer waits for by the time that it is looked up is not published: nothing would come of it.
        let (advanced, published) = tokio::join!(self.advance(inputs), self.publisher.publish(sent, after));
        published?;
        advanced?;
        Ok(touched)
    }

    async fn advance(&self, inputs: IndexMap<SagaKey, Vec<Input>>) -> Result<(), SagaError> {
        let one = |(key, inputs): (SagaKey, Vec<Input>)| async move {
            advance(self.sagas, &key, &inputs, None).await.map(drop)
        };
        stream::iter(inputs).map(one).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Judges the timers of all sagas that are due at a time by which the log was read up to this position; whether
    /// there were any.
    async fn judge(&self, now: Timestamp, read_to: Position) -> Result<bool, SagaError> {
        let due = self.index.due(now, DUE_MAX).await?;
        let any = !due.is_empty();
        let judge = |key: &SagaKey| {
            let key = key.clone();
            async move {
                let input = Input::Time { read_to };
                advance(self.sagas, &key, &[input], Some(now)).await.map(drop)
            }
        };
        stream::iter(&due).map(judge).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        // Also those that turned out not to be due.
        let states = self.sagas.standings(&due.into_iter().collect()).await?;
        self.index.put(rows(&states), None).await?;
        Ok(any)
    }

    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and exact up to 2^53 sagas")]
    async fn record_metrics(&self) -> Result<(), SagaError> {
        for (name, status, count) in self.index.counts().await? {
            metrics::gauge!("trunkline_sagas", "saga" => name, "status" => status.as_str()).set(count as f64);
        }
        Ok(())
    }
}

/// The next events of a read that ends at what is there already.
pub(super) async fn next_chunk(events: &mut EventStream) -> Result<Vec<RecordedEvent>, ReadError> {
    let mut chunk = Vec::new();
    while chunk.len() < BOUNDS.events
        && let Some(event) = events.next().await.transpose()?
    {
        chunk.push(event);
    }
    Ok(chunk)
}
