//! Why a queue could not be opened.

use std::io;

/// Why a queue could not be opened.
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
    /// The folder is something else, or lies in it; nothing was changed.
    #[error("{folder} holds {held}, and a queue is made in a folder of its own; name another folder")]
    Occupied {
        /// The folder.
        folder: String,
        /// What it holds, and the file that shows it.
        held: String,
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
    /// Going on without damaged bytes would give a topic or a group the messages of another, or give up what is whole;
    /// nothing was changed.
    #[error(
        "{file} is damaged at byte {offset}, where a topic or a group may begin, end or get another name; the \
         queue can't go on without that, since what comes later rests on it ({later}) and would be taken for \
         another's, or be given up; move store, queue and checkpoints aside and restore all of them from a backup, by \
         `trunkline restore FILE --from BACKUP --reconcile`: with an older queue alone, what was relayed since is lost, as it is with \
         none, which begins once the folder is removed"
    )]
    Renumbered {
        /// The file.
        file: String,
        /// Where in it.
        offset: u64,
        /// The first place that rests on it.
        later: String,
    },
    /// A segment that the queue had is not there, as another of its files shows; nothing was changed.
    #[error(
        "{file} is missing: the queue in {folder} had it, as {witness} shows; {}",
        remedy(*.messages)
    )]
    Missing {
        /// The segment's file.
        file: String,
        /// The folder.
        folder: String,
        /// The file that shows that there was such a segment.
        witness: String,
        /// How many messages are missing with all such segments, at most; none where the queue can't go on without
        /// it.
        messages: Option<u64>,
    },
    /// The files are those of a Trunkline that wrote another version of the format; nothing was changed.
    #[error(
        "{file} is of the format {found}, and this version reads {wanted}; have the version that wrote it \
         finish the queue's messages, then begin a queue in a new folder"
    )]
    OtherVersion {
        /// The file.
        file: String,
        /// What it says of itself.
        found: String,
        /// What it would have to say.
        wanted: String,
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

fn remedy(messages: Option<u64>) -> String {
    match messages {
        Some(messages) => format!(
            "at most {messages} messages that are not finished are missing; restore it from a backup, or give them \
             up with `trunkline queue repair`"
        ),
        None => {
            "restore it from a backup, or remove the folder to begin a queue without its messages".to_owned()
        }
    }
}
