//! `events lock`: writes every shape that is persisted beside the file.

use std::io::{self, Write};
use std::path::Path;

use clap::Args;
use serde::Serialize;
use trunkline::shapes::Lock;

use crate::application;
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::render::counted;
use crate::whole_file::WholeFile;

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

#[derive(Debug, Serialize)]
struct Locked {
    file: String,
    types: usize,
    shapes: usize,
}

impl LockArgs {
    pub(super) fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        // A file that differs from its lock has mistakes, and ends here.
        let file = application::load(&self.file, output)?;
        let path = Lock::path_of(&self.file);
        let failed = |what: &str| {
            let what = format!("{what} {path}");
            move |source| Failure::File { what, source }
        };
        let earlier = match std::fs::read(&path) {
            Ok(text) => {
                let wrong = |error: trunkline::shapes::LockError| {
                    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
                };
                Some(Lock::parse(&text).map_err(wrong).map_err(failed("reading"))?)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed("reading")(error)),
        };
        let lock = Lock::of(&file.definition, earlier);
        write(&path, &lock).map_err(failed("writing"))?;
        let (types, shapes) = lock.counts();
        output.report(&Locked { file: path, types, shapes })
    }
}

/// A kill or a full disk leaves the lock as it was: with half of it, nothing that uses the file would run.
fn write(path: &str, lock: &Lock) -> io::Result<()> {
    let mut file = WholeFile::begin(Path::new(path))?;
    file.write_all(lock.to_text().as_bytes())?;
    file.put_in_place()
}

impl Report for Locked {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { file, types, shapes } = self;
        let (types, shapes) = (counted(*types as u64, "event type"), counted(*shapes as u64, "shape"));
        writeln!(out, "{file}: {types}, {shapes}")
    }
}
