//! `stats`: counts and sizes.

use std::io::{self, Write};

use clap::Args;
use trunkline_ops::store::SizeReport;
use trunkline_ops::words::size;
use trunkline_store::ReadError;

use crate::args::StoreArgs;
use crate::failure::Failure;
use crate::open;
use crate::output::{Output, Report};

const EXAMPLES: &str = "\
Examples:
  trunkline stats
  trunkline stats --store log:/srv/shop/events --format json

With --format json, one object: events, segments, event_bytes, index_bytes, index_runs. Exit code 5 when \
the store is damaged: events are then those before the damage. `trunkline verify` looks for all damage.";

/// Say how much is stored
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct StatsArgs {
    #[command(flatten)]
    store: StoreArgs,
}

impl StatsArgs {
    pub(crate) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let place = self.store.place()?;
        let opened = open::for_reading(&place).await?;
        let stats = opened.maintain.stats()?;
        output.report(&SizeReport::from(&stats))?;
        stats.damage.map_or(Ok(()), |what| Err(ReadError::Damaged { what }.into()))
    }
}

impl Report for SizeReport {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "events    {:>10}  {}", self.events, size(self.event_bytes))?;
        writeln!(out, "segments  {:>10}", self.segments)?;
        writeln!(out, "indexes   {:>10}  {}", self.index_runs, size(self.index_bytes))
    }
}
