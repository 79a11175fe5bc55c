//! The commands, each in a file of its own: arguments, a function that returns a value, how that is printed.

mod append;
mod backup;
mod check;
mod config;
mod dispatch;
mod dlq;
mod doctor;
mod events;
mod explain;
mod export;
mod import;
mod init;
mod late;
mod migrate;
mod projection;
mod query;
mod queue;
mod read;
mod reconcile;
mod restore;
mod run;
mod saga;
mod sql;
mod state;
mod stats;
mod streams;
mod tail;
mod test;
mod verify;

use clap::Subcommand;
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;

use crate::failure::Failure;
use crate::output::Output;

/// What can be asked of the binary.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Append(append::AppendArgs),
    Read(read::ReadArgs),
    Tail(tail::TailArgs),
    Streams(streams::StreamsArgs),
    Import(import::ImportArgs),
    Export(export::ExportArgs),
    Migrate(migrate::MigrateArgs),
    Verify(verify::VerifyArgs),
    Stats(stats::StatsArgs),
    Backup(backup::BackupArgs),
    Restore(restore::RestoreArgs),
    Reconcile(reconcile::ReconcileArgs),
    Init(init::InitArgs),
    Queue(queue::QueueCommand),
    Dlq(dlq::DlqCommand),
    Check(check::CheckArgs),
    Doctor(doctor::DoctorArgs),
    Test(test::TestArgs),
    Run(run::RunArgs),
    Dispatch(dispatch::DispatchArgs),
    State(state::StateArgs),
    Events(events::EventsArgs),
    Query(query::QueryArgs),
    Sql(sql::SqlArgs),
    Projection(projection::ProjectionArgs),
    Saga(saga::SagaCommand),
    Config(config::ConfigArgs),
    Explain(explain::ExplainArgs),
}

impl Command {
    /// Does what was asked and prints what came of it.
    pub(crate) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        // Behind pointers: one function with all that commands do takes the compiler much longer than they take alone.
        let running: LocalBoxFuture<'_, _> = match self {
            Self::Append(args) => args.run(output).boxed_local(),
            Self::Read(args) => args.run(output).boxed_local(),
            Self::Tail(args) => args.run(output).boxed_local(),
            Self::Streams(args) => args.run(output).boxed_local(),
            Self::Import(args) => args.run(output).boxed_local(),
            Self::Export(args) => args.run(output).boxed_local(),
            Self::Migrate(args) => args.run(output).boxed_local(),
            Self::Verify(args) => args.run(output).boxed_local(),
            Self::Stats(args) => args.run(output).boxed_local(),
            Self::Backup(args) => args.run(output).boxed_local(),
            Self::Restore(args) => args.run(output).boxed_local(),
            Self::Reconcile(args) => args.run(output).boxed_local(),
            Self::Init(args) => return args.run(output),
            Self::Queue(command) => command.run(output).boxed_local(),
            Self::Dlq(command) => command.run(output).boxed_local(),
            Self::Check(args) => args.run(output).boxed_local(),
            Self::Doctor(args) => args.run(output).boxed_local(),
            Self::Test(args) => args.run(output).boxed_local(),
            Self::Run(args) => args.run(output).boxed_local(),
            Self::Dispatch(args) => args.run(output).boxed_local(),
            Self::State(args) => args.run(output).boxed_local(),
            Self::Events(args) => args.run(output).boxed_local(),
            Self::Query(args) => args.run(output).boxed_local(),
            Self::Sql(args) => args.run(output).boxed_local(),
            Self::Projection(args) => args.run(output).boxed_local(),
            Self::Saga(command) => command.run(output).boxed_local(),
            Self::Config(args) => return args.run(output),
            Self::Explain(args) => return args.run(output),
        };
        running.await
    }
}
