//! What came of a run, printed.

use std::io::{self, Write};

use indexmap::IndexMap;
use trunkline_ops::run::{LawLine, RunCounts, RunMessages, RunProjection, RunReport};

use crate::output::Report;
use crate::render::{Tone, counted, one_line, screen};

/// How many reasons people are shown.
const SHOWN_MAX: usize = 10;

impl Report for RunReport {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let RunCounts { total, accepted, rejected, failed, repeated } = &self.commands;
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
        let RunMessages { delivered, retried, dead } = &self.messages;
        writeln!(out, "messages")?;
        writeln!(out, "  {delivered} delivered, {retried} retried, {dead} dead")?;
        if !self.left_over.is_empty() {
            writeln!(out, "left in the queue")?;
        }
        for left in &self.left_over {
            writeln!(out, "  {}", one_line(&left.says()))?;
            if let Some(remedy) = &left.remedy {
                writeln!(out, "    {}", one_line(remedy))?;
            }
        }
        if !self.projections.is_empty() {
            writeln!(out, "read models")?;
        }
        for RunProjection { name, lag_events, error } in &self.projections {
            match error {
                Some(error) => {
                    let stopped = screen().paint(Tone::Bad, "stopped");
                    writeln!(out, "  {name} {stopped}: {}", one_line(error))?;
                }
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
fn laws(out: &mut dyn Write, laws: &[LawLine]) -> io::Result<()> {
    if !laws.is_empty() {
        writeln!(out, "laws")?;
    }
    for LawLine { says, of, holds, breaches } in laws {
        let of = of.map_or_else(|| " ".repeat(8), |of| format!("{of:>8}"));
        let mark = if *holds { "ok  ".to_owned() } else { screen().paint(Tone::Bad, "BROKEN") };
        writeln!(out, "{of}  {mark} {says}")?;
        for breach in breaches {
            writeln!(out, "            {breach}")?;
        }
    }
    Ok(())
}
