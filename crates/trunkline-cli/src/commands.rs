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
mod migrate;
mod projection;
mod query;
mod queue;
mod read;
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
        match self {
            Self::Append(args) => args.run(output).await,
            Self::Read(args) => args.run(output).await,
            Self::Tail(args) => args.run(output).await,
            Self::Streams(args) => args.run(output).await,
            Self::Import(args) => args.run(output).await,
            Self::Export(args) => args.run(output).await,
            Self::Migrate(args) => args.run(output).await,
            Self::Verify(args) => args.run(output).await,
            Self::Stats(args) => args.run(output).await,
            Self::Backup(args) => args.run(output).await,
            Self::Restore(args) => args.run(output),
            Self::Init(args) => args.run(output),
            Self::Queue(command) => command.run(output).await,
            Self::Dlq(command) => command.run(output).await,
            Self::Check(args) => args.run(output),
            Self::Doctor(args) => args.run(output).await,
            Self::Test(args) => args.run(output).await,
            Self::Run(args) => args.run(output).await,
            Self::Dispatch(args) => args.run(output).await,
            Self::State(args) => args.run(output).await,
            Self::Events(args) => args.run(output).await,
            Self::Query(args) => args.run(output).await,
            Self::Sql(args) => args.run(output).await,
            Self::Projection(args) => args.run(output).await,
            Self::Saga(command) => command.run(output).await,
            Self::Config(args) => args.run(output),
            Self::Explain(args) => args.run(output),
        }
    }
}
