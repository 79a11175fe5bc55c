//! `saga show`: where a saga stands, and all that happened to it.

use std::io::{self, Write};

use clap::Args;
use serde_json::{Value, json};
use trunkline::saga::{Recording, SagaPart, Status, Waiting};
use trunkline_ops::sagas::{CompensationLine, Fate, SagaReport, SentLine, StepFate, TimerLine, purpose};

use super::words::{because, by, line};
use crate::args::StoreArgs;
use crate::commands::query::open_app;
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::render::{Cell, Table, Tone, one_line, screen, time, write_rows};

const EXAMPLES: &str = "\
Examples:
  trunkline saga show orders.tsk order-536365
  trunkline saga show orders.tsk 536365 --format json | jq .history

With --format json, one object: saga, name, id, status, step, started_at, changed_at, correlation_id, reason, stuck, start, state, \
timers (each with what, due), steps (step, fate, at, position), compensations (those still to be sent: step, topic, \
command, data), messages (message, id, part, step, topic, command, data, sent_at, position, sendings, answered), \
history (version, position, at, event, data, origin), in which data.cause says why, and origin (actor, command, \
causation_id, correlation_id) who did it and why in turn. Exit code 4 when there is no such saga.";

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
        let mut report = SagaReport::of(&detail);
        report.look_up_origins(&**app.store()).await?;
        output.report(&report)
    }
}

impl Report for SagaReport<'_> {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let status = self.status.map_or("not started", Status::as_str);
        let tone = if self.stuck.is_some() { Tone::Bad } else { Tone::Plain };
        writeln!(out, "{}: {}", one_line(&self.saga), screen().paint(tone, status))?;
        if let Some(first) = self.detail.history.first() {
            let by = self.history.first().map(|line| by(&line.origin)).unwrap_or_default();
            writeln!(out, "started {}, {}{by}", time(self.started_at), because(first.transition.cause()))?;
        }
        if let Some(correlation_id) = self.correlation_id {
            writeln!(out, "correlation {}", one_line(correlation_id))?;
        }
        if let Some(reason) = self.reason {
            writeln!(out, "{}", screen().hang("failed: ", &one_line(reason)))?;
        }
        if let Some(stuck) = self.stuck {
            writeln!(out, "{}", screen().hang("stuck: ", &one_line(stuck)))?;
            let held = self.detail.state.held.is_some();
            if !held {
                writeln!(out, "  `trunkline saga retry` tries again, `resolve` takes it as done")?;
            }
        }
        if let Some(waiting) = &self.detail.state.waiting {
            waits(waiting, out)?;
        }
        for TimerLine { what, due } in &self.timers {
            writeln!(out, "timer {what}: {}", time(*due))?;
        }
        steps(self, out)?;
        messages(self, out)?;
        writeln!(out, "\nhistory")?;
        let lead = self.detail.history.last().map_or(0, |last| last.version.to_string().len().max(4));
        for (recording, listed) in self.detail.history.iter().zip(&self.history) {
            let Recording { version, at, .. } = recording;
            let lead = format!("{version:>lead$}  {}  ", time(*at));
            writeln!(out, "{}", screen().hang(&lead, &line(recording, &listed.origin)))?;
        }
        Ok(())
    }
}

fn steps(saga: &SagaReport<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\nsteps")?;
    let mut table = Table::new(["fate", "step", "at", "position#"]).indented(2);
    for StepFate { step, fate, at, position } in &saga.steps {
        let is_last = |message: &SentLine<'_>| message.step == step && is_last(message.part);
        let send = if saga.messages.iter().any(is_last) { "the send of " } else { "" };
        table.row([
            Cell::from(fate.as_str()).bad_if(matches!(fate, Fate::Stuck | Fate::Failed)),
            Cell::from(format!("{send}{step}")),
            Cell::maybe(at.map(time)),
            Cell::maybe(position.map(|position| position.to_string())),
        ]);
    }
    table.release(out)?;
    for CompensationLine { step, topic, command, .. } in &saga.compensations {
        let undoes = format!("{command} to {topic} would undo {step}");
        writeln!(out, "  on the way back, {}", one_line(&undoes))?;
    }
    Ok(())
}

fn messages(saga: &SagaReport<'_>, out: &mut dyn Write) -> io::Result<()> {
    if saga.messages.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nmessages")?;
    let row = |message: &SentLine<'_>| {
        json!({
            "id": message.id,
            "command": message.command,
            "topic": message.topic,
            "for": purpose(message.part, message.step),
            "sent": message.sendings,
            "answered": if message.answered { "yes" } else { "no" },
        })
    };
    write_rows(&saga.messages.iter().map(row).collect::<Vec<Value>>(), out)
}

/// Whether a message is the one that a saga sends at its end.
fn is_last(part: SagaPart) -> bool {
    matches!(part, SagaPart::Completed | SagaPart::Failed)
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
