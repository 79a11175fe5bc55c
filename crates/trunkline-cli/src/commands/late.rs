//! What a query's reader is told of projections whose rows are not what all events make them.

use serde_json::json;
use trunkline::sql::SqlQuery;
use trunkline::{App, Position};
use trunkline_ops::projections::late;

use crate::failure::Failure;
use crate::output::{Format, Output};

/// Says what `--stale` may have to do with it that there is no answer.
pub(super) fn say_stale(output: &mut Output<'_>) {
    output
        .say("note: with --stale only what is there is read; without it, events that wait are applied first");
}

/// Says which of the projections that a query read are late, and why: a sentence each, or one object in JSON.
///
/// It goes to standard error after the answer: what is on standard output has the form that the query declares. One
/// that had come to `goal` is not late because of what was appended since.
pub(super) async fn say_late(
    app: &App,
    query: &SqlQuery,
    goal: Position,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    output.flush()?;
    let late = match late(app, query, goal).await {
        Ok(late) if late.is_empty() => return Ok(()),
        Ok(late) => late,
        Err(error) => {
            output.warn(format_args!("note: whether the answer has every event is not known: {error}"));
            return Ok(());
        }
    };
    match output.format {
        Format::Human => late.iter().for_each(|late| output.warn(format_args!("note: {late}"))),
        Format::Json => output.warn(json!({ "late": late })),
    }
    Ok(())
}
