//! The scenarios of an application file: each runs over an empty store of its own.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value as Json;
use trunkline_core::saga::{Outgoing, Status};
use trunkline_core::{Append, EventType, Expected, NewEvent, StreamName};
use trunkline_sql::ComparedRows;
use trunkline_store::MemoryStore;

use crate::file::DeclaredApp as _;
use crate::{Expectation, Given, GivenCommand, GivenEvent, GivenRows, GivenSend, ScenarioDefinition, When};
use trunkline_runtime::saga::Played;
use trunkline_runtime::{
    App, CommandRequest, Decision, DispatchError, Emitted, Outcome, Rehearsal, Rejection,
};

/// The stream of an event that says no other, where it doesn't matter.
const SOMEWHERE: &str = "scenario-1";

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
/// use trunkline::{App, FromFile as _, MemoryStore, scenario};
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
/// let app = App::builder().store(MemoryStore::new()).load("app.tsk", world)?.build().await?;
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
    let mut rehearsal = app.rehearse(Arc::new(MemoryStore::new()));
    let when = match &scenario.when {
        When::Command(command) => Some(request(command)),
        When::Event(_) | When::After(_) => None,
    };
    for given in &scenario.given {
        match given {
            Given::Command(command) => {
                let outcome = dispatch(&rehearsal, &request(command)).await?;
                if let Decision::Rejected(Rejection { reason, .. }) = outcome.decision {
                    return Err(format!("the given command {} was rejected: {reason}", command.command));
                }
            }
            Given::Event(event) => {
                let name = match (&event.stream, &when) {
                    (Some(name), _) => name.clone(),
                    (None, Some(when)) => rehearsal.stream_of(when)?,
                    (None, None) => SOMEWHERE.to_owned(),
                };
                append(app, &rehearsal, &name, event).await?;
            }
            Given::After(time) => {
                rehearsal.play().await?;
                rehearsal.pass(*time)?;
            }
        }
    }
    if let Expectation::Sends(expected, status) = &scenario.then {
        return sent(app, &mut rehearsal, &scenario.when, expected, *status).await;
    }
    if let Expectation::Rows(expected) = &scenario.then {
        return rows(app, &rehearsal, &scenario.when, expected).await;
    }
    let Some(when) = when else {
        return Err("only of a command, events or a rejection are expected".to_owned());
    };
    Ok(match (&scenario.then, dispatch(&rehearsal, &when).await?.decision) {
        (Expectation::Sends(..) | Expectation::Rows(_), _) => Vec::new(),
        (Expectation::Events(expected), Decision::Accepted(accepted)) => {
            compare(expected, &accepted.events, matches, expected_event, emitted)
        }
        (Expectation::Events(expected), Decision::Rejected(rejection)) => {
            let missing = expected.iter().map(|event| Line::Expected(expected_event(event)));
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

/// What is to come comes; a line when it is rejected.
async fn come(app: &App, rehearsal: &Rehearsal<'_>, when: &When) -> Result<Option<Line>, String> {
    match when {
        When::Command(command) => {
            let outcome = dispatch(rehearsal, &request(command)).await?;
            Ok(match outcome.decision {
                Decision::Rejected(rejection) => Some(Line::Found(rejected(Some(&rejection.reason)))),
                Decision::Accepted(_) => None,
            })
        }
        When::Event(event) => {
            let stream = event.stream.as_deref().unwrap_or(SOMEWHERE);
            append(app, rehearsal, stream, event).await.map(|()| None)
        }
        // The store has nothing that tells the time.
        When::After(_) => Ok(None),
    }
}

/// The rows that projections make of all that happened, beside those that are expected.
async fn rows(
    app: &App,
    rehearsal: &Rehearsal<'_>,
    when: &When,
    expected: &[GivenRows],
) -> Result<Vec<Line>, String> {
    if let Some(rejected) = come(app, rehearsal, when).await? {
        return Ok(vec![rejected]);
    }
    let mut lines = Vec::new();
    for GivenRows { table, rows } in expected {
        let found = rehearsal.rows(table).await?;
        let ComparedRows { same, missing, surplus } = ComparedRows::of(rows.clone(), found);
        let describe = |row| format!("{table} {}", Json::Object(row));
        lines.extend(same.into_iter().map(describe).map(Line::Same));
        lines.extend(missing.into_iter().map(describe).map(Line::Expected));
        lines.extend(surplus.into_iter().map(describe).map(Line::Found));
    }
    Ok(lines)
}

/// What the sagas send of it, beside what is expected.
async fn sent(
    app: &App,
    rehearsal: &mut Rehearsal<'_>,
    when: &When,
    expected: &[GivenSend],
    status: Option<Status>,
) -> Result<Vec<Line>, String> {
    rehearsal.play().await?;
    if let Some(rejected) = come(app, rehearsal, when).await? {
        return Ok(vec![rejected]);
    }
    let Played { sends: found, statuses, .. } = match when {
        When::After(time) => rehearsal.pass(*time)?,
        When::Command(_) | When::Event(_) => rehearsal.play().await?,
    };
    let mut lines = compare(expected, &found, is_sent, expected_send, send_found);
    if let Some(status) = status {
        if statuses.contains(&status) {
            lines.push(Line::Same(format!("the saga is {status}")));
        } else {
            lines.push(Line::Expected(format!("the saga is {status}")));
            lines.extend(statuses.iter().map(|status| Line::Found(format!("the saga is {status}"))));
        }
    }
    Ok(lines)
}

fn is_sent(expected: &GivenSend, found: &Outgoing) -> bool {
    let data: Option<Json> = serde_json::from_str(found.data.as_str()).ok();
    expected.command == found.command
        && expected.topic.as_ref().is_none_or(|topic| *topic == found.topic)
        && expected.data.as_ref().is_none_or(|expected| data.as_ref() == Some(expected))
}

fn expected_send(GivenSend { topic, command, data }: &GivenSend) -> String {
    let topic = topic.as_ref().map_or_else(String::new, |topic| format!(" to {topic}"));
    let data = data.as_ref().map_or_else(String::new, |data| format!(" {data}"));
    format!("{command}{topic}{data}")
}

fn send_found(Outgoing { topic, command, data, .. }: &Outgoing) -> String {
    format!("{command} to {topic} {}", data.as_str())
}

fn request(command: &GivenCommand) -> CommandRequest {
    CommandRequest::new(command.command.as_str(), json_bytes(&command.data))
}

async fn dispatch(rehearsal: &Rehearsal<'_>, request: &CommandRequest) -> Result<Outcome, String> {
    rehearsal.dispatch(request).await.map_err(|error: DispatchError| error.to_string())
}

async fn append(
    app: &App,
    rehearsal: &Rehearsal<'_>,
    stream: &str,
    event: &GivenEvent,
) -> Result<(), String> {
    let given =
        |error: &dyn fmt::Display| format!("the given {} can't be appended: {error}", event.event_type);
    let stream = StreamName::new(stream).map_err(|error| given(&error))?;
    let event_type = EventType::new(&event.event_type).map_err(|error| given(&error))?;
    let data = event.data.as_ref().map_or_else(|| "{}".into(), json_bytes);
    let present = app.upcasters().present(&event.event_type).unwrap_or(1);
    let schema_version = event.version.unwrap_or(present);
    let event_given = NewEvent { schema_version, ..NewEvent::new(event_type, data) };
    let append = Append::to(stream, Expected::Any).event(event_given);
    rehearsal.store().append(append).await.map(drop).map_err(|error| given(&error))
}

/// Two lists beside each other.
fn compare<E, F>(
    expected: &[E],
    found: &[F],
    matches: impl Fn(&E, &F) -> bool,
    describe: impl Fn(&E) -> String,
    seen: impl Fn(&F) -> String,
) -> Vec<Line> {
    let mut lines = Vec::new();
    for at in 0..expected.len().max(found.len()) {
        match (expected.get(at), found.get(at)) {
            (Some(expected), Some(found)) if matches(expected, found) => {
                lines.push(Line::Same(seen(found)));
            }
            (expected, found) => {
                lines.extend(expected.map(|expected| Line::Expected(describe(expected))));
                lines.extend(found.map(|found| Line::Found(seen(found))));
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

fn expected_event(GivenEvent { stream, event_type, data, .. }: &GivenEvent) -> String {
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
