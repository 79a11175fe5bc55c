//! The application that commands are sent to, typed or declared, and how one is sent.

use std::sync::Arc;

use bytes::Bytes;
use trunkline::FromFile as _;
use trunkline::config::{FixedClock, MemoryEnvironment, MemoryFiles, World};
use trunkline::{App, CommandId, CommandRequest, EventStore, Outcome};

use super::typed::{OrderCommand, Orders};
use crate::failure::{Failure, Result};

/// The declared application is the example's.
pub(crate) const FILE: &str = include_str!("../../../../examples/orders/orders.tsk");

/// How the application is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A decider in Rust; commands are Rust values.
    Typed,
    /// A file with expressions; commands are JSON.
    Declared,
}

impl Kind {
    /// The application over this store.
    pub(super) async fn open(self, store: Arc<dyn EventStore>) -> Result<App> {
        let builder = App::builder().shared_store(store);
        let builder = match self {
            Self::Typed => builder.decider::<Orders>(),
            Self::Declared => {
                let files = MemoryFiles::new().with("orders.tsk", FILE);
                let environment = MemoryEnvironment::new();
                let world = World { loader: &files, environment: &environment, clock: &FixedClock(0) };
                builder.load("orders.tsk", world).map_err(failed)?
            }
        };
        builder.build().await.map_err(failed)
    }

    /// A command in the form that this application takes.
    pub(super) fn command(self, command: OrderCommand, id: Option<CommandId>) -> Result<Sent> {
        Ok(match self {
            Self::Typed => Sent::Typed(command, id),
            Self::Declared => {
                let CommandRequest { name, data, .. } = CommandRequest::of(&command).map_err(failed)?;
                Sent::Declared(name, data, id)
            }
        })
    }
}

/// A command as its sender has it.
#[derive(Clone, Debug)]
pub(super) enum Sent {
    Typed(OrderCommand, Option<CommandId>),
    Declared(String, Bytes, Option<CommandId>),
}

impl Sent {
    /// Sends it, and gives what came of it.
    pub(super) async fn to(self, app: &App) -> Result<Outcome> {
        let outcome = match self {
            Self::Typed(command, None) => app.dispatch(command).await,
            Self::Typed(command, Some(id)) => match CommandRequest::of(&command) {
                Ok(request) => app.send(request.id(id)).await,
                Err(error) => Err(error),
            },
            Self::Declared(name, data, None) => app.send(CommandRequest::new(name, data)).await,
            Self::Declared(name, data, Some(id)) => app.send(CommandRequest::new(name, data).id(id)).await,
        };
        outcome.map_err(failed)
    }
}

pub(super) fn failed<E: Into<Box<dyn std::error::Error + Send + Sync>>>(error: E) -> Failure {
    Failure::engine("trunkline")(error)
}
