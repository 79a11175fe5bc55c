//! From a stored event to those that it is today.

use indexmap::IndexMap;
use serde_json::Value as Json;
use trunkline_core::RecordedEvent;
use trunkline_core::upcast::Upcasters;

use crate::declared::Events;
use crate::file::EventDefinition;
use crate::{App, Definition};

/// The shapes that events have today: of a file, or of an application with what its program adds.
#[derive(Clone, Copy, Debug)]
pub struct Shapes<'a> {
    declared: &'a IndexMap<String, EventDefinition>,
    upcasters: &'a Upcasters,
}

impl<'a> From<&'a Definition> for Shapes<'a> {
    fn from(definition: &'a Definition) -> Self {
        Self { declared: &definition.events, upcasters: &definition.upcasters }
    }
}

impl<'a> From<&'a App> for Shapes<'a> {
    fn from(app: &'a App) -> Self {
        let Events { declared, upcasters } = app.events();
        Self { declared, upcasters }
    }
}

impl Shapes<'_> {
    /// Gives each of today's events of a stored one, which are of their declared shapes; else why they aren't.
    pub(crate) fn today(
        &self,
        event: RecordedEvent,
        mut each: impl FnMut(RecordedEvent),
    ) -> Result<(), String> {
        for event in self.upcasters.upcast(event).map_err(|error| error.problem.to_string())? {
            let declared = self.declared.get(event.event_type());
            if let Some(schema) = declared.and_then(|declared| declared.schema.as_ref()) {
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
