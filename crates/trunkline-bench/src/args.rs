//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::engines::Name;
use crate::workloads::Workload;

/// Measures Trunkline beside the disk and its peers.
#[derive(Debug, Parser)]
#[command(name = "trunkline-bench")]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The event store: durable appends, reads, opening, growth.
    Store(StoreArgs),
    /// Commands: what a dispatch costs beyond the append of its events, and how many a second are answered.
    Dispatch(DispatchArgs),
    /// The message queue: publishing, delivery, latency, beside Redis Streams where it is installed.
    Queue(QueueArgs),
    /// Projections: rebuilding rows, beside bare statements, and how soon an appended event is visible.
    Projection(ProjectionArgs),
    /// Whole orders: commands, sagas, messages and read models of the example, until everything is at rest.
    Loop(LoopArgs),
    /// Opens a store and prints what that took; runs in a process of its own, so that its memory is the store's.
    #[command(hide = true)]
    ProbeOpen(ProbeArgs),
    /// The same of a queue.
    #[command(hide = true)]
    ProbeQueue(ProbeQueueArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct StoreArgs {
    /// The folder to work in, on the disk to measure; everything made in it is removed at the end.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// Fewer events and shorter rounds, and no growth: less than a minute.
    #[arg(long)]
    pub(crate) quick: bool,
    /// What is printed.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// Only these workloads.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WORKLOAD")]
    pub(crate) only: Vec<Workload>,
    /// Only these engines.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "ENGINE")]
    pub(crate) engine: Vec<Name>,
    /// Writes a bar chart to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DispatchArgs {
    /// The folder for the log store, on the disk to measure; the system's for temporary files when not said.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Fewer and shorter rounds: a few seconds.
    #[arg(long)]
    pub(crate) quick: bool,
    /// What is printed.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

#[derive(Debug, clap::Args)]
pub(crate) struct QueueArgs {
    /// The folder to work in, on the disk to measure; everything made in it is removed at the end.
    #[arg(long, value_name = "DIR", default_value = "target/bench-queue")]
    pub(crate) dir: PathBuf,
    /// Shorter rounds, and fewer: less than a minute.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Instead, a topic in which so many messages wait: what they take, and how fast everything is then.
    #[arg(long, value_name = "MESSAGES")]
    pub(crate) backlog: Option<u64>,
    /// Instead, so many delayed messages: due all over a while, then as many due at one moment.
    #[arg(long, value_name = "MESSAGES", conflicts_with = "backlog")]
    pub(crate) delayed: Option<u64>,
    /// What is printed.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ProjectionArgs {
    /// The folder to work in, on the disk to measure; everything made in it is removed at the end.
    #[arg(long, value_name = "DIR", default_value_os_t = std::env::temp_dir())]
    pub(crate) dir: PathBuf,
    /// Fewer events and shorter rounds: less than a minute.
    #[arg(long)]
    pub(crate) quick: bool,
    /// What is printed.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

#[derive(Debug, clap::Args)]
pub(crate) struct LoopArgs {
    /// The folder to work in, on the disk to measure; everything made in it is removed at the end.
    #[arg(long, value_name = "DIR", default_value_os_t = std::env::temp_dir())]
    pub(crate) dir: PathBuf,
    /// How many orders are made up.
    #[arg(long, value_name = "N", default_value_t = 50_000, conflicts_with_all = ["quick", "commands"])]
    pub(crate) orders: u32,
    /// 5,000 orders: less than a minute.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Instead, the commands of this file, a line each, as `trunkline run` takes them.
    #[arg(long, value_name = "FILE.jsonl", conflicts_with = "quick")]
    pub(crate) commands: Option<PathBuf>,
    /// How many commands are in flight.
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub(crate) concurrency: u16,
    /// What is printed.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ProbeArgs {
    #[arg(long, value_enum)]
    pub(crate) engine: Name,
    #[arg(long)]
    pub(crate) dir: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ProbeQueueArgs {
    #[arg(long)]
    pub(crate) dir: PathBuf,
}

/// What is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A table for people.
    #[default]
    Human,
    /// An array of `{workload, engine, value, unit}`.
    Json,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn workloads_and_engines_are_lists() {
        let args = [
            "trunkline-bench",
            "store",
            "--dir",
            "d",
            "--only",
            "append-1x1,open",
            "--engine",
            "disk,sqlite",
        ];
        let Command::Store(args) = Args::parse_from(args).command else { panic!("that is the store") };
        assert_eq!(args.only, [Workload::Append1x1, Workload::Open]);
        assert_eq!(args.engine, [Name::Disk, Name::Sqlite]);
        assert_eq!(args.format, Format::Human);
    }
}
