//! The subcommand `queue`: durable publishing, delivery and latency, beside Redis Streams where it is installed; and
//! what becomes of them when millions of messages wait or are delayed.

mod backlog;
mod delayed;
mod embedded;
mod engine;
mod redis;
mod report;
mod resp;
mod rows;
mod workload;

use std::io::Write;
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::args::{Format, QueueArgs};
use crate::failure::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::machine::Machine;
use crate::say::say;
use crate::scratch::Scratch;
pub(crate) use backlog::probe;
use engine::Engine;
use report::Figures;
use workload::{Run, Workload};

pub(crate) fn run(args: &QueueArgs, runtime: &Runtime) -> Result<()> {
    let interrupt = Interrupt::listen(runtime);
    let scratch = Scratch::new_in(&args.dir)?;
    let machine = Machine::look(&scratch, &interrupt)?;
    for line in machine.lines() {
        say(&line);
    }
    if let Some(count) = args.backlog {
        return backlog::run(count, args.format, &scratch, &machine, runtime, &interrupt);
    }
    if let Some(count) = args.delayed {
        return delayed::run(count, args.format, &scratch, &machine, runtime, &interrupt);
    }
    let (rounds, length) =
        if args.quick { (3, Duration::from_millis(700)) } else { (5, Duration::from_secs(3)) };
    let mut engines: Vec<Box<dyn Engine>> = vec![Box::new(embedded::Embedded::open(&scratch)?)];
    if let Some(redis) = runtime.block_on(redis::Redis::start(&scratch))? {
        engines.push(Box::new(redis));
    } else {
        say("redis-server is not installed: there is nothing to compare with");
    }
    let mut figures = Figures::default();
    for workload in Workload::ALL {
        for round in 0..rounds {
            for engine in &engines {
                interrupt.check()?;
                let topic = format!("{}-{round}", workload.name());
                let run = Run { engine: &**engine, topic, length };
                let measured = runtime.block_on(workload.measure(&run))?;
                say(&format!("{} {}: {measured:.0?}", engine.name(), workload.name()));
                figures.add(workload, engine.name(), &measured);
            }
        }
    }
    for engine in engines {
        runtime.block_on(engine.close());
    }
    let text = match args.format {
        Format::Human => figures.table(&machine),
        Format::Json => figures.json(),
    };
    writeln!(std::io::stdout().lock(), "{text}").map_err(Failure::io("print the report"))
}
