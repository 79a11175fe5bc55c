//! Opening a store in a process of its own, so that the memory it takes is the store's alone.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

use crate::args::ProbeArgs;
use crate::engines::Name;
use crate::failure::{Failure, Result};
use crate::machine;

/// What opening took.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Opened {
    pub(crate) ms: f64,
    /// Anonymous memory of the process with the store open.
    pub(crate) anonymous_bytes: u64,
}

/// The child: opens, looks, prints, closes.
pub(crate) fn run(args: &ProbeArgs, runtime: &Runtime) -> Result<()> {
    let begun = Instant::now();
    let store = args.engine.open(&args.dir, runtime.handle())?;
    let ms = begun.elapsed().as_secs_f64() * 1e3;
    let opened = Opened { ms, anonymous_bytes: machine::anonymous_bytes() };
    store.close()?;
    let text = serde_json::to_string(&opened).expect("two numbers are JSON");
    writeln!(std::io::stdout().lock(), "{text}").map_err(Failure::io("print what opening took"))
}

/// The parent: runs the child on a store that nobody has open.
pub(crate) fn open(engine: Name, folder: &Path) -> Result<Opened> {
    let failed = || format!("open {} in a process of its own", engine.as_str());
    let program = std::env::current_exe().map_err(Failure::io(failed()))?;
    let value = engine.to_possible_value().expect("every engine has a name");
    let output = Command::new(program)
        .args(["probe-open", "--engine", value.get_name(), "--dir"])
        .arg(folder)
        .output()
        .map_err(Failure::io(failed()))?;
    if !output.status.success() {
        let talk = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(Failure::engine(engine.as_str())(talk));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| Failure::io(failed())(error.into()))
}
