//! What an application stands on: its store is opened here, its queue and read databases when they are first needed.
//!
//! The command line, programs and servers come through here alike.

use std::sync::Arc;

use trunkline_queue::MessageQueue;
use trunkline_store::EventStore;
use trunkline_store::derived::{Checkpoints, DerivedHome, SnapshotStore};

use super::builder::OpenIndex;
use super::queue::AppQueue;
use super::{BuildError, Settings};
use crate::backend::{
    Access, Backends, OpenQueueOptions, OpenStore, OpenStoreError, OpenStoreOptions, Place, Role,
};
use crate::projection::Reach;

/// How an application opens what it stands on.
///
/// ```
/// use trunkline::{Access, App, Backends, Opening, Role};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let dsn = format!("log:{}", folder.path().join("events").display());
/// let place = Backends::standard().find(Role::Events, Some(&dsn), None, |_| None)?;
/// let opening = Opening { owner: Some("the shop".to_owned()), events: Some(place), ..Opening::default() };
/// let shop = App::builder().opening(opening.clone()).build().await?;
/// // Beside it, and changing nothing:
/// let onlooker = App::builder().opening(Opening { access: Access::Read, ..opening }).build().await?;
/// # shop.close().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Opening {
    /// Who opens the store and the queue, as the error of others says that want to.
    pub owner: Option<String>,
    /// What the store is opened for. Who only reads keeps nothing beside it: snapshots are in memory, and so is the
    /// index of sagas, which begins as a copy of the one that is kept there.
    pub access: Access,
    /// Events are kept here rather than where the file or the environment says.
    pub events: Option<Place>,
    /// Messages wait here rather than where the file or the environment says.
    pub messages: Option<Place>,
    /// Read models are kept here rather than where the file or the environment says.
    pub read_models: Option<Place>,
    /// Whether read models and messages are only looked at: nothing is made or changed anywhere, and no right to write is
    /// needed. What projections have yet to apply stays so.
    pub looks: bool,
}

/// What the program supplies itself.
pub(super) struct Supplied {
    pub(super) store: Option<Arc<dyn EventStore>>,
    pub(super) queue: Option<Arc<dyn MessageQueue>>,
    pub(super) checkpoints: Option<Arc<dyn Checkpoints>>,
    pub(super) snapshots: Option<Arc<dyn SnapshotStore>>,
    pub(super) saga_index: Option<OpenIndex>,
}

/// What an application stands on, found or opened.
pub(super) struct Resources {
    pub(super) store: Arc<dyn EventStore>,
    /// The store, when it was opened here.
    pub(super) opened: Option<Arc<OpenStore>>,
    pub(super) queue: AppQueue,
    pub(super) read_models: Place,
    pub(super) reach: Reach,
    pub(super) home: DerivedHome,
}

/// Finds all places, and opens the event store.
pub(super) async fn open(
    supplied: Supplied,
    opening: Opening,
    backends: &Backends,
    settings: &Settings,
) -> Result<Resources, BuildError> {
    let Opening { owner, access, events, messages, read_models, looks } = opening;
    let (derived_access, reach) = match (looks, access) {
        (true, _) => (Access::Read, Reach::Looks),
        (false, Access::Read) => (Access::Append, Reach::AsFarAsAllowed),
        (false, Access::Append) => (Access::Append, Reach::Writes),
    };
    let Settings { event_store, message_queue, .. } = settings;
    let wrong = |error| BuildError::Dsn { error };
    let events = match (&supplied.store, events) {
        (Some(_), _) => None,
        (None, Some(place)) => Some(place),
        (None, None) => {
            let named = event_store.dsn.as_deref();
            Some(backends.find(Role::Events, None, named, |name| std::env::var_os(name)).map_err(wrong)?)
        }
    };
    let dsn = events.as_ref().map(|place| &place.dsn);
    let beside =
        |role, file: Option<&str>| backends.find_beside(role, dsn, None, file, |name| std::env::var_os(name));
    let read_models = match read_models {
        Some(place) => place,
        None => beside(Role::ReadModels, settings.read_db.as_deref()).map_err(wrong)?,
    };
    let home = dsn.map_or_else(DerivedHome::memory, |dsn| backends.home(dsn, access));
    let queue = if let Some(queue) = supplied.queue {
        AppQueue::Supplied(queue)
    } else {
        // Not an error yet: an application without messages needs no queue.
        let place = messages.map_or_else(|| beside(Role::Messages, message_queue.dsn.as_deref()), Ok);
        let mut options = OpenQueueOptions { access: derived_access, ..OpenQueueOptions::default() };
        if let Some(owner) = &owner {
            owner.clone_into(&mut options.owner);
        }
        if let Some(ttl) = message_queue.dead_letter_ttl {
            options.dead_letter_ttl = ttl;
        }
        AppQueue::found(backends.clone(), place, options)
    };
    let (store, opened) = match (supplied.store, events) {
        (Some(store), _) => (store, None),
        (None, None) => unreachable!("a store that was not given has a place"),
        (None, Some(place)) => {
            let mut options = OpenStoreOptions {
                access,
                segment_bytes: event_store.segment_bytes,
                sync: !event_store.never_sync,
                ..OpenStoreOptions::default()
            };
            if let Some(owner) = owner {
                options.owner = owner;
            }
            if event_store.never_sync {
                tracing::warn!(%place, "sync is \"never\": a power cut loses events that were acknowledged");
            }
            let opened = backends.open_events(&place, options).await.map_err(BuildError::from)?;
            (Arc::clone(&opened.store), Some(Arc::new(opened)))
        }
    };
    let home = DerivedHome {
        checkpoints: supplied.checkpoints.unwrap_or(home.checkpoints),
        snapshots: supplied.snapshots.unwrap_or(home.snapshots),
        saga_index: supplied.saga_index.map_or(home.saga_index, |open| open(access)),
        cause_index: home.cause_index,
    };
    Ok(Resources { store, opened, queue, read_models, reach, home })
}

impl From<OpenStoreError> for BuildError {
    fn from(error: OpenStoreError) -> Self {
        match error {
            OpenStoreError::Dsn { error } => Self::Dsn { error },
            OpenStoreError::Open { place, source } => Self::Open { place, source },
        }
    }
}
