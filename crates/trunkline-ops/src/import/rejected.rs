//! The file of lines that were passed over, as they stood, to be mended and imported.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::PathBuf;

use trunkline_place::new_file;

use super::batch::BadLine;
use crate::{OpsError, may_hold_lines};

/// A file that is made when the first line comes.
#[derive(Debug)]
pub(super) struct Rejected {
    path: PathBuf,
    file: Option<BufWriter<File>>,
}

impl Rejected {
    pub(super) fn to(path: PathBuf) -> Self {
        Self { path, file: None }
    }

    /// The file, once there is one.
    pub(super) fn path(&self) -> Option<PathBuf> {
        self.file.as_ref().map(|_| self.path.clone())
    }

    /// Writes the line.
    pub(super) fn put(&mut self, line: &BadLine) -> Result<(), OpsError> {
        if self.file.is_none() {
            // What the import began with may be another by now.
            may_hold_lines(&self.path)?;
        }
        let result = self.try_put(line);
        result.map_err(|source| self.failed(source))
    }

    fn try_put(&mut self, line: &BadLine) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(BufWriter::new(self.create()?)),
        };
        if let Some(text) = &line.text {
            file.write_all(text)?;
            file.write_all(b"\n")?;
        }
        Ok(())
    }

    /// Makes the file, or empties the one that was there when it was looked at; none that has come since.
    fn create(&self) -> io::Result<File> {
        let is_there = self.path.symlink_metadata().is_ok();
        new_file().truncate(is_there).create_new(!is_there).open(&self.path)
    }

    /// Sees to it that the file has every line.
    pub(super) fn finish(&mut self) -> Result<(), OpsError> {
        match self.file.as_mut().map_or(Ok(()), BufWriter::flush) {
            Ok(()) => Ok(()),
            Err(source) => Err(self.failed(source)),
        }
    }

    fn failed(&self, source: io::Error) -> OpsError {
        OpsError::File { what: format!("writing {}", self.path.display()), source }
    }
}
