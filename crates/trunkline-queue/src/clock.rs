//! The clock of a queue: passed in, so that a test can move it.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::future::BoxFuture;
use tokio::sync::watch;
use trunkline_core::Timestamp;

/// What tells a queue the time, and wakes who waits for a time.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time.
    fn now(&self) -> Timestamp;

    /// Waits until this clock shows that time, or later.
    fn wait_until(&self, time: Timestamp) -> BoxFuture<'static, ()>;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is handed")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    fn wait_until(&self, time: Timestamp) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            // Again, because the runtime's timer and the system's clock are two clocks.
            loop {
                let left = time.as_micros().saturating_sub(Self.now().as_micros());
                let Ok(left @ 1..) = u64::try_from(left) else { return };
                tokio::time::sleep(Duration::from_micros(left)).await;
            }
        })
    }
}

/// A clock that stands still until it is moved; clones are the same clock.
///
/// ```
/// use std::time::Duration;
/// use trunkline_queue::{Clock, ManualClock};
/// let clock = ManualClock::default();
/// let before = clock.now();
/// clock.advance(Duration::from_millis(1));
/// assert_eq!(clock.now().as_micros() - before.as_micros(), 1_000);
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock {
    time: Arc<Mutex<watch::Sender<Timestamp>>>,
}

impl Default for ManualClock {
    fn default() -> Self {
        // Some moment that is neither the first nor the last there is.
        let start = Timestamp::from_micros(1_291_192_000_000_000);
        Self { time: Arc::new(Mutex::new(watch::Sender::new(start))) }
    }
}

impl ManualClock {
    /// Moves the clock forward and wakes who waited for that.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        let time = self.time.lock().expect("no code panics while it holds this lock");
        time.send_modify(|now| *now = Timestamp::from_micros(now.as_micros().saturating_add(by)));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.time.lock().expect("no code panics while it holds this lock").borrow()
    }

    fn wait_until(&self, time: Timestamp) -> BoxFuture<'static, ()> {
        let mut now = self.time.lock().expect("no code panics while it holds this lock").subscribe();
        Box::pin(async move {
            if now.wait_for(|now| *now >= time).await.is_err() {
                // A clock that is gone never shows a later time.
                std::future::pending::<()>().await;
            }
        })
    }
}

/// So much later, bounded.
pub(crate) fn later(time: Timestamp, by: Duration) -> Timestamp {
    let by = by.min(crate::limits::DELAY_MAX);
    let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(time.as_micros().saturating_add(by))
}

/// How long ago.
pub(crate) fn since(now: Timestamp, then: Timestamp) -> Duration {
    let micros = now.as_micros().saturating_sub(then.as_micros());
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}
