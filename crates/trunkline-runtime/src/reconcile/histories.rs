//! The restored histories of a log: where each began, and how what is sent since then is told apart from what was sent in
//! the future that it lost.

use std::sync::Arc;

use futures::TryStreamExt as _;
use serde::{Deserialize, Serialize};
use trunkline_core::saga::TransitionCause;
use trunkline_core::{EventType, Position, QueryItem, RecordedEvent};
use trunkline_queue::{Message, MessageId, NewMessage};
use trunkline_store::{AllRead, EventStore, EventStoreExt as _, ReadError};
use uuid::Uuid;

/// The stream in which a log says that it goes on from an older history; its events name a position as those of sagas do.
pub const HISTORY_STREAM: &str = "$store-history";

/// The type of the event that says that a log goes on from an older history.
pub(super) const RECONCILED: &str = "$Reconciled";

/// The header of a message that is told apart: which restored history it is of, and the id that it would have had.
const ORIGINAL: &str = "$original";

/// The data of the event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct History {
    /// The restore.
    pub(super) restored: Uuid,
    /// The last event of the backup, as those knew it that had the log then: what was published names such positions.
    pub(super) position: Position,
    /// The same in this log, where a migration has moved it since.
    #[serde(default)]
    pub(super) cause: TransitionCause,
    /// Whether queue and checkpoints were restored with it, so that they know of no other future.
    pub(super) whole: bool,
    /// The relays that begin again at the first event.
    #[serde(default)]
    pub(super) again: Vec<String>,
    /// The topics to which nothing is sent again that sagas had sent by then.
    #[serde(default)]
    pub(super) withheld: Vec<String>,
}

impl History {
    fn of(event: &RecordedEvent) -> Result<Self, ReadError> {
        serde_json::from_slice(event.data()).map_err(|error| ReadError::Damaged {
            what: format!("{RECONCILED} at position {} can't be read: {error}", event.position()),
        })
    }

    /// The last event of the backup, in this log.
    fn end(&self) -> Position {
        self.cause.position.unwrap_or(self.position)
    }
}

/// The restored histories of a log beside which something may know a lost future, oldest first; mostly there is none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Histories(Vec<History>);

impl Histories {
    /// Those of this log.
    pub(crate) async fn of(store: &dyn EventStore) -> Result<Arc<Self>, ReadError> {
        let mut all = Self::all(store).await?;
        all.retain(|history| !history.whole);
        Ok(Arc::new(Self(all)))
    }

    /// All that are said in the log. One that can't be read is an error: without it what was lost would be taken for
    /// what is there.
    pub(super) async fn all(store: &dyn EventStore) -> Result<Vec<History>, ReadError> {
        let event_type = EventType::system(RECONCILED).expect("the type is a name");
        let query = QueryItem { event_types: vec![event_type], ..QueryItem::default() };
        let head = store.head().await?;
        let read = AllRead { to: head, ..AllRead::default() }.matching(query.into());
        let events: Vec<RecordedEvent> = store.read_all(read).try_collect().await?;
        events.iter().map(History::of).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The message that a relay makes of an event at a position, told apart where a lost future may have had one of this
    /// id. A relay is known by today's name and by those that it had: it was asked to begin again under one of them.
    pub(crate) fn of_relay(
        &self,
        is_name: impl Fn(&str) -> bool,
        position: Position,
        message: NewMessage,
    ) -> NewMessage {
        let since =
            |history: &&History| history.end() < position || history.again.iter().any(|again| is_name(again));
        told_apart(message, self.0.iter().rfind(since))
    }

    /// The message that a saga sends, told apart likewise; none where it was sent in the restored history to a topic to
    /// which nothing is sent again.
    pub(crate) fn of_saga(&self, topic: &str, position: Position, message: NewMessage) -> Option<NewMessage> {
        let last = self.0.last();
        let withheld = last.is_some_and(|history| {
            position <= history.end() && history.withheld.iter().any(|withheld| withheld == topic)
        });
        (!withheld).then(|| told_apart(message, last))
    }

    /// Whether the message is of a future that was lost: what caused it never happened.
    pub(crate) async fn is_lost(&self, message: &Message, store: &dyn EventStore) -> Result<bool, ReadError> {
        let (Some(last), Some(cause)) = (self.0.last(), message.cause) else { return Ok(false) };
        let is_older = self.0.iter().all(|history| cause.position <= history.position);
        if is_older || told(message).is_some_and(|(restored, _)| restored == last.restored) {
            return Ok(false);
        }
        let there = store.event_at(cause.position).await?;
        Ok(there.is_none_or(|event| event.event_id() != cause.event_id))
    }
}

/// Gives the message an id that none has of a future before this history.
fn told_apart(message: NewMessage, history: Option<&History>) -> NewMessage {
    let Some(history) = history else { return message };
    let original = message.id.clone();
    let header = format!("{} {original}", history.restored);
    message.id(apart(history.restored, &original)).system_header(ORIGINAL, header)
}

fn apart(restored: Uuid, original: &MessageId) -> MessageId {
    let id = Uuid::new_v5(&restored, original.as_str().as_bytes());
    MessageId::new(&id.to_string()).expect("a UUID is a message id")
}

/// The restore and the id that a message says, if its own id is made of them: one that was edited has neither.
fn told(message: &Message) -> Option<(Uuid, MessageId)> {
    let (restored, original) = message.headers.get(ORIGINAL)?.split_once(' ')?;
    let (restored, original) = (restored.parse().ok()?, MessageId::new(original).ok()?);
    (apart(restored, &original) == message.id).then_some((restored, original))
}

/// The id that what follows from a message is recognised by: its own, or the one that it had before the log's older
/// history was restored, so that what was done then is known.
///
/// ```
/// use trunkline::messages::effect_id;
/// # use trunkline::queue::{MemoryQueue, Message, MessageQueue, NewMessage, Receive};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let queue = MemoryQueue::new();
/// # queue.subscribe("orders".parse()?, "mail".parse()?, Default::default()).await?;
/// # queue.publish("orders".parse()?, vec![NewMessage::new("Ping", "1")]).await?;
/// # let message: Message = queue.receive(Receive::new("orders".parse()?, "mail".parse()?)).await?.remove(0).message;
/// assert_eq!(effect_id(&message), message.id);
/// # Ok(())
/// # }
/// ```
pub fn effect_id(message: &Message) -> MessageId {
    told(message).map_or_else(|| message.id.clone(), |(_, original)| original)
}
