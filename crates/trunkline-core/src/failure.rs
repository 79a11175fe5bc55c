//! What storage fails with, and what the caller of a failed operation can do.

/// What the caller of a failed operation can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Advice {
    /// Try the same again, later; with the same ids nothing is stored twice.
    Retry,
    /// Read again what the decision rested on, and decide again.
    Reload,
    /// The request is wrong as it is, or too late; change it or let it be.
    FixRequest,
    /// Nothing helps until an operator has looked.
    Stop,
}

/// Why storage failed: that of events, or that of messages.
///
/// `storage` says which, as a sentence does: `the store`, `the queue`.
///
/// ```
/// use trunkline_core::{Advice, StorageError};
/// let error = StorageError::Closed { storage: "the store" };
/// assert_eq!(error.to_string(), "nothing was stored: the store is closed");
/// assert_eq!(error.advice(), Advice::Stop);
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// Certainly nothing was stored, and the storage goes on: a full disk, for one.
    #[error("nothing was stored: {reason}")]
    NotStored {
        /// What happened.
        reason: String,
    },
    /// Whether it was stored is unknown until the storage is opened again; storing the same ids again then shows it.
    #[error("the outcome is unknown until {storage} is reopened: {reason}")]
    Unknown {
        /// Which storage.
        storage: &'static str,
        /// What happened.
        reason: String,
    },
    /// The storage refuses work since an earlier failure, until it is opened again; nothing was stored.
    #[error("nothing was stored: {storage} refuses work until it is reopened, since {reason}")]
    Poisoned {
        /// Which storage.
        storage: &'static str,
        /// What happened then.
        reason: String,
    },
    /// The storage is closed; nothing was stored.
    #[error("nothing was stored: {storage} is closed")]
    Closed {
        /// Which storage.
        storage: &'static str,
    },
    /// What is stored is damaged: the bytes there are not those that were written.
    #[error("{storage} is damaged: {what}")]
    Damaged {
        /// Which storage.
        storage: &'static str,
        /// What is damaged, and where.
        what: String,
    },
}

impl StorageError {
    /// What the caller can do.
    pub fn advice(&self) -> Advice {
        match self {
            Self::NotStored { .. } => Advice::Retry,
            Self::Unknown { .. } | Self::Poisoned { .. } | Self::Closed { .. } | Self::Damaged { .. } => {
                Advice::Stop
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_storage_and_only_what_passes_is_tried_again() {
        let (storage, reason) = ("the queue", String::from("a sync failed"));
        for (error, text, advice) in [
            (
                StorageError::NotStored { reason: reason.clone() },
                "nothing was stored: a sync failed",
                Advice::Retry,
            ),
            (
                StorageError::Unknown { storage, reason: reason.clone() },
                "the outcome is unknown until the queue is reopened: a sync failed",
                Advice::Stop,
            ),
            (
                StorageError::Poisoned { storage, reason: reason.clone() },
                "nothing was stored: the queue refuses work until it is reopened, since a sync failed",
                Advice::Stop,
            ),
            (StorageError::Closed { storage }, "nothing was stored: the queue is closed", Advice::Stop),
            (
                StorageError::Damaged { storage, what: "byte 7".to_owned() },
                "the queue is damaged: byte 7",
                Advice::Stop,
            ),
        ] {
            assert_eq!((error.to_string().as_str(), error.advice()), (text, advice));
        }
    }
}
