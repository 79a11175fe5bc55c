//! Code by names: what a program registers for others to name, such as an application file.

use std::collections::BTreeMap;
use std::sync::Arc;

use trunkline_core::saga::Behaviour;
use trunkline_sql::TypedProjection;

use super::{AppBuilder, HookError};
use crate::command::CommandLogic;
use crate::messages::MessageHandler;
use crate::query::QueryLogic;

/// A function that changes what is being built, before anything is opened.
pub type Hook = Arc<dyn Fn(AppBuilder) -> Result<AppBuilder, HookError> + Send + Sync>;

/// Code by names such as `orders.CreateOrderHandler`: it does nothing until something names it.
///
/// ```
/// use trunkline::{App, MemoryStore};
///
/// let builder = App::builder().hook("shop.ConfigureEventStore", |app| Ok(app.store(MemoryStore::new())));
/// assert_eq!(builder.named().hooks.keys().collect::<Vec<_>>(), ["shop.ConfigureEventStore"]);
/// ```
#[derive(Clone, Default)]
pub struct NamedCode {
    /// Handlers of commands.
    pub command_handlers: BTreeMap<String, Arc<dyn CommandLogic>>,
    /// Handlers of queries.
    pub query_handlers: BTreeMap<String, Arc<dyn QueryLogic>>,
    /// Projections.
    pub projections: BTreeMap<String, Arc<dyn TypedProjection>>,
    /// Sagas.
    pub sagas: BTreeMap<String, Arc<dyn Behaviour>>,
    /// Handlers of messages.
    pub message_handlers: BTreeMap<String, Arc<dyn MessageHandler>>,
    /// Functions that change what is being built.
    pub hooks: BTreeMap<String, Hook>,
}

impl std::fmt::Debug for NamedCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NamedCode")
            .field("command_handlers", &self.command_handlers.keys())
            .field("query_handlers", &self.query_handlers.keys())
            .field("projections", &self.projections.keys())
            .field("sagas", &self.sagas.keys())
            .field("message_handlers", &self.message_handlers.keys())
            .field("hooks", &self.hooks.keys())
            .finish()
    }
}
