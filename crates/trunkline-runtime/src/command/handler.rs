//! Command handlers: how a command becomes a decision.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use serde::de::DeserializeOwned;
use trunkline_core::upcast::Present;
use trunkline_core::{
    CommandId, Condition, Decider, Expected, NewEvent, RecordedEvent, StreamName, StreamWrite, Timestamp,
    Version,
};
use trunkline_store::derived::SnapshotStore;
use trunkline_store::{EventStore, ReadError};

use super::event_rule::Events;
use super::{Seen, decider};
use crate::snapshot::{self, Folded, SnapshotPlan};
use crate::{CommandRequest, Rejection};

/// What a command comes to, before it is stored: the events of one atomic append.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decided {
    /// What goes to which stream.
    pub writes: Vec<StreamWrite>,
    /// What must not have happened meanwhile; else the command is decided again.
    pub conditions: Vec<Condition>,
    /// The answer's data, JSON, when it is not the events' data.
    pub reply: Option<Bytes>,
}

/// Why a handler made no decision that is to be stored.
#[derive(Debug)]
#[non_exhaustive]
pub enum HandleError {
    /// The command is refused: an answer.
    Rejected(Rejection),
    /// What the decision rests on could not be read.
    Read(ReadError),
    /// A stored event is not what the code takes it for: which, and why.
    Unreadable(String),
    /// Something failed.
    Failed(String),
}

impl From<Rejection> for HandleError {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<ReadError> for HandleError {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl HandleError {
    /// The command is refused by a rule.
    pub fn rejected(reason: impl Into<String>) -> Self {
        Self::Rejected(Rejection::rule(reason))
    }

    /// A stored event is not what the code takes it for: nothing can be decided until it can be read.
    pub fn unreadable(event: &RecordedEvent, reason: &str) -> Self {
        Self::Unreadable(format!(
            "{} at position {} ({} version {}): {reason}",
            event.event_type(),
            event.position(),
            event.stream(),
            event.version()
        ))
    }

    /// Something failed that may work another time.
    pub fn failed(reason: impl std::fmt::Display) -> Self {
        Self::Failed(reason.to_string())
    }
}

/// A handler of a command that needs more than its stream to decide: another service's answer, a file, several
/// streams.
///
/// It may run more than once for one command: when others appended first, and when an outcome was lost.
/// What it does outside should therefore take [`CommandContext::id`] as its idempotency key.
/// It stores nothing itself: the events it returns are appended in one batch, once.
///
/// ```
/// use serde::Deserialize;
/// use trunkline::{App, CommandContext, CommandHandler, CommandRequest, Decided, HandleError, MemoryStore};
/// use trunkline::{Expected, NewEvent};
///
/// #[derive(Deserialize)]
/// struct Import { sku: String }
///
/// struct Importer;
///
/// impl CommandHandler for Importer {
///     type Input = Import;
///
///     async fn handle(&self, import: Import, _: &CommandContext<'_>) -> Result<Decided, HandleError> {
///         if import.sku.is_empty() {
///             return Err(HandleError::rejected("an article has a number"));
///         }
///         let stream = format!("article-{}", import.sku).parse().map_err(HandleError::failed)?;
///         let event = NewEvent::json("ArticleImported", "{}").map_err(HandleError::failed)?;
///         Ok(Decided::append(stream, Expected::Any, [event]))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let app = App::builder().store(MemoryStore::new()).command("Import", Importer).build().await?;
/// let outcome = app.send(CommandRequest::new("Import", r#"{"sku":"85123A"}"#)).await?;
/// assert_eq!(outcome.accepted().map(|accepted| accepted.events.len()), Some(1));
/// # Ok(())
/// # }
/// ```
pub trait CommandHandler: Send + Sync + 'static {
    /// What the command's data is read as; data that is not of this shape is rejected.
    type Input: DeserializeOwned + Send;

    /// Decides.
    fn handle(
        &self,
        input: Self::Input,
        context: &CommandContext<'_>,
    ) -> impl Future<Output = Result<Decided, HandleError>> + Send;
}

/// What a handler may know and read.
#[derive(Clone, Copy, Debug)]
pub struct CommandContext<'a> {
    /// What was asked.
    pub request: &'a CommandRequest,
    /// The command's id: the caller's, or the one it was given.
    pub id: &'a CommandId,
    /// When it was asked.
    pub occurred_at: Timestamp,
    /// The store, to read what the decision rests on: events as they are stored.
    pub store: &'a Arc<dyn EventStore>,
    pub(crate) seen: &'a Seen,
    pub(crate) events: &'a Events,
    pub(crate) snapshots: Option<&'a dyn SnapshotStore>,
}

/// An aggregate as it is now.
#[derive(Debug)]
pub struct Loaded<D: Decider> {
    /// Its stream.
    pub stream: StreamName,
    /// Its state.
    pub state: D::State,
    /// The version of its last event.
    pub version: Version,
}

impl CommandContext<'_> {
    /// Reads an aggregate.
    pub async fn load<D: Decider>(&self, id: &str) -> Result<Loaded<D>, HandleError> {
        decider::load::<D>(self, id).await
    }

    /// The state of a stream as it is now: its events in today's shapes, folded one by one.
    ///
    /// With a plan, and where the application keeps snapshots, not all of them need be read; the state is the same
    /// with and without, whatever has become of the snapshots.
    pub async fn fold<S>(
        &self,
        stream: &StreamName,
        initial: S,
        evolve: impl Fn(S, &RecordedEvent) -> Result<S, HandleError>,
        plan: Option<SnapshotPlan<'_, S>>,
    ) -> Result<Folded<S>, HandleError> {
        snapshot::fold(self, stream, initial, evolve, plan).await
    }

    /// What a stored event is today.
    pub fn present(&self, event: RecordedEvent) -> Result<Present, HandleError> {
        self.events.upcasters.upcast(event).map_err(|error| HandleError::Unreadable(error.to_string()))
    }
}

impl<D: Decider> Loaded<D> {
    /// Lets the aggregate decide; its events are appended only if no other append to its stream comes first.
    pub fn decide(self, command: D::Command) -> Result<Decided, HandleError> {
        decider::decide::<D>(self, command)
    }
}

impl Decided {
    /// These events, to one stream.
    pub fn append(
        stream: StreamName,
        expected: Expected,
        events: impl IntoIterator<Item = NewEvent>,
    ) -> Self {
        Self::default().and(stream, expected, events)
    }

    /// And these, to another stream.
    #[must_use]
    pub fn and(
        mut self,
        stream: StreamName,
        expected: Expected,
        events: impl IntoIterator<Item = NewEvent>,
    ) -> Self {
        self.writes.push(StreamWrite { stream, expected, events: events.into_iter().collect() });
        self
    }

    /// With this answer, JSON.
    #[must_use]
    pub fn reply(mut self, reply: impl Into<Bytes>) -> Self {
        self.reply = Some(reply.into());
        self
    }
}

/// Something that decides commands, whatever it is made of: the form that the bus keeps.
///
/// A [`CommandHandler`] and a [`Decider`] become one when they are registered; what reads the data of commands
/// itself, as a declared command does, implements it and is registered with
/// [`command_logic`](crate::AppBuilder::command_logic).
///
/// ```
/// use std::sync::Arc;
/// use futures::future::BoxFuture;
/// use trunkline::{App, CommandContext, CommandLogic, CommandRequest, Decided, HandleError, MemoryStore};
///
/// /// Answers with what it was sent, and changes nothing.
/// struct Echo;
///
/// impl CommandLogic for Echo {
///     fn handle<'a>(&'a self, context: CommandContext<'a>) -> BoxFuture<'a, Result<Decided, HandleError>> {
///         Box::pin(async move { Ok(Decided::default().reply(context.request.data.clone())) })
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let app = App::builder().store(MemoryStore::new()).command_logic("Echo", Arc::new(Echo)).build().await?;
/// let outcome = app.send(CommandRequest::new("Echo", r#"{"n":1}"#)).await?;
/// assert_eq!(outcome.accepted().map(|accepted| &accepted.reply[..]), Some(&br#"{"n":1}"#[..]));
/// # Ok(())
/// # }
/// ```
pub trait CommandLogic: Send + Sync + 'static {
    /// Decides; see [`CommandHandler`] for what it may do.
    fn handle<'a>(&'a self, context: CommandContext<'a>) -> BoxFuture<'a, Result<Decided, HandleError>>;

    /// The stream that the command is for, where that is known before anything is read.
    fn stream(&self, context: CommandContext<'_>) -> Result<Option<StreamName>, HandleError> {
        let _ = context;
        Ok(None)
    }

    /// The types of all events that it may emit; none where that isn't known.
    fn emits(&self) -> Option<Vec<String>> {
        None
    }
}

/// A [`CommandHandler`] as [`CommandLogic`].
pub(crate) struct Handler<H>(pub(crate) H);

impl<H: CommandHandler> CommandLogic for Handler<H> {
    fn handle<'a>(&'a self, context: CommandContext<'a>) -> BoxFuture<'a, Result<Decided, HandleError>> {
        Box::pin(async move {
            let input = serde_json::from_slice(&context.request.data)
                .map_err(|error| Rejection::data(error.to_string(), None))?;
            self.0.handle(input, &context).await
        })
    }
}
