//! Projections over state of the program's own: a search index, a file, a cache, a database that Trunkline doesn't know.
//!
//! The trait is here, `state` is what the runner meets of such state.

mod state;

use std::error::Error;

use trunkline_core::RecordedEvent;

pub(super) use state::OwnState;
pub(crate) use state::OwnStates;

use crate::messages::Checkpoint;

/// A projection over state of the program's own.
///
/// The runner is that of all projections: events in the order of the log, in batches, from the checkpoint on; it waits
/// for new ones, is waited for, paused and replayed like any other, and stops in sight of all at what can't be applied.
///
/// How often an event is applied is up to where the checkpoint is kept, which [`kept`](Self::kept) says:
///
/// - [`Kept::Within`]: [`apply`](Self::apply) keeps the checkpoint with the state, together or not at all. Whenever the
///   process is killed, each event is applied **exactly once**.
/// - [`Kept::Beside`]: the application keeps it in its [`Checkpoints`](crate::messages::Checkpoints), after `apply` has
///   returned. A process that is killed in between applies the last batch again: **at least once**, so that applying an
///   event twice must do no harm.
///
/// ```
/// use std::collections::BTreeMap;
/// use std::sync::{Arc, Mutex};
/// use std::time::Duration;
///
/// use trunkline::messages::Checkpoint;
/// use trunkline::{App, Append, Expected, Kept, MemoryStore, NewEvent, RecordedEvent, StateError, StateProjection};
///
/// /// How many events each stream has, and how far that has come: one value behind one lock, so both change together.
/// #[derive(Clone, Default)]
/// struct Counts(Arc<Mutex<(BTreeMap<String, u64>, Option<Checkpoint>)>>);
///
/// impl StateProjection for Counts {
///     fn event_types(&self) -> &[&str] {
///         &["Opened"]
///     }
///
///     fn apply(&self, events: &[RecordedEvent], reached: &Checkpoint) -> Result<(), StateError> {
///         let mut state = self.0.lock().map_err(|_| "a thread has panicked")?;
///         for event in events {
///             *state.0.entry(event.stream().to_owned()).or_default() += 1;
///         }
///         state.1 = Some(*reached);
///         Ok(())
///     }
///
///     fn kept(&self) -> Result<Kept, StateError> {
///         Ok(Kept::Within(self.0.lock().map_err(|_| "a thread has panicked")?.1))
///     }
///
///     fn empty(&self) -> Result<(), StateError> {
///         *self.0.lock().map_err(|_| "a thread has panicked")? = Default::default();
///         Ok(())
///     }
/// }
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let database = trunkline::sql::SqliteReadDatabase::memory()?;
/// let counts = Counts::default();
/// let app = App::builder()
///     .store(MemoryStore::new())
/// #   .read_database(Arc::new(database))
///     .state_projection("counts", counts.clone())
///     .build()
///     .await?;
/// let opened = NewEvent::json("Opened", "{}")?;
/// app.store().append(Append::to("door-1".parse()?, Expected::Any).event(opened)).await?;
/// app.projections().catch_up(Duration::from_secs(10)).await?;
/// assert_eq!(counts.0.lock().unwrap().0["door-1"], 1);
/// # Ok(())
/// # }
/// ```
pub trait StateProjection: Send + Sync + 'static {
    /// The types of the events that it wants.
    fn event_types(&self) -> &[&str];

    /// Applies events in order; then the state stands at `reached`, which may be further on than the last of them, and
    /// there may be none of them.
    ///
    /// It is called on a thread for that, and may block. When it fails, nothing of it must be kept, or
    /// what was must do no harm when it is applied again: the events are given once more, one by one, and the first
    /// that fails stops the projection.
    fn apply(&self, events: &[RecordedEvent], reached: &Checkpoint) -> Result<(), StateError>;

    /// Where the checkpoint is kept; asked whenever the projection begins to run.
    fn kept(&self) -> Result<Kept, StateError> {
        Ok(Kept::Beside)
    }

    /// Makes the state as it is before the first event, and forgets a checkpoint that is kept within, together or not
    /// at all: for a replay.
    fn empty(&self) -> Result<(), StateError>;
}

/// Where a [`StateProjection`] has its checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// With the state, which this is; none before the first event.
    Within(Option<Checkpoint>),
    /// In the application's [`Checkpoints`](crate::messages::Checkpoints).
    Beside,
}

/// Why a [`StateProjection`] could not do something. Any error becomes one by `?`.
#[derive(Debug)]
pub struct StateError {
    /// What happened.
    pub error: Box<dyn Error + Send + Sync>,
    /// Whether the same may work later, without anybody's doing: then it is tried again.
    pub passing: bool,
}

impl StateError {
    /// An error that passes: a server that can't be reached, a lock that another process has.
    pub fn passing(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { error: error.into(), passing: true }
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for StateError {
    fn from(error: E) -> Self {
        Self { error: error.into(), passing: false }
    }
}
