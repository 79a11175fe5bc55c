//! The runtime that commands run on, or why this system gives them none.

use std::io;
use std::panic::{set_hook, take_hook};
use std::process;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use trunkline_core::SystemClock;
use trunkline_ops::OpsError;

use crate::failure::Failure;
use crate::output::{Format, Output};

/// How many threads a command may need besides the runtime's own: those of its store, its queue and its read models, and
/// those that wait for the disk.
const OTHERS: usize = 16;

/// Longer than any command runs.
const KEPT: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Starts a runtime with a worker for each core.
///
/// The command itself runs on the first thread, where reads of mapped files may take their time; meanwhile the
/// workers notice signals and timers, and run what a whole application does at the same time.
///
/// The runtime panics where it gets no thread, or waits for one for ever. So it is looked first whether there are enough,
/// and one for what blocks is started at once and kept.
pub(crate) fn start(format: Format) -> Result<Runtime, Failure> {
    if !SystemClock::is_set() {
        return Err(OpsError::Clock.into());
    }
    let workers = thread::available_parallelism().map_or(1, usize::from);
    try_threads(workers + OTHERS, |work| thread::Builder::new().spawn(work)).map_err(no_threads)?;
    // There were enough a moment ago. What the runtime has begun can't be ended where it panics.
    set_hook(Box::new(move |_| {
        let (mut data, mut talk) = (io::sink(), io::stderr());
        let failure = no_threads(io::Error::other("none was left for the runtime"));
        Output::new(format, false, &mut data, &mut talk).failure(&failure);
        process::exit(failure.exit().code().into());
    }));
    let runtime = Builder::new_multi_thread().enable_all().thread_keep_alive(KEPT).build();
    let started = runtime.inspect(|runtime| drop(runtime.spawn_blocking(|| ())));
    // The hook that there was before is the one that a program begins with.
    drop(take_hook());
    started.map_err(no_threads)
}

fn no_threads(source: io::Error) -> Failure {
    OpsError::Threads { source }.into()
}

/// What a thread does.
type Work = Box<dyn FnOnce() + Send>;

/// Starts so many threads that are there at the same time, and lets them end.
fn try_threads(count: usize, start: impl Fn(Work) -> io::Result<JoinHandle<()>>) -> io::Result<()> {
    let gate = Arc::new(Mutex::new(()));
    let closed = gate.lock().unwrap_or_else(PoisonError::into_inner);
    let mut threads = Vec::with_capacity(count);
    let started = (0..count).try_for_each(|_| {
        let gate = Arc::clone(&gate);
        threads.push(start(Box::new(move || drop(gate.lock())))?);
        Ok(())
    });
    drop(closed);
    for thread in threads {
        // It did nothing that could have panicked.
        let _ = thread.join();
    }
    started
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn threads_that_can_not_be_started_are_an_error() {
        let started = AtomicUsize::new(0);
        let limited = |work| {
            if started.fetch_add(1, Ordering::Relaxed) < 5 {
                thread::Builder::new().spawn(work)
            } else {
                Err(io::ErrorKind::WouldBlock.into())
            }
        };
        assert!(try_threads(5, limited).is_ok());
        assert_eq!(try_threads(5, limited).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }
}
