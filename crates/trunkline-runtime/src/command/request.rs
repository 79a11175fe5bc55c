//! What is asked of an application, and the circumstances it is asked in.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Map, Value};
use trunkline_core::{Command, CommandId, Timestamp};

use crate::DispatchError;

/// The inbox of commands that no consumer of messages brought.
const DIRECT: &str = "direct";

/// A command with its circumstances.
///
/// ```
/// use trunkline::CommandRequest;
/// let request = CommandRequest::new("CreateOrder", r#"{"order_id":"1"}"#).id("7".parse()?).actor("ada");
/// assert_eq!(request.name, "CreateOrder");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct CommandRequest {
    /// The command's name.
    pub name: String,
    /// Its data, JSON.
    pub data: Bytes,
    /// Under this id the command has one outcome, however often it is sent; with other data it is another command, which
    /// is refused. Without one, every sending is a command of its own.
    pub id: Option<CommandId>,
    /// Other ids under which it may have had its outcome, in the name of consumers that took the message before: an
    /// outcome under one of these is the answer. Without [`id`](Self::id) they count for nothing.
    pub other_ids: Vec<CommandId>,
    /// Which consumer brought it: outcomes without events are kept in `$inbox-CONSUMER`.
    pub consumer: String,
    /// Who asks, when, and why.
    pub context: Context,
    /// Whether Trunkline made the data of an event, as in what sagas and relays send: then the id says which command it
    /// is, since data that is made again may be another, and what was stored is taken as it is. Not for what comes from
    /// outside.
    pub derived: bool,
    /// What Trunkline itself has its events say, under names that begin with `$saga`: not for what comes from
    /// outside.
    pub system_metadata: BTreeMap<String, String>,
}

/// Who asks for something, when, and why: what a command hands on to the metadata of its events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context {
    /// Who asks.
    pub actor: Option<String>,
    /// On whose behalf.
    pub tenant: Option<String>,
    /// What all that follows from one cause has in common; the command's id when not given.
    pub correlation_id: Option<String>,
    /// What caused the command: an event's id, a message's; the command's own id when not given.
    pub causation_id: Option<String>,
    /// The W3C trace context, such as `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`.
    pub traceparent: Option<String>,
    /// The saga that sent the command.
    pub saga_id: Option<String>,
    /// When it was asked, for what happened earlier; now when not given.
    pub occurred_at: Option<Timestamp>,
    /// The caller's own fields for the metadata of the events; those whose names begin with `$` are dropped.
    pub metadata: Map<String, Value>,
}

impl CommandRequest {
    /// A command by its name, with its data as JSON.
    pub fn new(name: impl Into<String>, data: impl Into<Bytes>) -> Self {
        Self {
            name: name.into(),
            data: data.into(),
            id: None,
            other_ids: Vec::new(),
            consumer: DIRECT.to_owned(),
            context: Context::default(),
            derived: false,
            system_metadata: BTreeMap::new(),
        }
    }

    /// A command that is a Rust value.
    pub fn of<C: Command>(command: &C) -> Result<Self, DispatchError> {
        let data = command.to_data().map_err(|error| DispatchError::Failed {
            command: command.name().to_owned(),
            reason: format!("its data can't be written as JSON: {error}"),
        })?;
        Ok(Self::new(command.name(), data))
    }

    /// The same command under this id.
    #[must_use]
    pub fn id(mut self, id: CommandId) -> Self {
        self.id = Some(id);
        self
    }

    /// The same command, asked by this actor.
    #[must_use]
    pub fn actor(mut self, actor: impl Into<String>) -> Self {
        self.context.actor = Some(actor.into());
        self
    }

    /// The same command in this context.
    #[must_use]
    pub fn context(mut self, context: Context) -> Self {
        self.context = context;
        self
    }

    /// The same command, brought by this consumer.
    #[must_use]
    pub fn consumer(mut self, consumer: impl Into<String>) -> Self {
        self.consumer = consumer.into();
        self
    }
}
