//! Ctrl-C, and what a service manager sends: noticed, so that what was made on disk is removed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::failure::{Failure, Result};

/// Tells whether the run was asked to stop. Everything that loops looks at it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Begins to listen.
    pub(crate) fn listen(runtime: &Runtime) -> Self {
        let interrupt = Self::default();
        for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
            let came = Arc::clone(&interrupt.0);
            runtime.spawn(async move {
                // Where a signal cannot be caught, it ends the process as it always did.
                let Ok(mut signal) = signal(kind) else { return };
                while signal.recv().await.is_some() {
                    came.store(true, Ordering::Relaxed);
                }
            });
        }
        interrupt
    }

    pub(crate) fn came(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Ends what is going on, if the user asked for it.
    pub(crate) fn check(&self) -> Result<()> {
        if self.came() { Err(Failure::Interrupted) } else { Ok(()) }
    }
}
