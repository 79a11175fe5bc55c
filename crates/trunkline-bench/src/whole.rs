//! The subcommand `loop`: whole orders through the whole system of the example, until everything is at rest.
//!
//! *Orders* makes the commands up, *lines* reads them, *play* sends them and looks at memory meanwhile, *report*
//! prints what came out.

mod lines;
mod orders;
mod play;
mod report;

use std::io::Write;

use tokio::runtime::Runtime;

use crate::args::{Format, LoopArgs};
use crate::failure::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::machine::Machine;
use crate::say::say;
use crate::scratch::Scratch;

/// Orders of a quick run.
const QUICK: u32 = 5_000;

pub(crate) fn run(args: &LoopArgs, runtime: &Runtime) -> Result<()> {
    let interrupt = Interrupt::listen(runtime);
    let scratch = Scratch::new_in(&args.dir)?;
    let machine = Machine::look(&scratch, &interrupt)?;
    for line in machine.lines() {
        say(&line);
    }
    let commands = if let Some(file) = &args.commands {
        file.clone()
    } else {
        let file = scratch.path().join("commands.jsonl");
        let count = if args.quick { QUICK } else { args.orders };
        orders::write(&file, count.into())?;
        file
    };
    let total = lines::count(&commands)?;
    say(&format!("{total} commands, {} in flight", args.concurrency));
    let plan = play::Plan {
        commands: &commands,
        total,
        concurrency: args.concurrency.max(1).into(),
        data: &scratch.subfolder("data")?,
    };
    let played = runtime.block_on(play::play(&plan, &interrupt))?;
    let rows = report::rows(&played, args.commands.is_some());
    let text = match args.format {
        Format::Human => report::human(&rows, &played, &machine),
        Format::Json => report::json(&rows),
    };
    writeln!(std::io::stdout().lock(), "{text}").map_err(Failure::io("print the report"))
}
