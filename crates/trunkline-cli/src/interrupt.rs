//! Ctrl-C, and what a service manager sends to stop a process: noticed, so that a command can end cleanly.

use trunkline::messages::{Stop, Stopper};
use trunkline_ops::Exit;

/// Begins to listen: from here on a signal doesn't end the process by itself. The first request is passed on;
/// a second one, from somebody who won't wait, ends the process at once, which a store survives.
pub(crate) fn listen() -> Stop {
    let (stopper, stop) = Stopper::new();
    let signals = Signals::caught();
    tokio::spawn(async move {
        let mut signals = signals;
        signals.next().await;
        stopper.stop();
        signals.next().await;
        std::process::exit(Exit::Interrupted.code().into());
    });
    stop
}

/// What a terminal and a service manager send.
#[cfg(unix)]
struct Signals([Option<tokio::signal::unix::Signal>; 2]);

#[cfg(unix)]
impl Signals {
    /// Where a signal cannot be caught, it ends the process as it always did.
    fn caught() -> Self {
        use tokio::signal::unix::{SignalKind, signal};

        Self([SignalKind::interrupt(), SignalKind::terminate()].map(|kind| signal(kind).ok()))
    }

    async fn next(&mut self) {
        let [interrupt, terminate] = &mut self.0;
        tokio::select! {
            () = received(interrupt) => {}
            () = received(terminate) => {}
        }
    }
}

#[cfg(unix)]
async fn received(signal: &mut Option<tokio::signal::unix::Signal>) {
    let received = match signal {
        Some(signal) => signal.recv().await,
        None => None,
    };
    if received.is_none() {
        std::future::pending::<()>().await;
    }
}

/// What a terminal sends.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn caught() -> Self {
        Self
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
