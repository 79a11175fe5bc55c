//! An open message queue, and how it is opened.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use trunkline_queue::{Keep, MessageQueue, OpenError};

use super::store::Close;
use super::{Access, DsnError, Place};

/// How a message queue is opened.
///
/// A backend takes what it has a use for.
#[derive(Clone, Debug)]
pub struct OpenQueueOptions {
    /// Who opens it, as the error of others says that want to.
    pub owner: String,
    /// Whether to make it when there is none.
    pub create: bool,
    /// What it is opened for: who only reads changes nothing of it, and needs no right to.
    pub access: Access,
    /// How long dead letters are kept.
    pub dead_letter_ttl: Duration,
}

impl Default for OpenQueueOptions {
    fn default() -> Self {
        let owner = format!("process {}", std::process::id());
        let dead_letter_ttl = Keep::default().dead_letter_age;
        Self { owner, create: true, access: Access::Append, dead_letter_ttl }
    }
}

/// An open message queue.
pub struct OpenQueue {
    /// To publish, receive and operate.
    pub queue: Arc<dyn MessageQueue>,
    rolled_back_bytes: u64,
    close: Option<Close>,
}

/// Why a message queue could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenQueueError {
    /// Its DSN is none.
    #[error("the queue's DSN: {error}; {}", .error.hint())]
    Dsn {
        /// What is wrong with it.
        error: DsnError,
    },
    /// It could not be opened.
    #[error("the message queue {place} can't be opened: {source}")]
    Open {
        /// Which queue, and what named it.
        place: Box<Place>,
        /// Why.
        source: OpenError,
    },
}

impl OpenQueue {
    /// A queue that needs nothing when it is closed.
    pub fn new(queue: impl MessageQueue) -> Self {
        Self { queue: Arc::new(queue), rolled_back_bytes: 0, close: None }
    }

    /// How many bytes were rolled back when it was opened.
    #[must_use]
    pub fn with_rolled_back(mut self, bytes: u64) -> Self {
        self.rolled_back_bytes = bytes;
        self
    }

    /// What is done to close it.
    #[must_use]
    pub fn closed_by<F>(mut self, close: impl FnOnce() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.close = Some(Box::new(move || Box::pin(close())));
        self
    }

    /// How many bytes of a commit that was cut off were rolled back when the queue was opened.
    pub fn rolled_back_bytes(&self) -> u64 {
        self.rolled_back_bytes
    }

    /// Closes the queue, which confirms what was done; another process may open it then.
    pub async fn close(self) {
        let Self { queue, close, .. } = self;
        drop(queue);
        if let Some(close) = close {
            close().await;
        }
    }
}

impl fmt::Debug for OpenQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenQueue")
            .field("rolled_back_bytes", &self.rolled_back_bytes)
            .finish_non_exhaustive()
    }
}
