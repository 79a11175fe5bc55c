//! The outcomes of commands that have an id: where they are kept, and how they are found again.
//!
//! Events carry the tag of their command. A command that is rejected, or accepted without events, leaves one
//! event `$Outcome` in `$inbox-CONSUMER`, under the same condition: no event has that tag yet.
//! The one event may also stand beside others, with a reply that none of them can hold: migrations write it.
//! The shapes are described in `docs/format/outcomes-v1.md`.

use bytes::Bytes;
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use serde_json::value::RawValue;
use trunkline_core::{
    Append, CommandId, EventType, Expected, InvalidMetadata, Metadata, NewEvent, QueryItem, RecordedEvent,
    StreamName,
};
use trunkline_store::{AllRead, EventStore};

use super::metadata;
use super::{
    Accepted, CommandRequest, Decision, DispatchError, Emitted, Outcome, RejectedBy, Rejection, Seen,
};

/// The type of the event that stands for an outcome without events.
const OUTCOME: &str = "$Outcome";

/// What an `$Outcome` event holds: a rejection's fields, or a reply.
///
/// Not an enum, since the reply is kept to the byte, and serde takes tagged enums apart before it reads them.
#[derive(Serialize, Deserialize)]
struct OutcomeData<'a> {
    outcome: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<RejectedBy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    reply: Option<&'a RawValue>,
    /// How many events the command had caused, where a migration kept its reply.
    #[serde(default, skip_serializing_if = "is_none")]
    events: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference to the field")]
fn is_none(number: &usize) -> bool {
    *number == 0
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Accepted,
    Rejected,
}

/// The outcome that a command had when it was sent before. Under its id, another command has none.
pub(super) async fn find(
    store: &dyn EventStore,
    request: &CommandRequest,
    seen: &Seen,
    id: &CommandId,
) -> Result<Option<Outcome>, DispatchError> {
    let read = AllRead::default().matching(QueryItem::default().tag(id.tag()).into());
    let mut found = store.read_all(read);
    let mut events = Vec::new();
    while let Some(event) = found.next().await.transpose()? {
        events.push(event);
    }
    let Some(first) = events.first() else { return Ok(None) };
    let metadata: FirstMetadata = read_json(first, first.metadata())?;
    let command = request.name.as_str();
    let is_other_name = metadata.command.as_deref().is_some_and(|first| first != command);
    if is_other_name || metadata.digest.zip(seen.digest).is_some_and(|(first, now)| first != now.to_string())
    {
        return Err(DispatchError::IdTaken {
            id: id.clone(),
            first: metadata.command.unwrap_or_default(),
            command: command.to_owned(),
        });
    }
    let (kept, events): (Vec<_>, Vec<_>) =
        events.into_iter().partition(|event| event.event_type() == OUTCOME);
    let decision = match kept.first() {
        None => Decision::Accepted(accepted(&events, metadata.reply)),
        Some(event) => match read_json::<OutcomeData<'_>>(event, event.data())? {
            kept if events.is_empty() => without_events(kept),
            kept => Decision::Accepted(accepted(&events, kept.reply.map(RawValue::to_owned))),
        },
    };
    Ok(Some(Outcome { command: command.to_owned(), id: id.clone(), repeated: true, decision }))
}

/// What an event `$Outcome` says of its command.
pub(crate) enum KeptOutcome {
    /// The command was accepted.
    Accepted {
        /// How many events it had caused, of which a migration has kept the reply alone.
        events: usize,
    },
    /// It was rejected, for this reason.
    Rejected(String),
}

/// What an event says of its command, when it is an `$Outcome`.
pub(crate) fn kept_outcome(event: &RecordedEvent) -> Option<KeptOutcome> {
    if event.event_type() != OUTCOME {
        return None;
    }
    let kept: OutcomeData<'_> = serde_json::from_slice(event.data()).ok()?;
    Some(match kept.outcome {
        Verdict::Accepted => KeptOutcome::Accepted { events: kept.events },
        Verdict::Rejected => KeptOutcome::Rejected(kept.reason.unwrap_or_default()),
    })
}

fn without_events(kept: OutcomeData<'_>) -> Decision {
    match kept.outcome {
        Verdict::Accepted => {
            let reply = kept.reply.map_or("null", RawValue::get);
            let reply = Bytes::copy_from_slice(reply.as_bytes());
            Decision::Accepted(Accepted { events: Vec::new(), position: None, reply })
        }
        Verdict::Rejected => Decision::Rejected(Rejection {
            reason: kept.reason.unwrap_or_default(),
            by: kept.by.unwrap_or(RejectedBy::Rule),
            field: kept.field,
        }),
    }
}

/// What the metadata of a command's first event says of it.
#[derive(Deserialize)]
struct FirstMetadata {
    command: Option<String>,
    /// Absent where the data didn't matter, and where the outcome was kept before there were digests.
    #[serde(rename = "$digest")]
    digest: Option<String>,
    #[serde(rename = "$reply")]
    reply: Option<Box<RawValue>>,
}

fn read_json<'a, T: Deserialize<'a>>(event: &RecordedEvent, json: &'a [u8]) -> Result<T, DispatchError> {
    serde_json::from_slice(json).map_err(|error| DispatchError::Unreadable {
        what: format!("the outcome at position {}: {error}", event.position()),
    })
}

fn accepted(events: &[RecordedEvent], reply: Option<Box<RawValue>>) -> Accepted {
    let emitted: Vec<Emitted> = events
        .iter()
        .map(|event| Emitted {
            stream: event.stream_name(),
            version: event.version(),
            event_id: event.event_id(),
            event_type: EventType::system(event.event_type()).expect("stored names were checked"),
            data: event.data_bytes(),
        })
        .collect();
    let reply = match reply {
        Some(reply) => Bytes::copy_from_slice(reply.get().as_bytes()),
        None => Accepted::default_reply(emitted.iter().map(|event| &event.data)),
    };
    Accepted { position: events.last().map(RecordedEvent::position), events: emitted, reply }
}

/// An event of a command, as far as its outcome goes.
#[derive(Clone, Copy, Debug)]
pub struct OutcomePart<'a> {
    /// Its type.
    pub event_type: &'a str,
    /// Its metadata, a JSON object.
    pub metadata: &'a [u8],
    /// Its data, JSON.
    pub data: &'a Bytes,
}

/// The reply of the accepted command whose events these are, all of them and in order.
pub fn reply_of(events: &[OutcomePart<'_>]) -> Result<Bytes, serde_json::Error> {
    let reply = |reply: &RawValue| Bytes::copy_from_slice(reply.get().as_bytes());
    if let Some(outcome) = events.iter().find(|event| event.event_type == OUTCOME) {
        let kept: OutcomeData<'_> = serde_json::from_slice(outcome.data)?;
        return Ok(kept.reply.map_or(Bytes::from_static(b"null"), reply));
    }
    if let Some(first) = events.first()
        && let Some(kept) = serde_json::from_slice::<FirstMetadata>(first.metadata)?.reply
    {
        return Ok(reply(&kept));
    }
    Ok(Accepted::default_reply(events.iter().map(|event| event.data)))
}

/// Metadata of a command's first event with this reply in it, which has none yet.
pub fn metadata_with_reply(metadata: &[u8], reply: &[u8]) -> Result<Metadata, InvalidMetadata> {
    let object = metadata.trim_ascii_end().strip_suffix(b"}").unwrap_or(metadata).trim_ascii_end();
    let comma: &[u8] = if object.ends_with(b"{") { b"" } else { b"," };
    Metadata::parse([object, comma, br#""$reply":"#, reply, b"}"].concat())
}

/// What is left of an event that is none any more, for who only has to know that its command was accepted.
pub(crate) fn without_reply(event: &RecordedEvent) -> RecordedEvent {
    event.in_shape(OUTCOME, 1, br#"{"outcome":"accepted"}"#)
}

/// An event that keeps the reply of a command that had caused so many events, where what became of the first of them
/// can't hold it, or is nothing.
pub fn event_with_reply(metadata: &[u8], reply: &[u8], events: usize) -> Result<NewEvent, serde_json::Error> {
    let mut fields: serde_json::Map<String, Json> = serde_json::from_slice(metadata)?;
    fields.remove("$reply");
    let metadata = Metadata::of(&fields).map_err(serde::ser::Error::custom)?;
    let reply = Some(serde_json::from_slice(reply)?);
    let kept = OutcomeData { outcome: Verdict::Accepted, reason: None, by: None, field: None, reply, events };
    let event_type = EventType::system(OUTCOME).expect("the type of outcomes is a name");
    Ok(NewEvent::new(event_type, serde_json::to_vec(&kept)?).metadata(metadata))
}

/// The append that keeps an outcome without events.
pub(super) fn keep(
    request: &CommandRequest,
    id: &CommandId,
    seen: &Seen,
    decision: &Decision,
) -> Result<Append, Box<dyn std::error::Error>> {
    let kept = match decision {
        Decision::Rejected(Rejection { reason, by, field }) => OutcomeData {
            outcome: Verdict::Rejected,
            reason: Some(reason.clone()),
            by: Some(*by),
            field: field.clone(),
            reply: None,
            events: 0,
        },
        Decision::Accepted(accepted) => OutcomeData {
            outcome: Verdict::Accepted,
            reason: None,
            by: None,
            field: None,
            reply: Some(serde_json::from_slice(&accepted.reply)?),
            events: 0,
        },
    };
    let stream = StreamName::system(&format!("$inbox-{}", request.consumer))?;
    let data = serde_json::to_vec(&kept)?;
    let event_type = EventType::system(OUTCOME).expect("the type of outcomes is a name");
    let event = NewEvent::new(event_type, data).metadata(metadata::of(request, id, seen.digest, None)?);
    Ok(Append::to(stream, Expected::Any).event(event).for_command(id.clone()))
}
