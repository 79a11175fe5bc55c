//! Events as records of the log; described in `docs/format/log-v1.md`.

use trunkline_core::data::is_same as is_same_data;
use trunkline_core::{
    Append, EventId, Expected, Position, Query, RecordedEvent, RecordedParts, Tag, TagsAt, Timestamp, Version,
};
use trunkline_log::{self as engine, Label, Log, Record, Told};

/// The label of an event's aggregate type.
pub(super) const AGGREGATE_TYPE: u8 = 1;
/// The label of an event's type.
pub(super) const EVENT_TYPE: u8 = 2;
/// The label of a tag.
pub(super) const TAG: u8 = 3;

/// Bytes of a body before the metadata.
const BODY_HEADER_LEN: usize = 24;

/// The batch that an append is in the log. The condition of its command, if it names one, comes first.
pub(super) fn encode(log: &Log, append: &Append, recorded_at: Timestamp) -> engine::Batch {
    let mut batch = log.batch();
    batch.told_apart_by(is_same);
    let command = append.command.as_ref().map(trunkline_core::CommandId::tag);
    reserve(&mut batch, append, command.as_ref());
    for write in &append.writes {
        let expected = match write.expected {
            Expected::Any => engine::Expected::Any,
            Expected::NoStream => engine::Expected::At(0),
            Expected::Exists => engine::Expected::Exists,
            Expected::At(version) => engine::Expected::At(version.get()),
        };
        batch.write(write.stream.as_str().as_bytes(), expected);
        for event in &write.events {
            let recorded_at = event.recorded_at.unwrap_or(recorded_at);
            let occurred_at = event.occurred_at.unwrap_or(recorded_at);
            let metadata = event.metadata.as_bytes();
            let mut header = [0; BODY_HEADER_LEN];
            header[..8].copy_from_slice(&occurred_at.as_micros().to_le_bytes());
            header[8..16].copy_from_slice(&recorded_at.as_micros().to_le_bytes());
            header[16..20].copy_from_slice(&event.schema_version.to_le_bytes());
            header[20..].copy_from_slice(&(metadata.len() as u32).to_le_bytes());
            let command = command.as_ref().filter(|command| !event.tags.contains(command));
            let labels = [
                label(AGGREGATE_TYPE, write.stream.aggregate_type()),
                label(EVENT_TYPE, event.event_type.as_str()),
            ];
            let tags = event.tags.iter().chain(command).map(|tag| label(TAG, tag.as_str()));
            let body: [&[u8]; 3] = [&header, metadata, &event.data];
            batch.record(event.event_id.into_bytes(), labels.into_iter().chain(tags), &body);
        }
    }
    if let Some(command) = &command {
        batch.unless(tagged(log, command), 0);
    }
    for condition in &append.conditions {
        batch.unless(query(log, &condition.query), condition.after.get());
    }
    batch
}

/// Whether two records are the same event: of one type, with data that says the same.
fn is_same(given: &Told<'_>, stored: &Told<'_>) -> bool {
    let type_of = |told: &Told<'_>| told.labels.iter().position(|label| label.kind == EVENT_TYPE);
    let same_type = match (type_of(given), type_of(stored)) {
        (Some(new), Some(old)) => given.labels[new].text == stored.labels[old].text,
        _ => false,
    };
    let new_and_old = (data_in(given.body), data_in(stored.body));
    same_type && matches!(new_and_old, (Some(new), Some(old)) if is_same_data(new, old))
}

/// The data in a body.
fn data_in(body: &[u8]) -> Option<&[u8]> {
    let metadata_len: &[u8; 4] = body.get(20..BODY_HEADER_LEN)?.try_into().ok()?;
    body.get(BODY_HEADER_LEN.checked_add(u32::from_le_bytes(*metadata_len) as usize)?..)
}

/// Makes room for all of an append's events at once, so that none of them is copied again for want of it.
fn reserve(batch: &mut engine::Batch, append: &Append, command: Option<&Tag>) {
    let (mut records, mut labels, mut bytes) = (0, 0, 0);
    for write in &append.writes {
        let events = write.events.len();
        let tags: usize = write.events.iter().map(|event| event.tags.len()).sum();
        records += events;
        labels += events * (2 + usize::from(command.is_some())) + tags;
        let besides = BODY_HEADER_LEN
            + write.stream.aggregate_type().len()
            + command.map_or(0, |command| command.as_str().len());
        bytes += events * besides + write.bytes();
    }
    batch.reserve(records, labels, bytes);
}

fn label(kind: u8, text: &str) -> Label<'_> {
    Label { kind, text: text.as_bytes() }
}

fn tagged(log: &Log, tag: &Tag) -> engine::LabelQuery {
    let mut query = engine::LabelQuery::default();
    query.item();
    log.any_of(&mut query, [label(TAG, tag.as_str())]);
    query
}

/// A query in the log's terms. One without items selects everything.
pub(super) fn query(log: &Log, query: &Query) -> engine::LabelQuery {
    let mut found = engine::LabelQuery::default();
    if query.items.is_empty() {
        found.item();
    }
    for item in &query.items {
        found.item();
        if !item.aggregate_types.is_empty() {
            log.any_of(&mut found, item.aggregate_types.iter().map(|text| label(AGGREGATE_TYPE, text)));
        }
        if !item.event_types.is_empty() {
            log.any_of(&mut found, item.event_types.iter().map(|name| label(EVENT_TYPE, name.as_str())));
        }
        for tag in &item.tags {
            log.any_of(&mut found, [label(TAG, tag.as_str())]);
        }
    }
    found
}

/// The event that a record is; `None` when the record was not written by an event store.
#[inline]
pub(super) fn decode(record: Record) -> Option<RecordedEvent> {
    let body = record.body_range();
    let bytes = record.bytes();
    let header: &[u8; BODY_HEADER_LEN] =
        bytes.get(body.start..body.start + BODY_HEADER_LEN)?.try_into().ok()?;
    let micros = |at: usize| i64::from_le_bytes(header[at..at + 8].try_into().expect("8 bytes"));
    let number = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().expect("4 bytes"));
    let metadata_start = body.start + BODY_HEADER_LEN;
    let data_start = metadata_start.checked_add(number(20) as usize).filter(|start| *start <= body.end)?;
    let mut labels = record.labels();
    labels.next().filter(|(label, _)| label.kind == AGGREGATE_TYPE)?;
    let (_, event_type) = labels.next().filter(|(label, _)| label.kind == EVENT_TYPE)?;
    drop(labels);
    // The rest of the labels are the tags, and stand in the record as an event's tags stand in its buffer.
    let tags = TagsAt { start: event_type.end as u32, count: record.label_count() - 2 };
    RecordedEvent::from_parts(RecordedParts {
        position: Position::new(record.position()),
        version: Version::new(record.version()),
        event_id: EventId::from_bytes(record.id()),
        schema_version: number(16),
        occurred_at: Timestamp::from_micros(micros(0)),
        recorded_at: Timestamp::from_micros(micros(8)),
        stream: record.stream_range(),
        event_type,
        metadata: metadata_start..data_start,
        data: data_start..body.end,
        tags,
        buffer: record.into_bytes(),
    })
}
