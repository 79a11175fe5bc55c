//! The workloads: what a user of an event store waits for.

mod append;
mod growth;
mod reads;
mod space;

use clap::ValueEnum;

use crate::engines::{Name, Store};
use crate::failure::Result;
use crate::results::Results;
use crate::rounds::Rounds;
use crate::say::say;
use crate::scratch::Scratch;

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Workload {
    /// One writer, one event a commit.
    #[value(name = "append-1x1")]
    Append1x1,
    /// 64 writers at once, one event a commit each.
    #[value(name = "append-64x1")]
    Append64x1,
    /// 8 writers at once, 100 events a commit each.
    #[value(name = "append-8x100")]
    Append8x100,
    /// One writer, 1000 events a commit.
    AppendBulk,
    /// Every event, handed out without parsing its data.
    Replay,
    /// Every event, its data parsed into a small type.
    ReplayJson,
    /// The 100 events of a stream at random, warm and cold, near each other and scattered.
    ReadStream,
    /// Every tenth event, by its type.
    ReadType,
    /// About 100 events by a tag at random, and a tag that no event has.
    ReadTag,
    /// Opening a store: time, memory, bytes of indexes.
    Open,
    /// All of that at growing sizes, one engine after the other.
    Growth,
    /// Bare writes into differently prepared space; only when asked for by name.
    Disk,
}

impl Workload {
    /// What is measured when nothing is asked for by name.
    pub(crate) fn usual(quick: bool) -> Vec<Self> {
        let usual = |workload: &&Self| **workload != Self::Disk && !(quick && **workload == Self::Growth);
        Self::value_variants().iter().filter(usual).copied().collect()
    }
}

/// How much is measured.
#[derive(Clone, Debug)]
pub(crate) struct Scale {
    /// How many events reads and opening are measured on.
    pub(crate) events: u64,
    /// How many streams are read in a round.
    pub(crate) streams_a_round: u64,
    /// How many are read after the store was made cold once: few, because they warm it.
    pub(crate) cold_streams: u64,
    /// The sizes at which growth is measured.
    pub(crate) growth: Vec<u64>,
}

/// A run under way.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) scratch: Scratch,
    pub(crate) rounds: Rounds,
    pub(crate) scale: Scale,
    pub(crate) engines: Vec<Name>,
    pub(crate) results: Results,
}

impl Session {
    /// The engines that store events, which the disk doesn't.
    fn stores(&self) -> Vec<Name> {
        self.engines.iter().copied().filter(|name| *name != Name::Disk).collect()
    }

    fn open(&self, name: Name, folder: &str) -> Result<Box<dyn Store>> {
        name.open(&self.scratch.path().join(folder), &self.rounds.runtime)
    }
}

/// Runs workloads; the results are in the session.
pub(crate) fn run(session: &mut Session, workloads: &[Workload]) -> Result<()> {
    for name in session.engines.clone() {
        say(&format!("{}: {}", name.as_str(), name.configuration()));
    }
    if workloads.contains(&Workload::Disk) {
        space::run(session)?;
    }
    append::run(session, workloads)?;
    reads::run(session, workloads)?;
    if workloads.contains(&Workload::Growth) {
        growth::run(session)?;
    }
    Ok(())
}
