//! What can be done about a store that can't be opened or appended to.

use trunkline::{Origin, Place};
use trunkline_core::Version;
use trunkline_store::{AppendError, OpenError, StorageError};

pub(super) fn open(error: &OpenError, place: &Place) -> Vec<String> {
    match error {
        OpenError::NotFound { .. } => {
            let mut hints = vec![format!(
                "the first `trunkline append` or `trunkline import` with --store {} makes it",
                place.dsn
            )];
            if !matches!(place.origin, Origin::Flag(_)) {
                hints.push(format!("the place comes from: {}; --store names another", place.origin));
            }
            hints
        }
        OpenError::InUse { .. } => vec![
            "one process at a time appends; stop that one, or wait until it has ended".to_owned(),
            "read, tail, streams, export, verify, stats, backup, query, sql and state work beside it"
                .to_owned(),
        ],
        OpenError::Corrupt { .. } => {
            vec![
                "nothing was changed; `trunkline restore` makes a store of a backup, in another folder"
                    .to_owned(),
            ]
        }
        _ => Vec::new(),
    }
}

pub(super) fn append(error: &AppendError) -> Vec<String> {
    match error {
        AppendError::Conflict { stream, found: Version::EMPTY, .. } => {
            vec![format!("stream `{stream}` has no events yet: --expected no-stream appends its first")]
        }
        AppendError::Conflict { stream, found, .. } => vec![format!(
            "see what is there with `trunkline read {stream}`, decide again, and append with --expected {found}"
        )],
        AppendError::EventIdTaken { .. } => {
            vec!["every event has an id of its own; without --id it gets a new one".to_owned()]
        }
        AppendError::EventIdReused { position, .. } => vec![
            format!(
                "see what is there with `trunkline read --all --from {position} --limit 1`; nothing was stored now"
            ),
            "to append this event beside it, leave --id out or choose another".to_owned(),
        ],
        AppendError::Storage(StorageError::NotStored { .. }) => {
            vec!["once there is room, the same command works again".to_owned()]
        }
        AppendError::Storage(StorageError::Unknown { .. }) => {
            vec![
                "look with `trunkline read`, or append again under the same --id: it is stored once"
                    .to_owned(),
            ]
        }
        _ => Vec::new(),
    }
}
