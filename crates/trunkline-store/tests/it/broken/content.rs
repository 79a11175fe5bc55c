//! Faults of what is stored of an event.

use trunkline_core::{EventType, Metadata, NewEvent, Timestamp};

use super::fault::Fault;
use super::store::Broken;

impl Broken {
    pub(super) fn spoil(&self, event: &mut NewEvent) {
        match self.fault {
            Fault::TrimsData => event.data = event.data.trim_ascii().to_vec().into(),
            Fault::RewritesMetadata => {
                let text = String::from_utf8_lossy(event.metadata.as_bytes()).replace([' ', '\n'], "");
                event.metadata = Metadata::parse(text).expect("it is JSON without its spaces, too");
            }
            Fault::SortsTags => event.tags.sort(),
            Fault::ForgetsSchemaVersions => event.schema_version = event.schema_version.min(1),
            Fault::RoundsTimes => {
                let round = |time: Timestamp| Timestamp::from_micros(time.as_micros() / 1000 * 1000);
                event.occurred_at = event.occurred_at.map(round);
                event.recorded_at = event.recorded_at.map(round);
            }
            Fault::DatesEventsAtTheEpoch => {
                event.occurred_at = event.occurred_at.or(Some(Timestamp::default()));
            }
            Fault::RecordsAnew => event.recorded_at = None,
            Fault::FoldsCase => {
                let name = event.event_type.as_str().to_lowercase();
                event.event_type = EventType::system(&name).expect("a name in small letters is a name");
            }
            Fault::StripsGivenCommandTags => event.tags.retain(|tag| tag.key() != "$command"),
            _ => {}
        }
    }
}
