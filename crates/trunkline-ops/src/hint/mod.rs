//! What can be done about an error, each a sentence of its own.
//!
//! The sentences name commands of the command line, which every operator has at hand.
//! `store`, `queue`, `projection` and `saga` have those of their parts, `disk` those of what stands in the way of all.

mod damage;
mod disk;
mod projection;
mod queue;
mod saga;
mod store;

use std::io;

use trunkline::history::HistoryError;
use trunkline::{DispatchError, QueryError, ReconcileError, SystemError};
use trunkline_store::Advice;

use crate::import::{ImportError, ImportProblem};
use crate::migrate::MigrateError;
use crate::{OpsError, Verdict};

/// What can be done about an error.
pub(crate) fn hints(error: &OpsError) -> Vec<String> {
    let found = [of_kind, disk::hints, damage::hints].into_iter().map(|hints| hints(error));
    found.into_iter().find(|hints| !hints.is_empty()).unwrap_or_default()
}

fn of_kind(error: &OpsError) -> Vec<String> {
    match error {
        OpsError::Dsn(error) => vec![error.hint()],
        OpsError::Invalid { hint, .. } | OpsError::Stopped { hint } => vec![hint.clone()],
        OpsError::Migrate(error) => migrate(error),
        OpsError::Queue(error) => queue::hints(error),
        OpsError::Open { source, place } => store::open(source, place),
        OpsError::Append(error) => store::append(error),
        OpsError::Read(error) => match error.advice() {
            Advice::Stop => vec!["`trunkline verify` says what is damaged and what to do".to_owned()],
            Advice::Retry | Advice::Reload | Advice::FixRequest => Vec::new(),
        },
        OpsError::Dispatch(error) => dispatch(error),
        OpsError::History(HistoryError::UnknownAggregate { known, .. }) if !known.is_empty() => {
            vec![format!("it declares {}", known.join(", "))]
        }
        OpsError::Projection(error) => projection::hints(error),
        OpsError::Saga(error) => saga::hints(error),
        OpsError::Query(QueryError::UnknownQuery { known, .. }) => vec![if known.is_empty() {
            "the file declares queries in sections [queries.NAME]".to_owned()
        } else {
            format!("there are {}", known.join(", "))
        }],
        OpsError::Occupied { .. } => vec![
            "name another file, in a folder of your own; nothing was changed".to_owned(),
        ],
        OpsError::File { source, .. } if source.kind() == io::ErrorKind::AlreadyExists => {
            vec!["name another file; one that exists is left as it is".to_owned()]
        }
        OpsError::System(error) if matches!(**error, SystemError::HeldUp { .. }) => vec![
            "with that remedied, run the same again: it goes on where it was, and nothing is done twice"
                .to_owned(),
        ],
        OpsError::Clock => vec![
            "set it, with `date` or the service that keeps it, then run the same again; nothing was done".to_owned(),
        ],
        OpsError::Threads { .. } => vec![
            "a limit is reached: see `ulimit -u`, `TasksMax` of the service, or the limit of processes of the container"
                .to_owned(),
            "end other processes, or raise it, then run the same again".to_owned(),
        ],
        OpsError::CommandLine { .. } => vec![
            "a line is {\"command\":…,\"id\":…,\"occurred_at\":…,\"data\":{…}}; nothing from this line on was dispatched"
                .to_owned(),
        ],
        OpsError::CommandFile { .. } => vec![
            "a line is {\"command\":…,\"id\":…,\"occurred_at\":…,\"data\":{…}}; nothing was dispatched: mend them, and run the same \
             again"
                .to_owned(),
        ],
        OpsError::Restored { .. } => vec![
            "`trunkline reconcile FILE` brings read models, relays, sagas and messages back to that history, and says what is \
             sent again"
                .to_owned(),
        ],
        OpsError::Reconcile(error) => reconcile(error),
        OpsError::RunInterrupted { .. } => {
            vec!["run the same again to go on: a command with an id has one outcome".to_owned()]
        }
        OpsError::NoCode { near: Some(near), .. } => vec![format!("did you mean {near}?")],
        OpsError::NoCode { near: None, .. } => vec!["`trunkline explain` lists all codes".to_owned()],
        OpsError::Import(error) => import(error),
        OpsError::Verdict(verdict) => of_verdict(verdict),
        OpsError::History(_)
        | OpsError::Query(_)
        | OpsError::Sql(_)
        | OpsError::Build(_)
        | OpsError::System(_)
        | OpsError::Maintain(_)
        | OpsError::File { .. }
        | OpsError::NoEvents { .. }
        | OpsError::Mistakes { .. } => Vec::new(),
    }
}

fn reconcile(error: &ReconcileError) -> Vec<String> {
    match error {
        ReconcileError::UnknownRelay { known, .. } if known.is_empty() => {
            vec!["the file has no relays; `$sagas` is for what sagas wait for".to_owned()]
        }
        ReconcileError::UnknownRelay { known, .. } => {
            vec![format!("there are {}; `$sagas` is for what sagas wait for", known.join(", "))]
        }
        ReconcileError::Append(error) => store::append(error),
        ReconcileError::Nothing => {
            vec![
                "`trunkline projection rebuild FILE NAME` rebuilds a read model that is ahead of its store"
                    .to_owned(),
            ]
        }
        _ => Vec::new(),
    }
}

fn of_verdict(verdict: &Verdict) -> Vec<String> {
    match verdict {
        Verdict::Damaged { .. } => vec!["the report says what to do about each".to_owned()],
        Verdict::Unwell { remedied: false, .. } => {
            vec!["`trunkline doctor` says what to do about each".to_owned()]
        }
        Verdict::Diverged { projections } => {
            let rebuilds = projections.iter().map(|name| format!("trunkline projection rebuild FILE {name}"));
            let again = "when they differ again, a statement makes other rows each time, as with datetime('now'), \
                         or an event that was put aside was applied later";
            rebuilds.chain([again.to_owned()]).collect()
        }
        Verdict::SagaProblems { .. } => {
            vec!["`trunkline saga show FILE SAGA` shows all that happened to one".to_owned()]
        }
        Verdict::Unwell { remedied: true, .. }
        | Verdict::Mistaken { .. }
        | Verdict::Rejected
        | Verdict::Scenarios { .. }
        | Verdict::Undecodable { .. } => Vec::new(),
    }
}

fn import(ImportError { so_far, problem }: &ImportError) -> Vec<String> {
    let next = match problem {
        ImportProblem::Line { .. } => {
            "mend the line and run the same again: what is there is not added twice; \
             or pass over such lines with --on-error skip"
        }
        ImportProblem::Failed { .. } => {
            "with that remedied, run the same again: what is there is not added twice"
        }
        ImportProblem::Interrupted => "run the same again to go on: what is there is not added twice",
    };
    vec![so_far.to_string(), next.to_owned()]
}

fn dispatch(error: &DispatchError) -> Vec<String> {
    match error {
        DispatchError::Append(error) => store::append(error),
        DispatchError::UnknownCommand { near: None, .. } => {
            vec!["the file declares commands in sections [commands.NAME]".to_owned()]
        }
        DispatchError::IdTaken { .. } => {
            vec![
                "every command has an id of its own; choose another, or send the first one as it was to have its outcome"
                    .to_owned(),
            ]
        }
        _ if error.advice() == Advice::Retry => {
            vec!["dispatched again under an --id of its own, it is done once".to_owned()]
        }
        _ => Vec::new(),
    }
}

fn migrate(error: &MigrateError) -> Vec<String> {
    let again = || "run the same again to go on: what is there is not added twice".to_owned();
    match error {
        MigrateError::SameStore => vec!["name a store with --to that doesn't exist yet".to_owned()],
        MigrateError::Stopped { .. } => vec![
            "nothing from there on was written; `trunkline events census` lists all that don't reach today's shape"
                .to_owned(),
            again(),
        ],
        MigrateError::Differs { .. } => vec![
            "the file, the rule or the old store is another than in the run before, or somebody has appended to the \
             new store; nothing was written: name another store with --to"
                .to_owned(),
        ],
        MigrateError::Append(error) => store::append(error).into_iter().chain([again()]).collect(),
        MigrateError::Checkpoint(error) => {
            damage::of_checkpoint(error).into_iter().chain([again()]).collect()
        }
        MigrateError::Read(_) | MigrateError::ReadBack(_) | MigrateError::NotThere { .. } => {
            vec!["`trunkline verify` says what is damaged and what to do".to_owned()]
        }
    }
}
