//! Whether the store is of an older history than what stands beside it may know.

use super::{Check, Subject};
use crate::OpsError;

pub(super) const NAME: &str = "events";

pub(super) fn look(subject: &Subject<'_>) -> Result<Vec<Check>, OpsError> {
    let Some(mark) = subject.app.restored()? else { return Ok(Vec::new()) };
    let beside = if mark.whole {
        "with its queue and checkpoints, and its read models were not rebuilt since"
    } else {
        "from a backup of events alone: what stands beside them may know a later history"
    };
    let says =
        format!("restored to position {} {beside}; nothing runs until that is reconciled", mark.position);
    Ok(vec![Check::bad(NAME, says, subject.command_with_queue("reconcile", ""))])
}
