//! `events census`: counts every stored shape, and brings each event to today's.

use std::io::{self, Write};

use clap::Args;
use trunkline::{Dsn, Origin, Place};
use trunkline_ops::OpsError;
use trunkline_ops::census::{Census, census};
use trunkline_store::OpenError;

use crate::application;
use crate::args::StoreArgs;
use crate::failure::Failure;
use crate::interrupt;
use crate::open;
use crate::output::{Output, Report};
use crate::progress::Progress;
use crate::render::{Cell, Table, counted, one_line, screen};

const EXAMPLES: &str = "\
Examples:
  trunkline events census orders.tsk
  trunkline events census orders.tsk --store log:./backup --format json | jq '.shapes[] | select(.undecodable)'

Reads every event once, also beside a process that appends, and changes nothing. An event is today's when its \
upcasts succeed and what comes of them is of its declared schema. Before the first event there is nothing to count, \
unless --store names a store, which has to be there.

With --format json, one object: events, undecodable, shapes (event_type, schema_version, shape, count, first, today, \
undecodable: position, stream, version, reason, count). Exit code 1 when an event doesn't reach today's shape.";

/// Count every stored shape, and prove that each event reaches today's
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct CensusArgs {
    /// The application file
    #[arg(value_name = "FILE")]
    file: String,

    #[command(flatten)]
    store: StoreArgs,
}

impl CensusArgs {
    pub(super) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let stop = interrupt::listen();
        let file = application::load(&self.file, output)?;
        let place = application::place(&file, &self.store)?;
        let opened = match open::for_reading(&place).await {
            // Before the first command there is nothing to count; but a store that was named has to be there.
            Err(Failure::Ops(OpsError::Open { source: OpenError::NotFound { .. }, .. }))
                if !matches!(place.origin, Origin::Flag(_)) =>
            {
                output.warn(format_args!("there is no event store yet: {place}"));
                open::for_reading(&Place { dsn: Dsn::memory(), ..place }).await?
            }
            opened => opened?,
        };
        let total = opened.store.head().await?.get();
        let counted = {
            let progress = Progress::events(output, "counting");
            let run = census(&file.definition, &*opened.store, |at| progress.set(at.get(), total));
            tokio::select! {
                biased;
                () = stop.asked() => Err(OpsError::Stopped {
                    hint: "nothing was changed; run the same again to count from the beginning".to_owned(),
                }),
                counted = run => counted.map_err(OpsError::from),
            }
        };
        let counted = counted?;
        output.report(&counted)?;
        Ok(counted.verdict()?)
    }
}

impl Report for Census {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut table = Table::new(["events#", "stored", "today", "shape"]);
        for line in &self.shapes {
            let today = match (&line.today[..], &line.undecodable) {
                ([], None) => "nothing".to_owned(),
                ([], Some(_)) => "?".to_owned(),
                (today, _) => today.join(", "),
            };
            let stored = format!("{} {}", line.event_type, line.schema_version);
            let is_bad = line.undecodable.is_some();
            table.row([
                Cell::number(line.count),
                Cell::from(stored),
                Cell::from(today).bad_if(is_bad),
                Cell::from(line.shape.as_str()),
            ]);
        }
        table.release(out)?;
        for line in &self.shapes {
            if let Some(failed) = &line.undecodable {
                let (events, place) = (counted(failed.count, "event"), failed.position);
                let (stream, version) = (&failed.stream, failed.version);
                let what = format!("{} {}: ", line.event_type, line.schema_version);
                let why = format!(
                    "{events} can't be read, first at position {place} ({stream} version {version}): {}",
                    failed.reason
                );
                writeln!(out, "{}", screen().hang(&what, &one_line(&why)))?;
            }
        }
        writeln!(out, "{}, {}", counted(self.events, "event"), counted(self.shapes.len() as u64, "shape"))
    }
}
