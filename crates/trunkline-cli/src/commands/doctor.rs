//! `doctor`: whether an application is well, on one screen, and what to do where it isn't.

mod checks;

use std::io::{self, Write};

use clap::Args;
use serde::Serialize;

use super::query::open_placed;
use crate::args::StoreArgs;
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::queue::QueueArgs;
use crate::render::counted;

const EXAMPLES: &str = "\
Examples:
  trunkline doctor orders.tsk
  trunkline doctor orders.tsk --format json | jq '.checks[] | select(.state != \"ok\")'

Looks at events, read models, sagas, messages, laws and the disk, and changes nothing; it works beside the process that \
runs the application.

With --format json, one object: well, checks (name, state: ok, note or bad, says, remedy). Exit code 1 when something \
is bad.";

/// Say whether an application is well, and what to do where it isn't
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DoctorArgs {
    /// The application file
    #[arg(value_name = "FILE")]
    file: String,

    #[command(flatten)]
    store: StoreArgs,

    #[command(flatten)]
    queue: QueueArgs,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ok,
    /// Worth knowing, and nothing to worry about.
    Note,
    Bad,
}

/// What was looked at, and how it is.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    state: State,
    says: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

impl Check {
    fn ok(name: &'static str, says: impl Into<String>) -> Self {
        Self { name, state: State::Ok, says: says.into(), remedy: None }
    }

    fn note(name: &'static str, says: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name, state: State::Note, says: says.into(), remedy: Some(remedy.into()) }
    }

    fn bad(name: &'static str, says: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name, state: State::Bad, says: says.into(), remedy: Some(remedy.into()) }
    }
}

/// Everything that was looked at.
#[derive(Debug, Serialize)]
struct Diagnosis {
    well: bool,
    checks: Vec<Check>,
}

impl DoctorArgs {
    pub(crate) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let (app, place) = open_placed(&self.file, &self.store, Some(&self.queue), output).await?;
        let mut checks = Vec::new();
        checks.extend(seen("events", checks::events(&app).await.map(|check| vec![check])));
        checks.extend(seen("read models", checks::read_models(&app, &self.file).await));
        checks.extend(seen("sagas", checks::sagas(&app, &self.file).await.map(Vec::from_iter)));
        checks.extend(checks::messages(&app).await);
        checks.extend(seen("laws", checks::laws(&app).await));
        checks.extend(checks::disk(&place.dsn));
        let bad = checks.iter().filter(|check| check.state == State::Bad).count() as u64;
        output.report(&Diagnosis { well: bad == 0, checks })?;
        let unwell = || Failure::Unwell { what: counted(bad, "problem"), remedied: true };
        if bad == 0 { Ok(()) } else { Err(unwell()) }
    }
}

/// What was seen, or why it could not be looked at: the rest is looked at all the same.
fn seen(name: &'static str, looked: Result<Vec<Check>, Failure>) -> Vec<Check> {
    looked.unwrap_or_else(|failure| {
        let remedy = Some(failure.hints().join("; ")).filter(|hints| !hints.is_empty());
        let says = format!("can't be looked at: {}", failure.message());
        vec![Check { name, state: State::Bad, says, remedy }]
    })
}

impl Report for Diagnosis {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        for Check { name, state, says, remedy } in &self.checks {
            let mark = match state {
                State::Ok => "ok  ",
                State::Note => "note",
                State::Bad => "BAD ",
            };
            writeln!(out, "{mark}  {name:<12}  {says}")?;
            if let Some(remedy) = remedy {
                writeln!(out, "                    {remedy}")?;
            }
        }
        Ok(())
    }
}
