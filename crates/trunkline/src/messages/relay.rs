//! The relay: committed events become messages.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use trunkline_core::upcast::{UpcastError, Upcasters};
use trunkline_core::{EventType, Position, Query, QueryItem, RecordedEvent, StoreId};
use trunkline_queue::limits::KEY_BYTES_MAX;
use trunkline_queue::{Advice, MessageQueue, NewMessage, PublishError, StorageError, TopicName};
use trunkline_store::derived::{Checkpoint, CheckpointError, Checkpoints};
use trunkline_store::{AllRead, EventStore, ReadError};

use super::{Reached, RelayKey, Setback, Stop, message_of};

/// How many messages are published at a time, and how much is done again at most after a crash.
const BATCH: usize = 500;

/// How many bytes of payloads are published at a time, unless one message has more.
const BATCH_BYTES: usize = 4 << 20;

/// How often a relay looks whether there is room again.
const ROOM_EVERY: Duration = Duration::from_millis(50);

/// Events that become messages of a topic.
///
/// - It begins at the first event, and goes on where its checkpoint is.
/// - Each event becomes one message, whose id follows from the event: a queue that has it stores nothing.
/// - An event that was stored in an older shape is published in today's, and in several messages when it became
///   several; one that can't be stops the relay.
/// - The checkpoint is kept after the messages of a batch are durable in the queue. After a crash between the
///   two they are published again under the same ids.
/// - Whatever the log takes is relayed, also the largest event that it may be configured for.
/// - With a window, it reads on only while fewer messages wait in its topic.
/// - While the queue can't take messages, or the checkpoint can't be kept, since a disk is full, it tries again.
/// - Events of Trunkline's own, whose type or stream begins with `$`, are passed over.
/// - Where the log doesn't have the event that the checkpoint names, it stops with
///   [`CheckpointError::AheadOfLog`]; a queue that has lost its messages does not make it begin again.
#[derive(Clone, Debug)]
pub struct Relay {
    /// Its name: that of its checkpoint, and part of the messages' ids.
    pub name: String,
    /// The types of events; all when empty.
    pub events: Vec<EventType>,
    /// Where the messages go.
    pub topic: TopicName,
    /// What ordered groups order the messages by; the stream when not said.
    pub key: Option<RelayKey>,
    /// What makes today's events of stored ones.
    pub upcasters: Upcasters,
    /// How many messages may wait in the topic before it reads on; any number when not said.
    pub window: Option<u64>,
    /// How far it has come.
    pub reached: Reached,
    /// What keeps it from going on.
    pub setback: Setback,
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
    /// What an event is today can't be said; neither it nor what comes after it was relayed.
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
    /// How much waits in the topic can't be said.
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
            events: Vec::new(),
            topic,
            key: None,
            upcasters: Upcasters::default(),
            window: None,
            reached: Reached::default(),
            setback: Setback::default(),
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
        let mut done = self.start(store, checkpoints).await?;
        while !stop.is_asked() {
            let head = tokio::select! {
                head = store.wait_beyond(done) => head?,
                () = stop.asked() => return Ok(()),
            };
            done = match self.relay(store, queue, checkpoints, done..=head, Some(stop)).await {
                Ok(done) => {
                    self.setback.over();
                    done
                }
                Err(error) if error.passes() => {
                    if !self.setback.wait(&format!("relay `{}`", self.name), &error, stop).await {
                        return Ok(());
                    }
                    self.reached.position()
                }
                Err(error) => return Err(error),
            };
        }
        Ok(())
    }

    /// Relays what there is, up to the log's head as it is now, however much waits; gives the position it has
    /// come to.
    pub async fn catch_up(
        &self,
        store: &Arc<dyn EventStore>,
        queue: &dyn MessageQueue,
        checkpoints: &dyn Checkpoints,
    ) -> Result<Position, RelayError> {
        let done = self.start(store, checkpoints).await?;
        let head = store.head().await?;
        self.relay(store, queue, checkpoints, done..=head, None).await
    }

    /// The position that the checkpoint names, once the log has been seen to have its event.
    async fn start(
        &self,
        store: &Arc<dyn EventStore>,
        checkpoints: &dyn Checkpoints,
    ) -> Result<Position, RelayError> {
        let position = match checkpoints.load(&self.name).await? {
            Some(checkpoint) => {
                checkpoint.check(&self.name, &**store).await?;
                checkpoint.position
            }
            None => Position::START,
        };
        self.reached.tell(position);
        Ok(position)
    }

    async fn relay(
        &self,
        store: &Arc<dyn EventStore>,
        queue: &dyn MessageQueue,
        checkpoints: &dyn Checkpoints,
        range: RangeInclusive<Position>,
        stop: Option<&Stop>,
    ) -> Result<Position, RelayError> {
        let (mut done, to) = range.into_inner();
        let read = AllRead { to, ..AllRead::after(done) }.matching(self.query());
        let mut events = store.read_all(read).ready_chunks(BATCH);
        while let Some(batch) = events.next().await {
            let batch = batch.into_iter().collect::<Result<Vec<RecordedEvent>, ReadError>>()?;
            let mut messages = Vec::with_capacity(batch.len());
            for event in &batch {
                if !event.event_type().starts_with('$') && !event.stream().starts_with('$') {
                    self.add_messages(event, store.id(), &mut messages)?;
                }
            }
            if let Some(stop) = stop
                && !self.has_room(queue, stop).await?
            {
                return Ok(done);
            }
            for part in parts(messages) {
                let published = queue.publish(self.topic.clone(), part).await;
                published.map_err(|source| RelayError::Publish { after: done, source })?;
            }
            if let Some(last) = batch.last() {
                let checkpoint =
                    Checkpoint { store: store.id(), position: last.position(), event_id: last.event_id() };
                checkpoints.save(&self.name, &checkpoint).await?;
                done = last.position();
                self.reached.tell(done);
            }
        }
        // What the query passed over need not be read again while this runs; the checkpoint names an event
        // that was relayed.
        let done = done.max(to);
        self.reached.tell(done);
        Ok(done)
    }

    /// Waits until fewer messages wait than may; whether that is so, rather than that it was asked to stop.
    async fn has_room(&self, queue: &dyn MessageQueue, stop: &Stop) -> Result<bool, RelayError> {
        let Some(window) = self.window else { return Ok(true) };
        loop {
            if queue.unfinished(Some(self.topic.clone())).await?.kept < window {
                return Ok(true);
            }
            tokio::select! {
                () = tokio::time::sleep(ROOM_EVERY) => {}
                () = stop.asked() => return Ok(false),
            }
        }
    }

    fn add_messages(
        &self,
        stored: &RecordedEvent,
        store: StoreId,
        messages: &mut Vec<NewMessage>,
    ) -> Result<(), RelayError> {
        for (index, event) in (0..).zip(self.upcasters.upcast(stored.clone())?) {
            // What an event became may be of a type that is not wanted here.
            let event_type = event.event_type();
            if self.events.is_empty() || self.events.iter().any(|wanted| wanted.as_str() == event_type) {
                messages.push(self.message(&event, store, index)?);
            }
        }
        Ok(())
    }

    fn message(&self, event: &RecordedEvent, store: StoreId, index: u32) -> Result<NewMessage, RelayError> {
        let message = message_of(event, store, &self.name, index);
        let Some(key) = &self.key else { return Ok(message) };
        let failed = |reason| RelayError::Key { position: event.position(), reason };
        let text = key.of(event).map_err(failed)?;
        if text.len() > KEY_BYTES_MAX {
            return Err(failed(format!("it has {} bytes, limit {KEY_BYTES_MAX}", text.len())));
        }
        Ok(message.key(text))
    }

    fn query(&self) -> Query {
        if self.events.is_empty() {
            return Query::all();
        }
        let wanted = self.events.iter().map(EventType::as_str);
        let sources = self.upcasters.sources(wanted).into_iter();
        // What is no event type is the type of no event.
        let event_types = sources.filter_map(|name| EventType::new(name).ok()).collect();
        QueryItem { event_types, ..QueryItem::default() }.into()
    }
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
