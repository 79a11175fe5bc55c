//! `streams`: which streams there are.

use clap::Args;
use trunkline_core::Position;
use trunkline_ops::store::StreamLine;
use trunkline_store::{StreamInfo, StreamList, StreamsRead};

use crate::args::{StoreArgs, aggregate_type};
use crate::failure::Failure;
use crate::interrupt;
use crate::open;
use crate::output::{Format, Output, write_json};
use crate::render::{Cell, Table};
use crate::waiting::Waiting;

const EXAMPLES: &str = "\
Examples:
  trunkline streams
  trunkline streams --type order --limit 20
  trunkline streams --after 1200 --format json

Streams are listed in the order in which they began. To go on with a list, give --after the position of \
the last stream's first event. With --format json, one object per line: stream, version, first_position, \
last_position.";

/// List the streams with their versions
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct StreamsArgs {
    /// Only streams of this aggregate type, the text before the first `-`
    #[arg(long = "type", value_name = "TYPE", value_parser = aggregate_type)]
    aggregate_type: Option<String>,

    /// Only streams whose first event stands after this position
    #[arg(long, value_name = "POSITION", default_value_t, hide_default_value = true)]
    after: Position,

    /// How many streams at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,

    #[command(flatten)]
    store: StoreArgs,
}

impl StreamsArgs {
    pub(crate) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let place = self.store.place()?;
        let waiting = Waiting::new(
            interrupt::listen(),
            "to go on with the list, give --after the position of the last stream's first event",
        );
        let opened = open::for_reading(&place).await?;
        let Self { aggregate_type, after, limit, .. } = self;
        print(opened.store.streams(StreamsRead { aggregate_type, after, limit }), waiting, output).await
    }
}

async fn print(
    mut streams: StreamList,
    mut waiting: Waiting,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let mut table = Table::new(["stream", "version#", "first position#", "last position#"]);
    loop {
        let hand_on = || {
            table.release(output.data())?;
            output.data().flush()
        };
        match waiting.next(&mut streams, hand_on).await? {
            Some(Ok(info)) => match output.format {
                Format::Human => table.print(output.data(), row(&info)),
                Format::Json => write_json(output.data(), &StreamLine::from(&info)),
            }
            .map_err(Failure::Output)?,
            end => {
                table.release(output.data()).map_err(Failure::Output)?;
                return end.transpose().map(drop).map_err(Failure::from);
            }
        }
    }
}

fn row(info: &StreamInfo) -> [Cell; 4] {
    let StreamInfo { stream, version, first_position, last_position } = info;
    let numbers = [version.get(), first_position.get(), last_position.get()].map(Cell::number);
    let [version, first, last] = numbers;
    [Cell::from(stream.as_str()), version, first, last]
}
