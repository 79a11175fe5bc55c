//! Benchmarks of Trunkline: what a user waits for, beside what the disk can do and what peers do.
//!
//! *Events* and *workloads* say what is measured, *engines* adapt one store each, *rounds* run them in turn,
//! and *reports* print what came out. They don't know more of each other than these words say.
//! `docs/benchmarks.md` describes each workload, and how each engine is configured.

mod args;
mod cold;
mod disk_usage;
mod dispatch;
mod engines;
mod events;
mod failure;
mod interrupt;
mod machine;
mod probe;
mod projection;
mod queue;
mod random;
mod report;
mod results;
mod rounds;
mod say;
mod scratch;
mod statistics;
mod store;
mod whole;
mod workloads;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};
use crate::failure::Failure;

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Interrupted) => {
            say::say("interrupted; what was made in the folder is removed");
            ExitCode::from(130)
        }
        Err(failure) => {
            say::say(&format!("error: {}", failure.message()));
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(Failure::io("start the runtime"))?;
    match command {
        Command::Store(args) => store::run(args, &runtime),
        Command::Dispatch(args) => dispatch::run(args, &runtime),
        Command::Queue(args) => queue::run(args, &runtime),
        Command::Projection(args) => projection::run(args, &runtime),
        Command::Loop(args) => whole::run(args, &runtime),
        Command::ProbeOpen(args) => probe::run(args, &runtime),
        Command::ProbeQueue(args) => queue::probe(args, &runtime),
    }
}
