//! Doors that are built, painted and stripped: a decider, and a consumer of its commands.

use std::borrow::Cow;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use trunkline::messages::{Consumer, MessageError, MessageHandler};
use trunkline::queue::Delivery;
use trunkline::{Command, Decider, Event};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
pub(crate) enum DoorEvent {
    Built { id: String },
    Painted { id: String },
    Stripped { id: String },
}

#[derive(Debug, Serialize, Deserialize, Command)]
pub(crate) enum DoorCommand {
    Build { id: String },
    Paint { id: String },
    Strip { id: String },
}

pub(crate) struct Door;

impl Decider for Door {
    const AGGREGATE: &'static str = "door";
    type State = ();
    type Command = DoorCommand;
    type Event = DoorEvent;
    type Rejection = &'static str;

    fn id(command: &DoorCommand) -> Cow<'_, str> {
        let (DoorCommand::Build { id } | DoorCommand::Paint { id } | DoorCommand::Strip { id }) = command;
        id.into()
    }

    fn initial() {}

    fn decide((): &(), command: DoorCommand) -> Result<Vec<DoorEvent>, &'static str> {
        Ok(vec![match command {
            DoorCommand::Build { id } => DoorEvent::Built { id },
            DoorCommand::Paint { id } => DoorEvent::Painted { id },
            DoorCommand::Strip { id } => DoorEvent::Stripped { id },
        }])
    }

    fn evolve((): (), _: &DoorEvent) {}
}

pub(crate) fn consumer(name: &str, topic: &str) -> Consumer {
    Consumer::new(name, vec![topic.parse().unwrap()], name.parse().unwrap())
}

/// Takes messages and does nothing with them.
pub(crate) struct Nothing;

impl MessageHandler for Nothing {
    fn handle<'a>(&'a self, _: &'a Delivery) -> BoxFuture<'a, Result<(), MessageError>> {
        Box::pin(async { Ok(()) })
    }
}
