//! `test`: the scenarios of an application file.

use std::io::{self, Write};
use std::path::Path;

use clap::Args;
use serde::Serialize;
use trunkline::FromFile as _;
use trunkline::config::{LoadError, Loader, World};
use trunkline::scenario::{self, ScenarioReport};
use trunkline::{App, MemoryStore};

use crate::application;
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::render::counted;
use crate::world::world;

const EXAMPLES: &str = "\
Examples:
  trunkline test orders.tsk
  trunkline test orders.tsk --format json | jq '.scenarios[] | select(.passed | not)'

A scenario stands in the file, or in one beside it whose name ends in .test.tsk (orders.test.tsk for orders.tsk):

  [scenarios.a_confirmed_order_is_confirmed]
  given: [{ command: \"CreateOrder\", data: { order_id: \"1\" } }]
  when: { command: \"ConfirmOrder\", data: { order_id: \"1\" } }
  then: [{ type: \"OrderConfirmed\" }]

`given` has events ({ type, data, stream }) and commands; `then` has events, or is { rejected: \"the reason\" }, \
{ sends: [{ command: \"…\" }] } of sagas, or { rows: { TABLE: [{ COLUMN: value }] } } of projections. \
Each runs over an empty store of its own.

With --format json, one object: passed, failed, scenarios (name, passed, comparison, failed). Exit code 1 when \
one does not pass.";

/// Run the scenarios of an application file
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TestArgs {
    /// The application file
    #[arg(value_name = "FILE")]
    file: String,
}

impl TestArgs {
    pub(crate) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let real = world();
        let beside = Beside { files: real.loader, file: &self.file };
        let file = match beside.test_file() {
            Some(tests) if beside.files.load(&tests).is_ok() => {
                let joined = World { loader: &beside, ..real };
                application::load_in(joined, JOINED, output)?
            }
            _ => application::load(&self.file, output)?,
        };
        let app = App::builder().store(MemoryStore::new()).file(file).build().await?;
        let scenarios = scenario::run(&app).await;
        let failed = scenarios.iter().filter(|scenario| !scenario.passed).count() as u64;
        if scenarios.is_empty() {
            let file = &self.file;
            output.say(format_args!("{file} has no scenarios; `trunkline test --help` shows one"));
        }
        output.report(&Tested { passed: scenarios.len() as u64 - failed, failed, scenarios })?;
        if failed == 0 { Ok(()) } else { Err(Failure::Scenarios { failed }) }
    }
}

/// The name of a text that includes the file and the tests beside it.
const JOINED: &str = "";

/// The files, and one that joins the application file with its tests.
struct Beside<'a> {
    files: &'a dyn Loader,
    file: &'a str,
}

impl Beside<'_> {
    /// `orders.test.tsk` for `orders.tsk`.
    fn test_file(&self) -> Option<String> {
        let path = Path::new(self.file);
        let name = path.file_name()?.to_str()?;
        let name = format!("{}.test.tsk", name.strip_suffix(".tsk").unwrap_or(name));
        path.with_file_name(name).to_str().map(str::to_owned)
    }
}

impl Loader for Beside<'_> {
    fn resolve(&self, from: &str, path: &str) -> String {
        // What the joining text names is named as on the command line.
        if from == JOINED { path.to_owned() } else { self.files.resolve(from, path) }
    }

    fn load(&self, name: &str) -> Result<Vec<u8>, LoadError> {
        if name != JOINED {
            return self.files.load(name);
        }
        let tests = self.test_file().unwrap_or_default();
        Ok(format!("@include {:?}\n@include {:?}\n", self.file, tests).into_bytes())
    }
}

/// How all of them went.
#[derive(Debug, Serialize)]
struct Tested {
    passed: u64,
    failed: u64,
    scenarios: Vec<ScenarioReport>,
}

impl Report for Tested {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        for ScenarioReport { name, passed, comparison, failed } in &self.scenarios {
            writeln!(out, "{}  {name}", if *passed { "ok  " } else { "FAIL" })?;
            for line in comparison {
                writeln!(out, "    {line}")?;
            }
            if let Some(reason) = failed {
                writeln!(out, "      {reason}")?;
            }
        }
        writeln!(out, "{}, {} failed", counted(self.passed + self.failed, "scenario"), self.failed)
    }
}
