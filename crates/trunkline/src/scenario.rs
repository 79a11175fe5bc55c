//! The scenarios of an application file: each runs over an empty store of its own.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value as Json;
use trunkline_core::{Append, EventType, Expected, NewEvent, StreamName};
use trunkline_store::{EventStore, MemoryStore};

use crate::command::Bus;
use crate::{
    App, CommandRequest, Decision, DispatchError, Emitted, Expectation, Given, GivenEvent, Outcome,
    Rejection, ScenarioDefinition,
};

/// How a scenario went.
#[derive(Debug, Serialize)]
pub struct ScenarioReport {
    /// Its name.
    pub name: String,
    /// Whether what followed is what was expected.
    pub passed: bool,
    /// What followed beside what was expected, a line each; only when they differ.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub comparison: Vec<Line>,
    /// Why it could not be tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// A line of what was expected or found.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// As expected.
    Same(String),
    /// Expected, and not there.
    Expected(String),
    /// There, and not expected.
    Found(String),
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same(text) => write!(f, "  = {text}"),
            Self::Expected(text) => write!(f, "  - expected {text}"),
            Self::Found(text) => write!(f, "  + found    {text}"),
        }
    }
}

/// Runs every scenario of the application's file.
///
/// ```
/// use trunkline::config::{FixedClock, MemoryEnvironment, MemoryFiles, World};
/// use trunkline::{App, MemoryStore, scenario};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let file = r#"
/// [commands.Open]
/// stream: "'door-' + command.id"
/// expect: "no_stream"
/// emit: [{ type: "Opened", data: "command" }]
///
/// [scenarios.a_door_is_opened_once]
/// given: [{ type: "Opened" }]
/// when: { command: "Open", data: { id: "1" } }
/// then: { rejected: "door-1 exists already" }
/// "#;
/// let files = MemoryFiles::new().with("app.tsk", file);
/// let world = World { loader: &files, environment: &MemoryEnvironment::new(), clock: &FixedClock(0) };
/// let app = App::builder().store(MemoryStore::new()).load("app.tsk", world)?.build()?;
/// assert!(scenario::run(&app).await.iter().all(|report| report.passed));
/// # Ok(())
/// # }
/// ```
pub async fn run(app: &App) -> Vec<ScenarioReport> {
    let mut reports = Vec::new();
    for (name, scenario) in app.scenarios() {
        let (comparison, failed) = match one(app, scenario).await {
            Ok(comparison) => (comparison, None),
            Err(reason) => (Vec::new(), Some(reason)),
        };
        let differs = comparison.iter().any(|line| !matches!(line, Line::Same(_)));
        reports.push(ScenarioReport {
            name: name.clone(),
            passed: !differs && failed.is_none(),
            comparison: if differs { comparison } else { Vec::new() },
            failed,
        });
    }
    reports
}

async fn one(app: &App, scenario: &ScenarioDefinition) -> Result<Vec<Line>, String> {
    let store: Arc<dyn EventStore> = Arc::new(MemoryStore::new());
    let bus = app.bus_over(Arc::clone(&store));
    let when = CommandRequest::new(scenario.when.command.as_str(), json_bytes(&scenario.when.data));
    for given in &scenario.given {
        match given {
            Given::Command(command) => {
                let request = CommandRequest::new(command.command.as_str(), json_bytes(&command.data));
                let outcome = dispatch(&bus, &request).await?;
                if let Decision::Rejected(Rejection { reason, .. }) = outcome.decision {
                    return Err(format!("the given command {} was rejected: {reason}", command.command));
                }
            }
            Given::Event(event) => {
                let name = match &event.stream {
                    Some(name) => name.clone(),
                    None => bus.stream_of(&when)?,
                };
                append(app, &*store, &name, event).await?;
            }
        }
    }
    Ok(match (&scenario.then, dispatch(&bus, &when).await?.decision) {
        (Expectation::Events(expected), Decision::Accepted(accepted)) => {
            compare_events(expected, &accepted.events)
        }
        (Expectation::Events(expected), Decision::Rejected(rejection)) => {
            let missing = expected.iter().map(|event| Line::Expected(said(event)));
            missing.chain([Line::Found(rejected(Some(&rejection.reason)))]).collect()
        }
        (Expectation::Rejected(reason), Decision::Accepted(accepted)) => {
            let found = accepted.events.iter().map(|event| Line::Found(emitted(event)));
            let nothing = accepted.events.is_empty().then(|| Line::Found("no events".to_owned()));
            [Line::Expected(rejected(reason.as_deref()))].into_iter().chain(found).chain(nothing).collect()
        }
        (Expectation::Rejected(reason), Decision::Rejected(rejection)) => match reason {
            Some(reason) if *reason != rejection.reason => {
                vec![Line::Expected(rejected(Some(reason))), Line::Found(rejected(Some(&rejection.reason)))]
            }
            _ => vec![Line::Same(rejected(Some(&rejection.reason)))],
        },
    })
}

async fn dispatch(bus: &Bus, request: &CommandRequest) -> Result<Outcome, String> {
    bus.dispatch(request).await.map_err(|error: DispatchError| error.to_string())
}

async fn append(app: &App, store: &dyn EventStore, stream: &str, event: &GivenEvent) -> Result<(), String> {
    let given =
        |error: &dyn fmt::Display| format!("the given {} can't be appended: {error}", event.event_type);
    let stream = StreamName::new(stream).map_err(|error| given(&error))?;
    let event_type = EventType::new(&event.event_type).map_err(|error| given(&error))?;
    let data = event.data.as_ref().map_or_else(|| "{}".into(), json_bytes);
    let present = app.upcasters().present(&event.event_type).unwrap_or(1);
    let schema_version = event.version.unwrap_or(present);
    let event_given = NewEvent { schema_version, ..NewEvent::new(event_type, data) };
    let append = Append::to(stream, Expected::Any).event(event_given);
    store.append(append).await.map(drop).map_err(|error| given(&error))
}

fn compare_events(expected: &[GivenEvent], found: &[Emitted]) -> Vec<Line> {
    let mut lines = Vec::new();
    for at in 0..expected.len().max(found.len()) {
        match (expected.get(at), found.get(at)) {
            (Some(expected), Some(found)) if matches(expected, found) => {
                lines.push(Line::Same(emitted(found)));
            }
            (expected, found) => {
                lines.extend(expected.map(|event| Line::Expected(said(event))));
                lines.extend(found.map(|event| Line::Found(emitted(event))));
            }
        }
    }
    lines
}

fn matches(expected: &GivenEvent, found: &Emitted) -> bool {
    let data: Option<Json> = serde_json::from_slice(&found.data).ok();
    expected.event_type == found.event_type.as_str()
        && expected.stream.as_ref().is_none_or(|stream| *stream == found.stream.as_str())
        && expected.data.as_ref().is_none_or(|expected| data.as_ref() == Some(expected))
}

fn said(GivenEvent { stream, event_type, data, .. }: &GivenEvent) -> String {
    let stream = stream.as_ref().map_or_else(String::new, |stream| format!(" in {stream}"));
    let data = data.as_ref().map_or_else(String::new, |data| format!(" {data}"));
    format!("{event_type}{stream}{data}")
}

fn emitted(event: &Emitted) -> String {
    format!("{} {}", event.event_type, String::from_utf8_lossy(&event.data))
}

fn rejected(reason: Option<&str>) -> String {
    reason.map_or_else(|| "a rejection".to_owned(), |reason| format!("rejected: {reason}"))
}

fn json_bytes(json: &Json) -> bytes::Bytes {
    json.to_string().into()
}
