//! `migrate`: a new store that has every event of an old one in its present shape.

use std::io::{self, Write};

use clap::Args;
use trunkline::{Access, Backends, Dsn, OpenStoreOptions, Role};
use trunkline_core::limits::EVENT_DATA_BYTES_MAX;
use trunkline_ops::OpsError;
use trunkline_ops::StreamRule;
use trunkline_ops::migrate::{CheckpointLine, Events, MigrateError, Migration, MigrationReport, ShapeLine};
use trunkline_store::Limits;

use crate::application;
use crate::failure::Failure;
use crate::interrupt;
use crate::open;
use crate::output::{Output, Report};
use crate::progress::Progress;
use crate::render::counted;

const EXAMPLES: &str = "\
Examples:
  trunkline events census orders.tsk --store log:./data/events
  trunkline migrate orders.tsk --from log:./data/events --to log:./data/events-2
  trunkline migrate orders.tsk --from log:old --to log:new --stream \"'purchase-' + event.stream_id\"
  trunkline migrate orders.tsk --from log:old --to log:new --stream \\
    \"event.type == 'CustomerNamed' ? 'customer-' + event.data.id : event.stream\"

The old store is only read, also beside a process that appends to it. The new one gets every event, in order: in \
today's shape and of its declared schema, under its id (the parts of a split one under ids that follow from it), with \
its tags, metadata and times; versions and positions are counted anew. --stream is an expression over event (type, \
data, stream, stream_id, tags, metadata, occurred_at) that gives the stream; Trunkline's own streams stay. A command \
that is sent again gets its first answer from the new store, too.

Run again after whatever stopped it, or when the old store has grown, it compares what is there and goes on; in the \
end, stop what works with the old store, run it once more, and begin with the new one. Each event that was written is \
read back and compared. Sagas, relays and consumers go on where they were: what sagas remember of the old store's \
positions becomes those of the new one, and so do the checkpoints beside it. Keep the message queue as it is: its \
messages are for the new store as they were for the old one. Read models are rebuilt over the new store.

With --format json, one object: from and to (store, events, first, last, last_event_id, sha256), written, outcomes, \
beyond, checkpoints (name, from, to, problem), shapes (event_type, schema_version, read, unchanged, changed, split, dropped, becomes), streams (from, to, \
events). sha256 is that of the lines of `trunkline export`. Exit code 1 when an event doesn't reach today's shape, and \
nothing from there on is written; 3 when the new store has other events.";

/// Copy a store to a new one in which every event has its present shape
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct MigrateArgs {
    /// The application file, whose shapes the new store gets
    #[arg(value_name = "FILE")]
    file: String,

    /// The old store, which stays as it is
    #[arg(long, value_name = "DSN")]
    from: String,

    /// The new store: none yet, or what an earlier run has written
    #[arg(long, value_name = "DSN")]
    to: String,

    /// The stream of each event: an expression that gives a text [default: its own]
    #[arg(long, value_name = "CEL")]
    stream: Option<String>,
}

impl MigrateArgs {
    pub(crate) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let file = application::load(&self.file, output)?;
        let place = |dsn: &str| Backends::standard().find(Role::Events, Some(dsn), None, |_| None);
        let from = place(&self.from)?;
        let to = place(&self.to)?;
        if is_same(&from.dsn, &to.dsn) {
            return Err(MigrateError::SameStore.into());
        }
        let mut migration = Migration::new(&file.definition);
        if let Some(rule) = &self.stream {
            let rule = StreamRule::compile(rule).map_err(|error| {
                let hint = "write an expression over `event`, such as \"'purchase-' + event.stream_id\"";
                Failure::usage(format!("--stream: {error}"), hint)
            })?;
            migration = migration.streams(rule);
        }
        let stop = interrupt::listen();
        let old = open::for_reading(&from).await?;
        // The new store would have no mark, and what stands beside it knows a later history all the same.
        if let Some(mark) = old.maintain.restored()? {
            return Err(OpsError::Restored { position: mark.position }.into());
        }
        // Before the store is read, which may go on meanwhile.
        let home = Backends::standard().home(&from.dsn, Access::Read);
        let found = home.checkpoints.all().await.map_err(MigrateError::Checkpoint);
        migration = migration.checkpoints(found?);
        let total = old.store.head().await?.get();
        let options = OpenStoreOptions {
            owner: "trunkline migrate".to_owned(),
            // Whatever was stored fits.
            limits: Limits { event_data_bytes_max: EVENT_DATA_BYTES_MAX },
            segment_bytes: file.definition.event_store.segment_bytes,
            ..OpenStoreOptions::default()
        };
        let new = open::with_options(&to, options, output).await?;
        let migrated = {
            let progress = Progress::events(output, "migrating");
            let run = migration.run(&*old.store, &*new.store, |at| progress.set(at.get(), total));
            tokio::select! {
                biased;
                () = stop.asked() => Err(OpsError::Stopped {
                    hint: "run the same again to go on: what is there is not added twice".to_owned(),
                }),
                migrated = run => migrated.map_err(OpsError::from),
            }
        };
        new.close().await;
        let report = migrated?;
        let home = Backends::standard().home(&to.dsn, Access::Append);
        let kept = report.keep_checkpoints(&*home.checkpoints).await;
        kept.map_err(MigrateError::Checkpoint)?;
        output.report(&report)
    }
}

/// Whether both are one folder.
fn is_same(one: &Dsn, other: &Dsn) -> bool {
    let path = |dsn: &Dsn| dsn.path().canonicalize().ok();
    match (one.is_memory(), other.is_memory()) {
        (false, false) => path(one).is_some_and(|one| path(other) == Some(one)),
        (one, other) => one && other,
    }
}

impl Report for MigrationReport {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        for line in &self.shapes {
            let ShapeLine { event_type, schema_version, read, unchanged, changed, split, dropped, becomes } =
                line;
            let becomes = match &becomes
                .iter()
                .map(|(shape, count)| format!("{count} {shape}"))
                .collect::<Vec<_>>()[..]
            {
                [] => "nothing".to_owned(),
                shapes => shapes.join(", "),
            };
            let fates =
                [(unchanged, "unchanged"), (changed, "changed"), (split, "split"), (dropped, "dropped")];
            let fates: Vec<String> = fates
                .iter()
                .filter(|(count, _)| **count > 0)
                .map(|(count, fate)| format!("{count} {fate}"))
                .collect();
            writeln!(out, "{read:>10}  {event_type} {schema_version} -> {becomes}  ({})", fates.join(", "))?;
        }
        for line in self.streams.iter().filter(|line| line.from != line.to) {
            writeln!(out, "{:>10}  from streams {}-… to {}-…", line.events, line.from, line.to)?;
        }
        if self.outcomes > 0 {
            writeln!(out, "{:>10}  added to keep answers of commands", self.outcomes)?;
        }
        for line in &self.checkpoints {
            let CheckpointLine { name, from, to, problem } = line;
            match (to, problem) {
                (_, Some(problem)) => writeln!(out, "checkpoint {name}: not taken over: {problem}")?,
                (Some(to), None) => writeln!(out, "checkpoint {name}: {from} -> {}", to.position)?,
                (None, None) => writeln!(out, "checkpoint {name}: {from} -> the beginning")?,
            }
        }
        let side = |what: &str, side: &Events| {
            let last = side.last.map_or_else(String::new, |last| format!(" up to position {last}"));
            format!("{what}: {}{last}, sha256 {}", counted(side.events, "event"), side.sha256)
        };
        writeln!(out, "{}", side("read", &self.from))?;
        writeln!(out, "{}", side("there", &self.to))?;
        let there = self.to.events - self.written;
        write!(out, "{} written, {there} there before", self.written)?;
        match self.beyond {
            Some(head) => writeln!(out, "; the new store goes on to position {head}"),
            None => writeln!(out),
        }
    }
}
