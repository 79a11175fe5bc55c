//! Faults that a test makes a [`MemoryDisk`](super::MemoryDisk) have: which operation fails, and how.

use std::io;
use std::sync::{Mutex, MutexGuard};

/// A fault to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The operation that fails, counted from 0 over all that change something.
    pub at: u64,
    /// How it fails.
    pub kind: FaultKind,
}

/// How an operation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// It changes nothing and reports an input/output error; a sync forgets what it should have written.
    Error,
    /// A write changes some bytes and then reports an error, and anything else just reports it.
    Short,
    /// This and every later one that takes room reports a full disk, a write after changing some bytes.
    Full,
    /// This and every later one reports an error and changes nothing, as if the machine had stopped here.
    Stop,
}

/// What becomes of an operation that changes something.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It is done.
    Whole,
    /// Only so many bytes are written, then there is this error.
    Part(usize, io::Error),
}

impl Verdict {
    /// For operations without bytes.
    pub(super) fn whole(self) -> io::Result<()> {
        match self {
            Self::Whole => Ok(()),
            Self::Part(_, error) => Err(error),
        }
    }
}

/// The fault that is set, and the count of operations.
#[derive(Debug, Default)]
pub(super) struct Faults {
    state: Mutex<(u64, Option<Fault>)>,
}

impl Faults {
    fn state(&self) -> MutexGuard<'_, (u64, Option<Fault>)> {
        self.state.lock().expect("no code panics while it holds this lock")
    }

    pub(super) fn set(&self, fault: Option<Fault>) {
        self.state().1 = fault;
    }

    pub(super) fn operations(&self) -> u64 {
        self.state().0
    }

    /// Counts an operation and says how it fails, if it does.
    fn next(&self) -> Option<FaultKind> {
        let mut state = self.state();
        let number = state.0;
        state.0 += 1;
        let fault = state.1?;
        let lasting = matches!(fault.kind, FaultKind::Stop | FaultKind::Full);
        (number == fault.at || lasting && number > fault.at).then_some(fault.kind)
    }

    /// A write of so many bytes, or another change.
    pub(super) fn change(&self, bytes: usize) -> io::Result<Verdict> {
        match self.next() {
            None => Ok(Verdict::Whole),
            Some(FaultKind::Error | FaultKind::Stop) => Err(io::Error::other("injected failure")),
            Some(FaultKind::Short) => Ok(Verdict::Part(bytes / 2, io::Error::other("injected short write"))),
            Some(FaultKind::Full) => Ok(Verdict::Part(bytes / 3, io::ErrorKind::StorageFull.into())),
        }
    }

    /// A sync. A full disk doesn't keep written bytes from being synced.
    pub(super) fn sync(&self) -> io::Result<()> {
        match self.next() {
            None | Some(FaultKind::Full) => Ok(()),
            Some(_) => Err(io::Error::other("injected sync failure")),
        }
    }
}
