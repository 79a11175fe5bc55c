//! The flag that says which queue a command means.

use clap::Args;
use trunkline::{Backends, Dsn, Place, Role};
use trunkline_ops::QueueError;

const QUEUE_HELP: &str = "The message queue: embedded:PATH for the one in a folder \
    [default: QUEUE_DSN, else embedded:$TRUNKLINE_DATA/queue, else embedded:./data/queue]";

/// Which queue.
#[derive(Debug, Args)]
pub(crate) struct QueueArgs {
    #[arg(long, value_name = "DSN", help = QUEUE_HELP)]
    queue: Option<String>,
}

impl QueueArgs {
    /// The queue of a command on an application, whose file may name one, and whose events are there.
    pub(crate) fn place_of(&self, file: Option<&str>, events: Option<&Dsn>) -> Result<Place, QueueError> {
        let (flag, variable) = (self.queue.as_deref(), |name: &str| std::env::var_os(name));
        Ok(Backends::standard().find_beside(Role::Messages, events, flag, file, variable)?)
    }

    /// The queue of a command that works without an application file.
    pub(crate) fn place(&self) -> Result<Place, QueueError> {
        self.place_of(None, None)
    }

    /// What the flag says.
    pub(crate) fn given(&self) -> Option<&str> {
        self.queue.as_deref()
    }
}
