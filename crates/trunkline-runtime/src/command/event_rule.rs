//! What new events have to be: their present version, and the rules that are registered for their types.

use std::collections::HashMap;
use std::sync::Arc;

use trunkline_core::upcast::Upcasters;
use trunkline_core::{NewEvent, StreamName, Timestamp};

use super::{Decided, HandleError};

/// What a new event of a type has to be before it is appended: its shape, its tags.
///
/// ```
/// use std::sync::Arc;
/// use trunkline::{App, EventRule, HandleError, MemoryStore, NewEvent, StreamName, Timestamp};
///
/// struct NotEmpty;
///
/// impl EventRule for NotEmpty {
///     fn complete(&self, _: &StreamName, event: &mut NewEvent, _: Timestamp) -> Result<(), HandleError> {
///         if event.data.is_empty() { Err(HandleError::rejected("an event says something")) } else { Ok(()) }
///     }
/// }
///
/// let app = App::builder().store(MemoryStore::new()).event("OrderCreated", 1).event_rule("OrderCreated", NotEmpty);
/// # drop(app);
/// ```
pub trait EventRule: Send + Sync + 'static {
    /// Adds what the event lacks, such as tags, or refuses it; the stream is the one that it is for.
    ///
    /// It is called after the command was decided and before its events are appended; when it fails, none are.
    fn complete(
        &self,
        stream: &StreamName,
        event: &mut NewEvent,
        occurred_at: Timestamp,
    ) -> Result<(), HandleError>;
}

/// What is known of the shapes of events, present and past.
#[derive(Default)]
pub(crate) struct Events {
    /// The rules for new ones, by type.
    pub(crate) rules: HashMap<String, Arc<dyn EventRule>>,
    /// How past ones become present.
    pub(crate) upcasters: Upcasters,
}

impl Events {
    /// Lets the rules of all events complete them, or refuse them.
    pub(crate) fn complete(&self, decided: &mut Decided, occurred_at: Timestamp) -> Result<(), HandleError> {
        if self.rules.is_empty() {
            return Ok(());
        }
        for write in &mut decided.writes {
            for event in &mut write.events {
                if let Some(rule) = self.rules.get(event.event_type.as_str()) {
                    rule.complete(&write.stream, event, occurred_at)?;
                }
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").field("upcasters", &self.upcasters).finish_non_exhaustive()
    }
}
