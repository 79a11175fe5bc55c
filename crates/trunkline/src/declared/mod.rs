//! Aggregates, commands and queries that the application file declares, in expressions that are compiled once.
//!
//! `aggregate` makes a state of events, `command` decides over it, `query` asks the read models.

mod aggregate;
mod command;
mod query;

use std::sync::Arc;

use indexmap::IndexMap;

pub(crate) use aggregate::{Folded, event_value};
use command::DeclaredCommand;
pub(crate) use query::DeclaredQuery;

use crate::command::Handle;
use crate::file::{AggregateDefinition, CommandDefinition};

/// The aggregates that a file declares, by name.
type Aggregates = IndexMap<String, AggregateDefinition>;

/// The handlers of all declared commands.
pub(crate) fn commands(
    aggregates: Aggregates,
    commands: IndexMap<String, CommandDefinition>,
) -> impl Iterator<Item = (String, Arc<dyn Handle>)> {
    let aggregates = Arc::new(aggregates);
    commands.into_iter().map(move |(name, definition)| {
        let command = DeclaredCommand::new(definition, Arc::clone(&aggregates));
        (name, Arc::new(command) as Arc<dyn Handle>)
    })
}
