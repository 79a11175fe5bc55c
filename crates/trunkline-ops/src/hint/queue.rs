//! What can be done about a queue that can't be opened or does not do what was asked.

use trunkline::OpenQueueError;
use trunkline_queue::{OpenError, OperateError, PublishError, StorageError};

use crate::QueueError;
use crate::doctor::word;

pub(super) fn hints(error: &QueueError) -> Vec<String> {
    match error {
        QueueError::Place(error) | QueueError::Open(OpenQueueError::Dsn { error }) => {
            vec![error.hint()]
        }
        QueueError::Open(OpenQueueError::Open { source: OpenError::NotFound { .. }, place }) => {
            vec![format!("the first `trunkline queue publish --queue {}` makes it", place.dsn)]
        }
        QueueError::Open(OpenQueueError::Open { source: OpenError::InUse { .. }, .. }) => vec![
            "one process at a time holds a queue; stop that one, or wait until it has ended".to_owned(),
            "`trunkline queue stats` works beside it".to_owned(),
        ],
        QueueError::Open(OpenQueueError::Open {
            source: OpenError::Corrupt { .. } | OpenError::Missing { messages: Some(_), .. },
            place,
        }) => vec![
            "nothing was changed; keep a copy of the folder before you try anything".to_owned(),
            format!(
                "put a backup of the folder back, or go on without what can't be read: \
                 `trunkline queue repair --queue {} --yes`",
                word(&place.dsn.to_string())
            ),
        ],
        QueueError::Open(OpenQueueError::Open {
            source: OpenError::Missing { .. } | OpenError::Renumbered { .. },
            ..
        }) => {
            vec!["nothing was changed; keep a copy of the folder before you try anything".to_owned()]
        }
        QueueError::Publish(PublishError::Storage(StorageError::NotStored { .. })) => {
            vec!["once there is room, the same command works again".to_owned()]
        }
        QueueError::Publish(PublishError::Storage(StorageError::Unknown { .. })) => {
            vec!["publish again under the same --id: it is stored once".to_owned()]
        }
        QueueError::Operate(OperateError::NoTopic { .. } | OperateError::NoGroup { .. }) => {
            vec!["`trunkline queue stats` lists topics and groups".to_owned()]
        }
        QueueError::Operate(OperateError::NoDeadLetter { .. }) => {
            vec!["`trunkline dlq list --each` lists dead letters with their ids".to_owned()]
        }
        QueueError::SagaMovedOn { dead_letter, saga } => vec![
            format!("`trunkline saga show FILE {saga}` says what it did instead"),
            format!(
                "`trunkline dlq discard {dead_letter}` gives the message up; `trunkline dlq replay {dead_letter} --force` \
                 replays it all the same"
            ),
        ],
        QueueError::Operate(OperateError::Damaged { id, .. }) => {
            vec![format!("`trunkline dlq discard {id}` gives it up")]
        }
        _ => Vec::new(),
    }
}
