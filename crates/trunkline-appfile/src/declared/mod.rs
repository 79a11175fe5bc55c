//! Aggregates, commands and queries that the application file declares, in expressions that are compiled once.
//!
//! `aggregate` makes a state of events, `command` decides over it, `query` asks the read models, `saga` goes
//! step by step; `event` is
//! what new events have to be, `upcast` what old ones become.

mod aggregate;
mod command;
mod event;
mod query;
mod relay_key;
mod saga;
pub(crate) mod upcast;

use std::sync::Arc;

use indexmap::IndexMap;
use trunkline_core::upcast::Upcasters;

use aggregate::Aggregate;
pub(crate) use aggregate::event_value;
use command::DeclaredCommand;
pub(crate) use event::EventShapeRule;
pub(crate) use query::DeclaredQuery;
pub(crate) use relay_key::relay_key;
pub(crate) use saga::DeclaredSaga;

use crate::file::{AggregateDefinition, CommandDefinition};
use trunkline_runtime::CommandLogic;

/// The aggregates that a file declares, by name.
type Aggregates = IndexMap<String, Aggregate>;

/// The handlers of all declared commands.
pub(crate) fn commands(
    aggregates: IndexMap<String, AggregateDefinition>,
    commands: IndexMap<String, CommandDefinition>,
    upcasters: &Upcasters,
    snapshot_every: u64,
) -> impl Iterator<Item = (String, Arc<dyn CommandLogic>)> + use<> {
    let known = |(name, definition)| (name, Aggregate::new(definition, upcasters, snapshot_every));
    let aggregates: Arc<Aggregates> = Arc::new(aggregates.into_iter().map(known).collect());
    commands.into_iter().map(move |(name, definition)| {
        let command = DeclaredCommand::new(definition, Arc::clone(&aggregates));
        (name, Arc::new(command) as Arc<dyn CommandLogic>)
    })
}
