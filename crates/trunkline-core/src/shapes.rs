//! Events and commands as Rust types: their names, versions and stored forms.
//!
//! Both are enums with one variant for each name.
//! Serde writes such an enum as `{"NAME":DATA}`; what is stored is the name beside the data, so these two are
//! taken apart and put together here.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The name and version under which a variant of an [`Event`] is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventShape {
    /// The event type.
    pub event_type: &'static str,
    /// The version of the data's shape, from 1.
    pub version: u32,
    /// Whether the variant has no data; it is stored with `{}`.
    pub unit: bool,
}

/// The events of an aggregate, an enum with one variant for each type of event.
///
/// `#[derive(Event)]` of the crate `trunkline` writes the implementation: names and versions from the variants,
/// data by serde. Renaming a variant in the code must not rename stored events: keep the stored name with
/// `#[serde(rename = "OldName")]`.
pub trait Event: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Every variant's shape.
    const SHAPES: &'static [EventShape];

    /// The shape of this event; one of [`SHAPES`](Event::SHAPES).
    fn shape(&self) -> &'static EventShape;

    /// The data to store.
    fn to_data(&self) -> Result<Bytes, serde_json::Error> {
        let shape = self.shape();
        if shape.unit { Ok(Bytes::from_static(b"{}")) } else { data_of(shape.event_type, self) }
    }

    /// The event with this type and data, when it is one of these events.
    ///
    /// `None` is for a type that none of them has: another's event in the same stream.
    fn from_data(event_type: &str, data: &[u8]) -> Option<Result<Self, DecodeError>> {
        let shape = Self::SHAPES.iter().find(|shape| shape.event_type == event_type)?;
        Some(named(shape.event_type, shape.unit, data))
    }
}

/// What can be asked of an aggregate, an enum with one variant for each command.
///
/// `#[derive(Command)]` of the crate `trunkline` writes the implementation.
pub trait Command: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Every variant's name.
    const NAMES: &'static [&'static str];

    /// The names of those variants that have no data.
    const UNITS: &'static [&'static str] = &[];

    /// The name of this command; one of [`NAMES`](Command::NAMES).
    fn name(&self) -> &'static str;

    /// The command's data.
    fn to_data(&self) -> Result<Bytes, serde_json::Error> {
        let name = self.name();
        if Self::UNITS.contains(&name) { Ok(Bytes::from_static(b"{}")) } else { data_of(name, self) }
    }

    /// The command with this name and data; `None` when none of them has that name.
    fn from_data(name: &str, data: &[u8]) -> Option<Result<Self, DecodeError>> {
        let name = Self::NAMES.iter().find(|known| **known == name)?;
        Some(named(name, Self::UNITS.contains(name), data))
    }
}

/// Why data is not the event or command that its name says.
#[derive(Debug, thiserror::Error)]
#[error("the data is not that of {name}: {reason}")]
pub struct DecodeError {
    /// The event type or the command's name.
    pub name: &'static str,
    /// What is wrong.
    pub reason: String,
}

/// Room for most data, so that it is written without being moved.
const DATA_BYTES_USUAL: usize = 512;

/// What serde writes for a variant with data, without the variant's name around it.
fn data_of(name: &str, variant: &impl Serialize) -> Result<Bytes, serde_json::Error> {
    let mut json = Vec::with_capacity(DATA_BYTES_USUAL);
    serde_json::to_writer(&mut json, variant)?;
    let json = Bytes::from(json);
    let around = r#"{"":"#.len() + name.len();
    debug_assert!(json[2..].starts_with(name.as_bytes()), "the variant of {name} has its name");
    Ok(json.slice(around..json.len() - 1))
}

/// Puts the name around the data as serde writes it, and reads that.
fn named<T: DeserializeOwned>(name: &'static str, unit: bool, data: &[u8]) -> Result<T, DecodeError> {
    let error = |error: &dyn fmt::Display| {
        let reason = error.to_string();
        // Where it stands counts from the name that was put around it.
        let reason = reason.split(" at line ").next().unwrap_or_default().to_owned();
        DecodeError { name, reason }
    };
    if unit {
        serde_json::from_slice::<serde::de::IgnoredAny>(data).map_err(|wrong| error(&wrong))?;
        return serde_json::from_value(name.into()).map_err(|wrong| error(&wrong));
    }
    let mut json = BytesMut::with_capacity(data.len() + name.len() + r#"{"":}"#.len());
    json.put_slice(br#"{""#);
    json.put_slice(name.as_bytes());
    json.put_slice(br#"":"#);
    json.put_slice(data);
    json.put_u8(b'}');
    serde_json::from_slice(&json).map_err(|wrong| error(&wrong))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    enum Happened {
        Opened { by: String },
        Noted(Vec<u32>),
        Closed,
    }

    impl Event for Happened {
        const SHAPES: &'static [EventShape] = &[
            EventShape { event_type: "Opened", version: 1, unit: false },
            EventShape { event_type: "Noted", version: 3, unit: false },
            EventShape { event_type: "Closed", version: 1, unit: true },
        ];

        fn shape(&self) -> &'static EventShape {
            &Self::SHAPES[match self {
                Self::Opened { .. } => 0,
                Self::Noted(_) => 1,
                Self::Closed => 2,
            }]
        }
    }

    #[test]
    fn the_data_is_stored_without_the_name() {
        for (event, data) in [
            (Happened::Opened { by: "ada".into() }, r#"{"by":"ada"}"#),
            (Happened::Noted(vec![1, 2]), "[1,2]"),
            (Happened::Closed, "{}"),
        ] {
            assert_eq!(event.to_data().unwrap(), data);
            let read = Happened::from_data(event.shape().event_type, data.as_bytes()).unwrap();
            assert_eq!(read.unwrap(), event);
        }
    }

    #[test]
    fn another_type_is_not_one_of_these() {
        assert!(Happened::from_data("Burnt", b"{}").is_none());
    }

    #[test]
    fn data_of_another_shape_is_refused_with_what_is_wrong() {
        let error = Happened::from_data("Opened", b"{}").unwrap().unwrap_err();
        assert_eq!(error.to_string(), "the data is not that of Opened: missing field `by`");
        let error = Happened::from_data("Closed", b"{").unwrap().unwrap_err();
        assert!(error.reason.starts_with("EOF"), "{error}");
    }

    #[test]
    fn data_cannot_pose_as_another_event() {
        let data = br#"{"by":"a"},"Closed":{}"#;
        assert!(Happened::from_data("Opened", data).unwrap().is_err());
    }
}
