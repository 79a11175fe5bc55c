//! The relay: committed events become messages.

use std::sync::Arc;
use std::time::Duration;

use trunkline_core::upcast::{UpcastError, Upcasters};
use trunkline_core::{EventType, Position, RecordedEvent, StoreId};
use trunkline_queue::limits::KEY_BYTES_MAX;
use trunkline_queue::{Advice, MessageQueue, NewMessage, PublishError, StorageError, TopicName, Unfinished};
use trunkline_store::derived::{Checkpoint, CheckpointError, Checkpoints};
use trunkline_store::{EventStore, ReadError};

use super::relay_past::{RelayPast, take_over};
use super::{RelayKey, RelayProgress, Stop, message_of};
use crate::follow::{Activity, BackOff, Bounds, FollowError, Follower, Piece, Tail, Wanted};
use crate::reconcile::Histories;

/// How many events become messages at a time, and how much is done again at most after a crash.
const BOUNDS: Bounds = Bounds { events: 500, bytes: 8 << 20 };

/// After how many events the checkpoint is kept at the latest, whatever settings say: a queue knows the newest 65,536
/// messages that it has finished with, and what is published again must be among them, also where several relays share a
/// topic.
const CHECKPOINT_EVERY_MAX: usize = 5_000;

/// How many bytes of payloads are published at a time, unless one message has more.
const BATCH_BYTES: usize = 4 << 20;

/// How often a relay looks whether its topic takes more again.
const WINDOW_EVERY: Duration = Duration::from_millis(50);

/// Events that become messages of a topic.
///
/// - It begins at the first event, and goes on where its checkpoint is, or that of a name it had before.
/// - Each event becomes one message, whose id follows from the event: a queue that has it stores nothing.
/// - An event that was stored in an older shape is published in today's, and in several messages when it became
///   several; one that can't be stops the relay.
/// - The checkpoint is kept after the messages of a batch are durable in the queue, or after so many events as
///   [`ReplaySettings`](crate::ReplaySettings) say, 5,000 at most, while it reads what had happened before it began; and
///   when it is stopped. After a crash between the two they are published again under the same ids.
/// - Whatever the log takes is relayed, also the largest event that it may be configured for.
/// - With a window, it reads on only while every group of its topic has fewer messages left; dead letters and what they
///   hold don't count.
/// - While the queue can't take messages, or the checkpoint can't be kept, since a disk is full, it tries again.
/// - Events of Trunkline's own, whose type or stream begins with `$`, are passed over.
/// - Where the log doesn't have the event that the checkpoint names, it stops with
///   [`CheckpointError::AheadOfLog`]; a queue that has lost its messages does not make it begin again.
#[derive(Clone, Debug)]
pub struct Relay {
    /// Its name: that of its checkpoint, and part of the messages' ids.
    pub name: String,
    /// The names that it had before: it goes on from their checkpoints, and messages that may have been published under
    /// one of them keep their ids.
    pub was: Vec<String>,
    /// The types of events; all when empty.
    pub events: Vec<EventType>,
    /// Where the messages go.
    pub topic: TopicName,
    /// What ordered groups order the messages by; the stream when not said.
    pub key: Option<RelayKey>,
    /// What makes today's events of stored ones.
    pub upcasters: Upcasters,
    /// How many messages a group of the topic may have left, besides dead letters and what they hold, before it reads on;
    /// any number when not said.
    pub window: Option<u64>,
    /// How far it has come.
    pub progress: RelayProgress,
    /// What keeps it from going on.
    pub back_off: BackOff,
}

/// Where events come from, and what they go to.
#[derive(Clone, Copy)]
struct Destination<'a> {
    store: &'a Arc<dyn EventStore>,
    past: &'a RelayPast,
    histories: &'a Histories,
    queue: &'a dyn MessageQueue,
    checkpoints: &'a dyn Checkpoints,
}

/// Why a relay ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RelayError {
    /// Its checkpoint can't be used or kept.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What an event is today can't be found out; neither it nor what comes after it was relayed.
    #[error("the relay can't go on")]
    Upcast(#[from] UpcastError),
    /// The key of an event's message can't be made; neither it nor what comes after it was relayed.
    #[error("the key of the event at position {position} can't be made: {reason}")]
    Key {
        /// The event.
        position: Position,
        /// Why.
        reason: String,
    },
    /// How much waits in the topic can't be found out.
    #[error(transparent)]
    Numbers(#[from] StorageError),
    /// The queue did not take the messages.
    #[error("the relay stands after position {after}")]
    Publish {
        /// The last event that was relayed.
        after: Position,
        /// Why.
        source: PublishError,
    },
}

impl RelayError {
    /// Whether the same may work later.
    fn passes(&self) -> bool {
        match self {
            Self::Checkpoint(error) => error.passes(),
            Self::Publish { source, .. } => source.advice() == Advice::Retry,
            Self::Numbers(error) => error.advice() == Advice::Retry,
            Self::Read(_) | Self::Upcast(_) | Self::Key { .. } => false,
        }
    }
}

impl Relay {
    /// A relay of all events to a topic.
    pub fn new(name: &str, topic: TopicName) -> Self {
        Self {
            name: name.to_owned(),
            was: Vec::new(),
            events: Vec::new(),
            topic,
            key: None,
            upcasters: Upcasters::default(),
            window: None,
            progress: RelayProgress::default(),
            back_off: BackOff::default(),
        }
    }

    /// Relays what there is and what comes, until it is asked to stop.
    pub async fn run(
        &self,
        store: &Arc<dyn EventStore>,
        queue: &dyn MessageQueue,
        checkpoints: &dyn Checkpoints,
        stop: &Stop,
    ) -> Result<(), RelayError> {
        let tail = Arc::new(Tail::new(Arc::clone(store)));
        self.follow(&tail, queue, checkpoints, &Activity::default(), stop).await
    }

    /// The same beside others that follow the log, with notice to who waits for rest.
    pub(crate) async fn follow(
        &self,
        tail: &Arc<Tail>,
        queue: &dyn MessageQueue,
        checkpoints: &dyn Checkpoints,
        activity: &Activity,
        stop: &Stop,
    ) -> Result<(), RelayError> {
        let (done, past, histories) = self.start(tail.store(), checkpoints).await?;
        let mut follower = Follower::new(tail, self.wanted(), BOUNDS, done);
        let to = Destination { store: tail.store(), past: &past, histories: &histories, queue, checkpoints };
        let mut done = Done::default();
        loop {
            let piece = tokio::select! {
                piece = follower.next() => piece.map_err(|error| self.lost(error))?,
                () = stop.asked() => break,
            };
            let is_due = follower.is_checkpoint_due().unwrap_or(true);
            while let Err(error) = self.relay(&to, &piece, &mut done, is_due, Some(stop)).await? {
                if !self.back_off.wait(&format!("relay `{}`", self.name), &error, stop).await {
                    break;
                }
            }
            if stop.is_asked() {
                break;
            }
            self.back_off.reset();
            activity.notify();
        }
        match done.keep(&self.name, checkpoints).await {
            // An older one does: more is published again, under the same ids.
            Err(error) if error.passes() => {
                tracing::warn!(relay = self.name, %error, "the checkpoint stays where it was");
                Ok(())
            }
            kept => Ok(kept?),
        }
    }

    /// Relays what there is, up to the log's head as it is now, however much waits; gives the position it has
    /// come to.
    pub async fn catch_up(
        &self,
        store: &Arc<dyn EventStore>,
        queue: &dyn MessageQueue,
        checkpoints: &dyn Checkpoints,
    ) -> Result<Position, RelayError> {
        let (done, past, histories) = self.start(store, checkpoints).await?;
        let to = Destination { store, past: &past, histories: &histories, queue, checkpoints };
        let tail = Arc::new(Tail::new(Arc::clone(store)));
        let mut follower = Follower::new(&tail, self.wanted(), BOUNDS, done);
        let head = store.head().await?;
        let mut done = Done::default();
        while follower.position() < head {
            let piece = follower.next().await.map_err(|error| self.lost(error))?;
            self.relay(&to, &piece, &mut done, true, None).await??;
        }
        Ok(follower.position())
    }

    /// The position that the checkpoint names, once the log has been seen to have its event, what was done under older
    /// names, and the log's histories.
    async fn start(
        &self,
        store: &Arc<dyn EventStore>,
        checkpoints: &dyn Checkpoints,
    ) -> Result<(Position, RelayPast, Arc<Histories>), RelayError> {
        let (checkpoint, past) = take_over(&self.name, &self.was, &**store, checkpoints).await?;
        let position = checkpoint.map_or(Position::START, |checkpoint| checkpoint.position);
        self.progress.set(position);
        Ok((position, past, Histories::of(&**store).await?))
    }

    fn lost(&self, error: FollowError) -> RelayError {
        match error {
            FollowError::Read(error) => error.into(),
            FollowError::Shrank(position) => {
                CheckpointError::AheadOfLog { name: self.name.clone(), position, found: "no event" }.into()
            }
        }
    }

    /// Publishes what a piece of the log becomes, and keeps the checkpoint when that is due; what passes by itself is the inner error.
    ///
    /// When it is asked to stop while too many messages wait, nothing is published, and the piece comes again another time.
    async fn relay(
        &self,
        to: &Destination<'_>,
        piece: &Piece,
        done: &mut Done,
        is_due: bool,
        stop: Option<&Stop>,
    ) -> Result<Result<(), RelayError>, RelayError> {
        match self.publish(to, piece, done, is_due, stop).await {
            Err(error) if error.passes() => Ok(Err(error)),
            published => published.map(Ok),
        }
    }

    async fn publish(
        &self,
        to: &Destination<'_>,
        piece: &Piece,
        done: &mut Done,
        is_due: bool,
        stop: Option<&Stop>,
    ) -> Result<(), RelayError> {
        let Destination { store, queue, checkpoints, .. } = *to;
        let mut messages = Vec::with_capacity(piece.events.len());
        for event in &*piece.events {
            if is_of_an_application(event) {
                self.add_messages(event, to, &mut messages)?;
            }
        }
        if let Some(stop) = stop
            && !messages.is_empty()
            && !self.wait_for_window(queue, stop).await?
        {
            return Ok(());
        }
        let after = self.progress.position();
        for part in parts(messages) {
            let published = queue.publish(self.topic.clone(), part).await;
            published.map_err(|source| RelayError::Publish { after, source })?;
        }
        // What nothing was relayed of need not be read again while this runs; the checkpoint names an event that was.
        if let Some(last) = piece.events.last() {
            let (position, event_id) = (last.position(), last.event_id());
            done.unkept = Some(Checkpoint { store: store.id(), position, event_id });
            done.events += piece.events.len();
        }
        if is_due || done.events >= CHECKPOINT_EVERY_MAX {
            done.keep(&self.name, checkpoints).await?;
        }
        self.progress.set(piece.end.position);
        Ok(())
    }

    /// Waits until fewer messages wait than may; whether that is so, rather than that it was asked to stop.
    async fn wait_for_window(&self, queue: &dyn MessageQueue, stop: &Stop) -> Result<bool, RelayError> {
        let Some(window) = self.window else { return Ok(true) };
        loop {
            // What is dead or held moves only when somebody decides, which may be long after; all other keys go on
            // meanwhile. Each group counts by itself: what one holds another may have to handle yet.
            let Unfinished { longest, .. } = queue.unfinished(Some(self.topic.clone())).await?;
            if longest < window {
                return Ok(true);
            }
            tokio::select! {
                () = tokio::time::sleep(WINDOW_EVERY) => {}
                () = stop.asked() => return Ok(false),
            }
        }
    }

    fn add_messages(
        &self,
        stored: &RecordedEvent,
        to: &Destination<'_>,
        messages: &mut Vec<NewMessage>,
    ) -> Result<(), RelayError> {
        for (index, event) in (0..).zip(self.upcasters.upcast(stored.clone())?) {
            // What an event became may be of a type that is not wanted here.
            let event_type = event.event_type();
            if self.events.is_empty() || self.events.iter().any(|wanted| wanted.as_str() == event_type) {
                let producer = to.past.producer(event.position(), &self.name);
                let message = self.message(&event, to.store.id(), producer, index)?;
                let is_name = |other: &str| {
                    other == producer || other == self.name || self.was.iter().any(|was| was == other)
                };
                messages.push(to.histories.of_relay(is_name, event.position(), message));
            }
        }
        Ok(())
    }

    fn message(
        &self,
        event: &RecordedEvent,
        store: StoreId,
        producer: &str,
        index: u32,
    ) -> Result<NewMessage, RelayError> {
        let message = message_of(event, store, producer, index);
        let Some(key) = &self.key else { return Ok(message) };
        let failed = |reason| RelayError::Key { position: event.position(), reason };
        let text = key.of(event).map_err(failed)?;
        if text.len() > KEY_BYTES_MAX {
            return Err(failed(format!("it has {} bytes, limit {KEY_BYTES_MAX}", text.len())));
        }
        Ok(message.key(text))
    }

    /// The events that become messages, and those that become such events.
    pub(super) fn wanted(&self) -> Wanted {
        if self.events.is_empty() {
            return Wanted::All;
        }
        let wanted = self.events.iter().map(EventType::as_str);
        Wanted::types(self.upcasters.sources(wanted).into_iter().map(str::to_owned))
    }
}

/// What was published, and not kept as a checkpoint yet.
#[derive(Default)]
struct Done {
    unkept: Option<Checkpoint>,
    events: usize,
}

impl Done {
    async fn keep(&mut self, name: &str, checkpoints: &dyn Checkpoints) -> Result<(), CheckpointError> {
        if let Some(checkpoint) = &self.unkept {
            checkpoints.save(name, checkpoint).await?;
            *self = Self::default();
        }
        Ok(())
    }
}

/// Whether an event is none of Trunkline's own, which say nothing to others.
pub fn is_of_an_application(event: &RecordedEvent) -> bool {
    !event.event_type().starts_with('$') && !event.stream().starts_with('$')
}

/// The messages in their order, cut so that each part can be published at once.
fn parts(messages: Vec<NewMessage>) -> Vec<Vec<NewMessage>> {
    let mut parts: Vec<Vec<NewMessage>> = Vec::new();
    let mut bytes = 0;
    for message in messages {
        bytes += message.payload.len();
        match parts.last_mut() {
            Some(part) if bytes <= BATCH_BYTES => part.push(message),
            _ => {
                bytes = message.payload.len();
                parts.push(vec![message]);
            }
        }
    }
    parts
}
