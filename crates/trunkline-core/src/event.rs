//! Events: as they are handed in, and as they are stored.

use std::fmt;
use std::ops::Range;

use bytes::{BufMut, Bytes, BytesMut};

use crate::data::{self, InvalidData, RepeatedKey, Unheld};
use crate::{
    EventId, EventType, InvalidMetadata, InvalidName, Metadata, Position, StreamName, Tag, Timestamp, Version,
};

/// An event to append.
///
/// ```
/// use trunkline_core::NewEvent;
/// let event = NewEvent::json("OrderCreated", r#"{"order_id":"1"}"#)?.tag("sku:85123A".parse()?);
/// assert_eq!(event.schema_version, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// The id; an append repeated with the same ids, types and data is stored once.
    pub event_id: EventId,
    /// What happened.
    pub event_type: EventType,
    /// The version of the data's shape, from 1.
    pub schema_version: u32,
    /// The data: bytes, JSON by default, passed through untouched.
    pub data: Bytes,
    /// What describes the event.
    pub metadata: Metadata,
    /// What the event can be found by.
    pub tags: Vec<Tag>,
    /// When it happened, as the producer says; the time of recording by default.
    pub occurred_at: Option<Timestamp>,
    /// When another store recorded it: only for events that are copied from there.
    pub recorded_at: Option<Timestamp>,
}

/// Why an event could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidEvent {
    /// The event type is not a name.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// The data is not JSON.
    #[error("the data is not JSON: {0}")]
    Data(serde_json::Error),
    /// The data has a name twice in one object.
    #[error("the data: {0}")]
    RepeatedKey(#[from] RepeatedKey),
    /// The data has something that no reader can hold.
    #[error("the data: {0}")]
    Unheld(#[from] Unheld),
    /// The metadata is not a JSON object.
    #[error(transparent)]
    Metadata(#[from] InvalidMetadata),
}

impl NewEvent {
    /// An event with a fresh id and these bytes as its data.
    pub fn new(event_type: EventType, data: impl Into<Bytes>) -> Self {
        Self {
            event_id: EventId::generate(),
            event_type,
            schema_version: 1,
            data: data.into(),
            metadata: Metadata::default(),
            tags: Vec::new(),
            occurred_at: None,
            recorded_at: None,
        }
    }

    /// An event with a fresh id whose data is checked to be JSON, with each name once in an object and nothing that no
    /// reader can hold (see `docs/reference/events.md`), and kept as the text it is.
    ///
    /// ```
    /// use trunkline_core::NewEvent;
    /// let error = NewEvent::json("OrderPaid", r#"{"by":{"id":1,"id":2}}"#).unwrap_err();
    /// assert!(error.to_string().starts_with("the data: `by.id` is there twice"), "{error}");
    /// ```
    pub fn json(event_type: &str, data: impl Into<Bytes>) -> Result<Self, InvalidEvent> {
        let data = data.into();
        data::check(&data).map_err(|fault| match fault {
            InvalidData::NotJson => InvalidEvent::Data(data::not_json(&data)),
            InvalidData::RepeatedKey(key) => key.into(),
            InvalidData::Unheld(unheld) => unheld.into(),
        })?;
        Ok(Self::new(EventType::new(event_type)?, data))
    }

    /// Whether a stored event is this one: of the same type, with data that says the same, whatever the white space between
    /// its tokens and the order of its fields.
    ///
    /// ```
    /// use trunkline_core::{NewEvent, Position, RecordedEvent, Timestamp, Version};
    /// let event = NewEvent::json("T", r#"{"a":1,"b":2}"#)?;
    /// let stored = RecordedEvent::from_new(
    ///     &event, &"a-1".parse()?, Position::FIRST, Version::FIRST, Timestamp::from_micros(0));
    /// assert!(NewEvent::json("T", r#"{"b": 2, "a": 1}"#)?.is_same_as(&stored));
    /// assert!(!NewEvent::json("T", r#"{"a":1,"b":3}"#)?.is_same_as(&stored));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_same_as(&self, stored: &RecordedEvent) -> bool {
        self.event_type.as_str() == stored.event_type() && data::is_same(&self.data, stored.data())
    }

    /// The same event under this id.
    #[must_use]
    pub fn id(mut self, event_id: EventId) -> Self {
        self.event_id = event_id;
        self
    }

    /// The same event with one more tag.
    #[must_use]
    pub fn tag(mut self, tag: Tag) -> Self {
        self.tags.push(tag);
        self
    }

    /// The same event with this metadata.
    #[must_use]
    pub fn metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = metadata;
        self
    }

    /// The same event, with the time at which it happened.
    #[must_use]
    pub fn occurred_at(mut self, time: Timestamp) -> Self {
        self.occurred_at = Some(time);
        self
    }
}

/// An event as it is stored.
///
/// One shared buffer holds all its text and bytes, so that a store that maps its files hands out events
/// without copying them, and a clone costs one counter. The rest is plain numbers, so that an event is made and
/// moved about without looking after anything but that buffer.
#[derive(Clone)]
pub struct RecordedEvent {
    position: Position,
    version: Version,
    event_id: EventId,
    schema_version: u32,
    occurred_at: Timestamp,
    recorded_at: Timestamp,
    buffer: Bytes,
    stream: Span,
    event_type: Span,
    metadata: Span,
    data: Span,
    tags: TagsAt,
    #[expect(dead_code, reason = "it is there for the values that it doesn't have")]
    kept: Kept,
}

/// A byte that is always the same, whose other values mean that there is no event: a read's answers, which may be an
/// event or not, are then no larger than the event, and small enough to be moved without a call.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
enum Kept {
    Event = 1,
}

const _: () = assert!(
    size_of::<std::task::Poll<Option<Result<RecordedEvent, String>>>>() == size_of::<RecordedEvent>()
);

/// A range of the buffer; 32 bits, since a record is far below 4 GiB.
type Span = (u32, u32);

/// What a [`RecordedEvent`] is made of, for stores: numbers, and ranges of one buffer.
#[derive(Clone, Debug)]
pub struct RecordedParts {
    /// The place in the store.
    pub position: Position,
    /// The place in the stream.
    pub version: Version,
    /// The id.
    pub event_id: EventId,
    /// The version of the data's shape.
    pub schema_version: u32,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When it was stored.
    pub recorded_at: Timestamp,
    /// Holds everything the ranges name.
    pub buffer: Bytes,
    /// The stream's name, UTF-8.
    pub stream: Range<usize>,
    /// The event's type, UTF-8.
    pub event_type: Range<usize>,
    /// The metadata, a JSON object.
    pub metadata: Range<usize>,
    /// The data.
    pub data: Range<usize>,
    /// The tags, each UTF-8.
    pub tags: TagsAt,
}

/// Where in its buffer an event's tags stand: back to back, each after a header of four bytes, of which the
/// last two are the tag's length and the others the store's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TagsAt {
    /// Where the first tag's header begins.
    pub start: u32,
    /// How many tags there are.
    pub count: u16,
}

/// Bytes before a tag in an event's buffer.
const TAG_HEADER_LEN: usize = 4;

impl TagsAt {
    /// The bytes of each tag; `None` in the place of one that doesn't lie in the buffer.
    fn of(self, buffer: &[u8]) -> impl ExactSizeIterator<Item = Option<&[u8]>> {
        let mut rest = buffer.get(self.start as usize..).unwrap_or_default();
        (0..self.count).map(move |_| {
            let (header, after) = rest.split_first_chunk::<TAG_HEADER_LEN>()?;
            let tag = after.get(..usize::from(u16::from_le_bytes([header[2], header[3]])))?;
            rest = &after[tag.len()..];
            Some(tag)
        })
    }
}

impl RecordedEvent {
    /// The event with these parts; `None` when a range lies outside the buffer or what should be text is not
    /// UTF-8, which only damage can cause.
    #[inline]
    pub fn from_parts(parts: RecordedParts) -> Option<Self> {
        let RecordedParts { buffer, stream, event_type, metadata, data, tags, .. } = &parts;
        let mut tags_end = tags.start as usize;
        for tag in tags.of(buffer) {
            tags_end += TAG_HEADER_LEN + tag?.len();
        }
        // Names are nearly always ASCII, and stand side by side; to see that of all at once is quickest.
        let texts = buffer.get(stream.start..tags_end).filter(|texts| texts.is_ascii());
        let among = |range: &Range<usize>| stream.start <= range.start && range.end <= tags_end;
        if texts.is_none() || !among(stream) || !among(event_type) {
            let is_text = |range: &Range<usize>| std::str::from_utf8(buffer.get(range.clone())?).ok();
            is_text(stream)?;
            is_text(event_type)?;
            let mut tags = tags.of(buffer);
            tags.all(|tag| tag.is_some_and(|tag| std::str::from_utf8(tag).is_ok())).then_some(())?;
        }
        u32::try_from(buffer.len()).ok()?;
        let part = |range: &Range<usize>| -> Option<Span> {
            (range.start <= range.end && range.end <= buffer.len()).then_some(())?;
            Some((range.start as u32, range.end as u32))
        };
        let (stream, event_type) = (part(stream)?, part(event_type)?);
        let (metadata, data) = (part(metadata)?, part(data)?);
        Some(Self {
            position: parts.position,
            version: parts.version,
            event_id: parts.event_id,
            schema_version: parts.schema_version,
            occurred_at: parts.occurred_at,
            recorded_at: parts.recorded_at,
            stream,
            event_type,
            metadata,
            data,
            tags: parts.tags,
            kept: Kept::Event,
            buffer: parts.buffer,
        })
    }

    /// The event that a store makes of a new one: its texts are copied into one buffer.
    pub fn from_new(
        event: &NewEvent,
        stream: &StreamName,
        position: Position,
        version: Version,
        recorded_at: Timestamp,
    ) -> Self {
        let tags: usize = event.tags.iter().map(|tag| TAG_HEADER_LEN + tag.as_str().len()).sum();
        let room = stream.as_str().len() + event.event_type.as_str().len() + tags;
        let mut buffer = BytesMut::with_capacity(room + event.metadata.as_bytes().len() + event.data.len());
        let mut put = |bytes: &[u8]| -> Span {
            let start = buffer.len();
            buffer.put_slice(bytes);
            span(&(start..buffer.len())).expect("an event is below 4 GiB")
        };
        let stream = put(stream.as_str().as_bytes());
        let event_type = put(event.event_type.as_str().as_bytes());
        let tags = TagsAt { start: event_type.1, count: event.tags.len() as u16 };
        for tag in event.tags.iter().map(Tag::as_str) {
            let [low, high] = (tag.len() as u16).to_le_bytes();
            put(&[0, 0, low, high]);
            put(tag.as_bytes());
        }
        Self {
            position,
            version,
            event_id: event.event_id,
            schema_version: event.schema_version,
            occurred_at: event.occurred_at.unwrap_or(recorded_at),
            recorded_at,
            stream,
            event_type,
            tags,
            metadata: put(event.metadata.as_bytes()),
            data: put(&event.data),
            kept: Kept::Event,
            buffer: buffer.freeze(),
        }
    }

    /// The same event with another type and data: what an upcaster makes of it.
    #[must_use]
    pub fn in_shape(&self, event_type: &str, schema_version: u32, data: &[u8]) -> Self {
        let tags: usize = self.tags().map(|tag| TAG_HEADER_LEN + tag.len()).sum();
        let room = self.stream().len() + event_type.len() + tags + self.metadata().len() + data.len();
        let mut buffer = BytesMut::with_capacity(room);
        let mut put = |bytes: &[u8]| -> Span {
            let start = buffer.len();
            buffer.put_slice(bytes);
            span(&(start..buffer.len())).expect("an event is below 4 GiB")
        };
        let (stream, event_type) = (put(self.slice(self.stream)), put(event_type.as_bytes()));
        for tag in self.tags() {
            let [low, high] = (tag.len() as u16).to_le_bytes();
            put(&[0, 0, low, high]);
            put(tag.as_bytes());
        }
        Self {
            schema_version,
            stream,
            event_type,
            tags: TagsAt { start: event_type.1, ..self.tags },
            metadata: put(self.metadata()),
            data: put(data),
            buffer: buffer.freeze(),
            ..*self
        }
    }

    /// The place in the whole store.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The place in the stream.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The id.
    pub fn event_id(&self) -> EventId {
        self.event_id
    }

    /// The version of the data's shape.
    pub fn schema_version(&self) -> u32 {
        self.schema_version
    }

    /// When it happened, as its producer said.
    pub fn occurred_at(&self) -> Timestamp {
        self.occurred_at
    }

    /// When it was stored.
    pub fn recorded_at(&self) -> Timestamp {
        self.recorded_at
    }

    /// The name of its stream.
    pub fn stream(&self) -> &str {
        self.text(self.stream)
    }

    /// The stream's name as a name.
    pub fn stream_name(&self) -> StreamName {
        StreamName::system(self.stream()).expect("stored names were checked when they came in")
    }

    /// The stream's name up to the first `-`.
    pub fn aggregate_type(&self) -> &str {
        let stream = self.stream();
        stream.split_once('-').map_or(stream, |(kind, _)| kind)
    }

    /// The stream's name after the first `-`.
    pub fn aggregate_id(&self) -> &str {
        self.stream().split_once('-').map_or("", |(_, id)| id)
    }

    /// What happened.
    pub fn event_type(&self) -> &str {
        self.text(self.event_type)
    }

    /// The data.
    pub fn data(&self) -> &[u8] {
        self.slice(self.data)
    }

    /// The data, sharing the event's buffer.
    pub fn data_bytes(&self) -> Bytes {
        self.buffer.slice(range(self.data))
    }

    /// The metadata, a JSON object.
    pub fn metadata(&self) -> &[u8] {
        self.slice(self.metadata)
    }

    /// The tags, in the order they were given.
    pub fn tags(&self) -> impl ExactSizeIterator<Item = &str> {
        self.tags.of(&self.buffer).map(|tag| text(tag.unwrap_or_default()))
    }

    fn slice(&self, span: Span) -> &[u8] {
        &self.buffer[range(span)]
    }

    fn text(&self, span: Span) -> &str {
        text(self.slice(span))
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("checked when the event was made")
}

/// Events are equal when all they say is, however their buffers are laid out.
impl PartialEq for RecordedEvent {
    fn eq(&self, other: &Self) -> bool {
        self.position == other.position
            && self.version == other.version
            && self.event_id == other.event_id
            && self.schema_version == other.schema_version
            && self.occurred_at == other.occurred_at
            && self.recorded_at == other.recorded_at
            && self.slice(self.stream) == other.slice(other.stream)
            && self.slice(self.event_type) == other.slice(other.event_type)
            && self.metadata() == other.metadata()
            && self.data() == other.data()
            && self.tags.of(&self.buffer).eq(other.tags.of(&other.buffer))
    }
}

impl Eq for RecordedEvent {}

impl fmt::Debug for RecordedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedEvent")
            .field("position", &self.position.get())
            .field("stream", &self.stream())
            .field("version", &self.version.get())
            .field("event_type", &self.event_type())
            .field("event_id", &self.event_id.to_string())
            .field("tags", &self.tags().collect::<Vec<_>>())
            .field("data", &String::from_utf8_lossy(self.data()))
            .finish_non_exhaustive()
    }
}

fn span(range: &Range<usize>) -> Option<Span> {
    Some((u32::try_from(range.start).ok()?, u32::try_from(range.end).ok()?))
}

fn range((start, end): Span) -> Range<usize> {
    start as usize..end as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(buffer: &'static [u8]) -> RecordedParts {
        RecordedParts {
            position: Position::FIRST,
            version: Version::new(1),
            event_id: EventId::from_bytes([1; 16]),
            schema_version: 1,
            occurred_at: Timestamp::default(),
            recorded_at: Timestamp::default(),
            buffer: Bytes::from_static(buffer),
            stream: 0..3,
            event_type: 3..4,
            metadata: 4..6,
            data: 6..7,
            tags: TagsAt::default(),
        }
    }

    #[test]
    fn an_event_is_read_from_one_buffer() {
        let event = RecordedEvent::from_parts(parts(b"a-bT{}1")).unwrap();
        assert_eq!((event.stream(), event.event_type()), ("a-b", "T"));
        assert_eq!((event.aggregate_type(), event.aggregate_id()), ("a", "b"));
        assert_eq!((event.metadata(), event.data()), (&b"{}"[..], &b"1"[..]));
    }

    #[test]
    fn events_are_equal_whatever_their_buffers() {
        let event = RecordedEvent::from_parts(parts(b"a-bT{}1")).unwrap();
        let mut other = parts(b"T{}1a-b");
        (other.stream, other.event_type, other.metadata, other.data) = (4..7, 0..1, 1..3, 3..4);
        assert_eq!(event, RecordedEvent::from_parts(other).unwrap());
        assert_ne!(event, RecordedEvent::from_parts(parts(b"a-bT{}2")).unwrap());
    }

    #[test]
    fn parts_outside_the_buffer_or_not_utf8_make_no_event() {
        assert!(RecordedEvent::from_parts(parts(b"a-bT{}")).is_none());
        assert!(RecordedEvent::from_parts(parts(b"a-\xffT{}1")).is_none());
        for (bytes, right) in [
            (&b"a-bT{}1..\x03\x00k:v"[..], true),
            (b"a-bT{}1..\x04\x00k:v", false),
            (b"a-bT{}1..\x03\x00k:\xff", false),
            (b"a-bT{}1..\x03", false),
        ] {
            let tags = TagsAt { start: 7, count: 1 };
            let event = RecordedEvent::from_parts(RecordedParts { tags, ..parts(bytes) });
            assert_eq!(event.is_some(), right, "{bytes:?}");
        }
    }

    #[test]
    fn a_new_event_is_recorded_as_it_was_given() {
        let new = NewEvent::json("T", r#"{"a": 1}"#).unwrap().tag("k:v".parse().unwrap());
        let stream = "a-b".parse().unwrap();
        let now = Timestamp::from_micros(7);
        let event = RecordedEvent::from_new(&new, &stream, Position::new(9), Version::new(2), now);
        assert_eq!(event.data(), br#"{"a": 1}"#);
        assert_eq!(event.tags().collect::<Vec<_>>(), ["k:v"]);
        assert_eq!((event.occurred_at(), event.recorded_at()), (now, now));
        assert_eq!(event.stream_name(), stream);
    }
}
