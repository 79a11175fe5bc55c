//! How long a part waits when something can't work for a while, and what others see of it.

use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::messages::Stop;

/// The shortest pause before something is tried again, and the longest.
const PAUSE: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// What keeps a part from going on: a full disk, a server that doesn't answer; a clone looks at the same part.
///
/// The part waits until it passes, loses nothing and gives nothing up meanwhile, and says here that it does.
#[derive(Clone, Debug, Default)]
pub struct BackOff(Arc<Mutex<Option<Failure>>>);

#[derive(Clone, Debug)]
struct Failure {
    since: Instant,
    reason: String,
}

impl BackOff {
    /// For how long the part has been kept, and by what; none when it goes on.
    pub fn lasting(&self) -> Option<(Duration, String)> {
        self.failure().as_ref().map(|failure| (failure.since.elapsed(), failure.reason.clone()))
    }

    /// Waits before the same is tried again, as long again as it has lasted; whether that was it, rather than that
    /// the part was asked to stop.
    pub(crate) async fn wait(&self, part: &str, error: &(dyn Error + Sync), stop: &Stop) -> bool {
        let reason = with_causes(error);
        tracing::warn!(part, reason, "it can't go on now, and will try again");
        let since = match &mut *self.failure() {
            Some(failure) => {
                failure.reason = reason;
                failure.since
            }
            none => none.insert(Failure { since: Instant::now(), reason }).since,
        };
        tokio::select! {
            () = tokio::time::sleep(since.elapsed().clamp(PAUSE, PAUSE_MAX)) => true,
            () = stop.asked() => false,
        }
    }

    /// The part goes on.
    pub(crate) fn reset(&self) {
        *self.failure() = None;
    }

    fn failure(&self) -> MutexGuard<'_, Option<Failure>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An error's text, followed by those of its causes.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let cause_text = error.to_string();
        // Some errors have their cause in their own text.
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::Stopper;

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_and_the_time_that_it_lasts_is_known_until_the_part_goes_on() {
        let (back_off, (_stopper, stop)) = (BackOff::default(), Stopper::new());
        assert_eq!(back_off.lasting(), None);
        let begun = Instant::now();
        for reason in ["one", "two", "three"] {
            assert!(back_off.wait("a part", &std::io::Error::other(reason), &stop).await);
        }
        // 50 ms, as long again, and as long as both.
        assert_eq!(begun.elapsed(), 4 * PAUSE);
        assert_eq!(back_off.lasting(), Some((4 * PAUSE, "three".to_owned())));
        back_off.reset();
        assert_eq!(back_off.lasting(), None);
    }

    #[test]
    fn a_reason_has_its_causes_each_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("it stands")]
        struct Stands(#[source] Full);
        #[derive(Debug, thiserror::Error)]
        #[error("not stored: {0}")]
        struct Full(#[source] std::io::Error);
        assert_eq!(
            with_causes(&Stands(Full(std::io::Error::other("no room")))),
            "it stands: not stored: no room"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_asked_to_stop_waits_no_longer() {
        let (back_off, (stopper, stop)) = (BackOff::default(), Stopper::new());
        stopper.stop();
        let begun = Instant::now();
        assert!(!back_off.wait("a part", &std::io::Error::other("full"), &stop).await);
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
