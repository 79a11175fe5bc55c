//! Indexes: at which positions a key's records stand, and where each position's record begins.
//!
//! Everything here is derived from the segments and can be made again.
//! The log's positions are covered by *parts* without gaps: [`Run`]s, immutable files; after them
//! [`Recent`]s, tables in memory, of which only the last still grows; and [`Part::Gap`]s, where a run is
//! missing or damaged until it has been made again.
//! A [`Recent`] of [`RECENT_RECORDS_MAX`] records becomes a run of level 0, and [`MERGED_RUNS`] runs of one
//! level side by side become one of the next, so that there are only a few runs however long the log is.

mod chains;
mod filter;
mod recent;
mod run;
mod write;

use std::sync::Arc;

pub(crate) use filter::Probe;
pub(crate) use recent::Recent;
pub(crate) use run::{Run, RunName};
pub(crate) use write::{WriteRunError, merge_runs, write_recent};

use crate::key::Key;

/// The target of what is told when something derived was damaged and is made anew: whoever listens to nothing else shows
/// these to its user.
pub(crate) const MADE_ANEW: &str = "trunkline::made_anew";

/// The folder of the runs.
pub(crate) const FOLDER: &str = "index";

/// How many records are indexed in memory before they become a run: it bounds the memory, and how many
/// records are read when a log is opened.
pub(crate) const RECENT_RECORDS_MAX: u64 = 1 << 16;

/// How many runs of a level become one of the next.
pub(crate) const MERGED_RUNS: usize = 8;

/// The highest level: a run of 8³ times 65,536 records. More would make one merge very long, and a log of a
/// thousand million events has just thirty of these.
pub(crate) const LEVEL_MAX: u32 = 3;

/// A run that turned out to be damaged.
#[derive(Debug)]
pub(crate) struct DamagedRun(pub(crate) Arc<Run>);

/// What covers some of a log's positions.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    Run(Arc<Run>),
    Recent(Arc<Recent>),
    /// Nothing does; the records have to be read to find any.
    Gap {
        first: u64,
        last: u64,
    },
}

impl Part {
    pub(crate) fn first(&self) -> u64 {
        match self {
            Self::Run(run) => run.name.first,
            Self::Recent(recent) => recent.first(),
            Self::Gap { first, .. } => *first,
        }
    }

    /// The last position covered; before the first when there is none yet.
    pub(crate) fn last(&self) -> u64 {
        match self {
            Self::Run(run) => run.name.last,
            Self::Recent(recent) => recent.last(),
            Self::Gap { last, .. } => *last,
        }
    }
}

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Located {
    pub(crate) position: u64,
    /// Where in its segment it begins.
    pub(crate) offset: u64,
}

/// A part that can be looked into.
#[derive(Clone, Debug)]
pub(crate) enum Table {
    Run(Arc<Run>),
    Recent(Arc<Recent>),
}

impl Table {
    pub(crate) fn first(&self) -> u64 {
        match self {
            Self::Run(run) => run.name.first,
            Self::Recent(recent) => recent.first(),
        }
    }

    /// Finds out where records of this table begin, by their positions.
    pub(crate) fn locate(&self, records: &mut [Located]) -> Result<(), DamagedRun> {
        match self {
            Self::Run(run) => run.locate(records).map_err(|run::Damaged| DamagedRun(Arc::clone(run))),
            Self::Recent(recent) => {
                recent.locate(records);
                Ok(())
            }
        }
    }

    /// Has fetched what says where these records begin.
    pub(crate) fn prefetch_offsets(&self, records: &[Located]) {
        if let Self::Run(run) = self {
            run.prefetch_offsets(records);
        }
    }

    /// The numbers of those keys that are there.
    pub(crate) fn contained(&self, keys: &[Probe]) -> Result<Vec<usize>, DamagedRun> {
        match self {
            Self::Run(run) => run.contained(keys).map_err(|run::Damaged| DamagedRun(Arc::clone(run))),
            Self::Recent(recent) => Ok(recent.contained(keys)),
        }
    }

    /// The newest position at which one of the key's records may stand.
    pub(crate) fn newest(&self, key: Key) -> Result<Option<u64>, DamagedRun> {
        match self {
            Self::Run(run) => {
                let damaged = |run::Damaged| DamagedRun(Arc::clone(run));
                let range = run.postings(key).map_err(damaged)?;
                if range.is_empty() {
                    Ok(None)
                } else {
                    run.posting(range.end - 1).map(Some).map_err(damaged)
                }
            }
            Self::Recent(recent) => Ok(recent.newest(key)),
        }
    }

    /// The positions at which the key's records may stand, from `from` on.
    pub(crate) fn postings(&self, key: Key, from: u64) -> Result<Postings, DamagedRun> {
        match self {
            Self::Run(run) => {
                let damaged = |run::Damaged| DamagedRun(Arc::clone(run));
                let range = run.postings(key).map_err(damaged)?;
                if range.is_empty() {
                    return Ok(Postings::List(Vec::new()));
                }
                let postings = Postings::Run { run: Arc::clone(run), range };
                let start = postings.lower_bound(from)?;
                Ok(postings.skip(start))
            }
            Self::Recent(recent) => Ok(Postings::List(recent.postings(key, from))),
        }
    }
}

/// Ascending positions.
#[derive(Clone, Debug)]
pub(crate) enum Postings {
    Run { run: Arc<Run>, range: std::ops::Range<usize> },
    List(Vec<u64>),
}

impl Postings {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Run { range, .. } => range.len(),
            Self::List(list) => list.len(),
        }
    }

    /// The position with this number.
    pub(crate) fn get(&self, number: usize) -> Result<u64, DamagedRun> {
        match self {
            Self::Run { run, range } => {
                run.posting(range.start + number).map_err(|run::Damaged| DamagedRun(Arc::clone(run)))
            }
            Self::List(list) => Ok(list[number]),
        }
    }

    /// The number of the first position that is not below `position`.
    pub(crate) fn lower_bound(&self, position: u64) -> Result<usize, DamagedRun> {
        let (mut low, mut high) = (0, self.len());
        // Whoever comes from the table before wants all of this one.
        if high > 0 && self.get(0)? >= position {
            return Ok(0);
        }
        while low < high {
            let middle = low + (high - low) / 2;
            if self.get(middle)? < position {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    fn skip(self, count: usize) -> Self {
        match self {
            Self::Run { run, range } => Self::Run { run, range: range.start + count..range.end },
            Self::List(list) => Self::List(list[count..].to_vec()),
        }
    }
}
