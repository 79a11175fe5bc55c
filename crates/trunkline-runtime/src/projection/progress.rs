//! What others see of a projection at work.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::watch;
use trunkline_core::Position;

use super::ProjectionError;
use crate::follow::Backlog;

/// What a projection is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProjectionState {
    /// It doesn't run here.
    #[default]
    Idle,
    /// It applies events that came before.
    CatchingUp,
    /// It has applied all events, and waits for the next.
    Live,
    /// It fills a new generation beside the live one.
    Rebuilding,
    /// Something passing is in its way; it tries again.
    Retrying,
    /// It was paused, and stays where it is.
    Paused,
    /// It has stopped, and says why.
    Stopped,
}

impl ProjectionState {
    /// All of them.
    pub(super) const ALL: [Self; 7] = [
        Self::Idle,
        Self::CatchingUp,
        Self::Live,
        Self::Rebuilding,
        Self::Retrying,
        Self::Paused,
        Self::Stopped,
    ];

    /// As it is written in JSON and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::CatchingUp => "catching_up",
            Self::Live => "live",
            Self::Rebuilding => "rebuilding",
            Self::Retrying => "retrying",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
        }
    }
}

/// How a projection stands.
#[derive(Clone, Debug, Serialize)]
pub struct ProjectionStatus {
    /// Its name.
    pub name: String,
    /// What it is doing.
    pub state: ProjectionState,
    /// The generation that readers see; none before the first event.
    pub generation: Option<u64>,
    /// How far that generation has come.
    pub position: Position,
    /// How far the store has come.
    pub head: Position,
    /// Events from there to the head.
    pub lag_events: u64,
    /// How long ago the oldest event that is missing was recorded, in seconds; none when that event can't be read.
    pub lag_seconds: Option<f64>,
    /// Events a second, as last measured here.
    pub rate: Option<f64>,
    /// Events that were put aside.
    pub parked: u64,
    /// Whether the statements are others than those that made the rows.
    pub changed: bool,
    /// Whether it goes on only once its rows were built again: they are of other events or can't be read, or the file
    /// says to wait for an operator when the statements have changed.
    pub needs_rebuild: bool,
    /// Events after its position that are its own, as far as they are counted.
    #[serde(skip)]
    pub backlog: Backlog,
    /// Why it doesn't go on.
    pub error: Option<String>,
}

/// How a projection stands, as its runner reports it.
#[derive(Clone, Debug, Default)]
pub(super) struct Standing {
    pub(super) state: ProjectionState,
    /// How far the generation has come that readers see.
    pub(super) position: Position,
    pub(super) error: Option<ProjectionError>,
}

/// What a runner reports to all who look or wait.
pub(super) struct Progress {
    standing: watch::Sender<Standing>,
    /// How far the work has come, whether or not readers see it.
    reached: Arc<AtomicU64>,
    rate: Mutex<Rate>,
}

/// Rates are measured over this long at least.
const MEASURED: Duration = Duration::from_secs(1);

struct Rate {
    since: Instant,
    events: u64,
    last: Option<f64>,
}

impl Default for Progress {
    fn default() -> Self {
        let rate = Rate { since: Instant::now(), events: 0, last: None };
        Self {
            standing: watch::Sender::new(Standing::default()),
            reached: Arc::default(),
            rate: Mutex::new(rate),
        }
    }
}

impl Progress {
    /// The progress of work beside a projection: it reports how far it has come, and nothing of how the projection stands.
    pub(super) fn beside(progress: &Self) -> Self {
        Self { reached: Arc::clone(&progress.reached), ..Self::default() }
    }

    /// The work has come this far.
    pub(super) fn at(&self, position: Position) {
        self.reached.store(position.get(), Ordering::Relaxed);
    }

    pub(super) fn reached(&self) -> Position {
        Position::new(self.reached.load(Ordering::Relaxed))
    }

    pub(super) fn state(&self, state: ProjectionState) {
        self.standing.send_modify(|standing| {
            standing.state = state;
            if state != ProjectionState::Stopped && state != ProjectionState::Retrying {
                standing.error = None;
            }
        });
    }

    pub(super) fn failed(&self, state: ProjectionState, error: ProjectionError) {
        self.standing.send_modify(|standing| {
            standing.state = state;
            standing.error = Some(error);
        });
    }

    /// Readers see everything up to here.
    pub(super) fn visible(&self, position: Position) {
        self.standing.send_modify(|standing| standing.position = position);
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate is no exact number")]
    pub(super) fn applied(&self, events: usize) {
        let mut rate = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        rate.events += events as u64;
        let elapsed = rate.since.elapsed();
        if elapsed >= MEASURED {
            rate.last = Some(rate.events as f64 / elapsed.as_secs_f64());
            (rate.since, rate.events) = (Instant::now(), 0);
        }
    }

    pub(super) fn rate(&self) -> Option<f64> {
        self.rate.lock().unwrap_or_else(PoisonError::into_inner).last
    }

    pub(super) fn standing(&self) -> Standing {
        self.standing.borrow().clone()
    }

    /// Waits until readers see everything up to a position; fails as soon as that can't be, and says why.
    pub(super) async fn wait_for(&self, name: &str, position: Position) -> Result<(), ProjectionError> {
        let mut standing = self.standing.subscribe();
        let found = standing.wait_for(|standing| {
            standing.position >= position
                || matches!(standing.state, ProjectionState::Stopped | ProjectionState::Paused)
        });
        let standing = match found.await {
            Ok(standing) => standing.clone(),
            Err(_) => self.standing(),
        };
        if standing.position >= position {
            return Ok(());
        }
        Err(standing.error.unwrap_or_else(|| ProjectionError::Paused { name: name.to_owned() }))
    }
}
