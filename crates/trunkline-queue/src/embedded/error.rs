//! Why an embedded queue could not be opened.

use std::io;

/// Why an embedded queue could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no queue in the folder.
    #[error("there is no queue in {folder}")]
    NotFound {
        /// The folder.
        folder: String,
    },
    /// Another process has it.
    #[error("the queue in {folder} is in use by {owner}")]
    InUse {
        /// The folder.
        folder: String,
        /// Who has it.
        owner: String,
    },
    /// Bytes that were once synced are not what they were; nothing was changed.
    #[error("{file} is damaged at byte {offset}: {what}")]
    Corrupt {
        /// The file.
        file: String,
        /// Where in it.
        offset: u64,
        /// What is wrong there.
        what: String,
    },
    /// The disk failed.
    #[error("could not {act}: {source}")]
    Io {
        /// What was being done.
        act: String,
        /// Why it failed.
        source: io::Error,
    },
}

impl OpenError {
    pub(crate) fn io(act: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let act = act.into();
        move |source| Self::Io { act, source }
    }

    pub(crate) fn corrupt(file: &str, offset: u64, what: &str) -> Self {
        Self::Corrupt { file: file.to_owned(), offset, what: what.to_owned() }
    }
}
