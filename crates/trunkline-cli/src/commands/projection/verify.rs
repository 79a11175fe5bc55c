//! `projection verify`: whether the rows are those that the events make.

use std::io::{self, Write};

use clap::Args;
use serde::Serialize;
use serde_json::{Map, Value};
use trunkline::Verified;
use trunkline_ops::projections::{differing, verify};

use super::super::query::open_app;
use super::StatusArgs;
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::progress::Progress;
use crate::render::{cell, counted};

const EXAMPLES: &str = "\
Examples:
  trunkline projection verify orders.tsk
  trunkline projection verify orders.tsk orders --format json

The events are applied again, up to where the rows stand, to tables that nobody sees, and the rows are compared. \
Nothing is changed, and it works beside the process that runs the projections.

Exit code 1 when rows differ: the first 20 are shown, with the first event whose effect on them is missing or another.

With --format json, one object on each line: projection, generation, position, rows, divergence (event, rows, shown).";

/// Apply all events again out of sight, and compare the rows
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    of: StatusArgs,
}

impl VerifyArgs {
    pub(super) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let app = open_app(&self.of.file, &self.of.store, output).await?;
        let names = match self.of.name {
            Some(name) => vec![name],
            None => app.projections().names().map(str::to_owned).collect(),
        };
        let mut all = Vec::new();
        for name in &names {
            let progress = Progress::events(output, "verifying");
            all.push(verify(&app, name, |at, head| progress.set(at, head)).await?);
        }
        let verdict = differing(&all);
        let all = All(all);
        output.list(&all, &all.0)?;
        Ok(verdict?)
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct All(Vec<Verified>);

impl Report for All {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        self.0.iter().try_for_each(|verified| write(verified, out))
    }
}

fn write(verified: &Verified, out: &mut dyn Write) -> io::Result<()> {
    let Verified { projection, position, rows, .. } = verified;
    if verified.generation.is_none() {
        return writeln!(out, "{projection}: no rows yet");
    }
    let Some(divergence) = &verified.divergence else {
        let rows = counted(*rows, "row");
        return writeln!(out, "{projection}: {rows} as the events make them, up to position {position}");
    };
    let count = divergence.rows;
    writeln!(out, "{projection}: {count} of {} differ, up to position {position}", counted(*rows, "row"))?;
    match &divergence.event {
        Some(event) => {
            writeln!(
                out,
                "  from the {} at position {} on ({})",
                event.event_type, event.position, event.stream
            )?;
        }
        None => writeln!(out, "  no event has to do with the rows below")?,
    }
    let row = |row: &Option<Map<String, Value>>| row.as_ref().map_or_else(|| "none".to_owned(), line);
    for shown in &divergence.shown {
        writeln!(out, "  {} {}", shown.table, line(&shown.key))?;
        writeln!(out, "    is      {}", row(&shown.live))?;
        writeln!(out, "    rebuilt {}", row(&shown.rebuilt))?;
    }
    let more = count - divergence.shown.len() as u64;
    if more > 0 { writeln!(out, "  and {} more", counted(more, "row")) } else { Ok(()) }
}

fn line(row: &Map<String, Value>) -> String {
    let cells: Vec<String> = row.iter().map(|(name, value)| format!("{name}={}", cell(value))).collect();
    cells.join(" ")
}
