//! `saga show`: where a saga stands, and all that happened to it.

use std::io::{self, Write};

use clap::Args;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use trunkline::saga::{Json, Part, Recording, SagaDetail, SagaState, Status, Transition, Waiting};
use trunkline_core::{Position, Timestamp, Version};

use super::fate::{StepFate, fates};
use super::order::raw;
use super::words::{because, line, purpose};
use crate::args::StoreArgs;
use crate::commands::query::open_app;
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::queue::time;
use crate::render::{one_line, write_rows};

const EXAMPLES: &str = "\
Examples:
  trunkline saga show orders.tsk order-536365
  trunkline saga show orders.tsk 536365 --format json | jq .history

With --format json, one object: saga, name, id, status, step, started_at, changed_at, reason, stuck, start, state, \
timers (each with what, due), steps (step, fate, at, position), compensations (those still to be sent: step, topic, \
command, data), messages (message, id, part, step, topic, command, data, sent_at, position, sendings, answered), \
history (version, position, at, event, data), in which data.cause says why. Exit code 4 when there is no such saga.";

/// Show a saga's steps, messages, timers and errors, and all that happened to it
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ShowArgs {
    /// The application file
    #[arg(value_name = "FILE")]
    file: String,

    /// The saga, as NAME-ID or by its id
    #[arg(value_name = "ID")]
    id: String,

    #[command(flatten)]
    store: StoreArgs,
}

impl ShowArgs {
    pub(super) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let app = open_app(&self.file, &self.store, output).await?;
        let (name, id) = app.sagas().find(&self.id).await?;
        let detail = app.sagas().show(&name, &id).await?;
        output.report(&Shown::of(&detail))
    }
}

/// A saga as it is printed.
#[derive(Serialize)]
struct Shown<'a> {
    saga: String,
    name: &'a str,
    id: &'a str,
    status: Option<Status>,
    step: Option<&'a str>,
    started_at: Timestamp,
    changed_at: Timestamp,
    reason: Option<&'a str>,
    stuck: Option<&'a str>,
    start: &'a Json,
    state: &'a Json,
    timers: Vec<Timer>,
    steps: Vec<StepFate>,
    compensations: Vec<Compensation<'a>>,
    messages: Vec<Letter<'a>>,
    history: Vec<Happened>,
    #[serde(skip)]
    detail: &'a SagaDetail,
}

#[derive(Serialize)]
struct Timer {
    what: String,
    due: Timestamp,
}

#[derive(Serialize)]
struct Compensation<'a> {
    step: &'a str,
    topic: &'a str,
    command: &'a str,
    data: &'a Json,
}

#[derive(Serialize)]
struct Letter<'a> {
    /// The version of the saga's stream that sent it first.
    message: Version,
    id: Option<String>,
    part: Part,
    step: &'a str,
    topic: &'a str,
    command: &'a str,
    data: &'a Json,
    sent_at: Timestamp,
    position: Position,
    sendings: u32,
    answered: bool,
}

#[derive(Serialize)]
struct Happened {
    version: Version,
    position: Position,
    at: Timestamp,
    event: &'static str,
    data: Box<RawValue>,
}

impl<'a> Shown<'a> {
    fn of(detail: &'a SagaDetail) -> Self {
        let state = &detail.state;
        let history = detail.history.iter().map(|recording| Happened {
            version: recording.version,
            position: recording.position,
            at: recording.at,
            event: recording.transition.name(),
            data: raw(&recording.transition),
        });
        Self {
            saga: format!("{}-{}", state.name, state.id),
            name: &state.name,
            id: &state.id,
            status: state.status,
            step: state.waiting.as_ref().map(|waiting| waiting.step.as_str()),
            started_at: state.started_at,
            changed_at: state.changed_at,
            reason: state.reason.as_deref(),
            stuck: state.stuck.as_deref(),
            start: &state.start,
            state: &state.state,
            timers: timers(state),
            steps: fates(detail),
            compensations: compensations(state),
            messages: detail.history.iter().filter_map(|recording| message(detail, recording)).collect(),
            history: history.collect(),
            detail,
        }
    }
}

fn timers(state: &SagaState) -> Vec<Timer> {
    if !state.is_alive() {
        return Vec::new();
    }
    let step = state
        .waiting
        .as_ref()
        .and_then(|waiting| Some(Timer { what: purpose(waiting.part, &waiting.step), due: waiting.due? }));
    let whole = state.deadline.filter(|_| state.status == Some(Status::Running));
    step.into_iter().chain(whole.map(|due| Timer { what: "for the whole saga".to_owned(), due })).collect()
}

/// What would undo what was done, in the order in which it would go out.
fn compensations(state: &SagaState) -> Vec<Compensation<'_>> {
    let under_way = |waiting: &Waiting| waiting.part == Part::Compensation;
    // The last one is what the saga waits for, when it is on the way back.
    let sent = usize::from(state.waiting.as_ref().is_some_and(under_way));
    let left = state.compensations.iter().rev().skip(sent);
    left.map(|(step, compensation)| Compensation {
        step,
        topic: &compensation.send.topic,
        command: &compensation.send.command,
        data: &compensation.send.data,
    })
    .collect()
}

/// The message that was sent first by a recording.
fn message<'a>(detail: &'a SagaDetail, recording: &'a Recording) -> Option<Letter<'a>> {
    let Transition::Sent(sent) = &recording.transition else { return None };
    let version = recording.version;
    let sent_again = detail
        .history
        .iter()
        .filter(|other| matches!(&other.transition, Transition::Resent(resent) if resent.message == version));
    let answered = detail.state.messages.iter().any(|message| message.version == version && message.answered);
    Some(Letter {
        message: version,
        id: detail.message_id(version).map(|id| id.to_string()),
        part: sent.part,
        step: &sent.step,
        topic: &sent.send.topic,
        command: &sent.send.command,
        data: &sent.send.data,
        sent_at: recording.at,
        position: recording.position,
        sendings: 1 + u32::try_from(sent_again.count()).unwrap_or(u32::MAX),
        answered,
    })
}

impl Report for Shown<'_> {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let status = self.status.map_or("not started", Status::as_str);
        writeln!(out, "{}: {status}", one_line(&self.saga))?;
        if let Some(first) = self.detail.history.first() {
            writeln!(out, "started {}, {}", time(self.started_at), because(first.transition.cause()))?;
        }
        if let Some(reason) = self.reason {
            writeln!(out, "failed: {}", one_line(reason))?;
        }
        if let Some(stuck) = self.stuck {
            writeln!(out, "stuck: {}", one_line(stuck))?;
            writeln!(out, "  `trunkline saga retry` tries again, `resolve` takes it as done")?;
        }
        if let Some(waiting) = &self.detail.state.waiting {
            waits(waiting, out)?;
        }
        for Timer { what, due } in &self.timers {
            writeln!(out, "timer {what}: {}", time(*due))?;
        }
        self.steps(out)?;
        self.messages(out)?;
        writeln!(out, "\nhistory")?;
        for recording in &self.detail.history {
            let Recording { version, at, .. } = recording;
            writeln!(out, "{version:>4}  {}  {}", time(*at), line(recording))?;
        }
        Ok(())
    }
}

impl Shown<'_> {
    fn steps(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "\nsteps")?;
        let width = self.steps.iter().map(|step| step.fate.as_str().len()).max().unwrap_or_default();
        for StepFate { step, fate, at, position } in &self.steps {
            let when = match (at, position) {
                (Some(at), Some(position)) => format!("  {} at position {position}", time(*at)),
                _ => String::new(),
            };
            let is_last = |message: &Letter<'_>| message.step == step && is_last(message.part);
            let send = if self.messages.iter().any(is_last) { "the send of " } else { "" };
            writeln!(out, "  {:width$}  {send}{}{when}", fate.as_str(), one_line(step))?;
        }
        for Compensation { step, topic, command, .. } in &self.compensations {
            let undoes = format!("{command} to {topic} would undo {step}");
            writeln!(out, "  on the way back, {}", one_line(&undoes))?;
        }
        Ok(())
    }

    fn messages(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.messages.is_empty() {
            return Ok(());
        }
        writeln!(out, "\nmessages")?;
        let row = |message: &Letter<'_>| {
            json!({
                "id": message.id,
                "command": message.command,
                "topic": message.topic,
                "for": purpose(message.part, message.step),
                "sent": message.sendings,
                "answered": if message.answered { "yes" } else { "no" },
            })
        };
        write_rows(&self.messages.iter().map(row).collect::<Vec<Value>>(), out)
    }
}

/// Whether a message is the one that a saga sends at its end.
fn is_last(part: Part) -> bool {
    matches!(part, Part::Completed | Part::Failed)
}

/// What a saga waits for.
fn waits(waiting: &Waiting, out: &mut dyn Write) -> io::Result<()> {
    let Waiting { step, part, sent, wait, attempts, since, answered, .. } = waiting;
    let Some(sent) = sent.as_ref().filter(|_| !answered) else { return Ok(()) };
    let until = if wait.done.is_empty() { "its answer".to_owned() } else { wait.done.join(" or ") };
    let what = format!("{until}: {} to {}, {}", sent.command, sent.topic, purpose(*part, step));
    let often = if *attempts > 1 { format!(" for time {attempts}") } else { String::new() };
    writeln!(out, "waits for {}, sent {}{often}", one_line(&what), time(*since))
}
