//! A thread that has something to itself, and does with it what async code asks for, one thing after the other.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc;
use std::thread;

use tokio::sync::oneshot;

use crate::DatabaseError;

/// What is to be done; tells whether the thread goes on after it.
type Job<S> = Box<dyn FnOnce(&mut S) -> bool + Send>;

/// The thread; it ends, and drops what it has, after this.
pub(super) struct Worker<S> {
    jobs: mpsc::Sender<Job<S>>,
    ended: oneshot::Receiver<()>,
}

impl<S: 'static> Worker<S> {
    /// Begins a thread that first makes what it has to itself.
    pub(super) async fn begin(
        name: String,
        make: impl FnOnce() -> Result<S, DatabaseError> + Send + 'static,
    ) -> Result<Self, DatabaseError> {
        let (jobs, asked) = mpsc::channel::<Job<S>>();
        let (opened, answer) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let work = move || {
            let mut state = match make() {
                Ok(state) => state,
                Err(error) => {
                    // Who asked may be gone.
                    let _ = opened.send(Err(error));
                    return;
                }
            };
            let mut goes_on = opened.send(Ok(())).is_ok();
            while goes_on && let Ok(job) = asked.recv() {
                goes_on = job(&mut state);
            }
            drop(state);
            let _ = end.send(());
        };
        let failed = |reason: String| DatabaseError::Lasting { doing: format!("start {name}"), reason };
        let spawned = thread::Builder::new().name(name.clone()).spawn(work);
        spawned.map_err(|error| failed(error.to_string()))?;
        answer.await.map_err(|_| failed("its thread panicked".to_owned()))??;
        Ok(Self { jobs, ended })
    }

    /// Has the thread do something, and gives what came of it; nothing when the thread has ended after a panic.
    ///
    /// What is begun is done to its end, also when nobody waits for it any more.
    ///
    /// # Panics
    ///
    /// When what it does panics.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut S) -> T + Send + 'static,
    ) -> Option<T> {
        let (done, answer) = oneshot::channel::<Result<T, Box<dyn Any + Send>>>();
        let job = move |state: &mut S| {
            let acted = catch_unwind(AssertUnwindSafe(|| act(state)));
            // What a panic left behind is dropped with the thread's end: a transaction is rolled back.
            let goes_on = acted.is_ok();
            let _ = done.send(acted);
            goes_on
        };
        self.jobs.send(Box::new(job)).ok()?;
        match answer.await.ok()? {
            Ok(came) => Some(came),
            Err(panic) => resume_unwind(panic),
        }
    }

    /// Ends the thread; what it had is dropped then.
    pub(super) async fn end(self) {
        drop(self.jobs);
        // One that panicked has ended, too.
        let _ = self.ended.await;
    }
}

impl<S> fmt::Debug for Worker<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").finish_non_exhaustive()
    }
}
