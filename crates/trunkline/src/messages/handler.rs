//! What a consumer calls with a message, and what may come of it.

use std::time::Duration;

use trunkline_queue::{Delivery, Failure};

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

    /// It never will.
    pub fn dead(reason: impl Into<String>) -> Self {
        Self::Dead { reason: reason.into() }
    }

    pub(super) fn failure(&self) -> Failure {
        match self {
            Self::Retry { after: None, .. } => Failure::Retry,
            Self::Retry { after: Some(after), .. } => Failure::RetryAfter(*after),
            Self::Dead { .. } => Failure::Dead,
        }
    }
}
