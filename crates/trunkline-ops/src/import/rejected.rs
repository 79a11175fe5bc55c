//! The file of lines that were passed over, as they stood, to be mended and imported.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::PathBuf;

use super::batch::BadLine;
use crate::OpsError;

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
        let result = self.try_put(line);
        result.map_err(|source| self.failed(source))
    }

    fn try_put(&mut self, line: &BadLine) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(BufWriter::new(File::create(&self.path)?)),
        };
        if let Some(text) = &line.text {
            file.write_all(text)?;
            file.write_all(b"\n")?;
        }
        Ok(())
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
