//! Whether events can be read, and when the last one came.

use std::time::Duration;

use futures::StreamExt as _;
use trunkline_core::{Clock as _, Position, SystemClock, Timestamp};
use trunkline_store::AllRead;

use super::{Check, Subject};
use crate::OpsError;
use crate::words::{counted, span};

pub(super) const NAME: &str = "events";

pub(super) async fn look(subject: &Subject<'_>) -> Result<Vec<Check>, OpsError> {
    let store = subject.app.store();
    let head = store.head().await?;
    if head == Position::START {
        let (dispatch, run) = (subject.command("dispatch", "COMMAND"), subject.command_with_queue("run", ""));
        return Ok(vec![Check::note(NAME, "there are none yet", format!("{dispatch} or {run} makes some"))]);
    }
    let mut read = store.read_all(AllRead { from: head, ..AllRead::default() });
    let Some(last) = read.next().await.transpose()? else {
        let verify = subject.command_on_events("verify", "");
        return Ok(vec![Check::bad(
            NAME,
            "the last one can't be found",
            format!("{verify} says what is damaged"),
        )]);
    };
    let age = age(last.recorded_at());
    Ok(vec![Check::ok(NAME, format!("{}, the last {age} ago", counted(head.get(), "event")))])
}

fn age(time: Timestamp) -> String {
    let micros = u64::try_from(SystemClock.now().as_micros() - time.as_micros()).unwrap_or_default();
    span(Duration::from_micros(micros))
}
