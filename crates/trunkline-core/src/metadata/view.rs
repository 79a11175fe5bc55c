//! What metadata says in some of its fields, borrowed from its text.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

/// An event's metadata, of which the fields that are asked for are read, together and without copying them.
///
/// ```
/// use trunkline_core::MetadataView;
/// let view = MetadataView::of(br#"{"actor":"ada","shop":7}"#);
/// let [actor, tenant] = view.texts([MetadataView::ACTOR, MetadataView::TENANT]);
/// assert_eq!((actor.as_deref(), tenant), (Some("ada"), None));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct MetadataView<'a>(&'a [u8]);

impl<'a> MetadataView<'a> {
    /// What all that follows from one cause has in common.
    pub const CORRELATION_ID: &'static str = "correlation_id";
    /// What caused the event: a message, a command or another event.
    pub const CAUSATION_ID: &'static str = "causation_id";
    /// Who asked for it.
    pub const ACTOR: &'static str = "actor";
    /// For whom.
    pub const TENANT: &'static str = "tenant";
    /// The place in a distributed trace, as W3C Trace Context writes it.
    pub const TRACEPARENT: &'static str = "traceparent";
    /// The id of the saga that the event belongs to, for whoever reads it.
    pub const SAGA_ID: &'static str = "saga_id";
    /// The saga whose message the event answers, as `NAME-ID`.
    pub const SAGA: &'static str = crate::saga::SAGA_FIELD;
    /// The message that it answers, as a [`MessageName`](crate::saga::MessageName) is written.
    pub const SAGA_MESSAGE: &'static str = crate::saga::MESSAGE_FIELD;

    /// Metadata as an event has it.
    pub const fn of(metadata: &'a [u8]) -> Self {
        Self(metadata)
    }

    /// The texts of these fields, each `None` where it is absent or null.
    ///
    /// All are `None` when one of them is something other than text or is there twice, and when the metadata is no
    /// JSON object. A text is borrowed unless an escape in it has to be undone.
    pub fn texts<const N: usize>(&self, names: [&str; N]) -> [Option<Cow<'a, str>>; N] {
        let mut json = serde_json::Deserializer::from_slice(self.0);
        let texts = json.deserialize_map(Fields(names)).and_then(|texts| json.end().map(|()| texts));
        texts.unwrap_or([const { None }; N])
    }

    /// The text of one field, as [`texts`](Self::texts) gives it.
    pub fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        let [text] = self.texts([name]);
        text
    }
}

/// Reads an object's fields of these names, and over all others.
struct Fields<'n, const N: usize>([&'n str; N]);

impl<'de, const N: usize> Visitor<'de> for Fields<'_, N> {
    type Value = [Option<Cow<'de, str>>; N];

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        #[derive(Deserialize)]
        struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

        let mut texts = [const { None }; N];
        let mut seen = [false; N];
        while let Some(place) = fields.next_key_seed(Name(&self.0))? {
            let Some(place) = place else {
                fields.next_value::<IgnoredAny>()?;
                continue;
            };
            if std::mem::replace(&mut seen[place], true) {
                return Err(Error::custom("a field is there twice"));
            }
            texts[place] = fields.next_value::<Option<Text<'de>>>()?.map(|text| text.0);
        }
        Ok(texts)
    }
}

/// Finds a field's name among these.
struct Name<'n>(&'n [&'n str]);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Option<usize>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a field's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|wanted| *wanted == name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 8] = [
        MetadataView::CORRELATION_ID,
        MetadataView::CAUSATION_ID,
        MetadataView::ACTOR,
        MetadataView::TENANT,
        MetadataView::TRACEPARENT,
        MetadataView::SAGA_ID,
        MetadataView::SAGA,
        MetadataView::SAGA_MESSAGE,
    ];

    #[test]
    fn each_field_is_found_under_its_name() {
        for (at, name) in NAMES.into_iter().enumerate() {
            let json = format!(r#"{{"x":{{"{name}":1}},"{name}":"x","y":[1]}}"#);
            let view = MetadataView::of(json.as_bytes());
            assert_eq!(view.text(name).as_deref(), Some("x"), "{name}");
            for (other, text) in view.texts(NAMES).into_iter().enumerate() {
                assert_eq!(text.as_deref(), (other == at).then_some("x"), "{name}");
            }
        }
    }

    #[test]
    fn a_text_is_borrowed_unless_it_has_an_escape() {
        let view = MetadataView::of(r#" {"actor": "adä", "x": ["y"], "\u0074enant": "a\"b"} "#.as_bytes());
        let [actor, tenant] = view.texts(["actor", "tenant"]);
        assert!(matches!(actor, Some(Cow::Borrowed("adä"))), "{actor:?}");
        assert!(matches!(&tenant, Some(Cow::Owned(text)) if text == "a\"b"), "{tenant:?}");
    }

    #[test]
    fn a_field_that_is_asked_for_and_is_no_text_takes_the_others_along() {
        for value in ["true", "-1", "1.5", "[1,[2]]", r#"{"a":{"b":[1]}}"#] {
            let json = format!(r#"{{"tenant":{value},"actor":"ada"}}"#);
            let view = MetadataView::of(json.as_bytes());
            assert_eq!(view.texts(["actor", "tenant"]), [None, None], "{value}");
            assert_eq!(view.text("actor").as_deref(), Some("ada"), "{value}");
        }
        let null = MetadataView::of(br#"{"tenant":null,"actor":"ada"}"#);
        assert_eq!(null.texts(["actor", "tenant"]), [Some("ada".into()), None]);
    }

    #[test]
    fn what_is_no_object_or_has_the_field_twice_says_nothing() {
        for json in [
            "",
            "[]",
            r#"["ada"]"#,
            "\"actor\"",
            r#"{"actor":"ada""#,
            r#"{"actor":"ada"}}"#,
            r#"{"actor":"ada","actor":"eve"}"#,
            r#"{"actor":null,"actor":"eve"}"#,
        ] {
            assert_eq!(MetadataView::of(json.as_bytes()).text("actor"), None, "{json}");
        }
    }
}
