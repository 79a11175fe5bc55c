//! The message queue of an application: opened once, by whoever needs it first.

use std::sync::Arc;

use tokio::sync::{Mutex, OnceCell};
use tokio::task::{JoinError, JoinHandle};
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
    /// A task of its own: who goes away meanwhile leaves a queue that is half open to the next who needs it.
    opening: Mutex<Option<JoinHandle<Result<OpenQueue, OpenQueueError>>>>,
}

impl AppQueue {
    /// The queue of a place, as far as one was found.
    pub(super) fn found(
        backends: Backends,
        place: Result<Place, DsnError>,
        options: OpenQueueOptions,
    ) -> Self {
        let (opened, opening) = (OnceCell::new(), Mutex::default());
        Self::Found(Box::new(Found { backends, place, options, opened, opening }))
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
        let Self::Found(found) = self else { return };
        let Found { opened, opening, .. } = *found;
        if let Some(open) = opened.into_inner() {
            open.close().await;
        } else if let Some(opening) = opening.into_inner()
            && let Ok(Ok(open)) = opening.await
        {
            open.close().await;
        }
    }
}

impl Found {
    async fn open(&self) -> Result<OpenQueue, OpenQueueError> {
        let mut opening = self.opening.lock().await;
        let ended = opening.get_or_insert_with(|| self.begin()).await;
        *opening = None;
        match ended.map_err(JoinError::try_into_panic) {
            Ok(opened) => opened,
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            Err(Err(error)) => panic!("what opens the queue is not cancelled: {error}"),
        }
    }

    /// Begins to open it.
    fn begin(&self) -> JoinHandle<Result<OpenQueue, OpenQueueError>> {
        let (backends, place, options) = (self.backends.clone(), self.place.clone(), self.options.clone());
        tokio::spawn(async move {
            let place = place.map_err(|error| OpenQueueError::Dsn { error })?;
            let open = backends.open_messages(&place, options).await?;
            if open.rolled_back_bytes() > 0 {
                let bytes = open.rolled_back_bytes();
                tracing::warn!(%place, bytes, "a commit of the queue that was cut off has been rolled back");
            }
            Ok(open)
        })
    }
}
