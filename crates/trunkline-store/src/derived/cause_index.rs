//! Which events have a cause in common: where those stand whose metadata names an id.

use std::fmt;

use futures::future::BoxFuture;
use trunkline_core::Position;

use super::Checkpoint;
use crate::Direction;

/// What an index knows a cause by: 64 bits made of what kind of id it is, and the id.
///
/// Ids that differ may have the same key, so who finds an event by one looks whether the id is the event's.
///
/// ```
/// use trunkline_store::derived::CauseKey;
/// assert_eq!(CauseKey::correlation("c1"), CauseKey::correlation("c1"));
/// assert_ne!(CauseKey::correlation("c1"), CauseKey::causation("c1"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CauseKey(u64);

impl CauseKey {
    /// Of an id that all has in common that follows from one cause.
    pub fn correlation(id: &str) -> Self {
        Self::of(b'r', id)
    }

    /// Of the id of the message, the command or the event that is the cause.
    pub fn causation(id: &str) -> Self {
        Self::of(b'a', id)
    }

    /// FNV-1a of 64 bits: it is the same on every machine and in every version, as indexes are kept.
    fn of(kind: u8, id: &str) -> Self {
        let bytes = std::iter::once(kind).chain(id.bytes());
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self(hash)
    }

    /// Its bits.
    pub fn get(self) -> u64 {
        self.0
    }
}

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CauseQuery {
    /// The cause.
    pub key: CauseKey,
    /// The lowest position, inclusive.
    pub from: Position,
    /// The highest position, inclusive.
    pub to: Position,
    /// Which way.
    pub direction: Direction,
    /// How many at most.
    pub limit: usize,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundCauses {
    /// Where events stand, in the direction that was asked for, each once.
    pub positions: Vec<Position>,
    /// How far the log was read for it.
    pub read_to: Option<Checkpoint>,
}

/// Why the index can't be read or written. It may be removed, and is made again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the index of causes can't be used: {reason}")]
pub struct CauseIndexError {
    /// Why.
    pub reason: String,
    /// Whether what is kept is not what was written: it is let go of, and the same works when it is tried again.
    pub damaged: bool,
}

/// Where events stand that have a cause in common, as far as the log was read for it.
///
/// It may be older than the log, or empty, and catches up from [`read_to`](Self::read_to) on; it never says that more
/// was read than it has.
///
/// Every sentence of the methods is a promise with a test in `derived::conformance` (the feature `conformance` brings
/// it).
pub trait CauseIndex: fmt::Debug + Send + Sync + 'static {
    /// How far the log was read for it; nothing when it is new.
    fn read_to(&self) -> BoxFuture<'_, Result<Option<Checkpoint>, CauseIndexError>>;

    /// Goes on: the causes of all events after `after`, in any order, up to `read_to`, which is said to be read then.
    ///
    /// - Where the log was not read to `after`, since another goes on with the index at the same time, or `read_to` is
    ///   no further than `after`, nothing changes, and it says `false`.
    /// - All of it is there afterwards, or nothing, and no reader ever sees a part of it.
    /// - After the place was opened again, it is there as it was at the end of one of the latest calls.
    fn put(
        &self,
        after: Option<Checkpoint>,
        causes: Vec<(CauseKey, Position)>,
        read_to: Checkpoint,
    ) -> BoxFuture<'_, Result<bool, CauseIndexError>>;

    /// Lets go of everything, as if it were new: it is of another log.
    fn clear(&self) -> BoxFuture<'_, Result<(), CauseIndexError>>;

    /// Where events of a cause stand in a range, in the order of their positions one way or the other, each once; and
    /// how far the log was read when that was so.
    ///
    /// None of them is left out. There may be others among them, which who asks tells by their metadata.
    ///
    /// Where fewer come than the limit, there are no more.
    fn find(&self, query: CauseQuery) -> BoxFuture<'_, Result<FoundCauses, CauseIndexError>>;
}
