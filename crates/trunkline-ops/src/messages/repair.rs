//! Going on without what is missing or damaged of a queue.

use serde::Serialize;
use trunkline::{OpenQueueError, Place};
use trunkline_queue::{EmbeddedOptions, EmbeddedQueue, GivenUpPart, Keep, Repaired};

use crate::{OpsError, QueueError};

/// What a queue was repaired of.
#[derive(Debug, Serialize)]
pub struct RepairReport {
    /// How many messages were given up; damaged bytes may have had others that nothing tells of.
    pub messages: u64,
    /// Every part of its files that was given up.
    pub parts: Vec<RepairPartReport>,
}

/// A part of a queue's files that was given up.
#[derive(Debug, Serialize)]
pub struct RepairPartReport {
    /// What was wrong: missing or damaged.
    pub problem: &'static str,
    /// The file.
    pub file: String,
    /// Where the damaged bytes began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// How many bytes were damaged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// How many messages there could be read all the same.
    pub saved: u64,
    /// How many messages were given up with it: at most so many of a file that is missing, at least so many of
    /// damaged bytes.
    pub messages: u64,
}

impl From<Repaired> for RepairReport {
    fn from(repaired: Repaired) -> Self {
        let messages = repaired.messages();
        Self { messages, parts: repaired.parts.into_iter().map(RepairPartReport::from).collect() }
    }
}

impl From<GivenUpPart> for RepairPartReport {
    fn from(part: GivenUpPart) -> Self {
        match part {
            GivenUpPart::Missing { file, messages } => {
                Self { problem: "missing", file, offset: None, bytes: None, saved: 0, messages }
            }
            GivenUpPart::Damaged { file, offset, bytes, saved, messages } => {
                Self { problem: "damaged", file, offset: Some(offset), bytes: Some(bytes), saved, messages }
            }
        }
    }
}

/// Has a queue go on without what is missing or damaged of it.
pub async fn repair_queue(place: &Place, owner: &str) -> Result<RepairReport, OpsError> {
    if place.dsn.scheme() != "embedded" {
        return Err(OpsError::Invalid {
            message: format!("{} is no queue in a folder", place.dsn),
            hint: "only an embedded queue has files that can be repaired".to_owned(),
        });
    }
    let path = place.dsn.path().to_owned();
    let keep = Keep { dead_letter_age: std::time::Duration::MAX, ..Keep::default() };
    let options =
        EmbeddedOptions { keep, owner: owner.to_owned(), create: false, ..EmbeddedOptions::default() };
    let (queue, repaired) = EmbeddedQueue::repair(&path, options).map_err(|source| {
        QueueError::from(OpenQueueError::Open { source, place: Box::new(place.clone()) })
    })?;
    queue.close().await;
    Ok(repaired.into())
}
