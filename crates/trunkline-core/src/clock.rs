//! The clock: passed in wherever the time is asked for, so that a test can move it.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use crate::Timestamp;

/// Gives the time, and wakes tasks that wait for a time.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time.
    fn now(&self) -> Timestamp;

    /// Waits until this clock shows that time, or later.
    fn wait_until(&self, time: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// The system's clock; waiting needs a tokio runtime with its timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl SystemClock {
    /// Whether it was set: it shows a time since 1970. Until then nothing should be stored, and no id can be made of it.
    pub fn is_set() -> bool {
        is_since_1970(system_time())
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is handed")]
fn system_time() -> SystemTime {
    SystemTime::now()
}

fn is_since_1970(time: SystemTime) -> bool {
    time >= UNIX_EPOCH
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let micros = match system_time().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            Err(error) => i64::try_from(error.duration().as_micros()).map_or(i64::MIN, |before| -before),
        };
        Timestamp::from_micros(micros)
    }

    fn wait_until(&self, time: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send>> {
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
/// use trunkline_core::{Clock, ManualClock};
/// let clock = ManualClock::default();
/// let before = clock.now();
/// clock.advance(Duration::from_millis(1));
/// assert_eq!(clock.now().as_micros() - before.as_micros(), 1_000);
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock {
    time: Arc<watch::Sender<Timestamp>>,
}

impl Default for ManualClock {
    fn default() -> Self {
        // Some moment that is neither the first nor the last there is.
        Self::at(Timestamp::from_micros(1_291_192_000_000_000))
    }
}

impl ManualClock {
    /// A clock that shows this time.
    pub fn at(time: Timestamp) -> Self {
        Self { time: Arc::new(watch::Sender::new(time)) }
    }

    /// Moves the clock forward and wakes who waited for that.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.time.send_modify(|now| *now = Timestamp::from_micros(now.as_micros().saturating_add(by)));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.time.borrow()
    }

    fn wait_until(&self, time: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let mut now = self.time.subscribe();
        Box::pin(async move {
            if now.wait_for(|now| *now >= time).await.is_err() {
                // A clock that is gone never shows a later time.
                std::future::pending::<()>().await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn is_over(wait: &mut Pin<Box<dyn Future<Output = ()> + Send>>) -> bool {
        wait.as_mut().poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
    }

    fn later(time: Timestamp, micros: i64) -> Timestamp {
        Timestamp::from_micros(time.as_micros() + micros)
    }

    #[test]
    fn a_manual_clock_is_waited_for_until_it_is_moved_far_enough() {
        let clock = ManualClock::at(Timestamp::from_micros(7));
        let start = clock.now();
        assert_eq!(start.as_micros(), 7);
        let (mut now, mut soon) = (clock.wait_until(start), clock.wait_until(later(start, 2)));
        assert!(is_over(&mut now));
        assert!(!is_over(&mut soon));
        clock.clone().advance(Duration::from_micros(1));
        assert!(!is_over(&mut soon));
        clock.advance(Duration::from_micros(1));
        assert!(is_over(&mut soon));
        // Later than any time there is.
        clock.advance(Duration::MAX);
        assert_eq!(clock.now(), Timestamp::from_micros(i64::MAX));
    }

    #[test]
    fn nobody_sees_a_later_time_of_a_clock_that_is_gone() {
        let clock = ManualClock::default();
        let mut wait = clock.wait_until(later(clock.now(), 1));
        drop(clock);
        assert!(!is_over(&mut wait));
    }

    #[test]
    fn a_clock_before_1970_is_not_set() {
        assert!(SystemClock::is_set());
        assert!(is_since_1970(UNIX_EPOCH));
        assert!(!is_since_1970(UNIX_EPOCH - Duration::from_nanos(1)));
    }

    #[tokio::test]
    async fn the_system_clock_shows_what_was_waited_for() {
        let time = later(SystemClock.now(), 2_000);
        SystemClock.wait_until(time).await;
        assert!(SystemClock.now() >= time);
        assert!(is_over(&mut SystemClock.wait_until(time)));
    }
}
