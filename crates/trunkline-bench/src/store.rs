//! The subcommand `store`: what is measured, in which order, on how many events.

use std::io::Write;
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::args::{Format, StoreArgs};
use crate::engines::Name;
use crate::failure::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::machine::Machine;
use crate::report::{json, svg, table};
use crate::results::Results;
use crate::rounds::Rounds;
use crate::say::say;
use crate::scratch::Scratch;
use crate::workloads::{self, Scale, Session, Workload};

/// Rounds and events of a quick run, and of a full one.
fn scale(quick: bool) -> (usize, Duration, Scale) {
    if quick {
        let scale = Scale { events: 200_000, streams_a_round: 500, cold_streams: 5, growth: Vec::new() };
        (3, Duration::from_millis(300), scale)
    } else {
        let growth = vec![1_000_000, 5_000_000, 20_000_000];
        let scale = Scale { events: 5_000_000, streams_a_round: 5000, cold_streams: 20, growth };
        (5, Duration::from_secs(2), scale)
    }
}

pub(crate) fn run(args: &StoreArgs, runtime: &Runtime) -> Result<()> {
    let interrupt = Interrupt::listen(runtime);
    let scratch = Scratch::new_in(&args.dir)?;
    let machine = Machine::look(&scratch, &interrupt)?;
    for line in machine.lines() {
        say(&line);
    }
    let (count, length, scale) = scale(args.quick);
    let rounds = Rounds { count, length, interrupt, runtime: runtime.handle().clone() };
    let wanted = |name: &Name| args.engine.is_empty() || args.engine.contains(name);
    let engines: Vec<Name> = Name::ALL.into_iter().filter(wanted).collect();
    let workloads = if args.only.is_empty() { Workload::usual(args.quick) } else { args.only.clone() };
    let mut session = Session { scratch, rounds, scale, engines, results: Results::default() };
    workloads::run(&mut session, &workloads)?;
    let Session { engines, results, .. } = session;
    if let Some(path) = &args.svg {
        let text = svg::chart(&results, &engines, &machine);
        std::fs::write(path, text).map_err(Failure::io(format!("write {}", path.display())))?;
    }
    let text = match args.format {
        Format::Human => table::report(&results, &engines, &machine),
        Format::Json => json::report(&results),
    };
    writeln!(std::io::stdout().lock(), "{text}").map_err(Failure::io("print the report"))
}
