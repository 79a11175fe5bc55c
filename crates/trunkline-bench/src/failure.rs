//! Why a run ended before its time.

use std::error::Error;
use std::io;

/// Why a run ended before its time.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A file could not be read or written.
    #[error("could not {act}")]
    Io {
        act: String,
        #[source]
        source: io::Error,
    },
    /// An engine refused what every engine is asked for.
    #[error("{engine} failed")]
    Engine {
        engine: &'static str,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// An engine answered otherwise than it must: its figures would mean nothing.
    #[error("{engine} gave {found} events where {expected} were stored ({what})")]
    Wrong { engine: &'static str, what: &'static str, expected: u64, found: u64 },
    /// The command line makes no sense, in a way that its grammar could not tell.
    #[error("{0}")]
    Usage(String),
    /// The user asked the run to stop.
    #[error("interrupted")]
    Interrupted,
}

pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// Wraps an error of the file system: which act failed.
    pub(crate) fn io(act: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { act: act.into(), source }
    }

    /// Wraps an error of an engine.
    pub(crate) fn engine<E: Into<Box<dyn Error + Send + Sync>>>(engine: &'static str) -> impl Fn(E) -> Self {
        move |source| Self::Engine { engine, source: source.into() }
    }

    /// The failure with its causes, on one line.
    pub(crate) fn message(&self) -> String {
        let mut message = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            message.push_str(": ");
            message.push_str(&error.to_string());
            cause = error.source();
        }
        message
    }
}
