//! Snapshots: states that were made of a stream's first events, so that they needn't be made again.
//!
//! A snapshot is never the truth. It names its version, the event there, and the revision of what made it, and
//! counts only while all three are as they were; else it costs the time of looking at it.
//! All of them may be removed at any time. They are written by a thread of their own, so that no command waits
//! for one, and one that can't be written is not.
//!
//! `fold` makes a state of a snapshot and the events behind it, `shelf` is where snapshots are kept.

mod fold;
mod shelf;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use trunkline_core::{Decider, EventId, StreamName, Version};
use uuid::Uuid;

pub(crate) use fold::fold;
pub use fold::{Folded, SnapshotPlan};
use shelf::{MemoryShelf, Shelf, SqliteShelf};

/// How many snapshots may wait to be written; further ones are not.
const WAITING_MAX: usize = 256;

/// A [`Decider`] whose states can be kept, so that long streams are not read from their beginning each time.
///
/// ```
/// # use std::borrow::Cow;
/// # use serde::{Deserialize, Serialize};
/// # use trunkline::{App, Command, Decider, Event, MemoryStore, Snapshot};
/// # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
/// # enum LampEvent { SwitchedOn {} }
/// # #[derive(Debug, Serialize, Deserialize, Command)]
/// # enum LampCommand { SwitchOn { lamp: String } }
/// # struct Lamp;
/// # impl Decider for Lamp {
/// #     const AGGREGATE: &'static str = "lamp";
/// #     type State = bool;
/// #     type Command = LampCommand;
/// #     type Event = LampEvent;
/// #     type Rejection = &'static str;
/// #     fn id(LampCommand::SwitchOn { lamp }: &LampCommand) -> Cow<'_, str> { lamp.into() }
/// #     fn initial() -> bool { false }
/// #     fn decide(_: &bool, _: LampCommand) -> Result<Vec<LampEvent>, &'static str> { Ok(vec![]) }
/// #     fn evolve(_: bool, _: &LampEvent) -> bool { true }
/// # }
/// impl Snapshot for Lamp {
///     const REVISION: u32 = 1;
/// }
/// let app = App::builder().store(MemoryStore::new()).decider_with_snapshots::<Lamp>().build()?;
/// # Ok::<(), trunkline::BuildError>(())
/// ```
pub trait Snapshot: Decider<State: Serialize + DeserializeOwned> {
    /// Stands for the state's type and for `evolve`: raise it whenever one of them changes, since a state that
    /// was made otherwise would be taken for today's.
    const REVISION: u32;

    /// How many events lie between two snapshots of a stream.
    const EVERY: u64 = 100;
}

/// What made a state: its rules, its types, what old events become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revision([u8; 16]);

impl Revision {
    /// The revision of a text that says everything that the state depends on.
    pub fn of(text: &str) -> Self {
        Self(*Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes()).as_bytes())
    }
}

/// A state, and where it was made.
#[derive(Clone, Debug, PartialEq)]
struct Kept {
    revision: Revision,
    version: Version,
    event_id: EventId,
    state: Bytes,
}

/// The snapshots of an application.
pub(crate) struct Snapshots {
    shelf: Arc<dyn Shelf>,
    /// None once they are being dropped.
    waiting: Option<SyncSender<(StreamName, Kept)>>,
    writer: Option<JoinHandle<()>>,
}

impl Snapshots {
    /// Snapshots that last as long as the application.
    pub(crate) fn memory() -> Self {
        Self::on(Arc::new(MemoryShelf::default()))
    }

    /// Snapshots in a file, which is made anew when it can't be read.
    pub(crate) fn open(path: &Path) -> Self {
        match SqliteShelf::open(path) {
            Ok(shelf) => Self::on(Arc::new(shelf)),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "snapshots can't be kept there; streams are read in full after a restart");
                Self::memory()
            }
        }
    }

    fn on(shelf: Arc<dyn Shelf>) -> Self {
        let (waiting, offered) = sync_channel(WAITING_MAX);
        let keeper = Arc::clone(&shelf);
        let write = move || offered.into_iter().for_each(|(stream, kept)| keeper.keep(&stream, kept));
        // Without a thread nothing is kept, which costs time and nothing else.
        let writer = std::thread::Builder::new().name("snapshots".to_owned()).spawn(write).ok();
        Self { shelf, waiting: Some(waiting), writer }
    }

    fn find(&self, stream: &StreamName, revision: Revision) -> Option<Kept> {
        self.shelf.find(stream).filter(|kept| kept.revision == revision)
    }

    /// Keeps it some time soon, or not at all when too many wait.
    fn offer(&self, stream: &StreamName, kept: Kept) {
        if let Some(waiting) = &self.waiting {
            let _ = waiting.try_send((stream.clone(), kept));
        }
    }
}

/// What waits is still written.
impl Drop for Snapshots {
    fn drop(&mut self) {
        drop(self.waiting.take());
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has kept less than it might have.
            let _ = writer.join();
        }
    }
}

impl std::fmt::Debug for Snapshots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshots").finish_non_exhaustive()
    }
}
