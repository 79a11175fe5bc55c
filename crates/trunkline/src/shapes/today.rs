//! From a stored event to those that it is today.

use std::collections::HashMap;

use serde_json::Value as Json;
use trunkline_core::RecordedEvent;
use trunkline_core::upcast::Upcasters;

use crate::declared::Events;
use crate::file::EventDefinition;
use crate::{App, Definition, Schema};

/// The shapes that events have today: of a file, or of an application with what its program adds.
#[derive(Clone, Debug)]
pub struct Shapes {
    schemas: HashMap<String, Schema>,
    upcasters: Upcasters,
}

impl From<&Definition> for Shapes {
    fn from(definition: &Definition) -> Self {
        Self::new(&definition.events, &definition.upcasters)
    }
}

impl From<&App> for Shapes {
    fn from(app: &App) -> Self {
        let Events { declared, upcasters } = app.events();
        Self::new(declared, upcasters)
    }
}

impl Shapes {
    fn new<'a>(
        declared: impl IntoIterator<Item = (&'a String, &'a EventDefinition)>,
        upcasters: &Upcasters,
    ) -> Self {
        let schemas = declared.into_iter().filter_map(|(name, event)| Some((name, event.schema.as_ref()?)));
        let schemas = schemas.map(|(name, schema)| (name.clone(), schema.clone())).collect();
        Self { schemas, upcasters: upcasters.clone() }
    }

    /// Whether the outline of an event's data says what becomes of it, and whether that is of its declared shape.
    pub(super) fn follow_from_outlines(&self, event: &RecordedEvent) -> bool {
        let ends = self.upcasters.by_kinds(event.event_type(), event.schema_version());
        ends.is_some_and(|ends| {
            ends.into_iter().all(|name| self.schemas.get(name).is_none_or(Schema::asks_for_outlines))
        })
    }

    /// Gives each of today's events of a stored one, which are of their declared shapes; else why they aren't.
    pub(crate) fn today(
        &self,
        event: RecordedEvent,
        mut each: impl FnMut(RecordedEvent),
    ) -> Result<(), String> {
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
