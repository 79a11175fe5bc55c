//! The engines, each behind the same small trait.
//!
//! An adapter does what a good user of that engine would do, and nothing more: the engine's own types, its own
//! best way to wait, its own way to hand out an event.

pub(crate) mod disk;
mod sqlite;
mod tasks;
mod tephra;
mod trunkline;
mod writer;

use std::path::Path;

use clap::ValueEnum;
use tokio::runtime::Handle;

pub(crate) use trunkline::bytes_an_event;
pub(crate) use writer::{Commit, Writer};

use crate::events::{Event, Stream};
use crate::failure::{Failure, Result};
use crate::rounds::Round;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Name {
    /// Bare writes, each followed by one `fdatasync`: what no engine can beat.
    Disk,
    /// Trunkline's log store.
    Trunkline,
    /// `SQLite`, tuned.
    Sqlite,
    /// The engine of tephra.
    Tephra,
}

impl Name {
    pub(crate) const ALL: [Self; 4] = [Self::Disk, Self::Trunkline, Self::Sqlite, Self::Tephra];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Disk => "disk",
            Self::Trunkline => trunkline::NAME,
            Self::Sqlite => sqlite::NAME,
            Self::Tephra => tephra::NAME,
        }
    }

    /// Version, durability and tuning, for the report.
    pub(crate) fn configuration(self) -> String {
        match self {
            Self::Disk => disk::configuration(),
            Self::Trunkline => trunkline::configuration(),
            Self::Sqlite => sqlite::configuration(),
            Self::Tephra => tephra::configuration(),
        }
    }

    /// Opens the store in this folder, and makes it when there is none. The disk is no store.
    pub(crate) fn open(self, folder: &Path, runtime: &Handle) -> Result<Box<dyn Store>> {
        match self {
            Self::Disk => Err(Failure::Usage("the disk is not a store".to_owned())),
            Self::Trunkline => Ok(Box::new(trunkline::open(folder, runtime)?)),
            Self::Sqlite => Ok(Box::new(sqlite::open(folder, runtime)?)),
            Self::Tephra => Ok(Box::new(tephra::open(folder, runtime)?)),
        }
    }
}

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// Every event, in the order of positions.
    All,
    /// The events of a stream, in the order of versions.
    Stream(Stream),
    /// The events of this type (a place in [`crate::events::TYPES`]), in the order of positions.
    EventType(usize),
    /// The events with this customer's tag, in the order of positions.
    Customer(u64),
}

/// A store that is open.
pub(crate) trait Store {
    /// Lets every writer append commits of `batch` events, one after the other, until the round is over, and
    /// returns how many events there were. Each commit goes to one stream and is conditional on what its writer
    /// last saw there; it is durable when it is acknowledged.
    fn append(&mut self, writers: &mut Vec<Writer>, batch: usize, round: &Round) -> Result<u64>;

    /// Appends one commit to several streams, whatever is in them.
    fn load(&mut self, commit: Vec<(Stream, Vec<Event>)>) -> Result<()>;

    /// Hands out events, each with what the engine's own user would get, and their data to `visit`; returns
    /// how many there were.
    fn read(&mut self, read: Read, visit: &mut dyn FnMut(&[u8])) -> Result<u64>;

    /// Bytes of what was made to find events by, beside the events.
    fn index_bytes(&mut self) -> Result<u64>;

    fn close(self: Box<Self>) -> Result<()>;
}
