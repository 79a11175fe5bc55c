//! The message queue of an application: opened once, by whoever needs it first.

use std::sync::Arc;

use tokio::sync::OnceCell;
use trunkline_queue::MessageQueue;

use crate::backend::{Backends, DsnError, OpenQueue, OpenQueueError, OpenQueueOptions, Place};

/// Where an application's messages wait.
pub(super) enum AppQueue {
    /// In a queue that the program supplied, and closes itself.
    Supplied(Arc<dyn MessageQueue>),
    /// At a place.
    Found(Box<Found>),
}

/// A queue that is opened when it is first needed.
pub(super) struct Found {
    backends: Backends,
    place: Result<Place, DsnError>,
    options: OpenQueueOptions,
    opened: OnceCell<OpenQueue>,
}

impl AppQueue {
    /// The queue of a place, as far as one was found.
    pub(super) fn found(
        backends: Backends,
        place: Result<Place, DsnError>,
        options: OpenQueueOptions,
    ) -> Self {
        Self::Found(Box::new(Found { backends, place, options, opened: OnceCell::new() }))
    }

    /// Where the queue is, and what named it; none for one that the program supplied.
    pub(super) fn place(&self) -> Result<Option<Place>, DsnError> {
        match self {
            Self::Supplied(_) => Ok(None),
            Self::Found(found) => found.place.clone().map(Some),
        }
    }

    /// The queue; those who need it first at the same time share the opening.
    pub(super) async fn open(&self) -> Result<Arc<dyn MessageQueue>, OpenQueueError> {
        match self {
            Self::Supplied(queue) => Ok(Arc::clone(queue)),
            Self::Found(found) => {
                let opened = found.opened.get_or_try_init(|| found.open()).await?;
                Ok(Arc::clone(&opened.queue))
            }
        }
    }

    /// Closes the queue, if it was opened here.
    pub(super) async fn close(self) {
        if let Self::Found(found) = self
            && let Some(open) = found.opened.into_inner()
        {
            open.close().await;
        }
    }
}

impl Found {
    async fn open(&self) -> Result<OpenQueue, OpenQueueError> {
        let place = self.place.as_ref().map_err(|error| OpenQueueError::Dsn { error: error.clone() })?;
        let open = self.backends.open_messages(place, self.options.clone()).await?;
        if open.rolled_back_bytes() > 0 {
            let bytes = open.rolled_back_bytes();
            tracing::warn!(%place, bytes, "a commit of the queue that was cut off has been rolled back");
        }
        Ok(open)
    }
}
