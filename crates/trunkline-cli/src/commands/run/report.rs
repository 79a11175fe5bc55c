//! What came of a run.

use std::io::{self, Write};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use trunkline::law::LawReport;

use crate::commands::saga::Counts;
use crate::output::Report;
use crate::render::counted;

/// How many reasons people are shown.
const SHOWN_MAX: usize = 10;

/// Commands by their outcome.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Commands {
    pub(super) total: u64,
    pub(super) accepted: u64,
    pub(super) rejected: u64,
    pub(super) failed: u64,
    pub(super) repeated: u64,
}

/// What consumers did with messages.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Messages {
    pub(super) delivered: u64,
    pub(super) retried: u64,
    pub(super) dead: u64,
}

/// How far a projection is.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Projection {
    pub(super) name: String,
    pub(super) lag_events: u64,
    pub(super) error: Option<String>,
}

/// A law, and whether it holds.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct LawLine {
    pub(crate) says: String,
    pub(crate) of: Option<u64>,
    pub(crate) holds: bool,
    pub(crate) breaches: Vec<Value>,
}

impl LawLine {
    /// A law that was held against so many things.
    pub(super) fn of(says: &str, of: u64, breaches: Vec<Value>) -> Self {
        Self { says: says.to_owned(), of: Some(of), holds: breaches.is_empty(), breaches }
    }
}

impl From<LawReport> for LawLine {
    fn from(LawReport { says, of, holds, breaches, .. }: LawReport) -> Self {
        Self { says, of, holds, breaches }
    }
}

/// What came of a run.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct RunReport {
    pub(super) commands: Commands,
    pub(super) rejected_by_reason: IndexMap<String, u64>,
    pub(super) failed_by_reason: IndexMap<String, u64>,
    pub(super) events: IndexMap<String, u64>,
    pub(super) sagas: Counts,
    pub(super) messages: Messages,
    pub(super) projections: Vec<Projection>,
    pub(super) laws: Vec<LawLine>,
    pub(super) crashes: u32,
    pub(super) seconds: f64,
    pub(super) commands_per_second: f64,
}

impl RunReport {
    /// What somebody has to look at.
    pub(super) fn concern(&self) -> Option<String> {
        let mut all = Vec::new();
        let mut note = |count: u64, what: &str| {
            if count > 0 {
                all.push(counted(count, what));
            }
        };
        note(self.commands.failed, "failed command");
        note(self.sagas.stuck, "stuck saga");
        note(self.messages.dead, "dead message");
        note(self.projections.iter().filter(|one| one.error.is_some()).count() as u64, "stopped projection");
        note(self.laws.iter().filter(|law| !law.holds).count() as u64, "broken law");
        (!all.is_empty()).then(|| all.join(", "))
    }
}

impl Report for RunReport {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let Commands { total, accepted, rejected, failed, repeated } = &self.commands;
        writeln!(
            out,
            "{} in {:.2} s ({:.0}/s)",
            counted(*total, "command"),
            self.seconds,
            self.commands_per_second
        )?;
        if *total > 0 && repeated == total {
            writeln!(out, "  each had its outcome before; nothing changed")?;
        } else {
            writeln!(
                out,
                "  {accepted} accepted, {rejected} rejected, {failed} failed, {repeated} repeated"
            )?;
        }
        counts(out, "rejected", &self.rejected_by_reason)?;
        counts(out, "failed", &self.failed_by_reason)?;
        if !self.events.is_empty() {
            writeln!(out, "events")?;
        }
        for (name, count) in &self.events {
            writeln!(out, "{count:>8}  {name}")?;
        }
        writeln!(out, "sagas")?;
        writeln!(out, "  {}", self.sagas)?;
        let Messages { delivered, retried, dead } = &self.messages;
        writeln!(out, "messages")?;
        writeln!(out, "  {delivered} delivered, {retried} retried, {dead} dead")?;
        if !self.projections.is_empty() {
            writeln!(out, "read models")?;
        }
        for Projection { name, lag_events, error } in &self.projections {
            match error {
                Some(error) => writeln!(out, "  {name} stopped: {error}")?,
                None if *lag_events == 0 => writeln!(out, "  {name} has every event")?,
                None => writeln!(out, "  {name} is {} behind", counted(*lag_events, "event"))?,
            }
        }
        laws(out, &self.laws)?;
        if self.crashes > 0 {
            writeln!(out, "killed {} and started again", counted(self.crashes.into(), "time"))?;
        }
        Ok(())
    }
}

fn counts(out: &mut dyn Write, title: &str, counts: &IndexMap<String, u64>) -> io::Result<()> {
    if counts.is_empty() {
        return Ok(());
    }
    writeln!(out, "{title}")?;
    for (name, count) in counts.iter().take(SHOWN_MAX) {
        writeln!(out, "{count:>8}  {name}")?;
    }
    let others: u64 = counts.values().skip(SHOWN_MAX).sum();
    if others > 0 {
        writeln!(
            out,
            "{others:>8}  for {} more, which --format json lists",
            counted((counts.len() - SHOWN_MAX) as u64, "reason")
        )?;
    }
    Ok(())
}

/// Laws, each with what it was held against.
pub(crate) fn laws(out: &mut dyn Write, laws: &[LawLine]) -> io::Result<()> {
    if !laws.is_empty() {
        writeln!(out, "laws")?;
    }
    for LawLine { says, of, holds, breaches } in laws {
        let of = of.map_or_else(|| " ".repeat(8), |of| format!("{of:>8}"));
        writeln!(out, "{of}  {} {says}", if *holds { "ok  " } else { "BROKEN" })?;
        for breach in breaches {
            writeln!(out, "            {breach}")?;
        }
    }
    Ok(())
}
