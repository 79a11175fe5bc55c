//! `events lock`: writes every shape that is persisted beside the file.

use std::io::{self, Write};

use clap::Args;
use trunkline_ops::{LockReport, lock_shapes};

use crate::application;
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::render::counted;

const EXAMPLES: &str = "\
Examples:
  trunkline events lock orders.tsk
  trunkline check orders.tsk

Writes orders.lock.json beside orders.tsk: every event type with its versions and fields, as far as schemas and \
`emit` show them. Check it in. From then on `check`, and everything that uses the file, refuses it when a shape was \
changed or has vanished without a new version, and says what to write. What was locked before stays in it.

With --format json, one object: file, types, shapes.";

/// Write the persisted shapes of events beside the file, so that a changed one is noticed
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct LockArgs {
    /// The application file
    #[arg(value_name = "FILE")]
    file: String,
}

impl LockArgs {
    pub(super) fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        // A file that differs from its lock has mistakes, and ends here.
        let file = application::load(&self.file, output)?;
        output.report(&lock_shapes(&self.file, &file.definition)?)
    }
}

impl Report for LockReport {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { file, types, shapes } = self;
        let (types, shapes) = (counted(*types as u64, "event type"), counted(*shapes as u64, "shape"));
        writeln!(out, "{file}: {types}, {shapes}")
    }
}
