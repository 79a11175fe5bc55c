//! `test`: the scenarios of an application file.

use std::io::{self, Write};

use clap::Args;
use trunkline::FromFile as _;
use trunkline::scenario::ScenarioReport;
use trunkline::{App, MemoryStore};
use trunkline_ops::{ScenariosReport, run_scenarios};

use crate::application;
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::render::{Tone, counted, screen};

const EXAMPLES: &str = "\
Examples:
  trunkline test orders.tsk
  trunkline test orders.tsk --format json | jq '.scenarios[] | select(.passed | not)'

A scenario stands in the file, or in one beside it whose name ends in .test.tsk (orders.test.tsk for orders.tsk):

  [scenarios.a_confirmed_order_is_confirmed]
  given: [{ command: \"CreateOrder\", data: { order_id: \"1\" } }]
  when: { command: \"ConfirmOrder\", data: { order_id: \"1\" } }
  then: [{ type: \"OrderConfirmed\" }]

`given` has events ({ type, data, stream }), commands, and time that passed ({ after: \"5m\" }); `when` is a command, \
an event, or time that passes: { after: \"30s\" } has a saga's timeout run out, and nobody waits. `then` has events, or is { rejected: \"the reason\" }, \
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
        let file = application::load_with_tests(&self.file, output)?;
        let app = App::builder().store(MemoryStore::new()).file(file).build().await?;
        let tested = run_scenarios(&app).await;
        if tested.scenarios.is_empty() {
            let file = &self.file;
            output.say(format_args!("{file} has no scenarios; `trunkline test --help` shows one"));
        }
        output.report(&tested)?;
        Ok(tested.verdict()?)
    }
}

impl Report for ScenariosReport {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        for ScenarioReport { name, passed, comparison, failed } in &self.scenarios {
            let mark = if *passed { "ok  ".to_owned() } else { screen().paint(Tone::Bad, "FAIL") };
            writeln!(out, "{mark}  {name}")?;
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
