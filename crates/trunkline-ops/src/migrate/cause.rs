//! The position that an event of sagas or of the log's history names: found in its data, and replaced there alone.

use std::ops::Range;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use trunkline_core::Position;

/// The position of a cause, and where it stands in the event's data.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CausePosition {
    pub(super) position: Position,
    at: At,
}

#[derive(Debug, PartialEq, Eq)]
enum At {
    /// It stands there.
    There(Range<usize>),
    /// It is to be added, before this end of the object.
    Before(usize),
}

#[derive(Deserialize)]
struct Caused<'a> {
    #[serde(borrow)]
    cause: &'a RawValue,
}

#[derive(Deserialize)]
struct Cause<'a> {
    #[serde(borrow)]
    position: Option<&'a RawValue>,
}

impl CausePosition {
    /// That of a saga's event; a cause may have none.
    pub(super) fn find(data: &[u8]) -> Result<Option<Self>, serde_json::Error> {
        let caused: Caused<'_> = serde_json::from_slice(data)?;
        let cause: Cause<'_> = serde_json::from_str(caused.cause.get())?;
        let Some(position) = cause.position else { return Ok(None) };
        let text = position.get();
        // It borrows from the data.
        let start = text.as_ptr().addr() - data.as_ptr().addr();
        let position = serde_json::from_str(text)?;
        Ok(Some(Self { position, at: At::There(start..start + text.len()) }))
    }

    /// That of an event without a cause, which names its position as such and keeps that: others know it by it.
    pub(super) fn lacking(data: &[u8]) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Named {
            position: Position,
        }
        let Named { position } = serde_json::from_slice(data)?;
        Ok(Self { position, at: At::Before(data.trim_ascii_end().len() - 1) })
    }

    /// The data with another position in the place of this one.
    pub(super) fn replaced(&self, data: &[u8], position: Position) -> Bytes {
        let (before, said, behind) = match &self.at {
            At::There(at) => (&data[..at.start], position.to_string(), &data[at.end..]),
            At::Before(end) => {
                (&data[..*end], format!(r#","cause":{{"position":{position}}}"#), &data[*end..])
            }
        };
        [before, said.as_bytes(), behind].concat().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_added_where_there_is_none() {
        let data = b"{ \"position\" : 7, \"x\": [] } \n";
        let cause = CausePosition::lacking(data).unwrap();
        assert_eq!(cause.position.get(), 7);
        assert_eq!(
            cause.replaced(data, Position::new(4)),
            b"{ \"position\" : 7, \"x\": [] ,\"cause\":{\"position\":4}} \n".as_slice()
        );
        assert!(CausePosition::lacking(br#"{"x":1}"#).is_err());
    }

    #[test]
    fn a_position_is_replaced_and_nothing_else() {
        let data =
            br#"{"state":{"cause":{"position":3}}, "cause": {"event":"A", "position" : 17 },"x":1.50}"#;
        let cause = CausePosition::find(data).unwrap().unwrap();
        assert_eq!(cause.position.get(), 17);
        assert_eq!(
            cause.replaced(data, Position::new(4)),
            br#"{"state":{"cause":{"position":3}}, "cause": {"event":"A", "position" : 4 },"x":1.50}"#
                .as_slice()
        );
        assert_eq!(CausePosition::find(br#"{"cause":{"operator":"ada"}}"#).unwrap(), None);
        for wrong in [r#"{"cause":{"position":"x"}}"#, r#"{"step":"x"}"#, "", r#"{"cause":{"position":-1}}"#]
        {
            assert!(CausePosition::find(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
