//! From a stored event to those that it is today.

use std::collections::HashMap;

use serde_json::Value as Json;
use trunkline_core::RecordedEvent;
use trunkline_core::upcast::Upcasters;

use crate::file::Declared;
use crate::{Definition, Schema};
use trunkline_runtime::App;

/// The shapes that events have today: of a file, or of an application with what its program adds.
#[derive(Clone, Debug)]
pub struct Shapes {
    schemas: HashMap<String, Schema>,
    upcasters: Upcasters,
}

impl From<&Definition> for Shapes {
    fn from(definition: &Definition) -> Self {
        let events = definition.events.iter();
        let schemas = events.filter_map(|(name, event)| Some((name.clone(), event.schema.clone()?)));
        Self { schemas: schemas.collect(), upcasters: definition.upcasters.clone() }
    }
}

impl From<&App> for Shapes {
    fn from(app: &App) -> Self {
        let schemas = app.attached::<Declared>().map(|declared| declared.schemas.clone());
        Self { schemas: schemas.unwrap_or_default(), upcasters: app.upcasters().clone() }
    }
}

impl Shapes {
    /// Whether the outline of an event's data says what becomes of it, and whether that is of its declared shape.
    pub fn follow_from_outlines(&self, event: &RecordedEvent) -> bool {
        let ends = self.upcasters.by_kinds(event.event_type(), event.schema_version());
        ends.is_some_and(|ends| {
            ends.into_iter().all(|name| self.schemas.get(name).is_none_or(Schema::asks_for_outlines))
        })
    }

    /// Gives each of today's events of a stored one, which are of their declared shapes; else why they aren't.
    pub fn today(&self, event: RecordedEvent, mut each: impl FnMut(RecordedEvent)) -> Result<(), String> {
        for event in self.upcasters.upcast(event).map_err(|error| error.problem.to_string())? {
            if let Some(schema) = self.schemas.get(event.event_type()) {
                let wrong = |reason: String| {
                    let (event_type, version) = (event.event_type(), event.schema_version());
                    format!("today it would be {event_type} {version}, and is not: {reason}")
                };
                let data: Json = serde_json::from_slice(event.data())
                    .map_err(|error| wrong(format!("no JSON: {error}")))?;
                schema.check(&data).map_err(|violation| wrong(violation.reason))?;
            }
            each(event);
        }
        Ok(())
    }
}
