//! The types a value can be read as.
//!
//! Environment variables are text, so text that holds a number or a boolean is read as one where one is expected.

use std::time::Duration;

use super::duration::LONGEST;
use super::{Size, mismatch, parse_duration, parse_size};
use crate::codes;
use crate::diagnostic::{Code, Diagnostic};
use crate::secret::Secret;
use crate::source::Span;
use crate::value::Value;

/// A type that a value can be read as.
pub trait FromValue: Sized {
    /// Reads it; null and invalid values never get here from a [`Field`](super::Field).
    fn from_value(value: &Value) -> Result<Self, Mismatch>;
}

/// Why a value cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// It is of another type; what was expected, with its article.
    Expected(&'static str),
    /// Something else is wrong with it.
    Refused {
        /// The kind of mistake.
        code: Code,
        /// What is wrong.
        message: String,
        /// What to do.
        fix: &'static str,
    },
    /// An item of a list is wrong.
    Item(Span, Box<Mismatch>, &'static str),
}

impl Mismatch {
    pub(super) fn at(self, span: Span, found: &Value) -> Diagnostic {
        match self {
            Self::Expected(expected) => mismatch(span, expected, found),
            Self::Refused { code, message, fix } => Diagnostic::error(code, span, message).fix(fix),
            Self::Item(span, problem, kind) => match *problem {
                Self::Expected(expected) => {
                    let message = format!("expected {expected}, found {kind}");
                    Diagnostic::error(codes::WRONG_TYPE, span, message)
                }
                problem => problem.at(span, found),
            },
        }
    }
}

/// The name of a registered function: `@go("package.Function")`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookName(pub String);

impl FromValue for HookName {
    fn from_value(value: &Value) -> Result<Self, Mismatch> {
        match value {
            Value::Hook(name) => Ok(Self(name.clone())),
            _ => Err(Mismatch::Expected("a hook, such as @go(\"package.Function\")")),
        }
    }
}

impl FromValue for bool {
    fn from_value(value: &Value) -> Result<Self, Mismatch> {
        match value {
            Value::Bool(value) => Ok(*value),
            Value::Text(text) if text == "true" => Ok(true),
            Value::Text(text) if text == "false" => Ok(false),
            _ => Err(Mismatch::Expected("true or false")),
        }
    }
}

impl FromValue for i64 {
    fn from_value(value: &Value) -> Result<Self, Mismatch> {
        let expected = Mismatch::Expected("a whole number");
        match value {
            Value::Integer(value) => Ok(*value),
            Value::Text(text) => text.parse().map_err(|_| expected),
            _ => Err(expected),
        }
    }
}

macro_rules! narrower {
    ($($integer:ty),*) => {$(
        impl FromValue for $integer {
            fn from_value(value: &Value) -> Result<Self, Mismatch> {
                let value = i64::from_value(value)?;
                Self::try_from(value).map_err(|_| Mismatch::Refused {
                    code: codes::OUT_OF_RANGE,
                    message: format!("{value} is not in the range {} to {}", Self::MIN, Self::MAX),
                    fix: "write a number in that range",
                })
            }
        }
    )*};
}

narrower!(u16, u32, u64, usize);

impl FromValue for f64 {
    fn from_value(value: &Value) -> Result<Self, Mismatch> {
        let expected = Mismatch::Expected("a number");
        match value {
            Value::Text(text) => text.parse().ok().filter(|value: &Self| value.is_finite()).ok_or(expected),
            other => crate::evaluate::number(other).ok_or(expected),
        }
    }
}

impl FromValue for String {
    fn from_value(value: &Value) -> Result<Self, Mismatch> {
        match value {
            Value::Text(text) => Ok(text.clone()),
            Value::Secret(_) => Err(Mismatch::Refused {
                code: codes::SECRET_EXPOSED,
                message: "a secret cannot stand here: the value may be shown".to_owned(),
                fix: "use plain text, or @env if it is no secret",
            }),
            _ => Err(Mismatch::Expected("text")),
        }
    }
}

/// Plain text is taken too, and is hidden from here on.
impl FromValue for Secret {
    fn from_value(value: &Value) -> Result<Self, Mismatch> {
        match value {
            Value::Text(text) => Ok(Self::new(text.as_str())),
            Value::Secret(secret) => Ok(secret.clone()),
            _ => Err(Mismatch::Expected("text")),
        }
    }
}

/// `"30s"`, `"5m"`, `"2h"`, `"7d"`, or a whole number of milliseconds.
impl FromValue for Duration {
    fn from_value(value: &Value) -> Result<Self, Mismatch> {
        match value {
            Value::Text(text) => parse_duration(text).map_err(|message| Mismatch::Refused {
                code: codes::BAD_DURATION,
                message,
                fix: "write a whole number and a unit (ms, s, m, h, d), such as \"30s\", or milliseconds",
            }),
            Value::Integer(milliseconds) => {
                let duration = u64::try_from(*milliseconds).map(Self::from_millis).ok();
                duration.filter(|duration| *duration <= LONGEST).ok_or_else(|| Mismatch::Refused {
                    code: codes::BAD_DURATION,
                    message: format!("{milliseconds} is not a duration"),
                    fix: "a duration is not negative, and at most a thousand years",
                })
            }
            _ => Err(Mismatch::Expected("a duration, such as \"30s\"")),
        }
    }
}

/// `"64 MiB"`, or a whole number of bytes.
impl FromValue for Size {
    fn from_value(value: &Value) -> Result<Self, Mismatch> {
        match value {
            Value::Text(text) => parse_size(text).map_err(|message| Mismatch::Refused {
                code: codes::BAD_SIZE,
                message,
                fix: "write a whole number and a unit (B, KiB, MiB, GiB, TiB), such as \"64 MiB\", or bytes",
            }),
            Value::Integer(bytes) => u64::try_from(*bytes).map(Self).map_err(|_| {
                let message = format!("{bytes} is not a size");
                Mismatch::Refused { code: codes::BAD_SIZE, message, fix: "a size is not negative" }
            }),
            _ => Err(Mismatch::Expected("a size, such as \"64 MiB\"")),
        }
    }
}

impl<T: FromValue> FromValue for Vec<T> {
    fn from_value(value: &Value) -> Result<Self, Mismatch> {
        let Value::Array(items) = value else { return Err(Mismatch::Expected("a list")) };
        let item = |node: &crate::value::Node| {
            T::from_value(&node.value)
                .map_err(|problem| Mismatch::Item(node.span, Box::new(problem), node.value.kind()))
        };
        items.iter().map(item).collect()
    }
}

/// A map by key, in the order of the file.
impl<T: FromValue> FromValue for Vec<(String, T)> {
    fn from_value(value: &Value) -> Result<Self, Mismatch> {
        let Value::Object(object) = value else { return Err(Mismatch::Expected("an object")) };
        let entry = |(key, entry): (&str, &crate::value::Entry)| {
            let node = &entry.node;
            let value = T::from_value(&node.value)
                .map_err(|problem| Mismatch::Item(node.span, Box::new(problem), node.value.kind()))?;
            Ok((key.to_owned(), value))
        };
        object.iter().map(entry).collect()
    }
}
