//! What is not to be shown though it is no [`Secret`](crate::Secret): passwords in addresses, and what the environment
//! has under a name that says what it is.
//!
//! Such text is there for whoever reads the value; it is hidden where a person or a log would see it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use crate::secret::{MASK, Secret};
use crate::value::{Node, Object, Value};

/// What a name has in it that is a secret's.
const SECRET_PARTS: [&str; 5] = ["password", "passwd", "secret", "token", "credential"];

/// What is a secret's when it is a whole word of a name.
const SECRET_WORDS: [&str; 6] = ["key", "keys", "apikey", "pass", "pwd", "pw"];

/// The names that settings with a password go by in addresses, in the form `key=value;key=value`.
const ADDRESS_KEYS: [&str; 4] = ["password=", "passwd=", "pwd=", "pass="];

/// How many bytes of an address are looked at.
const ADDRESS_BYTES_MAX: usize = 1_024;

/// Shorter texts are hidden only where they are the whole of a value: they may be a part of anything.
const PART_BYTES_MIN: usize = 4;

/// The same for what is called a key.
const KEY_BYTES_MIN: usize = 12;

/// Whether a name says that what it names is not to be shown.
pub(crate) fn says_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    has_secret_part(&name)
        || name.split(|c: char| !c.is_alphanumeric()).any(|word| SECRET_WORDS.contains(&word))
}

fn has_secret_part(name: &str) -> bool {
    SECRET_PARTS.iter().any(|part| name.contains(part))
}

/// The texts that are not to be shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hidden(Vec<(Secret, InParts)>);

/// Whether a text is hidden where it is a part of another, too.
type InParts = bool;

impl Hidden {
    /// Adds what has a name that says what it is.
    pub(crate) fn add(&mut self, name: &str, text: &str) {
        // `ROUTING_KEY` may be an everyday word; what opens doors is longer.
        let least = if has_secret_part(&name.to_lowercase()) { PART_BYTES_MIN } else { KEY_BYTES_MIN };
        if !text.is_empty() && self.0.iter().all(|(known, _)| known.expose() != text) {
            self.0.push((Secret::new(text), text.len() >= least));
        }
    }

    /// Adds what the environment brought under keys that say what it is.
    pub(crate) fn add_named(&mut self, node: &Node, brought: &BTreeSet<String>) {
        match &node.value {
            Value::Array(items) => items.iter().for_each(|item| self.add_named(item, brought)),
            Value::Object(object) => {
                for (key, entry) in object.iter() {
                    match &entry.node.value {
                        Value::Text(text) if says_secret(key) && brought.contains(text) => {
                            self.add(key, text);
                        }
                        _ => self.add_named(&entry.node, brought),
                    }
                }
            }
            _ => {}
        }
    }

    /// A text with `***` in the place of what is not to be shown.
    pub(crate) fn masked<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut masked = without_passwords(text);
        for (hidden, in_parts) in &self.0 {
            let hidden = hidden.expose();
            if masked == hidden {
                return Cow::Borrowed(MASK);
            }
            if *in_parts && masked.contains(hidden) {
                masked = Cow::Owned(masked.replace(hidden, MASK));
            }
        }
        masked
    }

    /// A tree with `***` in the place of what is not to be shown.
    pub(crate) fn masked_tree(&self, node: &Node) -> Node {
        let value = match &node.value {
            Value::Text(text) => Value::Text(self.masked(text).into_owned()),
            Value::Array(items) => Value::Array(items.iter().map(|item| self.masked_tree(item)).collect()),
            Value::Object(object) => {
                let mut masked = Object::new();
                for (key, entry) in object.iter() {
                    let mut node = self.masked_tree(&entry.node);
                    if has_secret_part(&key.to_lowercase()) && matches!(node.value, Value::Text(_)) {
                        node.value = Value::Text(MASK.to_owned());
                    }
                    masked.insert(key.to_owned(), entry.key_span, node);
                }
                Value::Object(masked)
            }
            other => other.clone(),
        };
        Node { value, span: node.span }
    }
}

/// A file's text with stars in the place of passwords, a byte for a byte, so that all places stay what they are.
pub(crate) fn starred(text: &str) -> Cow<'_, str> {
    let mut ranges = passwords(text);
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        ranges.extend(literals(line).map(|range| at + range.start..at + range.end));
        at += line.len();
    }
    masked_at(text, ranges, |hidden| "*".repeat(hidden.len()))
}

/// What a line says to be passwords: not where an operator or a variable stands for one.
fn literals(line: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    line.match_indices([':', '=']).filter_map(|(at, _)| {
        let is_name = |c: char| c.is_alphanumeric() || "_-".contains(c);
        let before = line[..at].trim_end().trim_end_matches(['"', '\'']);
        let name = &before[before.trim_end_matches(is_name).len()..];
        let value = line[at + 1..].trim_start();
        let start = line.len() - value.len();
        let length = match value.chars().next()? {
            // An operator, a variable, or something that has values of its own.
            '@' | '$' | '{' | '[' | '>' => return None,
            quote @ ('"' | '\'') => value[1..].find(quote).map_or(value.len(), |end| end + 2),
            _ => value.find([',', '}', ']', '\n']).unwrap_or(value.len()),
        };
        let length = value[..length].trim_end().len();
        let is_made = value[..length].contains("${");
        (has_secret_part(&name.to_lowercase()) && length > 0 && !is_made).then_some(start..start + length)
    })
}

/// A text without the passwords of the addresses in it.
fn without_passwords(text: &str) -> Cow<'_, str> {
    masked_at(text, passwords(text), |_| MASK.to_owned())
}

/// Where passwords of addresses are.
fn passwords(text: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    for (at, _) in text.match_indices("://") {
        let rest = beginning(&text[at + 3..]);
        let end = rest.find(|c: char| c.is_whitespace() || "\"'`<>".contains(c)).unwrap_or(rest.len());
        // A password may have an `@` of its own, so it ends at the last one.
        if let Some(to) = rest[..end].rfind('@')
            && let Some(from) = rest[..to].find(':')
        {
            ranges.push(at + 3 + from + 1..at + 3 + to);
        }
    }
    let lower = text.to_ascii_lowercase();
    for key in ADDRESS_KEYS {
        for (at, _) in lower.match_indices(key) {
            let from = at + key.len();
            let rest = beginning(&text[from..]);
            let end = rest.find(|c: char| c.is_whitespace() || ";&\"'`".contains(c)).unwrap_or(rest.len());
            ranges.push(from..from + end);
        }
    }
    ranges
}

/// As much of a text as an address has: who puts millions of them into one line waits for no more than that.
fn beginning(text: &str) -> &str {
    let end = (0..=ADDRESS_BYTES_MAX.min(text.len())).rev().find(|&at| text.is_char_boundary(at));
    &text[..end.unwrap_or(0)]
}

/// A text with what `mask` makes of it in these places, which may overlap.
fn masked_at(text: &str, mut ranges: Vec<Range<usize>>, mask: impl Fn(&str) -> String) -> Cow<'_, str> {
    if ranges.is_empty() {
        return Cow::Borrowed(text);
    }
    ranges.sort_by_key(|range| range.start);
    let (mut shown, mut at) = (String::with_capacity(text.len()), 0);
    for range in ranges {
        let from = range.start.max(at);
        if range.end > from {
            shown.push_str(&text[at..from]);
            shown.push_str(&mask(&text[from..range.end]));
            at = range.end;
        }
    }
    shown.push_str(&text[at..]);
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_that_they_are_secrets() {
        for name in
            ["DB_PASSWORD", "api-token", "Secret", "SIGNING_KEY", "key", "apikey", "pw", "AWS_SECRET_ACCESS"]
        {
            assert!(says_secret(name), "{name}");
        }
        for name in ["KEYCLOAK_URL", "monkey", "HOST", "USER", "passage", "DATA"] {
            assert!(!says_secret(name), "{name}");
        }
    }

    #[test]
    fn a_file_keeps_all_its_places() {
        for (text, shown) in [
            ("dsn: \"p://u:pw@h\"\npassword: pä \nx: 1\n", "dsn: \"p://u:**@h\"\npassword: *** \nx: 1\n"),
            ("token: @env(\"A\")\nsecret = \"s\"\n", "token: @env(\"A\")\nsecret = ***\n"),
            ("db: { host: \"h\", password: \"pw\", x: 1 }", "db: { host: \"h\", password: ****, x: 1 }"),
            ("a { 'api-token' = pw, b: 2 }", "a { 'api-token' = **, b: 2 }"),
            ("tokens: [1, 2]\npasswords: { a: 1 }", "tokens: [1, 2]\npasswords: { a: 1 }"),
        ] {
            let starred = starred(text);
            assert_eq!((starred.len(), &*starred), (text.len(), shown));
        }
    }

    #[test]
    fn passwords_of_addresses_are_left_out() {
        for (text, shown) in [
            ("postgres://u:pw@h/db", "postgres://u:***@h/db"),
            ("redis://:p@w@h:6379", "redis://:***@h:6379"),
            ("mysql://h/db?password=pw&x=1", "mysql://h/db?password=***&x=1"),
            ("mysql:host=h;Password=pw;dbname=d", "mysql:host=h;Password=***;dbname=d"),
            ("a http://u:p@h b", "a http://u:***@h b"),
            ("https://h:80/a", "https://h:80/a"),
            ("log:data", "log:data"),
            ("p://a:1@h password=2", "p://a:***@h password=***"),
        ] {
            assert_eq!(without_passwords(text), shown);
        }
    }
}
