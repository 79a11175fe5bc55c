//! The lock file: every shape that was ever persisted, checked in beside the application file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fields::{BY_REFERENCE, named_by, of_schema};
use super::{Fields, present};
use crate::Definition;

/// The form of a file in which no field is known by a `$ref`.
const PLAIN: u32 = 1;

/// The form of a file whose fields are also those behind `$ref`s.
const REFERRED: u32 = 2;

/// Every shape that was ever persisted: event types, their versions, their fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The form of the file.
    trunkline_lock: u32,
    /// Fields by type and version; null where nothing shows them.
    events: BTreeMap<String, BTreeMap<u32, Option<Fields>>>,
}

/// A text that is no lock file.
#[derive(Debug, thiserror::Error)]
#[error("it is no lock file of this version of trunkline: {reason}")]
pub struct LockError {
    /// Why.
    pub reason: String,
}

/// A shape that is no longer as it was persisted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeChange {
    /// The event.
    pub event_type: String,
    /// Whether it is gone altogether.
    pub gone: bool,
    /// What is the matter.
    pub message: String,
    /// What to write.
    pub fix: String,
}

impl Lock {
    /// The lock file of an application file, beside it: `orders.tsk` has `orders.lock.json`.
    pub fn path_of(file: &str) -> String {
        format!("{}.lock.json", file.strip_suffix(".tsk").unwrap_or(file))
    }

    /// Reads a lock file.
    pub fn parse(text: &[u8]) -> Result<Self, LockError> {
        let wrong = |reason| LockError { reason };
        let lock: Self = serde_json::from_slice(text).map_err(|error| wrong(error.to_string()))?;
        if [PLAIN, REFERRED].contains(&lock.trunkline_lock) {
            Ok(lock)
        } else {
            let form = lock.trunkline_lock;
            Err(wrong(format!("its form is {form}, and only {PLAIN} and {REFERRED} are known")))
        }
    }

    /// The lock of what the file declares now, with everything that an earlier one remembers.
    ///
    /// Check with [`changes`](Self::changes) first: what was locked stays as it was.
    pub fn of(definition: &Definition, earlier: Option<Self>) -> Self {
        let mut lock = earlier.unwrap_or(Self { trunkline_lock: PLAIN, events: BTreeMap::new() });
        let (plain, now) = (present(definition, named_by), present(definition, of_schema));
        let is_plain = lock.trunkline_lock == PLAIN;
        if plain != now {
            lock.trunkline_lock = REFERRED;
        }
        for (event_type, (version, fields)) in now {
            let was_plain =
                plain.get(&event_type).filter(|_| is_plain).and_then(|(_, fields)| fields.as_ref());
            let known = lock.events.entry(event_type).or_default().entry(version).or_default();
            // In the plain form, what is behind a `$ref` could not be locked yet.
            if known.is_none() || known.as_ref() == was_plain {
                *known = fields;
            }
        }
        lock
    }

    /// The text of the file.
    pub fn to_text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("texts and numbers are JSON");
        text.push('\n');
        text
    }

    /// How many types and shapes it has.
    pub fn counts(&self) -> (usize, usize) {
        (self.events.len(), self.events.values().map(BTreeMap::len).sum())
    }

    /// What the file declares otherwise than it was persisted.
    pub fn changes(&self, definition: &Definition) -> Vec<ShapeChange> {
        let now = if self.trunkline_lock == PLAIN {
            present(definition, named_by)
        } else {
            present(definition, of_schema)
        };
        let mut changes = Vec::new();
        for (event_type, versions) in &self.events {
            let Some((&newest, _)) = versions.last_key_value() else { continue };
            let change =
                |gone, message, fix| ShapeChange { event_type: event_type.clone(), gone, message, fix };
            let Some((version, fields)) = now.get(event_type) else {
                if !definition.upcasters.is_gone(event_type) {
                    let message =
                        format!("{event_type} {newest} was persisted, and nothing says what it is now");
                    let fix = format!(
                        "write [events.{event_type}] with `version: {newest}`, and if there are none any more, with `upcast: [{{ from: {newest}, steps: [{{ type: \"…\" }}] }}]` or `{{ drop: true }}`"
                    );
                    changes.push(change(true, message, fix));
                }
                continue;
            };
            if *version < newest {
                let message =
                    format!("{event_type} was persisted in version {newest}, and its version is {version}");
                changes.push(change(false, message, format!("write `version: {newest}` or a later one")));
            }
            let locked = versions.get(version).and_then(Option::as_ref);
            if let Some((locked, fields)) = locked.zip(fields.as_ref())
                && locked != fields
            {
                let next = u64::from(newest) + 1;
                let message = format!(
                    "{event_type} {version} was persisted in another shape: {}",
                    differences(locked, fields)
                );
                let fix = format!(
                    "in [events.{event_type}] write `version: {next}` and add to `upcast`: {{ from: {version}, steps: [{}] }}",
                    steps(locked, fields)
                );
                changes.push(change(false, message, fix));
            }
        }
        changes
    }
}

fn differences(before: &Fields, after: &Fields) -> String {
    let is_field = |(path, _): &(&String, &String)| *path != BY_REFERENCE;
    let text = (before.get(BY_REFERENCE) != after.get(BY_REFERENCE))
        .then(|| "what its `$ref`s lead to is another text".to_owned());
    let gone = before.iter().filter(is_field).filter(|(path, _)| !after.contains_key(*path));
    let gone = gone.map(|(path, _)| format!("`{path}` is gone"));
    let other = after.iter().filter(is_field).filter_map(|(path, kind)| match before.get(path) {
        None => Some(format!("`{path}` is new")),
        Some(was) if was != kind => Some(format!("`{path}` was {was} and is {kind}")),
        Some(_) => None,
    });
    gone.chain(other).chain(text).collect::<Vec<_>>().join(", ")
}

/// The steps that the difference suggests.
fn steps(before: &Fields, after: &Fields) -> String {
    let inside = |path: &str| path.contains("[]") || path == BY_REFERENCE;
    let gone = before.keys().filter(|path| !after.contains_key(*path) && !inside(path));
    let gone = gone.map(|path| format!("{{ remove: \"{path}\" }}"));
    let new = after.iter().filter(|(path, kind)| !before.contains_key(*path) && !kind.ends_with('?'));
    let new = new.filter(|(path, _)| !inside(path)).map(|(path, _)| format!("{{ add: {{ {path}: … }} }}"));
    gone.chain(new).collect::<Vec<_>>().join(", ")
}

#[cfg(all(test, feature = "schema"))]
mod tests {
    use trunkline_config::{FixedClock, MemoryEnvironment, MemoryFiles, World};

    use super::*;
    use crate::{ApplicationFile, Registered};

    const EVENT: &str = "[events.Booked]\nschema: { \"$ref\": \"room.json\" }\n";
    const ROOM: &str = r#"{"properties": {"n": {"type": "integer"}}}"#;

    fn load(room: &str, lock: Option<&Lock>) -> ApplicationFile {
        let files = MemoryFiles::new().with("app.tsk", EVENT).with("room.json", room);
        let lock = lock.map(Lock::to_text);
        let files = lock.into_iter().fold(files, |files, text| files.with("app.lock.json", text));
        let world = World { loader: &files, environment: &MemoryEnvironment::new(), clock: &FixedClock(0) };
        ApplicationFile::load("app.tsk", world, &Registered::default()).expect("a file that can be read")
    }

    fn said(room: &str, lock: &Lock) -> Vec<String> {
        load(room, Some(lock)).mistakes().map(|found| found.message.clone()).collect()
    }

    #[test]
    fn a_change_in_a_file_that_a_schema_refers_to_needs_a_new_version() {
        let lock = Lock::of(&load(ROOM, None).definition, None);
        assert_eq!(said(ROOM, &lock), [""; 0]);
        assert_eq!(
            said(&ROOM.replace("integer", "string"), &lock),
            ["Booked 1 was persisted in another shape: `n` was integer? and is string?"]
        );
        let all_of = format!("{{\"allOf\": [{{\"$ref\": \"#/$defs/of\"}}], \"$defs\": {{\"of\": {ROOM}}}}}");
        let lock = Lock::of(&load(&all_of, None).definition, None);
        assert_eq!(said(&all_of, &lock), [""; 0]);
        assert_eq!(
            said(&all_of.replace("integer", "string"), &lock),
            ["Booked 1 was persisted in another shape: what its `$ref`s lead to is another text"]
        );
    }

    #[test]
    fn a_lock_of_before_holds_until_it_is_written_anew() {
        let before = Lock::parse(br#"{"trunkline_lock": 1, "events": {"Booked": {"1": {}}}}"#).unwrap();
        assert_eq!(said(ROOM, &before), [""; 0]);
        let anew = Lock::of(&load(ROOM, Some(&before)).definition, Some(before));
        assert_eq!(anew, Lock::of(&load(ROOM, None).definition, None));
        assert_eq!(anew.trunkline_lock, REFERRED);
        assert_eq!(Lock::parse(anew.to_text().as_bytes()).unwrap(), anew);
        assert_ne!(said("{}", &anew), [""; 0]);
    }
}
