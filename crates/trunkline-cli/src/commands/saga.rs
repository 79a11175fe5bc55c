//! `saga`: how sagas stand, what happened to them, and what an operator orders.

mod fate;
mod list;
mod order;
mod show;
mod verify;
mod words;

use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use trunkline::App;
use trunkline::saga::{OrderError, SagaError, Status};

use crate::failure::Failure;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  trunkline saga list orders.tsk --stuck
  trunkline saga show orders.tsk order-536365
  trunkline saga retry orders.tsk order-536365
  trunkline saga verify orders.tsk

A saga is called NAME-ID, such as order-536365; its id alone will do where no saga of another name has it.";

/// Look at sagas, and decide about those that can't go on
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct SagaCommand {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(list::ListArgs),
    Show(show::ShowArgs),
    Start(order::StartArgs),
    Retry(order::RetryArgs),
    Compensate(order::CompensateArgs),
    Resolve(order::ResolveArgs),
    Verify(verify::VerifyArgs),
}

impl SagaCommand {
    pub(crate) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        match self.verb {
            Verb::List(args) => args.run(output).await,
            Verb::Show(args) => args.run(output).await,
            Verb::Start(args) => args.run(output).await,
            Verb::Retry(args) => args.run(output).await,
            Verb::Compensate(args) => args.run(output).await,
            Verb::Resolve(args) => args.run(output).await,
            Verb::Verify(args) => args.run(output).await,
        }
    }
}

/// How many sagas stand in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Counts {
    pub(crate) running: u64,
    pub(crate) compensating: u64,
    pub(crate) completed: u64,
    pub(crate) compensated: u64,
    pub(crate) stuck: u64,
}

/// Counts all sagas of an application.
pub(crate) async fn counts(app: &App) -> Result<Counts, Failure> {
    let mut counts = Counts::default();
    for (_, status, count) in app.sagas().counts().await? {
        *match status {
            Status::Running => &mut counts.running,
            Status::Compensating => &mut counts.compensating,
            Status::Completed => &mut counts.completed,
            Status::Compensated => &mut counts.compensated,
            Status::Stuck => &mut counts.stuck,
        } += count;
    }
    Ok(counts)
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { running, compensating, completed, compensated, stuck } = self;
        write!(
            f,
            "{running} running, {compensating} compensating, {completed} completed, {compensated} compensated, {stuck} stuck"
        )
    }
}

/// What can be done about sagas that can't be looked at, or an order that can't be carried out.
pub(crate) fn hints(error: &SagaError) -> Vec<String> {
    match error {
        SagaError::NotFound { .. } => vec!["trunkline saga list FILE lists all that were started".to_owned()],
        SagaError::UnknownName { near: None, .. } => {
            vec!["the file declares sagas in sections [sagas.NAME]".to_owned()]
        }
        SagaError::Order { saga, source: OrderError::OnTheWayBack | OrderError::NotStuck { .. } } => {
            vec![format!("trunkline saga show FILE {saga} says what it waits for")]
        }
        SagaError::Order { source: OrderError::StartsNothing { .. }, .. } => {
            vec!["`start` in the section of the saga says which data starts one".to_owned()]
        }
        SagaError::Read(_) | SagaError::Unreadable { .. } => {
            vec!["`trunkline verify` says what is damaged and what to do".to_owned()]
        }
        SagaError::Append { .. } => {
            vec![
                "trunkline saga show FILE SAGA says whether it was done; else the same again does it"
                    .to_owned(),
            ]
        }
        _ => Vec::new(),
    }
}
