//! Appends: one atomic batch of events, with what it expects of the streams and of the store.

use std::fmt;
use std::str::FromStr;

use crate::{CommandId, NewEvent, Position, Query, StreamName, Version};

/// What a writer expects of a stream before its events are appended.
///
/// ```
/// use trunkline_core::{Expected, Version};
/// assert_eq!("no-stream".parse(), Ok(Expected::NoStream));
/// assert_eq!("0".parse(), Ok(Expected::NoStream));
/// assert_eq!("7".parse(), Ok(Expected::At(Version::new(7))));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Anything.
    Any,
    /// The stream has no events.
    NoStream,
    /// The stream has at least one event.
    Exists,
    /// The stream's last event has this version.
    At(Version),
}

impl Expected {
    /// Whether a stream at this version is as expected.
    pub fn holds_for(self, found: Version) -> bool {
        match self {
            Self::Any => true,
            Self::NoStream => found == Version::EMPTY,
            Self::Exists => found > Version::EMPTY,
            Self::At(version) => found == version,
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.pad("any version"),
            Self::NoStream => f.pad("no stream"),
            Self::Exists => f.pad("an existing stream"),
            Self::At(version) => write!(f, "version {version}"),
        }
    }
}

/// A text that is none of the forms of [`Expected`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an expectation; write any, no-stream, exists or a version such as 3")]
pub struct UnknownExpected(String);

impl FromStr for Expected {
    type Err = UnknownExpected;

    fn from_str(text: &str) -> Result<Self, UnknownExpected> {
        match text {
            "any" => Ok(Self::Any),
            "no-stream" => Ok(Self::NoStream),
            "exists" => Ok(Self::Exists),
            _ => match text.parse() {
                Ok(Version::EMPTY) => Ok(Self::NoStream),
                Ok(version) => Ok(Self::At(version)),
                Err(_) => Err(UnknownExpected(text.to_owned())),
            },
        }
    }
}

/// The events that an append adds to one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamWrite {
    /// The stream.
    pub stream: StreamName,
    /// What it is expected to be.
    pub expected: Expected,
    /// The events, in order; at least one.
    pub events: Vec<NewEvent>,
}

impl StreamWrite {
    /// How many bytes of text and data its events have, the stream's name counted with each.
    pub fn bytes(&self) -> usize {
        let of_event = |event: &NewEvent| {
            let tags: usize = event.tags.iter().map(|tag| tag.as_str().len()).sum();
            let names = self.stream.as_str().len() + event.event_type.as_str().len() + tags;
            names + event.metadata.as_bytes().len() + event.data.len()
        };
        self.events.iter().map(of_event).sum()
    }
}

/// A condition of an append: it fails when an event after a position matches a query.
///
/// This is how a decision that rests on several streams is kept right (a dynamic consistency boundary):
/// the writer reads what the query selects, decides, and appends on condition that nothing matching came
/// since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// What the condition is called in the error when it fails.
    pub name: String,
    /// Which events make it fail.
    pub query: Query,
    /// Only events after this position count.
    pub after: Position,
}

/// One atomic batch: all of it is stored, or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Append {
    /// What goes to which stream; each stream once.
    pub writes: Vec<StreamWrite>,
    /// What must not have happened.
    pub conditions: Vec<Condition>,
    /// The command whose outcome this is: the events get its tag, and the append is refused with the
    /// position of the first outcome when an event has that tag already.
    pub command: Option<CommandId>,
}

impl Append {
    /// An append to one stream, without events yet.
    pub fn to(stream: StreamName, expected: Expected) -> Self {
        Self { writes: vec![StreamWrite { stream, expected, events: Vec::new() }], ..Self::default() }
    }

    /// Adds an event to the stream named last.
    ///
    /// # Panics
    ///
    /// When no stream was named yet; begin with [`Append::to`].
    #[must_use]
    pub fn event(mut self, event: NewEvent) -> Self {
        self.writes.last_mut().expect("an append begins with a stream").events.push(event);
        self
    }

    /// Adds events to the stream named last: of a thousand events, far quicker than each with [`Append::event`]. Those
    /// of a vector, the first of their stream, stay where they are.
    ///
    /// # Panics
    ///
    /// When no stream was named yet; begin with [`Append::to`].
    #[must_use]
    pub fn with_events(mut self, events: impl IntoIterator<Item = NewEvent>) -> Self {
        let write = self.writes.last_mut().expect("an append begins with a stream");
        if write.events.is_empty() {
            write.events = events.into_iter().collect();
        } else {
            write.events.extend(events);
        }
        self
    }

    /// Goes on with another stream.
    #[must_use]
    pub fn and_to(mut self, stream: StreamName, expected: Expected) -> Self {
        self.writes.push(StreamWrite { stream, expected, events: Vec::new() });
        self
    }

    /// Fails when an event after `after` matches the query.
    #[must_use]
    pub fn unless(mut self, name: &str, query: Query, after: Position) -> Self {
        self.conditions.push(Condition { name: name.to_owned(), query, after });
        self
    }

    /// Makes this the one outcome of a command.
    #[must_use]
    pub fn for_command(mut self, command: CommandId) -> Self {
        self.command = Some(command);
        self
    }

    /// All events, in order.
    pub fn events(&self) -> impl Iterator<Item = &NewEvent> {
        self.writes.iter().flat_map(|write| &write.events)
    }
}

/// What an append came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The version of each stream after its last event of this append, in the order of the writes.
    pub versions: Vec<Version>,
    /// The position of the append's last event.
    pub position: Position,
    /// Whether the events had been stored by an earlier append; nothing was added then.
    pub repeated: bool,
}
