//! What stored events are today, before they are applied.

use std::borrow::Cow;
use std::collections::BTreeSet;

use trunkline_core::RecordedEvent;
use trunkline_core::upcast::Upcasters;
use trunkline_sql::StatementFailure;

/// Today's events of stored ones, as far as they are of these types; all of them, untouched, when there is nothing to do.
///
/// An event of another type is another projection's, and so is what is wrong with it.
pub(super) fn present<'e>(
    stored: &'e [RecordedEvent],
    types: &BTreeSet<String>,
    upcasters: &Upcasters,
) -> Result<Cow<'e, [RecordedEvent]>, Box<StatementFailure>> {
    let is_ours = |event: &&RecordedEvent| types.contains(event.event_type());
    if stored.iter().all(|event| upcasters.is_present(event) || !is_ours(&event)) {
        return Ok(Cow::Borrowed(stored));
    }
    let mut all = Vec::with_capacity(stored.len());
    for event in stored.iter().filter(is_ours) {
        let failed = |error: trunkline_core::upcast::UpcastError| StatementFailure {
            position: event.position(),
            event_id: event.event_id(),
            event_type: event.event_type().to_owned(),
            statement: None,
            parameters: Vec::new(),
            error: format!("version {} of its shape: {}", error.schema_version, error.problem),
            passing: false,
        };
        all.extend(upcasters.upcast(event.clone()).map_err(failed)?);
    }
    Ok(Cow::Owned(all))
}
