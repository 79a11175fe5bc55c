//! The message queue of an application: opened once, by whoever needs it first.

use std::sync::{Arc, Mutex, PoisonError};

use trunkline_queue::MessageQueue;

use crate::place::{OpenQueue, OpenQueueError, OpenQueueOptions, QueueDsnError, QueuePlace};

/// Where an application's messages wait.
pub(super) enum AppQueue {
    /// In a queue that the program supplied, and closes itself.
    Given(Arc<dyn MessageQueue>),
    /// At a place, or where the file or the environment says.
    Found { place: Option<QueuePlace>, file: Option<String>, options: OpenQueueOptions, opened: Slot },
}

/// The queue, once it is open.
pub(super) type Slot = Mutex<Option<OpenQueue>>;

impl AppQueue {
    /// Where the queue is, and who said so; none for one that the program supplied.
    pub(super) fn place(&self) -> Result<Option<QueuePlace>, QueueDsnError> {
        match self {
            Self::Given(_) => Ok(None),
            Self::Found { place: Some(place), .. } => Ok(Some(place.clone())),
            Self::Found { file, .. } => {
                QueuePlace::find(None, file.as_deref(), |name| std::env::var_os(name)).map(Some)
            }
        }
    }

    pub(super) fn open(&self) -> Result<Arc<dyn MessageQueue>, OpenQueueError> {
        let place = self.place().map_err(|error| OpenQueueError::Dsn { error })?;
        let (options, opened, place) = match (self, place) {
            (Self::Given(queue), _) => return Ok(Arc::clone(queue)),
            (Self::Found { .. }, None) => unreachable!("a queue that was not supplied has a place"),
            (Self::Found { options, opened, .. }, Some(place)) => (options, opened, place),
        };
        let mut opened = opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = &*opened {
            return Ok(Arc::clone(&open.queue));
        }
        let open = OpenQueue::open(&place, options.clone())?;
        if open.rolled_back_bytes() > 0 {
            let bytes = open.rolled_back_bytes();
            tracing::warn!(%place, bytes, "a commit of the queue that was cut off has been rolled back");
        }
        let queue = Arc::clone(&open.queue);
        *opened = Some(open);
        Ok(queue)
    }

    /// Closes the queue, if it was opened here.
    pub(super) async fn close(self) {
        if let Self::Found { opened, .. } = self
            && let Some(open) = opened.into_inner().unwrap_or_else(PoisonError::into_inner)
        {
            open.close().await;
        }
    }
}
