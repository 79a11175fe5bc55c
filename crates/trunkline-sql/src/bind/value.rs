//! Values as databases take them, and how JSON becomes one. Numbers are the subject of `number`.

use super::number;
use std::borrow::Cow;
use std::fmt;

use serde_json::Value;

/// A value for a parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum SqlValue<'a> {
    /// Nothing: JSON's null, and what a path doesn't find.
    Null,
    /// A boolean; `SQLite` keeps it as 0 or 1.
    Boolean(bool),
    /// A JSON number without a fraction or an exponent.
    Integer(i64),
    /// Any other JSON number that a double holds. No zero has a sign: databases keep none.
    Real(f64),
    /// A text; also an object or a list, as JSON.
    Text(Cow<'a, str>),
}

/// Why a part of an event, or a parameter of a query, is no value for a database.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// The number is an integer that 64 bits don't hold; rounding it would change it silently.
    #[error("the integer {text} doesn't fit 64 bits")]
    IntegerTooLarge {
        /// The number as it is written.
        text: String,
    },
    /// The number is larger than any that a database keeps.
    #[error("the number {text} is too large")]
    NumberTooLarge {
        /// The number as it is written.
        text: String,
    },
    /// The number is so close to zero that a database would keep zero, or lose digits of it.
    #[error("the number {text} is too small for a double; write it as text, or round it")]
    NumberTooSmall {
        /// The number as it is written.
        text: String,
    },
    /// The number is whole, written with a fraction or an exponent, and no double holds its last digit.
    #[error(
        "the number {text} has more digits than a double holds; an integer without `.` and `e`, or a text, keeps them"
    )]
    NumberTooLong {
        /// The number as it is written.
        text: String,
    },
    /// The text names a character that there is not.
    #[error("the text {text} has half a character: {reason}")]
    Text {
        /// The text as it is written, shortened.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The event's data or metadata is not JSON.
    #[error("the event's {what} is not JSON: {reason}")]
    NotJson {
        /// `data` or `metadata`.
        what: &'static str,
        /// What is wrong, with line and column.
        reason: String,
    },
    /// `for_each` names something that is not a list.
    #[error("`{path}` is not a list")]
    NotAList {
        /// The path that `for_each` names.
        path: String,
    },
}

/// The value of a piece of JSON.
pub(crate) fn of_json(json: &str) -> Result<SqlValue<'_>, BindError> {
    match json.as_bytes().first() {
        Some(b'n') | None => Ok(SqlValue::Null),
        Some(b't') => Ok(SqlValue::Boolean(true)),
        Some(b'f') => Ok(SqlValue::Boolean(false)),
        Some(b'{' | b'[') => Ok(SqlValue::Text(Cow::Borrowed(json))),
        Some(b'"') if json.contains('\\') => match serde_json::from_str(json) {
            Ok(text) => Ok(SqlValue::Text(Cow::Owned(text))),
            Err(error) => Err(BindError::Text { text: shortened(json), reason: error.to_string() }),
        },
        Some(b'"') => Ok(SqlValue::Text(Cow::Borrowed(&json[1..json.len() - 1]))),
        Some(_) => number::of_json(json),
    }
}

impl SqlValue<'_> {
    /// The same value, borrowing nothing.
    pub fn into_owned(self) -> SqlValue<'static> {
        match self {
            Self::Null => SqlValue::Null,
            Self::Boolean(value) => SqlValue::Boolean(value),
            Self::Integer(value) => SqlValue::Integer(value),
            Self::Real(value) => SqlValue::Real(value),
            Self::Text(text) => SqlValue::Text(Cow::Owned(text.into_owned())),
        }
    }

    /// The value of a JSON value.
    pub fn from_json(json: &Value) -> Result<SqlValue<'static>, BindError> {
        of_json(&json.to_string()).map(SqlValue::into_owned)
    }
}

impl fmt::Display for SqlValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Boolean(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Real(value) => write!(f, "{value:?}"),
            Self::Text(text) => write!(f, "{:?}", shortened(text)),
        }
    }
}

/// Values in messages end here: enough to recognise, not enough to fill a log.
const SHOWN_CHARS_MAX: usize = 80;

/// The beginning of a text.
pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_becomes_typed_values() {
        let text = |text: &str| SqlValue::Text(Cow::Owned(text.to_owned()));
        for (json, value) in [
            ("null", SqlValue::Null),
            ("true", SqlValue::Boolean(true)),
            ("-9223372036854775808", SqlValue::Integer(i64::MIN)),
            ("1.0", SqlValue::Real(1.0)),
            ("2e2", SqlValue::Real(200.0)),
            ("-0", SqlValue::Integer(0)),
            (r#""a\"\u00e9""#, text("a\"é")),
            (r#""""#, text("")),
            (r#"[1, {"a":2}]"#, text(r#"[1, {"a":2}]"#)),
        ] {
            assert_eq!(of_json(json).unwrap(), value);
        }
    }

    #[test]
    fn nothing_is_rounded_to_fit() {
        for json in ["9223372036854775808", "-9223372036854775809", "1e999", r#""\ud800""#] {
            assert!(of_json(json).is_err(), "{json}");
        }
    }
}
