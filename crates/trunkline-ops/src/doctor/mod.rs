//! Doctor: whether an application is well, and what to do where it isn't.
//!
//! `checks` has one function for each thing that is looked at. Nothing is changed, and all of it works beside the process
//! that runs the application. What can't be looked at is bad, and the rest is looked at all the same.

mod checks;

use serde::Serialize;
use trunkline::{App, Dsn};

use crate::words::counted;
use crate::{OpsError, Verdict};

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// As it should be.
    Ok,
    /// Worth knowing, and nothing to worry about.
    Note,
    /// Somebody has to do something.
    Bad,
}

/// What was looked at, and how it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at: events, read models, sagas, messages, laws, the disk.
    pub name: &'static str,
    /// How it is.
    pub state: Health,
    /// The same in words, with numbers.
    pub says: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// Everything that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// Whether nothing is bad.
    pub well: bool,
    /// What was looked at.
    pub checks: Vec<Check>,
}

impl Check {
    fn ok(name: &'static str, says: impl Into<String>) -> Self {
        Self { name, state: Health::Ok, says: says.into(), remedy: None }
    }

    fn note(name: &'static str, says: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name, state: Health::Note, says: says.into(), remedy: Some(remedy.into()) }
    }

    fn bad(name: &'static str, says: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name, state: Health::Bad, says: says.into(), remedy: Some(remedy.into()) }
    }
}

/// Looks at an application whose file is named so, and at the disk that its events are on.
pub async fn diagnose(app: &App, file: &str, store: &Dsn) -> Diagnosis {
    let mut checks = Vec::new();
    checks.extend(seen("events", checks::events(app).await.map(|check| vec![check])));
    checks.extend(seen("read models", checks::read_models(app, file).await));
    checks.extend(seen("sagas", checks::ends_of_sagas(app, file).await.map(Vec::from_iter)));
    checks.extend(checks::messages(app).await);
    checks.extend(seen("laws", checks::laws(app).await));
    checks.extend(checks::disk(store));
    Diagnosis { well: checks.iter().all(|check| check.state != Health::Bad), checks }
}

/// What was seen, or why it could not be looked at: the rest is looked at all the same.
fn seen(name: &'static str, looked: Result<Vec<Check>, OpsError>) -> Vec<Check> {
    looked.unwrap_or_else(|error| {
        let remedy = Some(error.hints().join("; ")).filter(|hints| !hints.is_empty());
        let says = format!("can't be looked at: {}", error.message());
        vec![Check { name, state: Health::Bad, says, remedy }]
    })
}

impl Diagnosis {
    /// Whether an operator has to do something.
    pub fn verdict(&self) -> Result<(), Verdict> {
        let bad = self.checks.iter().filter(|check| check.state == Health::Bad).count() as u64;
        if bad == 0 { Ok(()) } else { Err(Verdict::Unwell { what: counted(bad, "problem"), remedied: true }) }
    }
}
