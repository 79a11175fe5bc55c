//! A counter with a limit: the smallest decider that shows a lost or doubled decision.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use trunkline::{Command, Decider, Event};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
pub(crate) enum CounterEvent {
    Incremented {},
}

#[derive(Debug, Serialize, Deserialize, Command)]
pub(crate) enum CounterCommand {
    Increment { id: String, limit: u64 },
}

pub(crate) struct Counter;

impl Decider for Counter {
    const AGGREGATE: &'static str = "counter";
    type State = u64;
    type Command = CounterCommand;
    type Event = CounterEvent;
    type Rejection = String;

    fn id(CounterCommand::Increment { id, .. }: &CounterCommand) -> Cow<'_, str> {
        id.into()
    }

    fn initial() -> u64 {
        0
    }

    fn decide(count: &u64, command: CounterCommand) -> Result<Vec<CounterEvent>, String> {
        let CounterCommand::Increment { limit, .. } = command;
        if *count < limit {
            Ok(vec![CounterEvent::Incremented {}])
        } else {
            Err(format!("the limit is {limit}"))
        }
    }

    fn evolve(count: u64, _: &CounterEvent) -> u64 {
        count + 1
    }
}

pub(crate) fn increment(id: &str, limit: u64) -> CounterCommand {
    CounterCommand::Increment { id: id.to_owned(), limit }
}
