//! What an operation on a message queue can end with.

use trunkline::{DsnError, OpenQueueError};
use trunkline_queue::{DeadLetterId, OperateError, PublishError, SubscribeError};

/// Why an operation on a queue was not done.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The queue's name makes no sense.
    #[error("the queue's DSN: {0}")]
    Place(#[from] DsnError),
    /// It could not be opened.
    #[error("{}", open_error(.0))]
    Open(#[from] OpenQueueError),
    /// A message could not be published.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// A topic could not be subscribed to.
    #[error(transparent)]
    Subscribe(#[from] SubscribeError),
    /// A message was not replayed, as the saga that sent it no longer waits for it.
    #[error(
        "dead letter {dead_letter} is not replayed: the saga {saga} has moved on, and no longer waits for what comes \
         of it"
    )]
    SagaMovedOn {
        /// The dead letter.
        dead_letter: DeadLetterId,
        /// The saga.
        saga: String,
    },
    /// An operator's request was not carried out.
    #[error(transparent)]
    Operate(#[from] OperateError),
}

/// The error without its hint, which is said apart.
fn open_error(error: &OpenQueueError) -> String {
    match error {
        OpenQueueError::Dsn { error } => format!("the queue's DSN: {error}"),
        OpenQueueError::Open { source, .. } => source.to_string(),
        other => other.to_string(),
    }
}
