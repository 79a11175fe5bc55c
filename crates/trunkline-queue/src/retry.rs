//! The retry policy of a consumer: a pure function, with the randomness passed in.

use std::time::Duration;

use crate::limits::DELAY_MAX;

/// When a failed message is tried again, and when it is given up.
///
/// ```
/// use std::time::Duration;
/// use trunkline_queue::{Failure, AfterFailure, RetryPolicy};
///
/// let policy = RetryPolicy { jitter: 0.0, ..RetryPolicy::default() };
/// let random = 0.5;
/// assert_eq!(policy.next(1, Failure::Retry, random), AfterFailure::After(Duration::from_secs(2)));
/// assert_eq!(policy.next(2, Failure::Retry, random), AfterFailure::After(Duration::from_secs(4)));
/// assert_eq!(policy.next(3, Failure::Retry, random), AfterFailure::Dead);
/// assert_eq!(policy.next(1, Failure::Dead, random), AfterFailure::Dead);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    /// After so many attempts a message is a dead letter; at least 1.
    pub max_attempts: u32,
    /// How long after the first attempt comes the second.
    pub initial_delay: Duration,
    /// By how much each further delay is longer than the one before; at least 1.
    pub backoff_multiplier: f64,
    /// The longest delay, before jitter.
    pub max_delay: Duration,
    /// By which part of itself a delay may be shorter or longer, 0 to 1, so that what failed together is not
    /// tried together again.
    pub jitter: f64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            initial_delay: Duration::from_secs(2),
            backoff_multiplier: 2.0,
            max_delay: Duration::from_secs(300),
            jitter: 0.2,
        }
    }
}

/// The classes of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It may go well another time.
    Retry,
    /// It may go well another time, but not before so long; a server's `Retry-After`, for one.
    RetryAfter(Duration),
    /// It never goes well.
    Dead,
}

/// What comes after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    /// Another attempt, so much later.
    After(Duration),
    /// None: the message becomes a dead letter.
    Dead,
}

impl RetryPolicy {
    /// What comes after the given attempt (the first is 1) has failed; `random` is a number from 0 to 1.
    ///
    /// A delay is never negative, never more than `max_delay` with its jitter, unless the failure asks for
    /// more, and never more than [`DELAY_MAX`].
    pub fn next(&self, attempt: u32, failure: Failure, random: f64) -> AfterFailure {
        let at_least = match failure {
            Failure::Dead => return AfterFailure::Dead,
            _ if attempt >= self.max_attempts => return AfterFailure::Dead,
            Failure::Retry => Duration::ZERO,
            Failure::RetryAfter(delay) => delay,
        };
        AfterFailure::After(self.delay(attempt, random).max(at_least).min(DELAY_MAX))
    }

    fn delay(&self, attempt: u32, random: f64) -> Duration {
        let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let factor = self.backoff_multiplier.max(1.0).powi(exponent);
        // `min` also where the power is infinite, and where infinity times a delay of 0 is no number.
        let grown = (self.initial_delay.as_secs_f64() * factor).min(self.max_delay.as_secs_f64());
        let jitter = if self.jitter.is_finite() { self.jitter.clamp(0.0, 1.0) } else { 0.0 };
        let random = if random.is_finite() { random.clamp(0.0, 1.0) } else { 0.5 };
        let jittered = grown * (1.0 + jitter * (2.0 * random - 1.0));
        Duration::try_from_secs_f64(jittered.min(DELAY_MAX.as_secs_f64())).unwrap_or(DELAY_MAX)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_reference() {
        let RetryPolicy { max_attempts, initial_delay, backoff_multiplier, max_delay, jitter } =
            RetryPolicy::default();
        assert_eq!((max_attempts, initial_delay.as_secs(), max_delay.as_secs()), (3, 2, 300));
        assert!((backoff_multiplier - 2.0).abs() < f64::EPSILON && (jitter - 0.2).abs() < f64::EPSILON);
    }

    #[test]
    fn jitter_moves_a_delay_by_at_most_its_part() {
        let policy = RetryPolicy::default();
        for (random, millis) in [(0.0, 1600), (0.5, 2000), (1.0, 2400)] {
            assert_eq!(
                policy.next(1, Failure::Retry, random),
                AfterFailure::After(Duration::from_millis(millis))
            );
        }
    }

    #[test]
    fn who_asks_for_more_time_gets_it() {
        let wait = Duration::from_secs(3600);
        let policy = RetryPolicy::default();
        assert_eq!(policy.next(1, Failure::RetryAfter(wait), 0.5), AfterFailure::After(wait));
        assert_eq!(policy.next(3, Failure::RetryAfter(wait), 0.5), AfterFailure::Dead);
    }

    proptest! {
        #[test]
        fn a_delay_stays_within_its_bounds(
            attempt in 1..u32::MAX,
            initial in 0..u64::from(u32::MAX),
            max in 0..u64::from(u32::MAX),
            multiplier in prop_oneof![Just(f64::INFINITY), Just(f64::NAN), 0.0..1e9f64],
            jitter in prop_oneof![Just(f64::NAN), -1.0..2.0f64],
            random in 0.0..=1.0f64,
        ) {
            let policy = RetryPolicy {
                max_attempts: u32::MAX,
                initial_delay: Duration::from_millis(initial),
                backoff_multiplier: multiplier,
                max_delay: Duration::from_millis(max),
                jitter,
            };
            let AfterFailure::After(delay) = policy.next(attempt, Failure::Retry, random) else {
                return Err(TestCaseError::fail("attempts are left"));
            };
            prop_assert!(delay <= policy.max_delay * 2 + Duration::from_nanos(10));
        }
    }
}
