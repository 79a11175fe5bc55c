//! DSNs of read databases, and who said which one is meant.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use super::{DATA_VARIABLE, Origin};

/// The variable that names the read database.
const READ_VARIABLE: &str = "READ_DB_DSN";

/// Where a read database is, and who said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadPlace {
    /// The registry file of the `SQLite` read database.
    pub path: PathBuf,
    /// Who said so.
    pub origin: Origin,
}

/// Why a text is not the DSN of a read database.
///
/// A DSN may hold a password, so no more of it is repeated than its scheme.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadDsnError {
    /// It has no scheme.
    #[error("{text:?} does not say which kind of read database it is")]
    NoScheme {
        /// The text.
        text: String,
    },
    /// `sqlite:` alone.
    #[error("`sqlite:` is not followed by the path of a file")]
    NoPath,
    /// A kind that this program doesn't have.
    #[error("`{scheme}:` read databases are not in this version of trunkline, which has only SQLite")]
    NotInThisVersion {
        /// Its scheme.
        scheme: String,
    },
}

impl ReadDsnError {
    /// What to write instead.
    pub fn hint(&self) -> &'static str {
        "write sqlite:PATH, such as sqlite:./data/read.db"
    }
}

impl ReadPlace {
    /// The file that a DSN names.
    pub fn parse(text: &str) -> Result<PathBuf, ReadDsnError> {
        match text.split_once(':') {
            Some(("sqlite", "")) => Err(ReadDsnError::NoPath),
            // Also in the form of a URL: `sqlite:///var/read.db`.
            Some(("sqlite", path)) => Ok(path.strip_prefix("//").unwrap_or(path).into()),
            Some((scheme, _))
                if scheme.len() > 1 && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) =>
            {
                Err(ReadDsnError::NotInThisVersion { scheme: scheme.to_owned() })
            }
            _ => Err(ReadDsnError::NoScheme { text: text.to_owned() }),
        }
    }

    /// The read database that the application file names, else the environment, else the one in the data folder.
    pub fn find(
        file: Option<&str>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, ReadDsnError> {
        let variable = |name| variable(name).filter(|value| !value.is_empty());
        if let Some(text) = file {
            return Ok(Self { path: Self::parse(text)?, origin: Origin::File });
        }
        if let Some(text) = variable(READ_VARIABLE) {
            let path = Self::parse(&text.to_string_lossy())?;
            return Ok(Self { path, origin: Origin::ReadVariable });
        }
        if let Some(folder) = variable(DATA_VARIABLE) {
            return Ok(Self { path: PathBuf::from(folder).join("read.db"), origin: Origin::DataVariable });
        }
        Ok(Self { path: "./data/read.db".into(), origin: Origin::Default })
    }
}

/// A path that is the same however it is written, as far as that is known without asking the disk.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

impl fmt::Display for ReadPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sqlite:{} ({})", self.path.display(), self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_goes_before_the_environment_and_that_before_the_default() {
        let find = |file, variables: &[(&str, &str)]| {
            let variable = |name: &str| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
            };
            ReadPlace::find(file, variable).unwrap().to_string()
        };
        let both = [("READ_DB_DSN", "sqlite:e.db"), ("TRUNKLINE_DATA", "d")];
        assert_eq!(find(Some("sqlite:f.db"), &both), "sqlite:f.db (the application file)");
        assert_eq!(find(None, &both), "sqlite:e.db (READ_DB_DSN)");
        assert_eq!(find(None, &both[1..]), "sqlite:d/read.db (TRUNKLINE_DATA)");
        assert_eq!(find(None, &[]), "sqlite:./data/read.db (default)");
    }

    #[test]
    fn what_is_no_read_database_is_refused_without_its_password() {
        let error = |text| ReadPlace::parse(text).unwrap_err().to_string();
        assert!(error("postgres://ada:secret@host/db").starts_with("`postgres:` read databases are not in"));
        assert!(error("data/read.db").starts_with("\"data/read.db\" does not say"));
        assert!(error("sqlite:").starts_with("`sqlite:` is not followed"));
    }
}
