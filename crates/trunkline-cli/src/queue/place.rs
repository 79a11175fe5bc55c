//! Which queue a command means, and who said so.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use clap::Args;

/// The variable that names the queue.
const QUEUE_VARIABLE: &str = "QUEUE_DSN";

/// The variable that names the folder of everything Trunkline keeps.
const DATA_VARIABLE: &str = "TRUNKLINE_DATA";

const QUEUE_HELP: &str = "The message queue: embedded:PATH for the one in a folder \
    [default: QUEUE_DSN, else embedded:$TRUNKLINE_DATA/queue, else embedded:./data/queue]";

/// Which queue.
#[derive(Debug, Args)]
pub(crate) struct QueueArgs {
    #[arg(long, value_name = "DSN", help = QUEUE_HELP)]
    queue: Option<String>,
}

impl QueueArgs {
    pub(crate) fn place(&self) -> Result<Place, PlaceError> {
        Place::find(self.queue.as_deref(), |name| std::env::var_os(name))
    }
}

/// An embedded queue's folder, and who said that it is the one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    origin: &'static str,
}

/// Why a text is not the DSN of a queue that this version has.
///
/// A DSN may hold a password, so no more of it is repeated than its scheme.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PlaceError {
    #[error("it does not say which kind of queue it is")]
    NoScheme,
    #[error("`embedded:` is not followed by the path of a folder")]
    NoPath,
    #[error("`{scheme}:` queues are not in this version of trunkline, which has only the embedded one")]
    NotInThisVersion { scheme: String },
    #[error("`{scheme}:` is an event store, not a message queue")]
    Store { scheme: String },
    #[error("there is no kind of queue named `{scheme}:`")]
    UnknownScheme { scheme: String },
}

impl PlaceError {
    /// What to write instead.
    #[expect(clippy::unused_self, reason = "every mistake has the same remedy today")]
    pub(crate) fn hint(&self) -> String {
        "write embedded:PATH for the queue in a folder, such as embedded:./data/queue".to_owned()
    }
}

impl Place {
    fn find(flag: Option<&str>, variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, PlaceError> {
        let variable = |name| variable(name).filter(|value| !value.is_empty());
        if let Some(text) = flag {
            return Ok(Self { path: parse(text)?, origin: "--queue" });
        }
        if let Some(text) = variable(QUEUE_VARIABLE) {
            return Ok(Self { path: parse(&text.to_string_lossy())?, origin: QUEUE_VARIABLE });
        }
        if let Some(folder) = variable(DATA_VARIABLE) {
            return Ok(Self { path: PathBuf::from(folder).join("queue"), origin: DATA_VARIABLE });
        }
        Ok(Self { path: "./data/queue".into(), origin: "default" })
    }

    /// The DSN, to be written on a command line.
    pub(crate) fn dsn(&self) -> String {
        format!("embedded:{}", self.path.display())
    }
}

fn parse(text: &str) -> Result<PathBuf, PlaceError> {
    // A drive letter is the beginning of a path.
    let scheme =
        text.split_once(':').filter(|(scheme, _)| scheme.len() > 1 && !scheme.contains(['/', '\\', '.']));
    let (scheme, rest) = scheme.ok_or(PlaceError::NoScheme)?;
    let scheme = scheme.to_ascii_lowercase();
    match scheme.as_str() {
        "embedded" if rest.is_empty() => Err(PlaceError::NoPath),
        "embedded" => Ok(rest.into()),
        "redis" | "rediss" | "nats" | "memory" => Err(PlaceError::NotInThisVersion { scheme }),
        "log" | "sqlite" | "postgres" | "postgresql" | "pgsql" | "mysql" | "mariadb" => {
            Err(PlaceError::Store { scheme })
        }
        _ => Err(PlaceError::UnknownScheme { scheme }),
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.dsn(), self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(flag: Option<&str>, variables: &[(&str, &str)]) -> String {
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        Place::find(flag, variable).map_or_else(|error| error.to_string(), |place| place.to_string())
    }

    #[test]
    fn the_flag_goes_before_the_environment_and_that_before_the_default() {
        let both = [("QUEUE_DSN", "embedded:e"), ("TRUNKLINE_DATA", "d")];
        assert_eq!(find(Some("embedded:f"), &both), "embedded:f (--queue)");
        assert_eq!(find(None, &both), "embedded:e (QUEUE_DSN)");
        assert_eq!(find(None, &both[1..]), "embedded:d/queue (TRUNKLINE_DATA)");
        assert_eq!(find(None, &[("QUEUE_DSN", "")]), "embedded:./data/queue (default)");
    }

    #[test]
    fn what_is_no_queue_is_refused() {
        for (dsn, words) in [
            ("./data", "which kind of queue"),
            ("C:\\data", "which kind of queue"),
            ("embedded:", "not followed by the path"),
            ("redis://:secret@host", "`redis:` queues are not in this version"),
            ("log:x", "`log:` is an event store"),
            ("rabbit:x", "no kind of queue named `rabbit:`"),
        ] {
            let said = find(Some(dsn), &[]);
            assert!(said.contains(words) && !said.contains("secret"), "{said}");
        }
    }
}
