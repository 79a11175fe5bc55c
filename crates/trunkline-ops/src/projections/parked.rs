//! Events that a projection has put aside, and what is decided about them.

use serde::Serialize;
use trunkline::{App, EventId, Position, ProjectionError};

use crate::OpsError;

/// An event that a projection has put aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ParkedLine {
    /// Its position.
    pub position: Position,
    /// Its id.
    pub event_id: EventId,
    /// Its type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Why it could not be applied.
    pub error: String,
}

/// What became of an event that had been put aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ParkedDecision {
    /// Its position.
    pub position: Position,
    /// What was done, if something was: applied or discarded.
    pub done: Option<&'static str>,
    /// Why nothing was.
    pub error: Option<String>,
}

/// Which events that were put aside are meant.
#[derive(Clone, Debug)]
pub enum ParkedSelection {
    /// All of them.
    All,
    /// Those at these positions, in this order.
    At(Vec<Position>),
}

/// The events that a projection has put aside.
pub async fn parked(app: &App, name: &str) -> Result<Vec<ParkedLine>, OpsError> {
    let parked = app.projections().parked(name).await?.into_iter();
    let line = |parked: trunkline::sql::Parked| ParkedLine {
        position: parked.position,
        event_id: parked.event_id,
        event_type: parked.event_type,
        error: parked.error,
    };
    Ok(parked.map(line).collect())
}

/// Applies events that were put aside onto the rows as they are now.
///
/// What is wrong with one event says nothing of the next, so all are tried; what was decided is given also where an error
/// ends it.
pub async fn retry_parked(
    app: &App,
    name: &str,
    selection: ParkedSelection,
) -> Result<(Vec<ParkedDecision>, Result<(), OpsError>), OpsError> {
    let (mut decided, mut failed) = (Vec::new(), None);
    for position in selection.positions(app, name).await? {
        match app.projections().retry_parked(name, position).await {
            Ok(()) => decided.push(ParkedDecision { position, done: Some("applied"), error: None }),
            Err(error @ ProjectionError::StillFails { .. }) => {
                decided.push(ParkedDecision { position, done: None, error: Some(error.to_string()) });
                failed = failed.or(Some(error));
            }
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    Ok((decided, failed.map_or(Ok(()), |error| Err(error.into()))))
}

/// Gives events up that were put aside.
pub async fn discard_parked(
    app: &App,
    name: &str,
    selection: ParkedSelection,
) -> Result<(Vec<ParkedDecision>, Result<(), OpsError>), OpsError> {
    let mut decided = Vec::new();
    for position in selection.positions(app, name).await? {
        if let Err(error) = app.projections().discard_parked(name, position).await {
            return Ok((decided, Err(error.into())));
        }
        decided.push(ParkedDecision { position, done: Some("discarded"), error: None });
    }
    Ok((decided, Ok(())))
}

impl ParkedSelection {
    async fn positions(self, app: &App, name: &str) -> Result<Vec<Position>, OpsError> {
        match self {
            Self::At(positions) => Ok(positions),
            Self::All => Ok(parked(app, name).await?.into_iter().map(|parked| parked.position).collect()),
        }
    }
}
