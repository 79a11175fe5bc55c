//! What each operator does with its arguments.

use trunkline_nearest::nearest;

use super::compute::{compare_numbers, number, same};
use super::operator::Operator;
use super::plan::Planned;
use super::{Evaluator, Gauge, date};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::mask::says_secret;
use crate::read::parse_duration;
use crate::secret::{MASK, Secret};
use crate::source::Span;
use crate::value::{Node, Value};

impl Evaluator<'_> {
    /// The value of an operator; as many arguments as it takes are there.
    pub(super) fn call(
        &mut self,
        operator: Operator,
        name: Span,
        arguments: &[Planned],
        span: Span,
    ) -> Value {
        match (operator, arguments) {
            (Operator::Env, [variable, rest @ ..]) => self.env(variable, rest.first()),
            (Operator::EnvSecure, [variable]) => self.env_secure(variable),
            (Operator::If, [condition, yes, no]) => self.choose(condition, yes, no),
            (Operator::FileRead, [path]) => self.file_read(path),
            (Operator::Date, [format]) => {
                let micros = self.world.clock.unix_micros();
                self.text(format, "a format")
                    .map_or(Value::Invalid, |format| Value::Text(date::format(&format, micros)))
            }
            (Operator::Metrics, [gauge, value, rest @ ..]) => self.metrics(gauge, value, rest.first()),
            (Operator::Cache, [duration, value]) => self.cache(duration, value),
            (Operator::Learn | Operator::Optimize, [key, value]) => match self.text(key, "a key") {
                Some(_) => self.value(value),
                None => Value::Invalid,
            },
            (Operator::ValidateRequired, values) => self.validate_required(values),
            (Operator::ValidateRange, [value, min, max]) => self.validate_range(value, min, max),
            (Operator::ValidateEnum, [value, allowed]) => self.validate_enum(value, allowed),
            // Hooks and includes are gone since arranging, and the number of arguments has been judged there.
            (operator, _) => {
                debug_assert!(false, "{operator:?} was planned with wrong arguments at {name:?} in {span:?}");
                Value::Invalid
            }
        }
    }

    fn env(&mut self, variable: &Planned, default: Option<&Planned>) -> Value {
        let Some(name) = self.text(variable, "a variable's name") else { return Value::Invalid };
        match self.environment(&name, variable.span) {
            Ok(Some(text)) => {
                if says_secret(&name) {
                    self.sources.hidden.add(&name, &text);
                }
                self.brought.insert(text.clone());
                Value::Text(text)
            }
            Ok(None) => default.map_or(Value::Null, |default| self.value(default)),
            Err(()) => Value::Invalid,
        }
    }

    fn env_secure(&mut self, variable: &Planned) -> Value {
        let Some(name) = self.text(variable, "a variable's name") else { return Value::Invalid };
        match self.environment(&name, variable.span) {
            Ok(Some(text)) => Value::Secret(Secret::new(text)),
            Ok(None) => {
                let message = format!("the secret {name} is not set");
                let diagnostic = Diagnostic::error(codes::SECRET_MISSING, variable.span, message);
                self.report(diagnostic.fix(format!("set the environment variable {name}")));
                Value::Invalid
            }
            Err(()) => Value::Invalid,
        }
    }

    fn environment(&mut self, name: &str, span: Span) -> Result<Option<String>, ()> {
        self.world.environment.variable(name).map_err(|error| {
            let message = format!("the environment variable {name} cannot be read: {error}");
            self.report(
                Diagnostic::error(codes::VARIABLE_NOT_TEXT, span, message).fix("set it to UTF-8 text"),
            );
        })
    }

    fn file_read(&mut self, path: &Planned) -> Value {
        let Some(text) = self.text(path, "a path") else { return Value::Invalid };
        let name = self.world.loader.resolve(self.sources.name(path.span.file), &text);
        let Some(bytes) = self.read(&name, path.span) else { return Value::Invalid };
        if let Ok(text) = String::from_utf8(bytes) {
            return Value::Text(text);
        }
        let message = format!("\"{name}\" cannot be read: it is not UTF-8");
        self.report(
            Diagnostic::error(codes::UNREADABLE_FILE, path.span, message).fix("only text can be read"),
        );
        Value::Invalid
    }

    fn metrics(&mut self, gauge: &Planned, value: &Planned, labels: Option<&Planned>) -> Value {
        let Some(name) = self.text(gauge, "a name") else { return Value::Invalid };
        let result = self.value(value);
        if result == Value::Invalid {
            return Value::Invalid;
        }
        let Some(amount) = number(&result) else {
            return self
                .wrong_argument(value.span, format!("@metrics records a number, found {}", result.kind()));
        };
        let Some(labels) = labels.map_or_else(|| Some(Vec::new()), |labels| self.labels(labels)) else {
            return Value::Invalid;
        };
        self.gauges.push(Gauge { name, value: amount, labels });
        result
    }

    fn labels(&mut self, labels: &Planned) -> Option<Vec<(String, String)>> {
        let value = self.value(labels);
        let Value::Object(object) = value else {
            if value != Value::Invalid {
                self.wrong_argument(
                    labels.span,
                    format!("labels are an object of texts, found {}", value.kind()),
                );
            }
            return None;
        };
        let entries = object.iter();
        entries
            .map(|(key, entry)| {
                let text = self.public_text(entry.node.value.clone(), entry.node.span, "a label")?;
                Some((key.to_owned(), text))
            })
            .collect()
    }

    fn cache(&mut self, duration: &Planned, value: &Planned) -> Value {
        let written = self.value(duration);
        let problem = match &written {
            Value::Invalid => return Value::Invalid,
            Value::Integer(milliseconds) if *milliseconds >= 0 => None,
            Value::Text(text) => parse_duration(text).err(),
            other => Some(format!("a duration was expected, found {}", other.kind())),
        };
        match problem {
            Some(problem) => self.wrong_argument(duration.span, problem),
            None => self.value(value),
        }
    }

    fn validate_required(&mut self, values: &[Planned]) -> Value {
        let mut valid = true;
        for planned in values {
            match self.value(planned) {
                Value::Invalid => return Value::Invalid,
                Value::Null => valid = self.refuse(planned.span, "a value is required here, found null"),
                Value::Text(text) if text.is_empty() => {
                    valid = self.refuse(planned.span, "a value is required here, found empty text");
                }
                Value::Secret(secret) if secret.expose().is_empty() => {
                    valid = self.refuse(planned.span, "a value is required here, found an empty secret");
                }
                _ => {}
            }
        }
        if valid { Value::Bool(true) } else { Value::Invalid }
    }

    fn validate_range(&mut self, value: &Planned, min: &Planned, max: &Planned) -> Value {
        let found = self.value(value);
        let (low, high) = (self.value(min), self.value(max));
        if [&found, &low, &high].contains(&&Value::Invalid) {
            return Value::Invalid;
        }
        for (limit, planned) in [(&low, min), (&high, max)] {
            if number(limit).is_none() {
                return self
                    .wrong_argument(planned.span, format!("a limit is a number, found {}", limit.kind()));
            }
        }
        // What comes from the environment is text.
        let judged = match &found {
            Value::Text(text) => {
                text.parse().map(Value::Integer).or_else(|_| text.parse().map(Value::Float)).ok()
            }
            other => Some(other.clone()),
        };
        let inside = judged.and_then(|judged| {
            Some(compare_numbers(&judged, &low)?.is_ge() && compare_numbers(&judged, &high)?.is_le())
        });
        let bounds = format!("{} to {}", shown(&low), shown(&high));
        match inside {
            Some(true) => Value::Bool(true),
            Some(false) => {
                self.refuse(value.span, &format!("{} is not in the range {bounds}", shown(&found)));
                Value::Invalid
            }
            None => {
                self.refuse(
                    value.span,
                    &format!("a number from {bounds} was expected, found {}", shown(&found)),
                );
                Value::Invalid
            }
        }
    }

    fn validate_enum(&mut self, value: &Planned, allowed: &Planned) -> Value {
        let found = self.value(value);
        let items = match self.value(allowed) {
            Value::Array(items) => items,
            Value::Invalid => return Value::Invalid,
            other => {
                let message = format!("the allowed values are an array, found {}", other.kind());
                return self.wrong_argument(allowed.span, message);
            }
        };
        let is_found = |item: &Node| match (&found, &item.value) {
            (Value::Secret(secret), Value::Text(text)) => secret.expose() == text,
            (found, item) => same(found, item),
        };
        if found == Value::Invalid || items.iter().any(is_found) {
            return if found == Value::Invalid { found } else { Value::Bool(true) };
        }
        let names: Vec<String> = items.iter().map(|item| shown(&item.value)).collect();
        let message = format!("{} is not one of {}", shown(&found), names.join(", "));
        let texts = items.iter().filter_map(|item| match &item.value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        });
        let near = match &found {
            Value::Text(text) => nearest(text, texts),
            _ => None,
        };
        let diagnostic = Diagnostic::error(codes::INVALID, value.span, message).did_you_mean(near);
        self.report(diagnostic);
        Value::Invalid
    }

    /// A text argument that may appear in messages, which a secret may not.
    fn text(&mut self, planned: &Planned, what: &str) -> Option<String> {
        let value = self.value(planned);
        self.public_text(value, planned.span, what)
    }

    pub(super) fn public_text(&mut self, value: Value, span: Span, what: &str) -> Option<String> {
        match value {
            Value::Text(text) => return Some(text),
            Value::Invalid => {}
            Value::Secret(_) => {
                let message = format!("a secret cannot be {what}: it would be seen");
                let diagnostic = Diagnostic::error(codes::SECRET_EXPOSED, span, message);
                self.report(diagnostic.fix("read it with @env if it is no secret"));
            }
            other => {
                self.wrong_argument(span, format!("{what} is text, found {}", other.kind()));
            }
        }
        None
    }

    fn wrong_argument(&mut self, span: Span, message: String) -> Value {
        self.report(Diagnostic::error(codes::WRONG_ARGUMENTS, span, message));
        Value::Invalid
    }

    fn refuse(&mut self, span: Span, message: &str) -> bool {
        self.report(Diagnostic::error(codes::INVALID, span, message));
        false
    }
}

/// A value as messages show it.
fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("\"{text}\""),
        Value::Integer(value) => value.to_string(),
        Value::Float(value) => format!("{value:?}"),
        Value::Bool(value) => value.to_string(),
        Value::Secret(_) => MASK.to_owned(),
        other => other.kind().to_owned(),
    }
}
