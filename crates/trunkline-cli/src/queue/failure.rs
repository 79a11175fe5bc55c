//! What a command on a queue can end with, and what the user can do about it.

use std::io::ErrorKind;

use trunkline::{DsnError, OpenQueueError};
use trunkline_queue::{OpenError, OperateError, PublishError, StorageError, SubscribeError};

use crate::exit::Exit;

/// Why a command on a queue did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QueueFailure {
    /// The queue's name makes no sense.
    #[error("the queue's DSN: {0}")]
    Place(#[from] DsnError),
    #[error("{}", open_failure(.0))]
    Open(#[from] OpenQueueError),
    #[error(transparent)]
    Publish(#[from] PublishError),
    #[error(transparent)]
    Subscribe(#[from] SubscribeError),
    #[error(transparent)]
    Operate(#[from] OperateError),
}

/// The failure without its hint, which is said apart.
fn open_failure(error: &OpenQueueError) -> String {
    match error {
        OpenQueueError::Dsn { error } => format!("the queue's DSN: {error}"),
        OpenQueueError::Open { source, .. } => source.to_string(),
        other => other.to_string(),
    }
}

impl QueueFailure {
    /// How a command with this failure ends.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Place(_)
            | Self::Open(OpenQueueError::Dsn { .. })
            | Self::Publish(PublishError::Invalid { .. } | PublishError::TooLarge { .. }) => Exit::Usage,
            Self::Open(OpenQueueError::Open { source: OpenError::NotFound { .. }, .. })
            | Self::Operate(
                OperateError::NoTopic { .. }
                | OperateError::NoGroup { .. }
                | OperateError::NoMessage { .. }
                | OperateError::NoDeadLetter { .. },
            ) => Exit::NotFound,
            Self::Open(OpenQueueError::Open {
                source: OpenError::Corrupt { .. } | OpenError::Missing { .. },
                ..
            })
            | Self::Publish(PublishError::Storage(StorageError::Damaged { .. }))
            | Self::Operate(OperateError::Storage(StorageError::Damaged { .. })) => Exit::Corrupt,
            Self::Operate(OperateError::IdTaken { .. }) => Exit::Conflict,
            _ => Exit::Failed,
        }
    }

    /// What the user can do, each a sentence of its own.
    pub(crate) fn hints(&self) -> Vec<String> {
        match self {
            Self::Place(error) | Self::Open(OpenQueueError::Dsn { error }) => vec![error.hint()],
            Self::Open(OpenQueueError::Open { source: OpenError::NotFound { .. }, place }) => {
                vec![format!("the first `trunkline queue publish --queue {}` makes it", place.dsn)]
            }
            Self::Open(OpenQueueError::Open { source: OpenError::InUse { .. }, .. }) => vec![
                "one process at a time holds a queue; stop that one, or wait until it has ended".to_owned(),
                "`trunkline queue stats` works beside it".to_owned(),
            ],
            Self::Open(OpenQueueError::Open {
                source: OpenError::Corrupt { .. } | OpenError::Missing { .. },
                ..
            }) => {
                vec!["nothing was changed; keep a copy of the folder before you try anything".to_owned()]
            }
            Self::Open(OpenQueueError::Open { source: OpenError::Io { source, .. }, .. })
                if source.kind() == ErrorKind::StorageFull =>
            {
                vec![
                    "make room: a queue takes its disk space in pieces of 16 MiB; then run the same again"
                        .to_owned(),
                ]
            }
            Self::Publish(PublishError::Storage(StorageError::NotStored { .. })) => {
                vec!["once there is room, the same command works again".to_owned()]
            }
            Self::Publish(PublishError::Storage(StorageError::Unknown { .. })) => {
                vec!["publish again under the same --id: it is stored once".to_owned()]
            }
            Self::Operate(OperateError::NoTopic { .. } | OperateError::NoGroup { .. }) => {
                vec!["`trunkline queue stats` lists topics and groups".to_owned()]
            }
            Self::Operate(OperateError::NoDeadLetter { .. }) => {
                vec!["`trunkline dlq list --each` lists dead letters with their ids".to_owned()]
            }
            _ => Vec::new(),
        }
    }
}
