//! What a file may ask of the world: other files, environment variables and the time, each behind a small trait, so
//! that a test owns all three.

use std::collections::BTreeMap;
use std::fmt;

/// Where files come from.
pub trait Loader {
    /// The name under which `path`, as written in the file `from`, is loaded.
    ///
    /// The same file must always get the same name: inclusion cycles are found by it.
    fn resolve(&self, from: &str, path: &str) -> String;

    /// The bytes of a file, by the name that [`resolve`](Loader::resolve) gave.
    fn load(&self, name: &str) -> Result<Vec<u8>, LoadError>;
}

/// A file that could not be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadError {
    /// There is no such file.
    NotFound,
    /// The file is larger than [`SOURCE_BYTES_MAX`](crate::limits::SOURCE_BYTES_MAX).
    TooLarge,
    /// Reading failed, and why.
    Failed(String),
}

impl fmt::Display for LoadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => formatter.write_str("there is no such file"),
            Self::TooLarge => {
                write!(formatter, "the file is larger than {} MiB", crate::limits::SOURCE_BYTES_MAX >> 20)
            }
            Self::Failed(reason) => formatter.write_str(reason),
        }
    }
}

impl std::error::Error for LoadError {}

/// Where environment variables come from.
pub trait Environment {
    /// A variable; `None` when it is not set. Set but empty is `Some` of an empty text.
    fn variable(&self, name: &str) -> Result<Option<String>, NotUnicode>;
}

/// A variable that is set to bytes that are not text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotUnicode;

impl fmt::Display for NotUnicode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the variable's value is not Unicode text")
    }
}

impl std::error::Error for NotUnicode {}

/// What time it is.
pub trait UnixClock {
    /// Microseconds since 1970-01-01 00:00 UTC.
    fn unix_micros(&self) -> i64;
}

/// The three together.
#[derive(Clone, Copy)]
pub struct World<'a> {
    /// Files.
    pub loader: &'a dyn Loader,
    /// Environment variables.
    pub environment: &'a dyn Environment,
    /// The time.
    pub clock: &'a dyn UnixClock,
}

impl fmt::Debug for World<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("World")
    }
}

/// Files held in memory, by name; `/` separates folders.
#[derive(Clone, Debug, Default)]
pub struct MemoryFiles {
    files: BTreeMap<String, Vec<u8>>,
}

impl MemoryFiles {
    /// No files.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file, or replaces it.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        self.files.insert(name.into(), bytes.into());
        self
    }
}

impl Loader for MemoryFiles {
    fn resolve(&self, from: &str, path: &str) -> String {
        let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut steps: Vec<&str> = if path.starts_with('/') { vec![""] } else { folder.split('/').collect() };
        for step in path.trim_start_matches('/').split('/') {
            match step {
                "." | "" => {}
                ".." => drop(steps.pop()),
                step => steps.push(step),
            }
        }
        steps.join("/").trim_start_matches('/').to_owned()
    }

    fn load(&self, name: &str) -> Result<Vec<u8>, LoadError> {
        self.files.get(name).cloned().ok_or(LoadError::NotFound)
    }
}

/// Environment variables held in memory. Debug output shows their names only, since they may be secrets.
#[derive(Clone, Default)]
pub struct MemoryEnvironment {
    variables: BTreeMap<String, String>,
}

impl MemoryEnvironment {
    /// No variables.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a variable.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }
}

impl fmt::Debug for MemoryEnvironment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.variables.keys()).finish()
    }
}

impl Environment for MemoryEnvironment {
    fn variable(&self, name: &str) -> Result<Option<String>, NotUnicode> {
        Ok(self.variables.get(name).cloned())
    }
}

/// A clock that stands still at some microseconds since 1970.
#[derive(Clone, Copy, Debug, Default)]
pub struct FixedClock(pub i64);

impl UnixClock for FixedClock {
    fn unix_micros(&self) -> i64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_the_file_that_names_them() {
        let files = MemoryFiles::new();
        assert_eq!(files.resolve("app.tsk", "db.tsk"), "db.tsk");
        assert_eq!(files.resolve("conf/app.tsk", "./db.tsk"), "conf/db.tsk");
        assert_eq!(files.resolve("conf/app.tsk", "../x/db.tsk"), "x/db.tsk");
        assert_eq!(files.resolve("conf/app.tsk", "/etc/db.tsk"), "etc/db.tsk");
    }
}
