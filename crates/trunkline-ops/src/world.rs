//! The world that an application file asks: files, environment variables and the time, as they really are.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use trunkline_config::limits::SOURCE_BYTES_MAX;
use trunkline_config::{Environment, LoadError, Loader, NotUnicode, UnixClock, World};

use crate::OpsError;

/// The real world.
pub fn world() -> World<'static> {
    World { loader: &Files, environment: &Process, clock: &Machine }
}

/// The error when a file cannot be loaded at all.
pub fn not_loaded(file: &str, error: LoadError) -> OpsError {
    let kind = match error {
        LoadError::NotFound => io::ErrorKind::NotFound,
        _ => io::ErrorKind::Other,
    };
    OpsError::File { what: format!("reading {file}"), source: io::Error::new(kind, error) }
}

/// Files by their paths; a file that another names is looked for beside it.
#[derive(Debug)]
struct Files;

impl Loader for Files {
    /// `.` and `..` are resolved in the text of the path, so that one file has one name.
    fn resolve(&self, from: &str, path: &str) -> String {
        let folder = Path::new(from).parent().unwrap_or(Path::new(""));
        let mut resolved = PathBuf::new();
        for component in folder.join(path).components() {
            let within = matches!(resolved.components().next_back(), Some(Component::Normal(_)));
            match component {
                Component::CurDir => {}
                Component::ParentDir if within => {
                    resolved.pop();
                }
                component => resolved.push(component),
            }
        }
        resolved.to_string_lossy().into_owned()
    }

    fn load(&self, name: &str) -> Result<Vec<u8>, LoadError> {
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => LoadError::NotFound,
            _ => LoadError::Failed(error.to_string()),
        };
        // Not more than may be: the path may lead to a device that never ends.
        let limit = SOURCE_BYTES_MAX as u64 + 1;
        let mut bytes = Vec::new();
        File::open(name).and_then(|file| file.take(limit).read_to_end(&mut bytes)).map_err(failed)?;
        if bytes.len() > SOURCE_BYTES_MAX { Err(LoadError::TooLarge) } else { Ok(bytes) }
    }
}

/// The environment of this process.
#[derive(Debug)]
struct Process;

impl Environment for Process {
    fn variable(&self, name: &str) -> Result<Option<String>, NotUnicode> {
        match std::env::var(name) {
            Ok(value) => Ok(Some(value)),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err(NotUnicode),
        }
    }
}

/// The clock of this machine.
#[derive(Debug)]
struct Machine;

impl UnixClock for Machine {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that is passed in")]
    fn unix_micros(&self) -> i64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        // Before 1970 the clock is not set; the year shows it.
        now.map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_one_name_however_it_is_written() {
        for (from, path, wanted) in [
            ("app.tsk", "part.tsk", "part.tsk"),
            ("conf/app.tsk", "./x/../part.tsk", "conf/part.tsk"),
            ("conf/app.tsk", "../part.tsk", "part.tsk"),
            ("app.tsk", "../part.tsk", "../part.tsk"),
            ("../app.tsk", "../part.tsk", "../../part.tsk"),
            ("conf/app.tsk", "/etc/part.tsk", "/etc/part.tsk"),
        ] {
            assert_eq!(Files.resolve(from, path), wanted, "{path} in {from}");
        }
    }
}
