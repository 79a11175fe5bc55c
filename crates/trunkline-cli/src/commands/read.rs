//! `read`: the events of a stream, or of the whole store.

use clap::{ArgGroup, Args};
use trunkline::{Access, Backends};
use trunkline_core::{Position, StreamName, Version};
use trunkline_ops::OpsError;
use trunkline_ops::store::Caused;
use trunkline_store::{AllRead, Direction, EventStore, EventStoreExt as _, EventStream, StreamRead};

use crate::args::{FilterArgs, StoreArgs};
use crate::failure::Failure;
use crate::interrupt;
use crate::open;
use crate::output::Output;
use crate::progress::Progress;
use crate::render::EventPrinter;
use crate::waiting::Waiting;

const EXAMPLES: &str = "\
Examples:
  trunkline read order-536365
  trunkline read order-536365 --backward --limit 1
  trunkline read --all --type OrderCancelled --after 0 --limit 5 --format json
  trunkline read --all --tag customer:17850 --aggregate order
  trunkline read --all --correlation create-536365

An event's line says who did it and why as far as its metadata says it: by whom, the command, the id of its cause \
(a command, a message or another event), and the id that all has in common that follows from one cause, where that \
is another. --correlation and --causation find events through an index beside the store (PATH.causes), which is \
brought up to date first: the first time reads all events for it, later times those that came since. Where it can't \
be written, the events that it lacks are looked at one by one.

With --format json, one object per line: position, stream, version, event_id, event_type, \
schema_version, data (data_base64 when it is not JSON), metadata, tags, occurred_at, recorded_at. \
To read on, give --after the position of the last event. Exit code 4 when the stream has no events.";

/// Read the events of a stream, or of the whole store
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
#[command(group = ArgGroup::new("what").args(["stream", "all"]).required(true))]
pub(crate) struct ReadArgs {
    /// The stream
    #[arg(value_name = "STREAM", value_parser = StreamName::system)]
    stream: Option<StreamName>,

    /// All streams, in the order in which the events were appended
    #[arg(long)]
    all: bool,

    #[command(flatten)]
    filter: FilterArgs,

    /// With --all, only what has this id in common: all that follows from one cause
    #[arg(long, value_name = "ID")]
    correlation: Option<String>,

    /// With --all, only what this command, message or event caused
    #[arg(long, value_name = "ID")]
    causation: Option<String>,

    /// The first version that is read; with --all, the first position
    #[arg(long, value_name = "N", conflicts_with = "after")]
    from: Option<u64>,

    /// Read what comes after this version; with --all, after this position
    #[arg(long, value_name = "N")]
    after: Option<u64>,

    /// The last version that is read; with --all, the last position
    #[arg(long, value_name = "N")]
    to: Option<u64>,

    /// From new to old
    #[arg(long)]
    backward: bool,

    /// How many events at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,

    #[command(flatten)]
    store: StoreArgs,
}

impl ReadArgs {
    pub(crate) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let place = self.store.place()?;
        self.check()?;
        let waiting = Waiting::new(
            interrupt::listen(),
            "to read on, run the same again with --after and the position of the last event, or in a stream its version",
        );
        let opened = open::for_reading(&place).await?;
        let caused = self.caused();
        let printed = if caused.is_all() {
            print(self.events(&*opened.store), waiting, None, output).await?
        } else {
            let progress = Progress::events(output, "looking");
            let (head, set) = (opened.store.head().await?.get(), progress.setter());
            let index = Backends::standard().home(&place.dsn, Access::Read).cause_index;
            let seen = move |position: Position| set(position.get(), head);
            let events = caused.read(&opened.store, &index, self.all_read(), seen).await?;
            print(events, waiting, Some(&progress), output).await?
        };
        match self.stream {
            Some(stream) if printed == 0 && opened.store.version(&stream).await? == Version::EMPTY => {
                Err(OpsError::NoEvents { stream }.into())
            }
            _ => Ok(()),
        }
    }

    fn check(&self) -> Result<(), Failure> {
        match &self.stream {
            Some(stream) if !self.filter.is_empty() || !self.caused().is_all() => Err(Failure::usage(
                "--type, --aggregate, --tag, --correlation and --causation select from all streams, and a stream was named",
                format!("leave out the filter, or read --all instead of {stream}"),
            )),
            _ => Ok(()),
        }
    }

    fn caused(&self) -> Caused {
        Caused { correlation_id: self.correlation.clone(), causation_id: self.causation.clone() }
    }

    /// The events that were asked for, whatever caused them.
    fn events(&self, store: &dyn EventStore) -> EventStream {
        let Some(stream) = &self.stream else { return store.read_all(self.all_read()) };
        let (from, to) = self.range();
        let (from, to, direction, limit) =
            (Version::new(from), Version::new(to), self.direction(), self.limit);
        store.read_stream(stream, StreamRead { from, to, direction, limit })
    }

    fn all_read(&self) -> AllRead {
        let (from, to) = self.range();
        let (from, to, direction, limit) =
            (Position::new(from), Position::new(to), self.direction(), self.limit);
        AllRead { query: self.filter.query(), from, to, direction, limit }
    }

    fn range(&self) -> (u64, u64) {
        let from = self.after.map(|after| after.saturating_add(1)).or(self.from).unwrap_or(1);
        (from, self.to.unwrap_or(u64::MAX))
    }

    fn direction(&self) -> Direction {
        if self.backward { Direction::Backward } else { Direction::Forward }
    }
}

/// Prints events, and says how many there were.
async fn print(
    mut events: EventStream,
    mut waiting: Waiting,
    progress: Option<&Progress>,
    output: &mut Output<'_>,
) -> Result<u64, Failure> {
    let mut printer = EventPrinter::new(output.format);
    let mut count = 0;
    loop {
        let hand_on = || {
            aside(progress, || {
                printer.release(output.data())?;
                output.data().flush()
            })
        };
        match waiting.next(&mut events, hand_on).await? {
            Some(Ok(event)) => {
                aside(progress, || printer.print(output.data(), &event)).map_err(Failure::Output)?;
                count += 1;
            }
            // What was read before an error is printed before it is said.
            end => {
                aside(progress, || printer.release(output.data())).map_err(Failure::Output)?;
                return end.transpose().map(|_| count).map_err(Failure::from);
            }
        }
    }
}

/// Prints with a progress bar out of the way.
fn aside<T>(progress: Option<&Progress>, print: impl FnOnce() -> T) -> T {
    match progress {
        Some(progress) => progress.aside(print),
        None => print(),
    }
}
