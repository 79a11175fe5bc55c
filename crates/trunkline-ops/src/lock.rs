//! Locking shapes: what is persisted is remembered in a file beside the application file.

use std::io::{self, Write as _};
use std::path::Path;

use serde::Serialize;
use trunkline::Definition;
use trunkline::shapes::{Lock, LockError};

use crate::OpsError;
use crate::whole_file::WholeFile;

/// What was locked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LockReport {
    /// The lock file.
    pub file: String,
    /// Event types in it.
    pub types: usize,
    /// Their shapes.
    pub shapes: usize,
}

/// Writes every shape that an application file declares to the lock file beside it; what was locked before stays there.
pub fn lock_shapes(file: &str, definition: &Definition) -> Result<LockReport, OpsError> {
    let path = Lock::path_of(file);
    let failed = |what: &str| {
        let what = format!("{what} {path}");
        move |source| OpsError::File { what, source }
    };
    let earlier = match std::fs::read(&path) {
        Ok(text) => {
            let wrong = |error: LockError| io::Error::new(io::ErrorKind::InvalidData, error.to_string());
            Some(Lock::parse(&text).map_err(wrong).map_err(failed("reading"))?)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed("reading")(error)),
    };
    let lock = Lock::of(definition, earlier);
    write(&path, &lock).map_err(failed("writing"))?;
    let (types, shapes) = lock.counts();
    Ok(LockReport { file: path, types, shapes })
}

/// A kill or a full disk leaves the lock as it was: with half of it, nothing that uses the file would run.
fn write(path: &str, lock: &Lock) -> io::Result<()> {
    let mut file = WholeFile::begin(Path::new(path))?;
    file.write_all(lock.to_text().as_bytes())?;
    file.put_in_place()
}
