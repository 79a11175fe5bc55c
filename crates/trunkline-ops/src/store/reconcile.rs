//! An application that is brought back to the history that its store was restored to.

use serde::Serialize;
use trunkline::{App, Position, Reconciled, ReconciledRelay};

use crate::{OpsError, projections};

/// What was brought back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReconcileDone {
    /// The last event of the backup.
    pub position: Position,
    /// Whether the queue and the checkpoints were restored with the store.
    pub whole: bool,
    /// The relays.
    pub relays: Vec<RelayLine>,
    /// The topics to which nothing is sent again that sagas had sent by then.
    pub withheld: Vec<String>,
    /// The read models that were rebuilt.
    pub rebuilt: Vec<String>,
    /// The read models that are paused, and were left as they are.
    pub paused: Vec<String>,
    /// Whose checkpoints are ahead of the store and were left.
    pub left: Vec<String>,
}

/// A relay, and where it goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RelayLine {
    /// Its name.
    pub name: String,
    /// The position after which it goes on; none when it begins at the first event.
    pub after: Option<Position>,
    /// Whether it was brought there, rather than having been there.
    pub moved: bool,
}

/// Brings relays, consumers and sagas back to the history that the store was restored to, and rebuilds the read models;
/// `again` names the relays that begin at the first event again. `progress` hears how far the work on a read model has
/// come.
///
/// Interrupted, it is done again; until it is done, the application doesn't run.
pub async fn reconcile(
    app: &App,
    again: &[String],
    mut progress: impl FnMut(u64, u64),
) -> Result<ReconcileDone, OpsError> {
    let Reconciled { position, whole, relays, withheld, left } = app.reconcile(again).await?;
    let (mut rebuilt, mut paused) = (Vec::new(), Vec::new());
    for status in app.projections().status().await? {
        if status.state == trunkline::ProjectionState::Paused {
            paused.push(status.name);
        } else {
            projections::rebuild(app, &status.name, &mut progress).await?;
            rebuilt.push(status.name);
        }
    }
    app.end_reconcile()?;
    let line = |ReconciledRelay { name, after, moved }| RelayLine { name, after, moved };
    let relays = relays.into_iter().map(line).collect();
    Ok(ReconcileDone { position, whole, relays, withheld, rebuilt, paused, left })
}
