//! What a read asks for, and what it yields.

use futures::stream::BoxStream;
use trunkline_core::{Position, Query, RecordedEvent, StreamName, Version};

use crate::ReadError;

/// Events, one after the other; nothing is read ahead of what is asked for beyond a bounded page.
pub type EventStream = BoxStream<'static, Result<RecordedEvent, ReadError>>;

/// Streams, one after the other.
pub type StreamList = BoxStream<'static, Result<StreamInfo, ReadError>>;

/// Which way a read goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// From old to new.
    #[default]
    Forward,
    /// From new to old.
    Backward,
}

/// What to read of one stream.
///
/// ```
/// use trunkline_core::Version;
/// use trunkline_store::{Direction, StreamRead};
/// let last = StreamRead { direction: Direction::Backward, limit: Some(1), ..StreamRead::default() };
/// let after_7 = StreamRead { from: Version::new(7).next(), ..StreamRead::default() };
/// assert_ne!(last, after_7);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamRead {
    /// The lowest version that is read, inclusive.
    pub from: Version,
    /// The highest version that is read, inclusive.
    pub to: Version,
    /// Which way.
    pub direction: Direction,
    /// How many events at most.
    pub limit: Option<u64>,
}

impl Default for StreamRead {
    fn default() -> Self {
        Self { from: Version::FIRST, to: Version::MAX, direction: Direction::Forward, limit: None }
    }
}

/// What to read of the whole store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllRead {
    /// Which events.
    pub query: Query,
    /// The lowest position that is read, inclusive.
    pub from: Position,
    /// The highest position that is read, inclusive.
    pub to: Position,
    /// Which way.
    pub direction: Direction,
    /// How many events at most.
    pub limit: Option<u64>,
}

impl Default for AllRead {
    fn default() -> Self {
        Self {
            query: Query::all(),
            from: Position::FIRST,
            to: Position::MAX,
            direction: Direction::Forward,
            limit: None,
        }
    }
}

impl AllRead {
    /// Every event after this position.
    pub fn after(position: Position) -> Self {
        Self { from: position.next(), ..Self::default() }
    }

    /// The same read of those events that the query selects.
    #[must_use]
    pub fn matching(mut self, query: Query) -> Self {
        self.query = query;
        self
    }
}

/// Which streams to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamsRead {
    /// Only streams of this aggregate type.
    pub aggregate_type: Option<String>,
    /// Only streams whose first event stands after this position: how to go on with a list.
    pub after: Position,
    /// How many streams at most.
    pub limit: Option<u64>,
}

/// A stream and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamInfo {
    /// Its name.
    pub stream: StreamName,
    /// The version of its last event.
    pub version: Version,
    /// The position of its first event.
    pub first_position: Position,
    /// The position of its last event.
    pub last_position: Position,
}
