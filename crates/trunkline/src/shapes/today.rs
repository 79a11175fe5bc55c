//! From a stored event to those that it is today.

use serde_json::Value as Json;
use trunkline_core::RecordedEvent;

use crate::Definition;

/// Gives each of today's events of a stored one, which are of their declared shapes; else why they aren't.
pub(crate) fn today(
    definition: &Definition,
    event: RecordedEvent,
    mut each: impl FnMut(RecordedEvent),
) -> Result<(), String> {
    for event in definition.upcasters.upcast(event).map_err(|error| error.problem.to_string())? {
        let declared = definition.events.get(event.event_type());
        if let Some(schema) = declared.and_then(|declared| declared.schema.as_ref()) {
            let wrong = |reason: String| {
                let (event_type, version) = (event.event_type(), event.schema_version());
                format!("today it would be {event_type} {version}, and is not: {reason}")
            };
            let data: Json =
                serde_json::from_slice(event.data()).map_err(|error| wrong(format!("no JSON: {error}")))?;
            schema.check(&data).map_err(|violation| wrong(violation.reason))?;
        }
        each(event);
    }
    Ok(())
}
