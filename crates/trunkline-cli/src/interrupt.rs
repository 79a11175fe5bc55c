//! Ctrl-C, and what a service manager sends to stop a process: noticed, so that a command can end cleanly.

use tokio::sync::watch;

use crate::exit::Exit;

/// Tells whether the command was asked to stop.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// Begins to listen. The first request is passed on; a second one, from somebody who won't wait, ends the
    /// process at once, which a store survives.
    pub(crate) fn listen() -> Self {
        let (sender, receiver) = watch::channel(false);
        tokio::spawn(async move {
            requested().await;
            // Without a receiver the command is over, and there is nobody to tell.
            let _ = sender.send(true);
            requested().await;
            std::process::exit(Exit::Interrupted.code().into());
        });
        Self(receiver)
    }

    /// Whether the request has come.
    pub(crate) fn came(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for the request.
    pub(crate) async fn wait(&mut self) {
        if self.0.wait_for(|came| *came).await.is_err() {
            // Nobody listens any more, so it never comes.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(unix)]
async fn requested() {
    use tokio::signal::unix::{SignalKind, signal};

    // Where a handler cannot be installed, the signal ends the process as it always did.
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn requested() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
