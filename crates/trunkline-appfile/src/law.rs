//! Laws: what an application says must hold, held against its read models.

use std::time::Duration;

use serde::Serialize;
use trunkline_sql::{AnswerLimits, AskError, Parameters};

use crate::file::{DeclaredApp as _, LawDefinition};
use trunkline_runtime::{App, QueryError};

/// How many breaches of a law are shown.
const SHOWN_MAX: usize = 10;

/// How long a law may take: it looks at everything there is.
const PATIENCE: Duration = Duration::from_secs(60);

/// A law, and how it stands.
#[derive(Clone, Debug, Serialize)]
pub struct LawReport {
    /// Its name in the file.
    pub name: String,
    /// The law, in words.
    pub says: String,
    /// How many things it was held against, where the file says how to count them.
    pub of: Option<u64>,
    /// Whether it holds.
    pub holds: bool,
    /// The first breaches, as rows.
    pub breaches: Vec<serde_json::Value>,
    /// Whether there are more than these.
    pub more: bool,
}

/// Holds the laws that the application's file declares against the read models as they are, in the order of the file.
///
/// A law is about a system at rest: on the way there, an order may be neither confirmed nor cancelled.
pub async fn laws(app: &App) -> Result<Vec<LawReport>, QueryError> {
    let laws = app.laws().clone();
    if laws.is_empty() {
        return Ok(Vec::new());
    }
    let projections = app.shared_projections();
    let failed = |error: AskError| QueryError::of_ask(&error);
    let mut reports = Vec::with_capacity(laws.len());
    for (name, LawDefinition { says, breaches, of, read_db }) in laws {
        let database = projections.database_at(read_db.as_ref()).await;
        let database = database.map_err(|error| QueryError::of_database(&error))?;
        let (parameters, limits) = (
            Parameters::default(),
            AnswerLimits { rows_max: SHOWN_MAX, time_limit: PATIENCE, ..AnswerLimits::default() },
        );
        let of = match &of {
            Some(of) => Some(projections.ask(&**database, of, &parameters, &limits).await.map_err(failed)?),
            None => None,
        };
        let answer = projections.ask(&**database, &breaches, &parameters, &limits).await.map_err(failed)?;
        let rows = answer.to_json();
        let breaches = rows.as_array().cloned().unwrap_or_default();
        reports.push(LawReport {
            name,
            says,
            of: of.and_then(|of| of.to_json().as_u64()),
            holds: breaches.is_empty(),
            breaches,
            more: answer.more,
        });
    }
    Ok(reports)
}
