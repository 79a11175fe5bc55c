//! That a part of the application has done something: for who waits until everything is at rest.

use std::time::Duration;

use tokio::sync::watch;

/// How long is waited at most before one looks again: what other processes do causes no notice here.
const LOOKED: Duration = Duration::from_millis(100);

/// How much that moves at the same time is looked at once: a busy application moves thousands of times a second.
const GATHERED: Duration = Duration::from_millis(1);

/// Gives notice that a part has done something.
#[derive(Clone, Debug)]
pub(crate) struct Activity(watch::Sender<()>);

impl Default for Activity {
    fn default() -> Self {
        Self(watch::Sender::new(()))
    }
}

impl Activity {
    /// A part has moved: read further, finished a message, published.
    pub(crate) fn notify(&self) {
        self.0.send_replace(());
    }

    /// Who looks on from now.
    pub(crate) fn watch(&self) -> Watcher {
        Watcher(self.0.subscribe())
    }
}

/// Waits for something to move.
pub(crate) struct Watcher(watch::Receiver<()>);

impl Watcher {
    /// Whether something may have moved since it was waited for last: at once when there was notice of it, soon when not.
    pub(crate) async fn moved(&mut self) {
        if tokio::time::timeout(LOOKED, self.0.changed()).await.is_ok() {
            tokio::time::sleep(GATHERED).await;
            self.0.mark_unchanged();
        }
    }
}
