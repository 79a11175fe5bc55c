//! A rehearsal: the application's handlers, sagas and projections over a store of its own, of which nothing is kept.

use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt as _;
#[cfg(feature = "sqlite")]
use serde_json::{Map, Value};
use trunkline_core::RecordedEvent;
use trunkline_store::{AllRead, EventStore};

use super::App;
use crate::command::Bus;
use crate::saga::{Played, PlayedSagas};
use crate::{CommandRequest, DispatchError, Outcome};

/// An application that is tried over a store of its own: for tests by given, when and then.
///
/// Commands pass no middleware, messages of sagas go nowhere, and rows are made in memory.
pub struct Rehearsal<'a> {
    #[cfg(feature = "sqlite")]
    app: &'a App,
    store: Arc<dyn EventStore>,
    bus: Bus,
    sagas: PlayedSagas<'a>,
}

impl App {
    /// Tries the application over another store.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::Arc;
    /// use trunkline::{App, MemoryStore};
    ///
    /// let app = App::builder().store(MemoryStore::new()).build().await?;
    /// let rehearsal = app.rehearse(Arc::new(MemoryStore::new()));
    /// # drop(rehearsal);
    /// # Ok(())
    /// # }
    /// ```
    pub fn rehearse(&self, store: Arc<dyn EventStore>) -> Rehearsal<'_> {
        let bus = self.bus.over(Arc::clone(&store));
        Rehearsal {
            #[cfg(feature = "sqlite")]
            app: self,
            store,
            bus,
            sagas: PlayedSagas::new(self.sagas.routes()),
        }
    }
}

impl Rehearsal<'_> {
    /// The store that it is tried over.
    pub fn store(&self) -> &Arc<dyn EventStore> {
        &self.store
    }

    /// Does what a command asks for.
    pub async fn dispatch(&self, request: &CommandRequest) -> Result<Outcome, DispatchError> {
        self.bus.dispatch(request).await
    }

    /// The stream that a command is for, where its handler can say that before deciding; why not, where it can't.
    pub fn stream_of(&self, request: &CommandRequest) -> Result<String, String> {
        match self.bus.stream_of(request)? {
            Some(stream) => Ok(stream.as_str().to_owned()),
            None => Err(format!("the stream of {} is not known; name it", request.name)),
        }
    }

    /// What the sagas make of the events of the store that they have not seen.
    pub async fn play(&mut self) -> Result<Played, String> {
        let events = self.store.read_all(AllRead::after(self.sagas.read_to()));
        let events: Vec<RecordedEvent> = events.try_collect().await.map_err(|error| error.to_string())?;
        self.sagas.play(&events)
    }

    /// What the sagas do while so much time passes: each timer runs out at its own time.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::Arc;
    /// use std::time::Duration;
    /// use trunkline::{App, MemoryStore};
    ///
    /// let app = App::builder().store(MemoryStore::new()).build().await?;
    /// let mut rehearsal = app.rehearse(Arc::new(MemoryStore::new()));
    /// assert!(rehearsal.pass(Duration::from_secs(30))?.sends.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn pass(&mut self, time: Duration) -> Result<Played, String> {
        self.sagas.pass(time)
    }

    /// The rows of a table after all events of the store.
    #[cfg(feature = "sqlite")]
    pub async fn rows(&self, table: &str) -> Result<Vec<Map<String, Value>>, String> {
        self.app.projections.tried(&*self.store, table).await
    }
}

impl std::fmt::Debug for Rehearsal<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rehearsal").field("store", &self.store).finish_non_exhaustive()
    }
}
