//! An event as one JSON object: what `read --format json` and `export` print, and what `import` takes back.
//!
//! The fields are `position`, `stream`, `version`, `event_id`, `event_type`, `schema_version`, `data`,
//! `metadata`, `tags`, `occurred_at` and `recorded_at`.
//! Data that is JSON stands as it was written, except that line breaks between its tokens become spaces, so
//! that an object stays on one line; data that isn't stands in `data_base64` instead.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::data::{self, InvalidData, RepeatedKey, Unheld};
use crate::{
    EventId, EventType, Metadata, NewEvent, Position, RecordedEvent, StreamName, Tag, Version, cloudevents,
};

/// An event read from a line of text: a native one, or a `CloudEvents` one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineEvent {
    /// The stream that it belongs to.
    pub stream: StreamName,
    /// The event.
    pub event: NewEvent,
    /// The version it had where it was exported.
    pub version: Option<Version>,
    /// The position it had where it was exported.
    pub position: Option<Position>,
}

/// An event read from a line of text, before anybody has said which stream it goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineParts {
    /// What the line says of its stream: a `CloudEvents` object's subject need not name one.
    pub names: Option<String>,
    /// Whether it is a `CloudEvents` object.
    pub is_cloudevent: bool,
    /// The event.
    pub event: NewEvent,
    /// The version it had where it was exported.
    pub version: Option<Version>,
    /// The position it had where it was exported.
    pub position: Option<Position>,
}

impl LineParts {
    /// The event in the stream that the line itself names.
    pub fn in_its_stream(self) -> Result<LineEvent, LineError> {
        let field = if self.is_cloudevent { "subject" } else { "stream" };
        let Some(name) = &self.names else { return Err(LineError::Missing { field }) };
        let stream = if self.is_cloudevent { StreamName::new(name) } else { StreamName::system(name) };
        let stream = stream.map_err(|error| wrong(field, &error))?;
        let Self { event, version, position, .. } = self;
        Ok(LineEvent { stream, event, version, position })
    }

    /// The event in another stream, where versions and positions are counted anew. A subject that isn't the stream is
    /// kept in the metadata, so that the event can go out as it came.
    pub fn in_stream(self, stream: StreamName) -> Result<LineEvent, LineError> {
        let Self { names, is_cloudevent, mut event, .. } = self;
        if let Some(subject) = names.filter(|name| is_cloudevent && *name != stream.as_str()) {
            event.metadata = cloudevents::with_subject(&event.metadata, &subject)?;
        }
        Ok(LineEvent { stream, event, version: None, position: None })
    }
}

/// Why a line is not an event.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// The line is not a JSON object.
    #[error("not a JSON object: {0}")]
    NotAnObject(String),
    /// The object is neither a native event nor a `CloudEvents` one.
    #[error(
        "neither a native event (no \"event_type\") nor a CloudEvents event (no \"specversion\"); the fields are {found}"
    )]
    UnknownForm {
        /// The fields that the object has.
        found: String,
    },
    /// A field that every event of this form has is missing.
    #[error("{field:?} is missing")]
    Missing {
        /// The field.
        field: &'static str,
    },
    /// A field has a value that doesn't fit it.
    #[error("{field:?}: {reason}")]
    Field {
        /// The field.
        field: String,
        /// What is wrong with its value.
        reason: String,
    },
    /// A name is twice in one object.
    #[error("{0}, except in lines of `trunkline export`, left as they are")]
    RepeatedKey(RepeatedKey),
    /// Something is what no reader can hold.
    #[error("{0}, except in lines of `trunkline export`, left as they are")]
    Unheld(Unheld),
}

/// The event as one JSON object on one line, without a line break at its end.
///
/// ```
/// use trunkline_core::{json, NewEvent, Position, RecordedEvent, Timestamp, Version};
/// let event = NewEvent::json("OrderCreated", r#"{"n": 1.50}"#)?;
/// let stored = RecordedEvent::from_new(
///     &event, &"order-1".parse()?, Position::FIRST, Version::FIRST, Timestamp::from_micros(0));
/// let line = json::to_line(&stored);
/// assert!(line.contains(r#""data":{"n": 1.50}"#), "{line}");
/// assert_eq!(json::from_line(&line)?.event.event_id, event.event_id);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn to_line(event: &RecordedEvent) -> String {
    serde_json::to_string(&AsJson(event)).expect("texts and numbers always serialize")
}

/// Serializes an event as the object that [`to_line`] writes, inside a larger document.
#[derive(Debug)]
pub struct AsJson<'a>(pub &'a RecordedEvent);

impl Serialize for AsJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(event) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("position", &event.position())?;
        map.serialize_entry("stream", event.stream())?;
        map.serialize_entry("version", &event.version())?;
        map.serialize_entry("event_id", &event.event_id())?;
        map.serialize_entry("event_type", event.event_type())?;
        map.serialize_entry("schema_version", &event.schema_version())?;
        match one_line(event.data()) {
            Some(text) => map.serialize_entry("data", raw(&text).ok_or_else(not_json)?)?,
            None => map.serialize_entry("data_base64", &BASE64.encode(event.data()))?,
        }
        let metadata = one_line(event.metadata()).unwrap_or(Cow::Borrowed("{}"));
        map.serialize_entry("metadata", raw(&metadata).ok_or_else(not_json)?)?;
        map.serialize_entry("tags", &Tags(event))?;
        map.serialize_entry("occurred_at", &event.occurred_at())?;
        map.serialize_entry("recorded_at", &event.recorded_at())?;
        map.end()
    }
}

struct Tags<'a>(&'a RecordedEvent);

impl Serialize for Tags<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let tags = self.0.tags();
        let mut list = serializer.serialize_seq(Some(tags.len()))?;
        for tag in tags {
            list.serialize_element(tag)?;
        }
        list.end()
    }
}

fn not_json<E: serde::ser::Error>() -> E {
    E::custom("stored JSON is not JSON")
}

fn raw(text: &str) -> Option<&RawValue> {
    serde_json::from_str(text).ok()
}

/// The bytes as JSON on one line, if they are JSON. A line break in JSON can only stand between tokens, since
/// strings escape theirs.
fn one_line(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let text = raw(text)?.get();
    Some(if text.contains(['\n', '\r']) { text.replace(['\n', '\r'], " ").into() } else { text.into() })
}

/// Reads a line: a native event, or a `CloudEvents` 1.0 event with a `subject`.
///
/// Each name is to be once in an object, and nothing what no reader can hold, but for what a store has had already: such a line is taken as it is, so that
/// what is exported can be imported.
pub fn from_line(line: &str) -> Result<LineEvent, LineError> {
    parts_of_line(line)?.in_its_stream()
}

/// Reads a line as [`from_line`] does, whatever it says of its stream.
///
/// ```
/// use trunkline_core::json;
/// let line = r#"{"specversion":"1.0","id":"7","source":"/shop","type":"Placed","data":{"order":"17"}}"#;
/// assert!(json::from_line(line).unwrap_err().to_string().contains("\"subject\" is missing"));
/// let event = json::parts_of_line(line)?.in_stream("order-17".parse()?)?;
/// assert_eq!(event.stream.as_str(), "order-17");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn parts_of_line(line: &str) -> Result<LineParts, LineError> {
    let fields: BTreeMap<Cow<'_, str>, &RawValue> =
        serde_json::from_str(line).map_err(|error| not_an_object(line, &error))?;
    let fields = Fields(fields);
    if fields.0.contains_key("data") && fields.0.contains_key("data_base64") {
        return Err(wrong("data_base64", &"it stands beside \"data\"; leave out one of the two"));
    }
    let is_cloudevent = fields.get("specversion").is_some();
    let is_new = is_cloudevent || !is_exported(&fields);
    if is_new {
        judged(data::check_around(line.as_bytes()))?;
    }
    let read = if is_cloudevent {
        cloudevents::from_fields(&fields)?
    } else if fields.get("event_type").is_some() {
        from_fields(&fields)?
    } else {
        let found = fields.0.keys().take(8).map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
        return Err(LineError::UnknownForm { found });
    };
    if is_new && fields.get("data").is_none() {
        judged(data::check(&read.event.data))?;
    }
    Ok(read)
}

/// What is wrong with a line that is no object, and how its events get on lines of their own.
fn not_an_object(line: &str, error: &serde_json::Error) -> LineError {
    let reason = error.to_string();
    let (reason, _) = reason.rsplit_once(" at line ").unwrap_or((&reason, ""));
    let remedy = match line.trim_start().chars().next() {
        Some('[') => "; each event stands on a line of its own, as `jq -c '.[]'` writes those of a list",
        _ if error.is_eof() => {
            "; an event stands on one line, as `jq -c .` writes one that goes over several"
        }
        _ => "; an event is an object on one line",
    };
    LineError::NotAnObject(format!("{reason}, in column {}{remedy}", error.column()))
}

/// The fields of a JSON object, each still as text.
pub(crate) struct Fields<'a>(BTreeMap<Cow<'a, str>, &'a RawValue>);

impl<'a> Fields<'a> {
    /// The field's text; a null is as good as absent.
    pub(crate) fn get(&self, field: &str) -> Option<&'a RawValue> {
        self.0.get(field).copied().filter(|value| value.get() != "null")
    }

    /// The field's value, if the field is there.
    pub(crate) fn optional<T: DeserializeOwned>(&self, field: &str) -> Result<Option<T>, LineError> {
        let Some(value) = self.get(field) else { return Ok(None) };
        serde_json::from_str(value.get()).map(Some).map_err(|error| wrong(field, &error))
    }

    /// The field's value.
    pub(crate) fn required<T: DeserializeOwned>(&self, field: &'static str) -> Result<T, LineError> {
        self.optional(field)?.ok_or(LineError::Missing { field })
    }

    /// The bytes of `data` or `data_base64`; null when neither is there.
    pub(crate) fn data(&self) -> Result<Bytes, LineError> {
        if let Some(data) = self.0.get("data") {
            return Ok(Bytes::copy_from_slice(data.get().as_bytes()));
        }
        let Some(text) = self.optional::<String>("data_base64")? else {
            return Ok(Bytes::from_static(b"null"));
        };
        BASE64.decode(text).map(Bytes::from).map_err(|error| wrong("data_base64", &error))
    }

    /// All fields in order of their names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), *value))
    }
}

/// A field whose value doesn't fit.
pub(crate) fn wrong(field: &str, reason: &impl ToString) -> LineError {
    let reason = reason.to_string();
    // serde_json names a place inside the value alone, which would mislead in a line.
    let reason = reason.split(" at line ").next().unwrap_or_default().to_owned();
    LineError::Field { field: field.to_owned(), reason }
}

/// Whether a store's events were written down with this line, and it is to have them back as they were: all of what
/// only a store says is there.
fn is_exported(fields: &Fields<'_>) -> bool {
    ["position", "version", "event_id", "recorded_at"].into_iter().all(|field| fields.get(field).is_some())
}

/// What is wrong with JSON; bytes that are none are data, too.
fn judged(checked: Result<(), InvalidData>) -> Result<(), LineError> {
    match checked {
        Err(InvalidData::Unheld(unheld)) => Err(LineError::Unheld(unheld)),
        Err(InvalidData::RepeatedKey(key)) => Err(LineError::RepeatedKey(key)),
        Ok(()) | Err(InvalidData::NotJson) => Ok(()),
    }
}

/// That no name in metadata is one of Trunkline's: with `$saga` an event answers a saga, with `$reply` a command.
fn own_names(metadata: &[u8]) -> Result<(), LineError> {
    let names: BTreeMap<Cow<'_, str>, &RawValue> =
        serde_json::from_slice(metadata).map_err(|error| wrong("metadata", &error))?;
    match names.keys().find(|name| name.starts_with('$')) {
        Some(name) => Err(reserved(&format!("metadata.{name}"))),
        None => Ok(()),
    }
}

/// A name that is Trunkline's own.
pub(crate) fn reserved(field: &str) -> LineError {
    wrong(
        field,
        &"names that begin with `$` are reserved, except in lines of `trunkline export`, left as they are",
    )
}

fn from_fields(fields: &Fields<'_>) -> Result<LineParts, LineError> {
    let event_type: String = fields.required("event_type")?;
    let tags: Vec<String> = fields.optional("tags")?.unwrap_or_default();
    let metadata = match fields.get("metadata") {
        Some(text) => Metadata::parse(Bytes::copy_from_slice(text.get().as_bytes()))
            .map_err(|error| wrong("metadata", &error))?,
        None => Metadata::default(),
    };
    if !is_exported(fields) {
        own_names(metadata.as_bytes())?;
    }
    let event = NewEvent {
        event_id: fields.optional("event_id")?.unwrap_or_else(EventId::generate),
        event_type: EventType::system(&event_type).map_err(|error| wrong("event_type", &error))?,
        schema_version: fields.optional("schema_version")?.unwrap_or(1),
        data: fields.data()?,
        metadata,
        tags: tags
            .iter()
            .map(|tag| Tag::system(tag).map_err(|error| wrong("tags", &error)))
            .collect::<Result<_, _>>()?,
        occurred_at: fields.optional("occurred_at")?,
        recorded_at: fields.optional("recorded_at")?,
    };
    Ok(LineParts {
        names: fields.optional("stream")?,
        is_cloudevent: false,
        event,
        version: fields.optional("version")?,
        position: fields.optional("position")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    fn stored(event: &NewEvent) -> RecordedEvent {
        let now = Timestamp::from_micros(5);
        RecordedEvent::from_new(event, &"a-1".parse().unwrap(), Position::FIRST, Version::FIRST, now)
    }

    #[test]
    fn what_is_written_is_read_back() {
        let event = NewEvent {
            schema_version: 3,
            metadata: Metadata::parse(r#"{"actor":"ada"}"#).unwrap(),
            occurred_at: Some(Timestamp::from_micros(1)),
            recorded_at: Some(Timestamp::from_micros(5)),
            ..NewEvent::json("T", r#"{"b":1,"a":1.0}"#).unwrap().tag("k:v".parse().unwrap())
        };
        let line = from_line(&to_line(&stored(&event))).unwrap();
        assert_eq!(line.event, event);
        assert_eq!((line.version, line.position), (Some(Version::FIRST), Some(Position::FIRST)));
    }

    #[test]
    fn data_that_is_not_json_travels_as_base64() {
        let event = NewEvent::new("T".parse().unwrap(), &b"\xff\x00"[..]);
        let line = to_line(&stored(&event));
        assert!(line.contains(r#""data_base64":"/wA=""#), "{line}");
        assert_eq!(from_line(&line).unwrap().event.data, event.data);
    }

    #[test]
    fn an_event_stays_on_one_line() {
        let event = NewEvent::json("T", "{\n \"a\":\r\n1}").unwrap();
        let line = to_line(&stored(&event));
        assert!(!line.contains('\n') && line.contains(r#"{  "a":  1}"#), "{line}");
    }

    #[test]
    fn a_name_that_is_twice_is_refused_but_in_what_was_exported() {
        let twice = r#"{"a":{"b":1,"b":2}}"#;
        let event = NewEvent::new("T".parse().unwrap(), twice.as_bytes());
        let line = to_line(&stored(&event));
        assert_eq!(from_line(&line).unwrap().event.data, twice);
        for (line, path) in [
            (line.replace("\"position\":1,", ""), "data.a.b"),
            (format!(r#"{{"stream":"a-1","event_type":"T","data":{twice}}}"#), "data.a.b"),
            (r#"{"stream":"a-1","event_type":"T","metadata":{"k":1,"k":1}}"#.to_owned(), "metadata.k"),
            (r#"{"stream":"a-1","event_type":"T","stream":"b-1"}"#.to_owned(), "stream"),
            (
                format!(r#"{{"stream":"a-1","event_type":"T","data_base64":"{}"}}"#, BASE64.encode(twice)),
                "a.b",
            ),
            (
                format!(
                    r#"{{"specversion":"1.0","id":"1","source":"s","type":"T","subject":"a-1","data":{twice}}}"#
                ),
                "data.a.b",
            ),
        ] {
            let error = from_line(&line).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{path}` is there twice")), "{line}: {error}");
        }
    }

    #[test]
    fn a_line_that_is_no_event_says_why() {
        for (line, wanted) in [
            ("", "not a JSON object"),
            ("[1]", "not a JSON object"),
            ("{", "not a JSON object: EOF while parsing an object, in column 1; an event stands on one line"),
            (r#"[{"a":1}]"#, "as `jq -c '.[]'` writes those of a list"),
            (r#"{"a":1}"#, "neither a native event"),
            (r#"{"event_type":"T"}"#, "\"stream\" is missing"),
            (r#"{"event_type":"T","stream":"a"}"#, "\"stream\": \"a\" does not name a stream"),
            (r#"{"event_type":"T","stream":"a-1","event_id":"x"}"#, "\"event_id\": "),
            (r#"{"event_type":"T","stream":"a-1","tags":["x"]}"#, "is not a tag"),
            (r#"{"event_type":"T","stream":"a-1","metadata":[]}"#, "must be a JSON object"),
            (
                r#"{"event_type":"T","stream":"a-1","position":1,"version":1,"metadata":{"a":1,"$reply":1}}"#,
                "\"metadata.$reply\": names that begin with `$` are reserved",
            ),
            (
                r#"{"specversion":"1.0","id":"1","source":"s","type":"T","subject":"a-1","$saga":"order-1"}"#,
                "\"$saga\": names that begin with `$` are reserved",
            ),
        ] {
            let error = from_line(line).unwrap_err().to_string();
            assert!(error.contains(wanted), "{line}: {error}");
        }
    }

    #[test]
    fn data_and_data_in_base64_are_not_both_in_a_line() {
        for head in [
            r#""stream":"a-1","event_type":"T""#,
            r#""specversion":"1.0","id":"1","source":"s","type":"T","subject":"a-1""#,
        ] {
            for both in [
                r#""data":1,"data_base64":"MQ==""#,
                r#""data":null,"data_base64":"MQ==""#,
                r#""data":1,"data_base64":null"#,
                r#""data":null,"data_base64":null"#,
            ] {
                let error = from_line(&format!("{{{head},{both}}}")).unwrap_err().to_string();
                assert!(error.contains("leave out one of the two"), "{both}: {error}");
            }
        }
    }

    #[test]
    fn a_line_goes_to_another_stream_with_its_subject_kept() {
        let to = |line: &str| parts_of_line(line).unwrap().in_stream("b-2".parse().unwrap()).unwrap();
        let line =
            |subject: &str| format!(r#"{{"specversion":"1.0","id":"1","source":"s","type":"T"{subject}}}"#);
        let kept =
            |subject: &str| String::from_utf8(to(&line(subject)).event.metadata.as_bytes().to_vec()).unwrap();
        let rest = r#""id":"1","source":"s","specversion":"1.0""#;
        assert_eq!(kept(r#","subject":"x/1""#), format!(r#"{{{rest},"subject":"x/1"}}"#));
        assert_eq!(kept(r#","subject":"b-2""#), format!("{{{rest}}}"), "it is the stream");
        assert_eq!(kept(""), format!("{{{rest}}}"));
        let native = to(&to_line(&stored(&NewEvent::json("T", "1").unwrap())));
        assert_eq!((native.stream.as_str(), native.version, native.position), ("b-2", None, None));
        assert_eq!(native.event.metadata, Metadata::default());
    }
}
