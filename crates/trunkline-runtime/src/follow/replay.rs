//! How what has happened already is read again: how much at a time, how fast, and by how many at once.

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::Bounds;

/// How what has happened already is read again: when a projection is rebuilt, replayed or verified, and when
/// projections, sagas and relays start in a process that stays, behind the end of the log.
///
/// Sagas and relays read so up to the end of the log as it is when they start, so that what comes meanwhile is not held
/// back; a projection, until it has come to the end. What brings projections to the head before a query, where nothing runs
/// them, is as fast as can be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplaySettings {
    /// How many events are read at a time; as many as suits each when nothing is said. Events of 8 MiB in all are read
    /// at a time at most.
    pub batch_size: Option<NonZeroUsize>,
    /// After how many events it is written down how far it has come, which is how much is done again at most after a
    /// crash; a projection commits its rows with it. As often as suits each when nothing is said.
    pub checkpoint_every: Option<NonZeroUsize>,
    /// How many events each of them reads in a second at most, so that the machine has time for others.
    pub events_per_second: Option<NonZeroU32>,
    /// How many projections read at the same time at most.
    pub parallel: Option<NonZeroUsize>,
}

/// The settings, for all of an application.
#[derive(Clone, Debug, Default)]
pub(crate) struct Replay {
    settings: ReplaySettings,
    slots: Option<Arc<Semaphore>>,
}

impl Replay {
    pub(crate) fn new(settings: ReplaySettings) -> Self {
        let slots = settings.parallel.map(|slots| Arc::new(Semaphore::new(slots.get())));
        Self { settings, slots }
    }

    /// Whether nothing is said.
    pub(super) fn is_usual(&self) -> bool {
        self.settings == ReplaySettings::default()
    }

    /// How much is read at a time, by who usually reads so much.
    pub(crate) fn bounds(&self, usual: Bounds) -> Bounds {
        let ReplaySettings { batch_size, checkpoint_every, .. } = self.settings;
        let events = batch_size.map_or(usual.events, NonZeroUsize::get);
        let events = checkpoint_every.map_or(events, |every| events.min(every.get()));
        self.paced(Bounds { events, ..usual })
    }

    /// The same for who commits what was read with how far it has come.
    pub(crate) fn transaction(&self) -> Bounds {
        let ReplaySettings { batch_size, checkpoint_every, .. } = self.settings;
        let events = checkpoint_every.or(batch_size).map_or(Bounds::TRANSACTION.events, NonZeroUsize::get);
        self.paced(Bounds { events, ..Bounds::TRANSACTION })
    }

    /// Little enough at a time that pauses are short: a tenth of what a second takes.
    fn paced(&self, bounds: Bounds) -> Bounds {
        let tenth = |rate: NonZeroU32| (rate.get() / 10).max(1) as usize;
        let most = self.settings.events_per_second.map_or(usize::MAX, tenth);
        Bounds { events: bounds.events.min(most), ..bounds }
    }

    /// After how many events it is written down how far it has come, where that is said.
    pub(super) fn checkpoint_every(&self) -> Option<NonZeroUsize> {
        self.settings.checkpoint_every
    }

    /// How fast one reads.
    pub(crate) fn pace(&self) -> Pace {
        Pace { per_second: self.settings.events_per_second, next: Instant::now() }
    }

    /// Waits until one more may read; it may as long as it has what this gives.
    pub(crate) async fn slot(&self) -> Option<OwnedSemaphorePermit> {
        match &self.slots {
            Some(slots) => Arc::clone(slots).acquire_owned().await.ok(),
            None => None,
        }
    }
}

/// How fast one reads.
pub(crate) struct Pace {
    per_second: Option<NonZeroU32>,
    /// When more may be read.
    next: Instant,
}

impl Pace {
    /// Counts events that were read.
    pub(crate) fn took(&mut self, events: usize) {
        if let Some(rate) = self.per_second {
            let nanos = events as u64 * 1_000_000_000 / u64::from(rate.get());
            self.next = self.next.max(Instant::now()) + Duration::from_nanos(nanos);
        }
    }

    /// Waits until more may be read.
    pub(crate) async fn wait(&self) {
        if self.per_second.is_some() {
            tokio::time::sleep_until(self.next).await;
        }
    }
}
