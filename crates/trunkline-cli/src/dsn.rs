//! DSNs: which store a command means, and who said so.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

/// The variable that names the event store.
const STORE_VARIABLE: &str = "EVENT_STORE_DSN";

/// The variable that names the folder of everything Trunkline keeps.
const DATA_VARIABLE: &str = "TRUNKLINE_DATA";

/// Where an event store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Dsn {
    /// In this process, gone with it.
    Memory,
    /// The embedded log in this folder.
    Log(PathBuf),
}

/// Why a text is not the DSN of an event store.
///
/// A DSN may hold a password, so no more of it is repeated than its scheme.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DsnError {
    #[error("{text:?} does not say which kind of store it is")]
    NoScheme { text: String },
    #[error("`log:` is not followed by the path of a folder")]
    NoPath,
    #[error("`memory:` is followed by something; it takes nothing")]
    MemoryWithPath,
    #[error("`{scheme}:` stores are not in this version of trunkline, which has only the embedded log")]
    NotInThisVersion { scheme: String },
    #[error("`{scheme}:` is a message queue, not an event store")]
    Queue { scheme: String },
    #[error("there is no kind of store named `{scheme}:`")]
    UnknownScheme { scheme: String },
}

impl DsnError {
    /// What to write instead.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::NoScheme { text } if !text.is_empty() => {
                format!("for the embedded log in that folder, write log:{text}")
            }
            Self::MemoryWithPath => "write memory: alone, or log:PATH for a store that stays".to_owned(),
            Self::NoScheme { .. }
            | Self::NoPath
            | Self::NotInThisVersion { .. }
            | Self::Queue { .. }
            | Self::UnknownScheme { .. } => {
                "write log:PATH for the embedded log in a folder, such as log:./data/events".to_owned()
            }
        }
    }
}

impl Dsn {
    fn parse(text: &str) -> Result<Self, DsnError> {
        // A drive letter is the beginning of a path.
        let scheme = text.split_once(':').filter(|(scheme, _)| scheme.len() > 1 && is_scheme(scheme));
        let Some((scheme, rest)) = scheme else {
            return Err(DsnError::NoScheme { text: text.to_owned() });
        };
        let scheme = scheme.to_ascii_lowercase();
        match scheme.as_str() {
            "log" if rest.is_empty() => Err(DsnError::NoPath),
            "log" => Ok(Self::Log(rest.into())),
            "memory" if rest.is_empty() => Ok(Self::Memory),
            "memory" => Err(DsnError::MemoryWithPath),
            "sqlite" | "postgres" | "postgresql" | "pgsql" | "mysql" | "mariadb" => {
                Err(DsnError::NotInThisVersion { scheme })
            }
            "redis" | "rediss" | "nats" | "embedded" => Err(DsnError::Queue { scheme }),
            _ => Err(DsnError::UnknownScheme { scheme }),
        }
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-".contains(c))
}

impl fmt::Display for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory:"),
            Self::Log(path) => write!(f, "log:{}", path.display()),
        }
    }
}

/// Who said which store is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Flag,
    StoreVariable,
    DataVariable,
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flag => "--store",
            Self::StoreVariable => STORE_VARIABLE,
            Self::DataVariable => DATA_VARIABLE,
            Self::Default => "default",
        })
    }
}

/// A store, and who said that it is the one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) dsn: Dsn,
    pub(crate) origin: Origin,
}

impl Place {
    /// The store that the flag names, else the environment, else the one in the data folder.
    pub(crate) fn find(
        flag: Option<&str>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, DsnError> {
        let variable = |name| variable(name).filter(|value| !value.is_empty());
        if let Some(text) = flag {
            return Ok(Self { dsn: Dsn::parse(text)?, origin: Origin::Flag });
        }
        if let Some(text) = variable(STORE_VARIABLE) {
            let dsn = Dsn::parse(&text.to_string_lossy())?;
            return Ok(Self { dsn, origin: Origin::StoreVariable });
        }
        if let Some(folder) = variable(DATA_VARIABLE) {
            let path = PathBuf::from(folder).join("events");
            return Ok(Self { dsn: Dsn::Log(path), origin: Origin::DataVariable });
        }
        Ok(Self { dsn: Dsn::Log("./data/events".into()), origin: Origin::Default })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.dsn, self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(flag: Option<&str>, variables: &[(&str, &str)]) -> String {
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        match Place::find(flag, variable) {
            Ok(place) => place.to_string(),
            Err(error) => format!("{error}; {}", error.hint()),
        }
    }

    #[test]
    fn the_flag_goes_before_the_environment_and_that_before_the_default() {
        let both = [("EVENT_STORE_DSN", "log:e"), ("TRUNKLINE_DATA", "d")];
        assert_eq!(find(Some("log:f"), &both), "log:f (--store)");
        assert_eq!(find(None, &both), "log:e (EVENT_STORE_DSN)");
        assert_eq!(find(None, &both[1..]), "log:d/events (TRUNKLINE_DATA)");
        assert_eq!(
            find(None, &[("EVENT_STORE_DSN", ""), ("TRUNKLINE_DATA", "")]),
            "log:./data/events (default)"
        );
    }

    #[test]
    fn what_is_not_a_store_is_refused_with_what_to_write() {
        let log = "write log:PATH for the embedded log in a folder, such as log:./data/events";
        for (dsn, wanted) in [
            (
                "./data",
                "\"./data\" does not say which kind of store it is; \
                 for the embedded log in that folder, write log:./data"
                    .to_owned(),
            ),
            (
                "C:\\data",
                "\"C:\\\\data\" does not say which kind of store it is; \
                 for the embedded log in that folder, write log:C:\\data"
                    .to_owned(),
            ),
            ("", format!("\"\" does not say which kind of store it is; {log}")),
            ("log:", format!("`log:` is not followed by the path of a folder; {log}")),
            (
                "memory:x",
                "`memory:` is followed by something; it takes nothing; \
                 write memory: alone, or log:PATH for a store that stays"
                    .to_owned(),
            ),
            (
                "postgres://ada:secret@host/db",
                format!(
                    "`postgres:` stores are not in this version of trunkline, which has only the embedded log; {log}"
                ),
            ),
            (
                "mysql:host=localhost;dbname=event_store",
                format!(
                    "`mysql:` stores are not in this version of trunkline, which has only the embedded log; {log}"
                ),
            ),
            ("redis://host", format!("`redis:` is a message queue, not an event store; {log}")),
            ("lgo:x", format!("there is no kind of store named `lgo:`; {log}")),
        ] {
            assert_eq!(find(Some(dsn), &[]), wanted, "{dsn}");
        }
    }
}
