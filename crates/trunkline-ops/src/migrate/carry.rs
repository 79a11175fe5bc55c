//! What stored events become: those of one command together, since their outcome has to stay what it was.

use bytes::Bytes;
use trunkline::SYSTEM_NAMES;
use trunkline::outcomes::{self, OutcomePart};
use trunkline_core::{
    CommandId, EventId, EventType, InvalidMetadata, Metadata, NewEvent, RecordedEvent, StreamName, Tag,
};
use uuid::Uuid;

use super::report::{Fate, Tally};
use super::{MigrateError, Migration, StoredAt};

/// Where outcomes go of commands whose first event has no room for them in the new store, or is dropped.
const INBOX: &str = "$inbox-migrated";

/// An event for the new store.
#[derive(Clone, Debug)]
pub(super) struct Carried {
    /// The stored event that it is made of.
    pub(super) of: RecordedEvent,
    pub(super) stream: StreamName,
    pub(super) event: NewEvent,
}

/// The tag that the events of one command share.
pub(super) fn command_of(event: &RecordedEvent) -> Option<&str> {
    event.tags().find(|tag| tag.starts_with(CommandId::TAG))
}

impl Migration {
    /// What the events of one command become, or an event of none, whose data may be given.
    pub(super) fn carry(
        &self,
        group: &[RecordedEvent],
        data: Option<&Bytes>,
        tally: &mut Tally,
    ) -> Result<Vec<Carried>, MigrateError> {
        let mut carried = Vec::with_capacity(group.len());
        let mut changed = false;
        let mut of_first = 0;
        for (number, event) in group.iter().enumerate() {
            let before = carried.len();
            let fate = if event.stream().starts_with(SYSTEM_NAMES) {
                let mut copy = copy_of(event).map_err(|reason| stopped(event, reason))?;
                if let Some(data) = data {
                    copy.data = data.clone();
                }
                carried.push(Carried { of: event.clone(), stream: event.stream_name(), event: copy });
                if data.is_some() { Fate::Changed } else { Fate::Unchanged }
            } else {
                self.present(event, &mut carried)?
            };
            changed |= fate != Fate::Unchanged;
            tally.count(event, fate, &carried[before..]);
            if number == 0 {
                of_first = carried.len();
            }
        }
        if changed
            && let Some(first) = group.first()
            && let Some(command) = command_of(first)
        {
            let kept = keep_reply(group, command, &mut carried, of_first)
                .map_err(|reason| stopped(first, reason))?;
            tally.outcomes += u64::from(kept == Kept::Beside);
        }
        Ok(carried)
    }

    /// What an event is today, in the stream where it belongs.
    fn present(&self, event: &RecordedEvent, carried: &mut Vec<Carried>) -> Result<Fate, MigrateError> {
        let before = carried.len();
        let mut wrong = None;
        let reached = self.shapes.today(event.clone(), |present| {
            let stream = match &self.streams {
                Some(rule) => rule
                    .stream_of(&(&present).into())
                    .map_err(|reason| format!("the rule for streams: {reason}")),
                None => Ok(event.stream_name()),
            };
            match stream.and_then(|stream| Ok((stream, copy_of(&present)?))) {
                Ok((stream, copy)) => carried.push(Carried { of: event.clone(), stream, event: copy }),
                Err(reason) => wrong = wrong.take().or(Some(reason)),
            }
        });
        if let Some(reason) = reached.err().or(wrong) {
            return Err(stopped(event, reason));
        }
        let parts = carried.get_mut(before..).unwrap_or_default();
        Ok(match parts {
            [] => Fate::Dropped,
            [one] => {
                let new = &one.event;
                let same = new.event_type.as_str() == event.event_type()
                    && new.schema_version == event.schema_version()
                    && new.data == event.data();
                if same { Fate::Unchanged } else { Fate::Changed }
            }
            several => {
                for (place, part) in (0..).zip(several) {
                    part.event.event_id = event.event_id().part(place);
                }
                Fate::Split
            }
        })
    }
}

pub(super) fn stopped(event: &RecordedEvent, reason: String) -> MigrateError {
    MigrateError::Stopped { at: Box::new(StoredAt::of(event)), reason }
}

/// The id of the event that keeps a reply, the same however often the migration is run.
fn id_of_reply(event: &RecordedEvent) -> EventId {
    EventId::from_uuid(Uuid::new_v5(event.event_id().as_uuid(), b"$Outcome"))
}

/// The event with all that doesn't depend on its place.
fn copy_of(event: &RecordedEvent) -> Result<NewEvent, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    Ok(NewEvent {
        event_id: event.event_id(),
        event_type: EventType::system(event.event_type()).map_err(|error| text(&error))?,
        schema_version: event.schema_version(),
        data: event.data_bytes(),
        metadata: Metadata::parse(Bytes::copy_from_slice(event.metadata())).map_err(|error| text(&error))?,
        tags: event.tags().map(Tag::system).collect::<Result<_, _>>().map_err(|error| text(&error))?,
        occurred_at: Some(event.occurred_at()),
        recorded_at: Some(event.recorded_at()),
    })
}

/// Where the answer to a command is, after its events were changed.
#[derive(PartialEq, Eq)]
enum Kept {
    /// Its events say it.
    Within,
    /// An event of its own keeps it.
    Beside,
}

/// Sees to it that the command, sent again, gets the answer that it got first, although the data that the answer was
/// made of is another now, or gone.
///
/// A saga knows a command's answer by its first event. So where nothing is left of that, the event that keeps the
/// answer takes its place; else it stands behind the `of_first` that it became.
fn keep_reply(
    group: &[RecordedEvent],
    command: &str,
    carried: &mut Vec<Carried>,
    of_first: usize,
) -> Result<Kept, String> {
    let unreadable = |error: serde_json::Error| format!("the outcome of its command can't be read: {error}");
    let Some(first) = group.first() else { return Ok(Kept::Within) };
    let data: Vec<Bytes> = group.iter().map(RecordedEvent::data_bytes).collect();
    let parts = group.iter().zip(&data).map(|(event, data)| OutcomePart {
        event_type: event.event_type(),
        metadata: event.metadata(),
        data,
    });
    let reply = outcomes::reply_of(&parts.collect::<Vec<_>>()).map_err(unreadable)?;
    let parts = carried.iter().map(|Carried { event, .. }| OutcomePart {
        event_type: event.event_type.as_str(),
        metadata: event.metadata.as_bytes(),
        data: &event.data,
    });
    let parts: Vec<OutcomePart<'_>> = parts.collect();
    if of_first > 0 && outcomes::reply_of(&parts).map_err(unreadable)? == reply {
        return Ok(Kept::Within);
    }
    if of_first > 0
        && let Some(Carried { event, .. }) = carried.first_mut()
    {
        match outcomes::metadata_with_reply(event.metadata.as_bytes(), &reply) {
            Ok(metadata) => {
                event.metadata = metadata;
                return Ok(Kept::Within);
            }
            Err(InvalidMetadata::TooLong { .. }) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    let outcome = outcomes::event_with_reply(first.metadata(), &reply, group.len()).map_err(unreadable)?;
    let event = NewEvent {
        event_id: id_of_reply(first),
        tags: vec![Tag::system(command).map_err(|error| error.to_string())?],
        occurred_at: Some(first.occurred_at()),
        recorded_at: Some(first.recorded_at()),
        ..outcome
    };
    let stream = StreamName::system(INBOX).map_err(|error| error.to_string())?;
    carried.insert(of_first, Carried { of: first.clone(), stream, event });
    Ok(Kept::Beside)
}
