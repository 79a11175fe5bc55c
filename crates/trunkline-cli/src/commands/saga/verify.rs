//! `saga verify`: whether sagas are whole.

use std::io::{self, Write};

use clap::Args;
use trunkline::saga::{SagaCheck, SagaProblem};
use trunkline_ops::sagas::{SagaCounts, verdict};

use crate::args::StoreArgs;
use crate::commands::query::open_app;
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::render::{counted, one_line};

const EXAMPLES: &str = "\
Examples:
  trunkline saga verify orders.tsk
  trunkline saga verify orders.tsk --format json | jq .problems

Reads the log alone: every saga that was started has ended, is stuck, or waits for something that may still come; \
nothing that was done is forgotten on the way back, and nothing is undone twice; every event that should have started \
a saga did; nothing that a saga waits for was passed over; the file names all that sagas under way wait for, but for \
those that are held already. Works beside the process that runs the sagas.

With --format json, one object: sagas, running, compensating, completed, compensated, stuck, problems (each with saga, \
what). Exit code 1 when there are problems; a saga that is stuck is none, it waits for an operator.";

/// Check that every saga is whole: nothing left over, forgotten or done twice
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct VerifyArgs {
    /// The application file
    #[arg(value_name = "FILE")]
    file: String,

    #[command(flatten)]
    store: StoreArgs,
}

impl VerifyArgs {
    pub(super) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let app = open_app(&self.file, &self.store, output).await?;
        let found = app.sagas().verify().await?;
        output.report(&found)?;
        Ok(verdict(&found)?)
    }
}

impl Report for SagaCheck {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { sagas, problems, unlisted, .. } = self;
        let counts = SagaCounts::from(self);
        let verdict = if self.is_whole() { "whole" } else { "not whole" };
        writeln!(out, "{verdict}: {}, {counts}", counted(*sagas, "saga"))?;
        for SagaProblem { saga, what, .. } in problems {
            writeln!(out, "problem: {}: {}", one_line(saga), one_line(what))?;
        }
        if *unlisted > 0 {
            writeln!(out, "and {} more", counted(*unlisted, "problem"))?;
        }
        Ok(())
    }
}
