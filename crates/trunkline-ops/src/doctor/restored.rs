//! Whether the store is of an older history than what stands beside it may know.

use trunkline_store::MaintainError;

use super::{Check, Subject};
use crate::OpsError;

pub(super) const NAME: &str = "events";

pub(super) fn look(subject: &Subject<'_>) -> Result<Vec<Check>, OpsError> {
    let reconcile = || subject.command_with_queue("reconcile", "");
    let mark = match subject.app.restored() {
        Ok(Some(mark)) => mark,
        Ok(None) => return Ok(Vec::new()),
        Err(MaintainError::Damaged { .. }) => {
            let says = "what says to which history they were restored is damaged; nothing runs";
            let remedy = format!("{} takes what is there now for that history", reconcile());
            return Ok(vec![Check::bad(NAME, says, remedy)]);
        }
        Err(error) => return Err(error.into()),
    };
    let beside = if mark.whole {
        "with its queue and checkpoints, and its read models were not rebuilt since"
    } else {
        "from a backup of events alone: what stands beside them may know a later history"
    };
    let says =
        format!("restored to position {} {beside}; nothing runs until that is reconciled", mark.position);
    Ok(vec![Check::bad(NAME, says, reconcile())])
}
