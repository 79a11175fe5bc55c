//! A run whose process is killed again and again, as a power cut or an impatient operator would.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};
use trunkline::messages::Stop;
use trunkline_ops::OpsError;
use trunkline_ops::run::RunReport;

use super::{Order, RunArgs, Settle, commands};
use crate::application;
use crate::failure::Failure;
use crate::output::Output;
use crate::progress::Progress;

/// What a command with everything that follows from it takes, roughly: kills are spread over the whole run.
const COMMAND: Duration = Duration::from_millis(2);

/// The shortest run of which a process is killed somewhere: it has to open its files first.
const SHORTEST: Duration = Duration::from_millis(120);

/// Runs in a process of its own, which is killed so many times, and lets the last one finish.
pub(super) async fn run(
    args: &RunArgs,
    times: u32,
    output: &mut Output<'_>,
    stop: &Stop,
) -> Result<RunReport, Failure> {
    let file = application::load(&args.file, output)?;
    let total = commands(args.commands.as_deref(), &file)?.total();
    let Some(total) = total else {
        let message = "--crash begins again and again, and standard input can be read once";
        return Err(Failure::usage(message, "write the commands to a file"));
    };
    let longest = SHORTEST.max(COMMAND * u32::try_from(total).unwrap_or(u32::MAX) / times.max(1));
    let progress = Progress::kills(output, "crashing");
    for kill in 0..times {
        progress.set(kill.into(), times.into());
        let mut worker = start(args, Stdio::null())?;
        let moment = longest.mul_f64(fastrand::f64());
        let asked = tokio::select! {
            // One that was done sooner was not killed in its midst; that is a moment, too.
            _ = worker.wait() => false,
            () = tokio::time::sleep(moment) => false,
            () = stop.asked() => true,
        };
        // On Unix this is SIGKILL: nothing of the process gets to tidy up.
        worker.kill().await.map_err(failed("killing the worker"))?;
        if asked {
            return Err(OpsError::RunInterrupted { done: 0 }.into());
        }
    }
    drop(progress);
    let mut worker = start(args, Stdio::piped())?;
    let mut text = Vec::new();
    let mut printed = worker.stdout.take().expect("it is piped");
    let finish = async {
        printed.read_to_end(&mut text).await?;
        worker.wait().await
    };
    let finish = tokio::select! {
        finish = finish => finish,
        () = stop.asked() => {
            worker.kill().await.map_err(failed("killing the worker"))?;
            return Err(OpsError::RunInterrupted { done: 0 }.into());
        }
    };
    let finish = finish.map_err(failed("waiting for the worker"))?;
    let report: RunReport = serde_json::from_slice(&text).map_err(|error| {
        Failure::file(format!("the last worker ended with {finish} and without a report"), error.into())
    })?;
    Ok(RunReport { crashes: times, ..report })
}

fn failed(what: &str) -> impl Fn(std::io::Error) -> Failure {
    let what = what.to_owned();
    move |source| Failure::file(what.clone(), source)
}

fn start(args: &RunArgs, stdout: Stdio) -> Result<Child, Failure> {
    let program = std::env::current_exe().map_err(failed("finding this program"))?;
    let mut command = Command::new(program);
    command.args(["run", &args.file, "--quiet", "--format", "json", "--commands"]);
    command.args(&args.commands);
    command.args(["--concurrency", &args.concurrency.to_string()]);
    if args.settle == Settle::Each {
        command.args(["--settle", "each"]);
    }
    match args.order {
        Order::Stream => {}
        Order::File => drop(command.args(["--order", "file"])),
        Order::None => drop(command.args(["--order", "none"])),
    }
    for (flag, value) in [("--store", args.store.given()), ("--queue", args.queue.given())] {
        if let Some(value) = value {
            command.args([flag, value]);
        }
    }
    // A worker that outlives its parent would hold the store.
    let command = command.stdin(Stdio::null()).stdout(stdout).kill_on_drop(true);
    command.spawn().map_err(failed("starting a worker"))
}
