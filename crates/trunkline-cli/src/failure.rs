//! Failures: what a command can end with.

use std::io::{self, ErrorKind};

use trunkline_config::Code;
use trunkline_ops::{Exit, OpsError};

/// Why a command did not do what it was asked for, or what it found that must not be passed over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// What it asked of the library.
    #[error(transparent)]
    Ops(OpsError),
    /// The output could not be written.
    #[error("writing to standard output")]
    Output(#[source] io::Error),
}

impl<E: Into<OpsError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Ops(error.into())
    }
}

impl Failure {
    /// A command line that makes no sense, in a way that its grammar could not tell.
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Ops(OpsError::Invalid { message: message.into(), hint: hint.into() })
    }

    /// A file that could not be read or written.
    pub(crate) fn file(what: impl Into<String>, source: io::Error) -> Self {
        Self::Ops(OpsError::File { what: what.into(), source })
    }

    /// How the command ends.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Ops(error) => Exit::of(error),
            // Whoever read the output has seen enough: `| head`.
            Self::Output(error) if error.kind() == ErrorKind::BrokenPipe => Exit::Done,
            Self::Output(_) => Exit::Failed,
        }
    }

    /// The failure with its causes, on one line.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Ops(error) => error.message(),
            Self::Output(error) => format!("{self}: {error}"),
        }
    }

    /// What the user can do, each a sentence of its own.
    pub(crate) fn hints(&self) -> Vec<String> {
        match self {
            Self::Ops(error) => error.hints(),
            Self::Output(_) => Vec::new(),
        }
    }

    /// The code whose page explains it, where there is one.
    pub(crate) fn code(&self) -> Option<&'static str> {
        match self {
            Self::Ops(error) => error.code().map(Code::as_str),
            Self::Output(_) => None,
        }
    }
}
