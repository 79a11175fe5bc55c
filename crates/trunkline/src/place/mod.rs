//! Where an event store is, who said so, and how it is opened.
//!
//! `dsn` is the text that names a store, `open` what leads from it to an open one; `read_db` is the same for read
//! databases, and `queue` for message queues.

mod dsn;
mod open;
mod queue;
mod read_db;

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

pub use dsn::{Dsn, DsnError};
pub use open::OpenStore;
pub use queue::{OpenQueue, OpenQueueError, OpenQueueOptions, QueueDsn, QueueDsnError, QueuePlace};
pub(crate) use read_db::absolute;
pub use read_db::{ReadDsnError, ReadPlace};

/// The variable that names the event store.
const STORE_VARIABLE: &str = "EVENT_STORE_DSN";

/// The variable that names the folder of everything Trunkline keeps.
const DATA_VARIABLE: &str = "TRUNKLINE_DATA";

/// Who said which store or queue is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The flag `--store` of the command line.
    Flag,
    /// The flag `--queue` of the command line.
    QueueFlag,
    /// The application file.
    File,
    /// `EVENT_STORE_DSN`.
    StoreVariable,
    /// `QUEUE_DSN`.
    QueueVariable,
    /// `READ_DB_DSN`.
    ReadVariable,
    /// `TRUNKLINE_DATA`, which names the folder it is in.
    DataVariable,
    /// Nobody.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flag => "--store",
            Self::QueueFlag => "--queue",
            Self::File => "the application file",
            Self::StoreVariable => STORE_VARIABLE,
            Self::QueueVariable => queue::QUEUE_VARIABLE,
            Self::ReadVariable => "READ_DB_DSN",
            Self::DataVariable => DATA_VARIABLE,
            Self::Default => "default",
        })
    }
}

/// A store, and who said that it is the one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The store.
    pub dsn: Dsn,
    /// Who said so.
    pub origin: Origin,
}

impl Place {
    /// The store that the flag names, else the application file, else the environment, else the one in the
    /// data folder.
    pub fn find(
        flag: Option<&str>,
        file: Option<&str>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, DsnError> {
        let variable = |name| variable(name).filter(|value| !value.is_empty());
        if let Some(text) = flag {
            return Ok(Self { dsn: Dsn::parse(text)?, origin: Origin::Flag });
        }
        if let Some(text) = file {
            return Ok(Self { dsn: Dsn::parse(text)?, origin: Origin::File });
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
        match Place::find(flag, None, variable) {
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
    fn the_file_goes_before_the_environment() {
        let place = Place::find(None, Some("log:a"), |_| Some("log:e".into())).unwrap();
        assert_eq!(place.to_string(), "log:a (the application file)");
        let place = Place::find(Some("log:f"), Some("log:a"), |_| None).unwrap();
        assert_eq!(place.to_string(), "log:f (--store)");
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
