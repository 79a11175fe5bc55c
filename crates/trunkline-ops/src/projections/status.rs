//! Which projections there are, how each stands, and having one stay where it is.

use serde::Serialize;
use trunkline::{App, Definition, LeftOver, ProjectionError, ProjectionStatus};

use crate::OpsError;

/// A projection that a file declares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProjectionLine<'a> {
    /// Its name.
    pub name: &'a str,
    /// The types of the events that it wants.
    pub events: Vec<&'a str>,
    /// Whether no projection of the file has this name, and there are rows of it.
    pub left_over: bool,
}

/// What was done with a projection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProjectionDone {
    /// The projection.
    pub projection: String,
    /// What: paused, resumed, replayed, rebuilt or dropped.
    pub done: &'static str,
    /// Up to which position.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
}

/// The projections that a file declares.
pub fn declared(definition: &Definition) -> Vec<ProjectionLine<'_>> {
    let models = definition.projections.values().map(|projection| &projection.model);
    models
        .map(|model| ProjectionLine {
            name: model.name(),
            events: model.event_types().collect(),
            left_over: false,
        })
        .collect()
}

/// What is left of projections that the file doesn't declare.
pub async fn left_over(app: &App) -> Result<Vec<LeftOver>, OpsError> {
    let left = app.projections().left_over().await.map_err(ProjectionError::from)?;
    Ok(left)
}

/// Drops what is left of a projection that the file doesn't declare.
pub async fn drop_left_over(app: &App, name: &str) -> Result<ProjectionDone, OpsError> {
    app.projections().drop_left_over(name).await?;
    Ok(ProjectionDone { projection: name.to_owned(), done: "dropped", position: None })
}

/// How every projection stands, or the one of a name; one that there is not is an error.
pub async fn status(app: &App, name: Option<&str>) -> Result<Vec<ProjectionStatus>, OpsError> {
    let mut all = app.projections().status().await?;
    if let Some(name) = name {
        app.projections().reached(name)?;
        all.retain(|status| status.name == name);
    }
    Ok(all)
}

/// Has a projection stay where it is, or go on.
pub async fn pause(app: &App, name: &str, paused: bool) -> Result<ProjectionDone, OpsError> {
    app.projections().pause(name, paused).await?;
    let done = if paused { "paused" } else { "resumed" };
    Ok(ProjectionDone { projection: name.to_owned(), done, position: None })
}
