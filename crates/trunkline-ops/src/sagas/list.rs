//! A list of sagas, and how many more there are.

use serde::Serialize;
use trunkline::App;
use trunkline::saga::{SagaError, SagaQuery, SagaRow};
use trunkline_config::nearest;

use crate::OpsError;

/// Sagas by name and id.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct SagaList {
    /// Those that were asked for, as many as were wanted.
    pub rows: Vec<SagaRow>,
    /// How many more there are.
    #[serde(skip)]
    pub more: u64,
}

/// Lists sagas.
pub async fn list(app: &App, query: &SagaQuery) -> Result<SagaList, OpsError> {
    let rows = app.sagas().list(query).await?;
    let is_declared = |name: &String| app.sagas().names().contains(&name.as_str());
    if let Some(name) = query.name.as_ref().filter(|name| rows.is_empty() && !is_declared(name)) {
        let near = nearest(name, app.sagas().names()).map(str::to_owned);
        return Err(SagaError::UnknownName { name: name.clone(), near }.into());
    }
    // How many more is counted only where there may be some.
    let is_full = query.limit.is_some_and(|limit| rows.len() as u64 >= u64::from(limit));
    let all = if is_full { app.sagas().count(query).await? } else { 0 };
    let more = all.saturating_sub(rows.len() as u64);
    Ok(SagaList { rows, more })
}

impl SagaList {
    /// The last saga that is listed, by which a list is gone on with.
    pub fn last(&self) -> Option<String> {
        self.rows.last().map(|row| format!("{}-{}", row.name, row.id))
    }
}
