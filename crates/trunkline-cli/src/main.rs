//! The binary `trunkline`: parses the command line, calls a command, prints what it returns.
//!
//! `args` is the command line, `open` leads from a place to an open store, and each command is a file
//! under `commands` that calls a function of `trunkline-ops`, or a trait, and says how what it returns is printed.
//! `output` prints values as data and talk as talk; `failure` is what went wrong, `echo` keeps what was typed short there.
//! `queue` is the same for message queues: the way to an open one, and how messages are printed.
//! `named` is what the command line names, which remedies are printed with. `told` prints that something derived was damaged and is made anew.
//! `runtime` is what commands run on. `application` is the application that a file describes, `interrupt` what asks a command to stop,
//! and `waiting` what prints the items of a long read soon.

mod application;
mod args;
mod commands;
mod echo;
mod failure;
mod interrupt;
mod named;
mod open;
mod output;
mod progress;
mod queue;
mod render;
mod runtime;
mod told;
mod waiting;

use std::io::{self, BufWriter, Write as _};
use std::process::ExitCode;

use futures::FutureExt as _;
use trunkline_ops::Exit;

use crate::args::Cli;
use crate::failure::Failure;
use crate::output::Output;

fn main() -> ExitCode {
    let cli = match Cli::from_command_line() {
        Ok(cli) => cli,
        Err(error) => {
            // Help that nobody reads to its end is no failure.
            let _ = if error.use_stderr() && echo::is_needed() {
                io::stderr().write_all(echo::cut(error.render().to_string()).as_bytes())
            } else {
                error.print()
            };
            return u8::try_from(error.exit_code()).map_or(Exit::Usage.code().into(), ExitCode::from);
        }
    };
    render::look(cli.local);
    let mut data = BufWriter::with_capacity(64 << 10, io::stdout().lock());
    // Not locked: a progress bar draws there too.
    let mut talk = io::stderr();
    let mut output = Output::new(cli.format, cli.quiet, &mut data, &mut talk);
    output.remedies_name(cli.named.clone());
    if !cli.quiet {
        told::listen();
    }
    let result = run(cli, &mut output).and_then(|()| output.flush());
    let exit = match result {
        Ok(()) => Exit::Done,
        Err(failure) => {
            let exit = failure.exit();
            if exit != Exit::Done {
                // What was printed before the failure comes first.
                let _ = output.flush();
                output.failure(&failure);
            }
            exit
        }
    };
    // What could not be flushed until now never will be, and a writer that is dropped would try.
    let (_, _unwritten) = data.into_parts();
    let _ = io::stderr().flush();
    exit.code().into()
}

/// Runs the command.
fn run(cli: Cli, output: &mut Output<'_>) -> Result<(), Failure> {
    let runtime = runtime::start(cli.format)?;
    // Behind a pointer: else all that a command awaits is compiled once for each place where a runtime polls it.
    let result = runtime.block_on(cli.command.run(output).boxed_local());
    // A thread that waits for a line of standard input must not hold up the end.
    runtime.shutdown_background();
    result
}
