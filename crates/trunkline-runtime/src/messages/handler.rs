//! What a consumer calls with a message, and what may come of it.

use std::time::Duration;

use trunkline_queue::{AfterFailure, Delivery, Failure, RetryPolicy};

/// Handles the messages of a consumer.
///
/// A message may be handed over more than once: after a crash, after a time limit, after a retry. What is done
/// outside should take the message's id as its idempotency key.
pub trait MessageHandler: Send + Sync + 'static {
    /// Handles a message; it is finished when this is `Ok`.
    fn handle<'a>(
        &'a self,
        delivery: &'a Delivery,
    ) -> futures::future::BoxFuture<'a, Result<(), MessageError>>;
}

/// Why a message was not handled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// It may work another time.
    #[error("{reason}")]
    Retry {
        /// What happened.
        reason: String,
        /// How long to wait at least.
        after: Option<Duration>,
    },
    /// What handling it needs can't work now: a full disk, a lost connection. It is no fault of the message, which is
    /// held and handled again until that has passed, and never given up for it.
    #[error("{reason}")]
    Unavailable {
        /// What happened.
        reason: String,
    },
    /// It never will: the message becomes a dead letter at once.
    #[error("{reason}")]
    Dead {
        /// What is wrong with it.
        reason: String,
    },
}

impl MessageError {
    /// It may work another time.
    pub fn retry(reason: impl Into<String>) -> Self {
        Self::Retry { reason: reason.into(), after: None }
    }

    /// What handling it needs can't work now.
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable { reason: reason.into() }
    }

    /// It never will.
    pub fn dead(reason: impl Into<String>) -> Self {
        Self::Dead { reason: reason.into() }
    }

    /// What becomes of the message after this attempt.
    pub(super) fn next(&self, retry: &RetryPolicy, attempt: u32) -> AfterFailure {
        let failure = match self {
            // It is handed back: that it was held says nothing of it.
            Self::Unavailable { .. } => return AfterFailure::After(Duration::ZERO),
            Self::Retry { after: None, .. } => Failure::Retry,
            Self::Retry { after: Some(after), .. } => Failure::RetryAfter(*after),
            Self::Dead { .. } => Failure::Dead,
        };
        retry.next(attempt, failure, fastrand::f64())
    }
}
