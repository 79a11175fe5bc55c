//! Building rows again, and comparing them: work that takes as long as there are events.

use std::time::Duration;

use trunkline::{App, Position, ProjectionError, Rebuilt, Verified};

use super::ProjectionDone;
use crate::{OpsError, Verdict};

/// How often one looks how far the work has come.
const LOOKED: Duration = Duration::from_millis(100);

/// Applies all events to new tables beside the live ones, then shows those; `progress` hears the position that it has
/// come to, and the last one.
pub async fn rebuild(
    app: &App,
    name: &str,
    progress: impl FnMut(u64, u64),
) -> Result<ProjectionDone, OpsError> {
    let Rebuilt { position } = watched(app, name, app.projections().rebuild(name), progress).await?;
    Ok(ProjectionDone { projection: name.to_owned(), done: "rebuilt", position: Some(position.get()) })
}

/// Applies events again in the live tables: from one on onto the rows that are there, or all of them to empty tables.
pub async fn replay(
    app: &App,
    name: &str,
    from: Option<Position>,
    progress: impl FnMut(u64, u64),
) -> Result<ProjectionDone, OpsError> {
    let replay = async {
        match from {
            Some(from) => app.projections().replay_from(name, from).await,
            None => app.projections().replay(name).await,
        }
    };
    let Rebuilt { position } = watched(app, name, replay, progress).await?;
    Ok(ProjectionDone { projection: name.to_owned(), done: "replayed", position: Some(position.get()) })
}

/// Applies all events of a projection again out of sight, and compares the rows.
pub async fn verify(app: &App, name: &str, progress: impl FnMut(u64, u64)) -> Result<Verified, OpsError> {
    watched(app, name, app.projections().verify(name), progress).await
}

/// Whether all rows that were verified are those that the events make.
pub fn differing(all: &[Verified]) -> Result<(), Verdict> {
    let wrong = all.iter().filter(|verified| !verified.is_right());
    let projections: Vec<String> = wrong.map(|verified| verified.projection.clone()).collect();
    if projections.is_empty() { Ok(()) } else { Err(Verdict::Diverged { projections }) }
}

/// Tells how far the work on a projection has come, until it is done.
async fn watched<T>(
    app: &App,
    name: &str,
    work: impl Future<Output = Result<T, ProjectionError>>,
    mut progress: impl FnMut(u64, u64),
) -> Result<T, OpsError> {
    let head = app.store().head().await?.get();
    let mut pace = tokio::time::interval(LOOKED);
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return Ok(done?),
            _ = pace.tick() => progress(app.projections().reached(name)?.get(), head),
        }
    }
}
