//! The indexer: a thread that turns full tables into runs, merges runs, and closes gaps.

use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use crate::disk::Disk;
use crate::error::describe;
use crate::index::{
    FOLDER, LEVEL_MAX, MERGED_RUNS, Part, Recent, Run, RunName, WriteRunError, merge_runs, write_recent,
};
use crate::shared::{Shared, index_range};
use crate::{OpenError, ReadError};

/// How many full tables may wait for the indexer before appends wait too: it bounds the memory.
const WAITING_TABLES_MAX: usize = 8;

/// How long the indexer rests after a failure before it tries again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What the indexer's thread and those who wait for it share.
#[derive(Debug, Default)]
pub(crate) struct Indexer {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// There may be something to do.
    work: bool,
    closed: bool,
    /// Why the last step failed.
    failure: Option<Arc<str>>,
}

/// One piece of the indexer's work.
#[derive(Debug)]
enum Step {
    /// Index the first records of a gap.
    Fill { first: u64, last: u64 },
    /// Write a full table.
    Write(Arc<Recent>),
    /// Merge runs that stand side by side.
    Merge(Vec<Arc<Run>>),
}

impl Indexer {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no code panics while it holds this lock")
    }

    /// Says that there is something to do.
    pub(crate) fn notify(&self) {
        self.state().work = true;
        self.changed.notify_all();
    }

    /// Lets the thread end after the step that it is at.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }

    /// Works until it is closed.
    pub(crate) fn run(&self, shared: &Shared) {
        while self.wait_for_work() {
            loop {
                let Some(step) = next_step(&shared.view().parts) else { break };
                let done = perform(shared, step);
                let mut state = self.state();
                state.failure = match done {
                    Ok(()) => None,
                    Err(failure) => {
                        let error = failure.to_string();
                        tracing::warn!(error, "an index file could not be written; it is tried again");
                        Some(error.into())
                    }
                };
                self.changed.notify_all();
                if state.failure.is_some() {
                    let resting = |state: &mut State| !state.closed && !state.work;
                    let rested = self.changed.wait_timeout_while(state, RETRY_AFTER, resting);
                    state = rested.expect("no code panics while it holds this lock").0;
                }
                state.work = false;
                if state.closed {
                    return;
                }
            }
        }
    }

    /// Waits for something to do; false when there won't be anything any more.
    fn wait_for_work(&self) -> bool {
        let waited = self.changed.wait_while(self.state(), |state| !state.work && !state.closed);
        let mut state = waited.expect("no code panics while it holds this lock");
        state.work = false;
        !state.closed
    }

    /// Waits while too many full tables wait to be written; the error says why that doesn't get better.
    pub(crate) fn wait_for_room(&self, shared: &Shared) -> Result<(), Arc<str>> {
        self.wait_while(|| {
            let view = shared.view();
            let tables = view.parts.iter().filter(|part| matches!(part, Part::Recent(_))).count();
            tables > WAITING_TABLES_MAX
        })
    }

    /// Waits until there is no gap; the error says why that doesn't get better.
    pub(crate) fn wait_for_repair(&self, shared: &Shared) -> Result<(), Arc<str>> {
        self.notify();
        self.wait_while(|| shared.view().parts.iter().any(|part| matches!(part, Part::Gap { .. })))
    }

    fn wait_while(&self, condition: impl Fn() -> bool) -> Result<(), Arc<str>> {
        if !condition() {
            return Ok(());
        }
        let mut state = self.state();
        // What failed before may succeed now: there may be room again.
        state.failure = None;
        state.work = true;
        self.changed.notify_all();
        while condition() {
            if let Some(failure) = &state.failure {
                return Err(format!("an index file could not be written: {failure}").into());
            }
            state = self.changed.wait(state).expect("no code panics while it holds this lock");
        }
        Ok(())
    }
}

/// Does everything there is to do, here and now; for opening.
pub(crate) fn settle(shared: &Shared) -> Result<(), Failure> {
    while let Some(step @ (Step::Fill { .. } | Step::Write(_))) = next_step(&shared.view().parts) {
        perform(shared, step)?;
    }
    Ok(())
}

/// What to do next: full tables first, since they take memory; then gaps, since everything that hits one reads
/// the log; then merges.
fn next_step(parts: &[Part]) -> Option<Step> {
    let gap = parts.iter().find_map(|part| match part {
        Part::Gap { first, last } => Some(Step::Fill { first: *first, last: *last }),
        Part::Run(_) | Part::Recent(_) => None,
    });
    let (_, full) = parts.split_last()?;
    let table = || {
        full.iter().find_map(|part| match part {
            Part::Recent(recent) => Some(Step::Write(Arc::clone(recent))),
            Part::Run(_) | Part::Gap { .. } => None,
        })
    };
    table().or(gap).or_else(|| mergeable(parts).map(Step::Merge))
}

/// Runs of one level that stand side by side, and enough of them.
fn mergeable(parts: &[Part]) -> Option<Vec<Arc<Run>>> {
    parts.windows(MERGED_RUNS).find_map(|window| {
        let runs: Vec<_> = window
            .iter()
            .filter_map(|part| match part {
                Part::Run(run) => Some(Arc::clone(run)),
                Part::Recent(_) | Part::Gap { .. } => None,
            })
            .collect();
        let level = runs.first()?.name.level;
        let same = runs.len() == MERGED_RUNS && runs.iter().all(|run| run.name.level == level);
        (same && level < LEVEL_MAX).then_some(runs)
    })
}

/// Why a step was not done.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The records could not be read.
    Read(ReadError),
    /// The index file could not be written.
    Write(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::Write(reason) => f.write_str(reason),
        }
    }
}

impl From<Failure> for OpenError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Read(error) => error.into(),
            Failure::Write(reason) => {
                let act = "bring the index up to date".to_owned();
                Self::Io { act, source: io::Error::other(reason) }
            }
        }
    }
}

fn perform(shared: &Shared, step: Step) -> Result<(), Failure> {
    match step {
        Step::Fill { first, last } => {
            let view = shared.view();
            let until = last.min(first + view.recent_records - 1);
            let segments = view.segments;
            let recent = index_range(&segments, shared.hasher, first, until).map_err(Failure::Read)?;
            let mut filled = vec![Part::Recent(Arc::new(recent))];
            if until < last {
                filled.push(Part::Gap { first: until + 1, last });
            }
            replace(shared, first, last, filled);
            discard_runs(&*shared.disk, first, last);
        }
        Step::Write(recent) => match write_recent(&*shared.disk, &shared.store_id, &recent) {
            Ok(run) => replace(shared, recent.first(), recent.last(), vec![Part::Run(Arc::new(run))]),
            Err(error) => return refused(shared, error),
        },
        Step::Merge(runs) => match merge_runs(&*shared.disk, &shared.store_id, &runs) {
            Ok(run) => {
                replace(shared, run.name.first, run.name.last, vec![Part::Run(Arc::new(run))]);
                for run in runs {
                    remove_run(&*shared.disk, &run);
                }
            }
            Err(error) => return refused(shared, error),
        },
    }
    Ok(())
}

/// A damaged run is set aside, so that the next step indexes its records again.
fn refused(shared: &Shared, error: WriteRunError) -> Result<(), Failure> {
    match error {
        WriteRunError::Io(error) => Err(Failure::Write(describe(&error))),
        WriteRunError::Damaged(damaged) => {
            shared.set_aside(&damaged);
            Ok(())
        }
    }
}

/// Puts parts in the place of those that cover these positions.
fn replace(shared: &Shared, first: u64, last: u64, with: Vec<Part>) {
    shared.change_parts(|parts| {
        let start = parts.partition_point(|part| part.first() < first);
        let end = parts.partition_point(|part| part.first() <= last);
        parts.splice(start..end, with);
    });
}

/// Removes the files of runs that were to cover some of these positions and turned out missing or damaged:
/// found again at the next opening, they would be preferred to what was made in their place.
fn discard_runs(disk: &dyn Disk, first: u64, last: u64) {
    let Ok(files) = disk.list(FOLDER) else { return };
    let damaged = files.iter().filter_map(|file| RunName::parse(file));
    for name in damaged.filter(|name| name.first <= last && first <= name.last) {
        if let Err(error) = disk.remove(&name.path()) {
            tracing::debug!(%error, file = name.path(), "a damaged index file was not removed");
        }
    }
}

/// Removes a run's file. Whoever has it open keeps it; a file that stays is found at the next opening.
fn remove_run(disk: &dyn Disk, run: &Run) {
    if let Err(error) = disk.remove(&run.name.path()) {
        tracing::debug!(%error, file = run.name.path(), "a merged index file was not removed");
    }
}
