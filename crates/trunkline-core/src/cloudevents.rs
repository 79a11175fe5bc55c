//! Events in the `CloudEvents` 1.0 JSON format.
//!
//! `subject` is the stream, `type` the event type, `time` when it happened, `id` with `source` the event id
//! (see [`EventId::from_cloudevent`](crate::EventId::from_cloudevent)).
//! `source` and every other attribute, extensions included, is kept in the metadata under its own name, so that who hands
//! the event on can do so as it came ([`CloudEventAttributes`]). `specversion` is kept with them: it tells such metadata
//! from that of an event that was never a `CloudEvents` one. What has a place of its own that cannot hold all it said is
//! kept as well: a subject that is not the stream, and a time with an offset or beyond microseconds.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::json::{Fields, LineError, LineParts, reserved, wrong};
use crate::{EventId, EventType, Metadata, NewEvent};

/// The version of the specification that is read.
const SPEC_VERSION: &str = "1.0";

/// The attributes that have a place of their own in an event, and so need none in the metadata.
const PLACED: &[&str] = &["type", "subject", "time", "data", "data_base64"];

/// The content type that JSON has when nobody says one.
const JSON: &str = "application/json";

/// The attribute that says what the data is.
const CONTENT_TYPE: &str = "datacontenttype";

/// The name under which the metadata says that the data came as base64, where the data itself doesn't tell.
const IS_BASE64: &str = "data_base64";

/// The attributes with which an event came in that was a `CloudEvents` one, as its metadata keeps them.
///
/// ```
/// use trunkline_core::{CloudEventAttributes, json};
/// let line = r#"{"specversion":"1.0","id":"7","source":"/cam","type":"Shot","subject":"cam-1",
///     "datacontenttype":"image/png","site":"north","data_base64":"AAECAw=="}"#;
/// let event = json::from_line(line)?.event;
/// let came = CloudEventAttributes::of(event.metadata.as_bytes()).unwrap();
/// assert_eq!((came.id.as_deref(), &*came.source), (Some("7"), "/cam"));
/// assert_eq!(came.content_type.as_deref(), Some("image/png"));
/// assert_eq!(came.others["site"].get(), r#""north""#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct CloudEventAttributes<'a> {
    /// Its `id`, where the event's id doesn't say it; events that were taken in before ids were kept have none.
    pub id: Option<Cow<'a, str>>,
    /// Its `source`.
    pub source: Cow<'a, str>,
    /// Its `datacontenttype`, unless that was the usual one of JSON.
    pub content_type: Option<Cow<'a, str>>,
    /// Whether it had none, though its data came as base64: what the bytes look like says nothing.
    pub has_no_content_type: bool,
    /// Its `subject`, where that is not the stream.
    pub subject: Option<Cow<'a, str>>,
    /// Its `time` as it was written, where the event's time says less.
    pub time: Option<Cow<'a, str>>,
    /// Whether its data came as base64 though it is JSON.
    pub is_base64: bool,
    /// Everything else without a place of its own: `dataschema`, and all extensions.
    pub others: BTreeMap<Cow<'a, str>, &'a RawValue>,
}

impl<'a> CloudEventAttributes<'a> {
    /// The attributes in an event's metadata; `None` where the event was no `CloudEvents` one.
    pub fn of(metadata: &'a [u8]) -> Option<Self> {
        // Most events never were one, and their metadata need not be gone through.
        if !std::str::from_utf8(metadata).ok()?.contains("\"specversion\"") {
            return None;
        }
        let mut others: BTreeMap<Cow<'a, str>, &'a RawValue> = serde_json::from_slice(metadata).ok()?;
        let mut text = |name: &str| others.remove(name).and_then(text_of);
        text("specversion").filter(|version| version == SPEC_VERSION)?;
        let (id, source, subject, time) = (text("id"), text("source")?, text("subject"), text("time"));
        let content_type = others.remove(CONTENT_TYPE);
        let has_no_content_type = content_type.is_some_and(|value| value.get() == "null");
        let content_type = content_type.and_then(text_of);
        let is_base64 = others.remove(IS_BASE64).is_some();
        Some(Self { id, source, content_type, has_no_content_type, subject, time, is_base64, others })
    }
}

fn text_of(value: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    serde_json::from_str(value.get()).ok().map(|Text(text)| text)
}

pub(crate) fn from_fields(fields: &Fields<'_>) -> Result<LineParts, LineError> {
    let spec: String = fields.required("specversion")?;
    if spec != SPEC_VERSION {
        let reason = format!("{spec:?} is not supported, only {SPEC_VERSION:?} is");
        return Err(wrong("specversion", &reason));
    }
    let id = filled(fields, "id")?;
    let source = filled(fields, "source")?;
    let event_type = filled(fields, "type")?;
    let names = fields.get("subject").map(|_| filled(fields, "subject")).transpose()?;
    let event_id = EventId::from_cloudevent(&source, &id);
    let data = fields.data()?;
    let event = NewEvent {
        occurred_at: fields.optional("time")?,
        metadata: metadata(fields, event_id.to_string() == id, &data)?,
        event_id,
        ..NewEvent::new(EventType::new(&event_type).map_err(|error| wrong("type", &error))?, data)
    };
    Ok(LineParts { names, is_cloudevent: true, event, version: None, position: None })
}

/// The metadata, and the subject of an event whose stream is another.
pub(crate) fn with_subject(metadata: &Metadata, subject: &str) -> Result<Metadata, LineError> {
    let read = |json| serde_json::from_slice(json).map_err(|error| wrong("metadata", &error));
    let mut object: BTreeMap<Cow<'_, str>, &RawValue> = read(metadata.as_bytes())?;
    let subject = serde_json::value::to_raw_value(subject).expect("texts always serialize");
    object.insert("subject".into(), &subject);
    Metadata::of(&object).map_err(|error| wrong("subject", &error))
}

/// An attribute that says something: of events whose id or source is empty, all but the first would be taken for repeats.
fn filled(fields: &Fields<'_>, field: &'static str) -> Result<String, LineError> {
    let text: String = fields.required(field)?;
    if text.is_empty() {
        return Err(wrong(field, &"it is empty; CloudEvents demand a text that is not"));
    }
    Ok(text)
}

/// The attributes without a place of their own. An id that the event has as its own is left out, and so is the content
/// type of JSON where the data is some.
fn metadata(fields: &Fields<'_>, has_its_id: bool, data: &[u8]) -> Result<Metadata, LineError> {
    if let Some((name, _)) = fields.iter().find(|(name, _)| name.starts_with('$')) {
        return Err(reserved(name));
    }
    for (name, value) in fields.iter().filter(|(name, _)| !PLACED.contains(name)) {
        let value = value.get();
        let is_of_cloudevents =
            value.starts_with(['"', 't', 'f']) || value == "null" || value.parse::<i32>().is_ok();
        if !is_of_cloudevents {
            return Err(wrong(name, &NO_ATTRIBUTE));
        }
    }
    for name in [CONTENT_TYPE, "dataschema"] {
        fields.optional::<Cow<'_, str>>(name)?;
    }
    let came_as_base64 = fields.get("data").is_none() && fields.get("data_base64").is_some();
    let is_json = !came_as_base64 || serde_json::from_slice::<IgnoredAny>(data).is_ok();
    let kept = fields.iter().filter(|(name, value)| {
        let value = value.get();
        !PLACED.contains(name)
            && value != "null"
            && !(*name == "id" && has_its_id)
            && !(*name == CONTENT_TYPE && is_json && value.trim_matches('"') == JSON)
    });
    let mut object: BTreeMap<&str, &RawValue> = kept.collect();
    let yes = RawValue::from_string("true".to_owned()).expect("it is JSON");
    if came_as_base64 && is_json {
        object.insert(IS_BASE64, &yes);
    }
    let null = RawValue::from_string("null".to_owned()).expect("it is JSON");
    if came_as_base64 && fields.get(CONTENT_TYPE).is_none() {
        object.insert(CONTENT_TYPE, &null);
    }
    if let Some(time) = fields.get("time").filter(|time| says_more(time)) {
        object.insert("time", time);
    }
    let json = serde_json::to_vec(&object).expect("texts always serialize");
    Metadata::parse(Bytes::from(json)).map_err(|error| wrong("metadata", &error))
}

/// What an attribute can be.
const NO_ATTRIBUTE: &str = "it is no attribute of CloudEvents, which are texts, true, false and integers of 32 bits; \
     write it as a text, or put it into the data";

/// Whether a time, which was found to be one, is of RFC 3339 and says more than UTC in microseconds.
fn says_more(time: &RawValue) -> bool {
    let Some(text) = text_of(time) else { return false };
    let Some((clock, rest)) = text.split_at_checked("2010-12-01T08:26:00".len()) else { return false };
    let shape = clock.bytes().map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
    if !shape.eq(*b"0000-00-00T00:00:00") {
        return false;
    }
    let (digits, offset) = match rest.strip_prefix('.') {
        Some(fraction) => {
            fraction.split_at(fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len()))
        }
        None => ("", rest),
    };
    let has_offset = offset.len() == "+01:00".len() && offset.starts_with(['+', '-']);
    let is_finer = digits.bytes().skip(6).any(|digit| digit != b'0');
    has_offset || (is_finer && offset == "Z")
}

#[cfg(test)]
mod tests {
    use super::CloudEventAttributes;
    use crate::json::{LineError, from_line};

    #[test]
    fn attributes_without_a_place_are_kept_in_the_metadata() {
        let line = r#"{"specversion":"1.0","id":"7","source":"/shop","type":"T","subject":"a-1",
            "time":"2010-12-01T08:26:00Z","datacontenttype":"application/json","traceparent":"00-1","data":{"x":1}}"#;
        let read = from_line(line).unwrap();
        assert_eq!(
            read.event.metadata.as_bytes(),
            br#"{"id":"7","source":"/shop","specversion":"1.0","traceparent":"00-1"}"#
        );
        assert_eq!(read.event.data, &br#"{"x":1}"#[..]);
        assert_eq!(read.event.occurred_at.unwrap().to_string(), "2010-12-01T08:26:00.000000Z");
    }

    #[test]
    fn what_the_event_says_itself_is_not_kept_twice() {
        let metadata = |more: &str| {
            let line =
                format!(r#"{{"specversion":"1.0","source":"/shop","type":"T","subject":"a-1",{more}}}"#);
            String::from_utf8(from_line(&line).unwrap().event.metadata.as_bytes().to_vec()).unwrap()
        };
        let id = r#""id":"bd75590e-464f-5f27-9c32-235a94416fd3""#;
        let usual = r#"{"source":"/shop","specversion":"1.0"}"#;
        assert_eq!(metadata(&format!(r#"{id},"datacontenttype":"application/json","data":1"#)), usual);
        // No JSON whatever it is called, or JSON that came as base64: nothing but the metadata could tell.
        let odd = metadata(&format!(r#"{id},"datacontenttype":"application/json","data_base64":"/w==""#));
        assert!(odd.starts_with(r#"{"datacontenttype":"application/json","source""#), "{odd}");
        let number = metadata(&format!(r#"{id},"datacontenttype":"text/plain","data_base64":"NDI=""#));
        let came = CloudEventAttributes::of(number.as_bytes()).unwrap();
        assert!(came.is_base64 && came.others.is_empty(), "{came:?}");
        assert_eq!(came.content_type.as_deref(), Some("text/plain"));
    }

    /// The metadata of an event with these further attributes.
    fn kept(more: &str) -> Result<String, LineError> {
        let line =
            format!(r#"{{"specversion":"1.0","id":"7","source":"/shop","type":"T","subject":"a-1",{more}}}"#);
        let metadata = from_line(&line)?.event.metadata;
        Ok(String::from_utf8(metadata.as_bytes().to_vec()).unwrap())
    }

    #[test]
    fn an_attribute_is_a_text_a_boolean_or_an_integer_of_32_bits() {
        for value in [r#""x""#, "true", "false", "null", "0", "-2147483648", "2147483647"] {
            assert!(kept(&format!(r#""ext":{value}"#)).is_ok(), "{value}");
        }
        for value in ["2147483648", "-2147483649", "9007199254740993", "1.5", "1e3", "[1]", r#"{"a":1}"#] {
            let error = kept(&format!(r#""ext":{value}"#)).unwrap_err().to_string();
            assert!(
                error.starts_with("\"ext\": it is no attribute") && error.contains("write it as a text"),
                "{error}"
            );
        }
        for name in ["datacontenttype", "dataschema"] {
            assert!(kept(&format!(r#""{name}":1"#)).is_err(), "{name}");
        }
    }

    #[test]
    fn a_time_is_kept_as_it_was_written_where_it_says_more() {
        for (time, is_kept) in [
            ("2010-12-01T08:26:00Z", false),
            ("2010-12-01T08:26:00.123456000Z", false),
            ("2010-12-01T08:26:00.123456789Z", true),
            ("2010-12-01T08:26:00+01:00", true),
            ("2010-12-01T08:26:00.5-00:30", true),
            ("2010-12-01T08:26:00+01:00[Europe/Paris]", false),
        ] {
            let metadata = kept(&format!(r#""time":"{time}""#)).unwrap();
            let came = CloudEventAttributes::of(metadata.as_bytes()).unwrap();
            assert_eq!(came.time.as_deref(), Some(time).filter(|_| is_kept));
        }
        let error = kept(r#""time":"2016-12-31T23:59:60Z""#).unwrap_err().to_string();
        assert!(error.contains("is a leap second"), "{error}");
    }

    #[test]
    fn bytes_without_a_content_type_have_none() {
        for (more, has_none) in [
            (r#""data_base64":"/w==""#, true),
            (r#""data_base64":"NDI=""#, true),
            (r#""data_base64":"NDI=","datacontenttype":"text/plain""#, false),
            (r#""data":1"#, false),
        ] {
            let metadata = kept(more).unwrap();
            assert_eq!(CloudEventAttributes::of(metadata.as_bytes()).unwrap().has_no_content_type, has_none);
        }
    }

    #[test]
    fn metadata_of_other_events_has_no_such_attributes() {
        for metadata in [
            "{}",
            r#"{"source":"web","id":"7"}"#,
            r#"{"specversion":"1.0"}"#,
            r#"{"specversion":1,"source":"web"}"#,
            r#"{"note":"\"specversion\"","source":"web"}"#,
        ] {
            assert!(CloudEventAttributes::of(metadata.as_bytes()).is_none(), "{metadata}");
        }
    }

    #[test]
    fn attributes_that_must_say_something_are_not_empty() {
        let line = r#"{"specversion":"1.0","id":"7","source":"/shop","type":"T","subject":"a-1","data":1}"#;
        assert!(from_line(line).is_ok());
        for field in ["id", "source", "type", "subject"] {
            let mut fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
            fields.insert(field.to_owned(), "".into());
            let error = from_line(&serde_json::to_string(&fields).unwrap()).unwrap_err();
            assert!(error.to_string().starts_with(&format!("{field:?}: it is empty")), "{error}");
        }
    }

    #[test]
    fn a_missing_subject_and_another_version_are_refused() {
        let error = from_line(r#"{"specversion":"1.0","id":"7","source":"/","type":"T"}"#).unwrap_err();
        assert!(matches!(error, LineError::Missing { field: "subject" }), "{error:?}");
        let error = from_line(r#"{"specversion":"0.3","id":"7"}"#).unwrap_err();
        assert!(error.to_string().contains("only \"1.0\" is"), "{error}");
    }
}
