//! `state`: an aggregate's state, then or now, and how it came about.

use std::io::{self, Write};
use std::str::FromStr;

use clap::Args;
use serde::Serialize;
use serde_json::Value;
use trunkline::history::{self, Change, History, HistoryEntry, Until};
use trunkline_core::{StreamName, Timestamp, Version};

use crate::application;
use crate::args::StoreArgs;
use crate::failure::Failure;
use crate::open;
use crate::output::{Output, Report};
use crate::render::{counted, one_line, screen, time};

const EXAMPLES: &str = "\
Examples:
  trunkline state orders.tsk order-536365
  trunkline state orders.tsk order-536365 --at 1
  trunkline state orders.tsk order-536365 --at 2010-12-01T12:00:00Z --format json | jq .state

A time is compared with when events occurred: the state is the one before the first event that occurred later.

With --format json, one object: stream, version, state, events (version, position, event_type, occurred_at, \
actor, command, causation_id, correlation_id as far as it has them, changed: path, before, after). Exit code 4 when there are no events until then.";

/// Show an aggregate's state, then or now, and what each event changed
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct StateArgs {
    /// The application file
    #[arg(value_name = "FILE")]
    file: String,

    /// The stream, such as order-1
    #[arg(value_name = "STREAM")]
    stream: StreamName,

    /// Until when: a version, or a time such as 2010-12-01T08:26:00Z [default: now]
    #[arg(long, value_name = "VERSION|TIME")]
    at: Option<At>,

    /// How many events people are shown, the last ones; in JSON are all
    #[arg(long, value_name = "N", default_value_t = 20)]
    last: usize,

    /// Show people all events
    #[arg(long, conflicts_with = "last")]
    all: bool,

    #[command(flatten)]
    store: StoreArgs,
}

/// A version or a time.
#[derive(Clone, Copy, Debug)]
struct At(Until);

impl FromStr for At {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(version) = text.parse::<Version>() {
            return Ok(Self(Until::Version(version)));
        }
        let time = text.parse::<Timestamp>();
        time.map(|time| Self(Until::Time(time)))
            .map_err(|_| "write a version such as 3, or a time such as 2010-12-01T08:26:00Z".to_owned())
    }
}

impl StateArgs {
    pub(crate) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let file = application::load(&self.file, output)?;
        let opened = open::for_reading(&application::place(&file, &self.store)?).await?;
        let until = self.at.map_or(Until::Now, |At(until)| until);
        let history = history::follow(&file.definition, &opened.store, &self.stream, until).await?;
        let last = if self.all { usize::MAX } else { self.last };
        output.report(&Shown { history, last })
    }
}

/// A history, of which people are shown the last events.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    history: History,
    #[serde(skip)]
    last: usize,
}

impl Report for Shown {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let History { stream, version, state, events } = &self.history;
        writeln!(out, "{stream} at version {version}")?;
        match serde_json::from_str(state.get()) {
            Ok(Value::Object(fields)) => fields.iter().try_for_each(|(name, value)| {
                write_line(out, &format!("   {}: ", one_line(name)), &value.to_string())
            })?,
            _ => write_line(out, "   ", state.get())?,
        }
        let earlier = events.len().saturating_sub(self.last);
        if earlier > 0 {
            writeln!(out, "\n{} not shown; --all shows them", counted(earlier as u64, "earlier event"))?;
        }
        events.iter().skip(earlier).try_for_each(|event| show(event, out))
    }
}

fn show(event: &HistoryEntry, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n{}  {}  {}", event.version, event.event_type, time(event.occurred_at))?;
    if !event.origin.is_empty() {
        write_line(out, "   ", &event.origin.to_string())?;
    }
    if event.changed.is_empty() {
        writeln!(out, "   changed nothing")?;
    }
    for Change { path, before, after } in &event.changed {
        let path = if path.is_empty() { "state" } else { path };
        match (before, after) {
            (None, Some(after)) => write_line(out, &format!("   + {path}: "), &after.to_string())?,
            (Some(before), None) => write_line(out, &format!("   - {path}: "), &before.to_string())?,
            (Some(before), Some(after)) => {
                write_line(out, &format!("   ~ {path}: "), &format!("{before} -> {after}"))?;
            }
            (None, None) => {}
        }
    }
    Ok(())
}

fn write_line(out: &mut dyn Write, lead: &str, text: &str) -> io::Result<()> {
    writeln!(out, "{}", screen().hang(&one_line(lead), &one_line(text)))
}
