//! The census: every stored shape, counted and brought to today's.

use std::collections::HashMap;

use futures::StreamExt as _;
use serde::Serialize;
use serde_json::Value as Json;
use trunkline_core::{Position, StreamName, Version};
use trunkline_store::{AllRead, EventStore, ReadError};

use super::today;
use crate::Definition;
use crate::file::SYSTEM_NAMES;

/// How many shapes are told apart; data whose fields are named by data has as many as it has events.
const SHAPES_MAX: usize = 10_000;

/// How often progress is said.
const SAID_EVERY: u64 = 4096;

/// What is stored.
#[derive(Debug, Default, Serialize)]
pub struct Census {
    /// How many events were looked at; Trunkline's own are not.
    pub events: u64,
    /// How many of them don't reach today's shape.
    pub undecodable: u64,
    /// Every shape, in the order of its first event.
    pub shapes: Vec<CensusLine>,
}

/// A stored shape.
#[derive(Debug, Serialize)]
pub struct CensusLine {
    /// The type.
    pub event_type: String,
    /// The version that it was stored in.
    pub schema_version: u32,
    /// Its fields with their kinds, `name: kind` sorted by name, or what the data is instead of an object.
    pub shape: String,
    /// How many events have it.
    pub count: u64,
    /// The first of them.
    pub first: Position,
    /// What they are today, as far as they reach it: types and versions.
    pub today: Vec<String>,
    /// The first of them that doesn't reach today's shape.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undecodable: Option<Undecodable>,
}

/// An event that doesn't reach today's shape.
#[derive(Debug, Serialize)]
pub struct Undecodable {
    /// Its place in the store.
    pub position: Position,
    /// Its stream.
    pub stream: StreamName,
    /// Its place there.
    pub version: Version,
    /// Why.
    pub reason: String,
    /// How many of its shape don't.
    pub count: u64,
}

/// Counts every shape that is stored, and brings each event to today's; `progress` hears how many were looked at.
pub async fn census(
    definition: &Definition,
    store: &dyn EventStore,
    mut progress: impl FnMut(u64),
) -> Result<Census, ReadError> {
    let mut census = Census::default();
    let mut places: HashMap<(String, u32, String), usize> = HashMap::new();
    let mut events = store.read_all(AllRead::default());
    while let Some(event) = events.next().await.transpose()? {
        if event.event_type().starts_with(SYSTEM_NAMES) {
            continue;
        }
        census.events += 1;
        if census.events.is_multiple_of(SAID_EVERY) {
            progress(census.events);
        }
        let shape = if places.len() < SHAPES_MAX { shape_of(event.data()) } else { "others".to_owned() };
        let key = (event.event_type().to_owned(), event.schema_version(), shape);
        let at = *places.entry(key).or_insert_with_key(|(event_type, schema_version, shape)| {
            census.shapes.push(CensusLine {
                event_type: event_type.clone(),
                schema_version: *schema_version,
                shape: shape.clone(),
                count: 0,
                first: event.position(),
                today: Vec::new(),
                undecodable: None,
            });
            census.shapes.len() - 1
        });
        let line = &mut census.shapes[at];
        line.count += 1;
        let (position, stream, version) = (event.position(), event.stream_name(), event.version());
        let reached = today(definition, event, |event| {
            let said = format!("{} {}", event.event_type(), event.schema_version());
            if !line.today.contains(&said) {
                line.today.push(said);
            }
        });
        if let Err(reason) = reached {
            census.undecodable += 1;
            let first = Undecodable { position, stream, version, reason, count: 0 };
            line.undecodable.get_or_insert(first).count += 1;
        }
    }
    progress(census.events);
    Ok(census)
}

fn shape_of(data: &[u8]) -> String {
    match serde_json::from_slice::<Json>(data) {
        Ok(Json::Object(object)) => {
            let mut fields: Vec<String> =
                object.iter().map(|(name, value)| format!("{name}: {}", kind(value))).collect();
            fields.sort_unstable();
            fields.join(", ")
        }
        Ok(other) => kind(&other).to_owned(),
        Err(_) => "no JSON".to_owned(),
    }
}

fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(number) if number.is_f64() => "number",
        Json::Number(_) => "integer",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    }
}
