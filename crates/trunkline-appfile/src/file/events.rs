//! `[events.NAME]`: the present shape of an event, and what older shapes become.

use indexmap::IndexMap;
use trunkline_cel::{Expression, Scope};
use trunkline_config::read::{Field, Section};
use trunkline_config::{Diagnostic, Span};
use trunkline_core::upcast::{ChainError, Link, Part, Upcasters};

use super::reading::{event_type, event_type_named};
use super::{Reading, codes};
use crate::declared::upcast;
use crate::schema::Schema;

/// The fields of `event` in `tags`, where the event has no place yet, and in upcasts, which must give the same
/// for a copy that has another place.
const FIELDS: [&str; 5] = ["type", "data", "stream", "occurred_at", "metadata"];

/// An event's present shape.
#[derive(Debug)]
pub struct EventDefinition {
    /// The version of its shape.
    pub version: u32,
    /// JSON Schema of its data.
    pub schema: Option<Schema>,
    /// Its tags, a list of texts.
    pub tags: Option<Expression>,
}

/// What the sections declare.
#[derive(Debug, Default)]
pub(super) struct Events {
    pub(super) present: IndexMap<String, EventDefinition>,
    pub(super) links: Vec<Link>,
    pub(super) upcasters: Upcasters,
}

pub(super) fn read(field: &Field<'_>, reading: &Reading<'_>) -> Events {
    let scope = Scope::default().fields("event", FIELDS);
    let read = Upcasts { reading, scope };
    let mut found = Events::default();
    let mut places: Vec<(&str, u32, Span)> = Vec::new();
    for (name, field) in field.section().each() {
        event_type_named(name, field.span(), &field);
        let mut section = field.section();
        let definition = EventDefinition {
            version: version(&section.key("version")).unwrap_or(1),
            schema: reading.json_schema(&section.key("schema")),
            tags: reading.expression(&section.key("tags"), &read.scope),
        };
        let version = definition.version;
        found.present.insert(name.to_owned(), definition);
        let upcasts = section.key("upcast").items();
        for upcast in &upcasts {
            if let Some(link) = read.link(name, upcast) {
                places.push((name, link.version(), upcast.span()));
                found.links.push(link);
            }
        }
        check_versions(name, version, &section, &found.links);
        section.finish();
        places.push((name, 0, field.span()));
    }
    let present = found.present.iter().map(|(name, event)| (name.as_str(), event.version));
    match Upcasters::to(found.links.iter().cloned(), present) {
        Ok(upcasters) => found.upcasters = upcasters,
        Err(errors) => {
            for error in errors {
                let (name, version) = error.at();
                let begins = |at: u32| places.iter().find(|place| (place.0, place.1) == (name, at));
                let span = begins(version).or(begins(0)).map_or(field.span(), |place| place.2);
                field.reader().report(chain_diagnostic(&error, span));
            }
        }
    }
    found
}

/// Every version before the present one may be stored, and has to lead on.
fn check_versions(name: &str, version: u32, section: &Section<'_>, links: &[Link]) {
    let begins = |at: u32| links.iter().any(|link| link.event_type() == name && link.version() == at);
    let Some(missing) = (1..version).find(|&at| !begins(at)) else { return };
    let message = format!("nothing leads from {name} {missing} to its present version {version}");
    let wrong = Diagnostic::error(codes::BROKEN_CHAIN, section.span(), message);
    let fix =
        format!("add to its `upcast`: {{ from: {missing}, steps: [ … ] }}, with `[]` if its data stays");
    section.reader().report(wrong.fix(fix));
}

fn chain_diagnostic(error: &ChainError, span: Span) -> Diagnostic {
    let wrong = |code| Diagnostic::error(code, span, error.to_string());
    match error {
        ChainError::Gap { event_type, version, .. } => wrong(codes::BROKEN_CHAIN)
            .fix(format!("add to the `upcast` of {event_type}: {{ from: {version}, steps: [ … ] }}")),
        ChainError::BeyondPresent { version, .. } => wrong(codes::BROKEN_CHAIN)
            .fix(format!("write `version: {}`, if that is its version now", u64::from(*version) + 1)),
        ChainError::Endless { .. } => wrong(codes::ENDLESS_CHAIN),
        _ => wrong(codes::BAD_UPCAST),
    }
}

/// What a version is: a whole number from 1.
fn version(field: &Field<'_>) -> Option<u32> {
    let version = field.integer_within(1, i64::from(u32::MAX))?;
    u32::try_from(version).ok()
}

fn bad(field: &Field<'_>, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(codes::BAD_UPCAST, field.span(), message.into())
}

/// What reading upcasts takes.
struct Upcasts<'a> {
    reading: &'a Reading<'a>,
    scope: Scope,
}

impl Upcasts<'_> {
    /// `{from: 1, steps: […]}`.
    fn link(&self, name: &str, field: &Field<'_>) -> Option<Link> {
        let mut section = field.section();
        let from = section.key("from");
        if !from.is_present() {
            from.required::<i64>();
        }
        let from = version(&from);
        let steps = section.key("steps").items();
        section.finish();
        let mut link = Some(Link::from(name, from?));
        for (at, step) in steps.iter().enumerate() {
            // Also those after one with a mistake are looked at.
            let (before, last) = (link.is_some(), at + 1 == steps.len());
            let next = self.step(link.unwrap_or_else(|| Link::from(name, 1)), step, last);
            link = next.filter(|_| before);
        }
        link
    }

    fn step(&self, link: Link, field: &Field<'_>, last: bool) -> Option<Link> {
        const VERBS: [&str; 8] = ["rename", "add", "remove", "move", "compute", "type", "split", "drop"];
        let mut section = field.section();
        let present: Vec<(&str, Field<'_>)> = VERBS
            .iter()
            .map(|verb| (*verb, section.key(verb)))
            .filter(|(_, field)| field.is_present())
            .collect();
        let at = (present.iter().any(|(verb, _)| *verb == "type")).then(|| section.key("version"));
        section.finish();
        let [(verb, value)] = &present[..] else {
            let wrong = bad(field, "a step does one thing");
            field.reader().report(wrong.fix(format!("write one of {}", VERBS.join(", "))));
            return None;
        };
        let ends = matches!(*verb, "type" | "split")
            || (*verb == "drop" && value.node().is_some_and(|node| node.value.kind() == "a boolean"));
        if ends && !last {
            let message = format!("nothing can follow after `{verb}`");
            field.reader().report(bad(field, message).fix("make it the last step"));
            return None;
        }
        match *verb {
            "rename" => pairs(link, value, |link, from, to: &Field<'_>| {
                Some(link.rename(from, to.required::<String>()?))
            }),
            "move" => {
                pairs(link, value, |link, from, to| Some(link.move_to(from, &to.required::<String>()?)))
            }
            "add" => pairs(link, value, |link, path, default| {
                let json = serde_json::to_string(&default.node()?.value).ok()?;
                Some(link.add(path, json))
            }),
            "compute" => pairs(link, value, |link, path, computed| {
                let expression = self.reading.required_expression(computed, &self.scope)?;
                Some(link.compute(path, expression.source(), upcast::compute(&expression)))
            }),
            "remove" => {
                let paths = value.item_or_items();
                paths.iter().try_fold(link, |link, path| Some(link.remove(&path.required::<String>()?)))
            }
            "type" => {
                let version = at.and_then(|at| version(&at)).unwrap_or(1);
                Some(link.becomes(event_type(value)?.as_str(), version))
            }
            "split" => {
                let parts: Vec<Option<Part>> = value.items().iter().map(|part| self.part(part)).collect();
                Some(link.splits(parts.into_iter().collect::<Option<Vec<_>>>()?))
            }
            _ if ends => {
                if value.read() == Some(false) {
                    value.reader().report(bad(value, "`drop: false` does nothing").fix("leave it out"));
                    return None;
                }
                Some(link.drops())
            }
            _ => {
                let expression = self.reading.required_expression(value, &self.scope)?;
                Some(link.drop_when(expression.source(), upcast::judge(&expression)))
            }
        }
    }

    /// `{type, version, data, when}`.
    fn part(&self, field: &Field<'_>) -> Option<Part> {
        let mut section = field.section();
        let event_type = event_type(&section.key("type"));
        let version = version(&section.key("version")).unwrap_or(1);
        let data = self.reading.expression(&section.key("data"), &self.scope);
        let when = self.reading.expression(&section.key("when"), &self.scope);
        section.finish();
        let mut part = Part::new(event_type?.as_str(), version);
        if let Some(data) = data {
            part = part.data(data.source(), upcast::compute(&data));
        }
        if let Some(when) = when {
            part = part.when(when.source(), upcast::judge(&when));
        }
        Some(part)
    }
}

/// `{path: …, path: …}`.
fn pairs(
    link: Link,
    field: &Field<'_>,
    each: impl Fn(Link, &str, &Field<'_>) -> Option<Link>,
) -> Option<Link> {
    field.section().each().into_iter().try_fold(link, |link, (path, value)| each(link, path, &value))
}
