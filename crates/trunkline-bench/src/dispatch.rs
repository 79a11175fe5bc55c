//! The subcommand `dispatch`: what a command costs beyond the append of its events.
//!
//! *Shape* and *typed* are the orders, *cases* what is asked, *cost* the processor's time over the memory store,
//! *log* how many commands a second the durable store takes, *report* prints both.

pub(crate) mod app;
mod cases;
mod cost;
mod log;
mod report;
pub(crate) mod shape;
mod typed;

use std::io::Write;
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::args::{DispatchArgs, Format};
use crate::failure::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::machine::Machine;
use crate::say::say;
use crate::scratch::Scratch;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
struct Scale {
    /// Rounds of each case over the memory store, and commands a round.
    rounds: usize,
    commands: usize,
    /// Rounds over the log, and the length of each.
    log_rounds: usize,
    log_round: Duration,
}

impl Scale {
    fn new(quick: bool) -> Self {
        if quick {
            Self { rounds: 7, commands: 500, log_rounds: 3, log_round: Duration::from_millis(300) }
        } else {
            Self { rounds: 25, commands: 2000, log_rounds: 5, log_round: Duration::from_secs(2) }
        }
    }
}

pub(crate) fn run(args: &DispatchArgs, runtime: &Runtime) -> Result<()> {
    let interrupt = Interrupt::listen(runtime);
    let scratch = Scratch::new_in(&args.dir.clone().unwrap_or_else(std::env::temp_dir))?;
    let machine = Machine::look(&scratch, &interrupt)?;
    for line in machine.lines() {
        say(&line);
    }
    let scale = Scale::new(args.quick);
    let costs = cost::measure(scale, &interrupt, runtime)?;
    let speeds = log::measure(scale, &scratch, &interrupt, runtime)?;
    let text = match args.format {
        Format::Human => report::human(&costs, &speeds, &machine),
        Format::Json => report::json(&costs, &speeds),
    };
    writeln!(std::io::stdout().lock(), "{text}").map_err(Failure::io("print the report"))
}
