//! Whether sagas go on and end, and whether the file names what those under way need.

use trunkline::saga::{SagaError, SagaFault, SagaProblem};
use trunkline_core::Position;

use super::process::Runs;
use super::{Check, Subject, relays, waiting};
use crate::words::counted;
use crate::{OpsError, sagas};

pub(super) const NAME: &str = "sagas";

/// How much of the log is read to find what should have happened to sagas and did not; of more, the last of it.
const READ_MAX: u64 = 200_000;

/// How many problems are told; `saga verify` tells all.
const PROBLEMS_MAX: usize = 5;

pub(super) async fn look(subject: &Subject<'_>, runs: &Runs) -> Result<Vec<Check>, OpsError> {
    let sagas = subject.app.sagas();
    let counts = sagas::counts(subject.app).await?;
    if sagas.names().is_empty() && counts == sagas::SagaCounts::default() {
        return Ok(Vec::new());
    }
    let mut checks = Vec::new();
    let backlog = match sagas.backlog().await {
        Ok(backlog) => backlog,
        Err(SagaError::Checkpoint(error)) => {
            let remedy = relays::remedy(subject, Some(&error));
            return Ok(vec![Check::bad(NAME, error.to_string(), remedy)]);
        }
        Err(error) => return Err(error.into()),
    };
    checks.extend(waiting::check(NAME, &backlog, "to have an effect on sagas", subject, runs));
    let (overdue, first) = sagas.overdue().await?;
    // One that is run judges them within a second, once it has read the log.
    if let Some(first) = first.filter(|_| runs.is_nobody()) {
        let says = format!(
            "{} overdue, the longest {first}; no process runs the application",
            counted(overdue, "saga")
        );
        checks.push(Check::bad(NAME, says, runs.remedy(subject)));
    }
    let lacking = sagas::lacking(subject.app).await?;
    checks
        .extend(lacking.iter().map(|lacking| Check::bad(NAME, lacking.to_string(), lacking.remedy.clone())));
    // Those that are held are stuck, and said above.
    let held: u64 = lacking.iter().map(|lacking| lacking.held).sum();
    if counts.stuck > held {
        let list = subject.command("saga list", "--stuck");
        checks.push(Check::bad(NAME, counts.to_string(), format!("{list}, then retry or resolve each")));
    }
    checks.extend(problems(subject).await?);
    if checks.is_empty() {
        checks.push(Check::ok(NAME, counts.to_string()));
    }
    Ok(checks)
}

/// What `saga verify` finds, but for what is done as soon as sagas are run.
async fn problems(subject: &Subject<'_>) -> Result<Vec<Check>, OpsError> {
    let app = subject.app;
    let head = app.store().head().await?.get();
    let after = Position::new(head.saturating_sub(READ_MAX));
    let found = app.sagas().verify_after(after).await?;
    // What the file doesn't name was said already.
    let known = [SagaFault::ToCome, SagaFault::Undeclared];
    let problems: Vec<&SagaProblem> =
        found.problems.iter().filter(|problem| !known.contains(&problem.fault)).collect();
    let told = problems.iter().take(PROBLEMS_MAX);
    let mut checks: Vec<Check> = told
        .map(|problem| {
            Check::bad(NAME, format!("{}: {}", problem.saga, problem.what), remedy(problem, subject))
        })
        .collect();
    let unlisted = (problems.len() - checks.len()) as u64 + found.unlisted;
    if unlisted > 0 {
        let verify = subject.command("saga verify", "");
        checks.push(Check::bad(NAME, counted(unlisted, "more problem"), format!("{verify} lists all")));
    }
    Ok(checks)
}

fn remedy(problem: &SagaProblem, subject: &Subject<'_>) -> String {
    let name = problem.saga.split_once('-').map_or(problem.saga.as_str(), |(name, _)| name);
    match problem.fault {
        SagaFault::NoSaga => format!(
            "let `correlate` in [sagas.{name}] give the id of every event that starts one, and null for others; then {}",
            subject.command("saga verify", "")
        ),
        SagaFault::NotStarted => {
            format!("{} starts it by hand", subject.command("saga start", &format!("{name} --data JSON")))
        }
        SagaFault::History | SagaFault::ToCome | SagaFault::Undeclared => {
            format!("{} shows all that happened to it", subject.command("saga show", &problem.saga))
        }
    }
}
