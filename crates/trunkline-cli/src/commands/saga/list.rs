//! `saga list`: sagas by name, status and age.

use std::io::{self, Write};
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::Serialize;
use trunkline::saga::{SagaQuery, SagaRow, Status};
use trunkline_config::read::parse_duration;
use trunkline_core::{Clock as _, SystemClock, Timestamp};
use trunkline_ops::sagas::{SagaList, counts, list};

use crate::args::StoreArgs;
use crate::commands::query::open_app;
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::render::{Cell, Table, age};

const EXAMPLES: &str = "\
Examples:
  trunkline saga list orders.tsk
  trunkline saga list orders.tsk order --status running --older-than 1h
  trunkline saga list orders.tsk --stuck --format json
  trunkline saga list orders.tsk --limit 100 --after order-536365

Sagas are listed by name and id. To go on with a list, give --after the last one of it, as the list ends with.

The age of a saga is how long ago something last happened to it.

With --format json, one object on each line: name, id, status (running, compensating, completed, compensated or stuck), step, \
started_at, changed_at, due, reason.";

/// List sagas by name, status and age
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ListArgs {
    /// The application file
    #[arg(value_name = "FILE")]
    file: String,

    /// Only sagas of this name
    #[arg(value_name = "NAME")]
    name: Option<String>,

    /// Only sagas that stand so; given several times, in any of these ways
    #[arg(long, value_name = "STATUS", value_enum)]
    status: Vec<StatusName>,

    /// Only sagas that are stuck
    #[arg(long, conflicts_with = "status")]
    stuck: bool,

    /// Only sagas to which nothing has happened for so long, such as 30s, 1h or 7d
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    older_than: Option<Duration>,

    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    limit: u32,

    /// Only sagas after this one, NAME-ID as it is listed, to go on with a list
    #[arg(long, value_name = "SAGA", value_parser = called)]
    after: Option<(String, String)>,

    #[command(flatten)]
    store: StoreArgs,
}

/// The name and the id of what a saga is called.
fn called(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('-').ok_or("a saga is called NAME-ID, such as order-536365")?;
    Ok((parts.0.to_owned(), parts.1.to_owned()))
}

/// A status as it is written on a command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum StatusName {
    Running,
    Compensating,
    Completed,
    Compensated,
    Stuck,
}

impl From<StatusName> for Status {
    fn from(name: StatusName) -> Self {
        match name {
            StatusName::Running => Self::Running,
            StatusName::Compensating => Self::Compensating,
            StatusName::Completed => Self::Completed,
            StatusName::Compensated => Self::Compensated,
            StatusName::Stuck => Self::Stuck,
        }
    }
}

impl ListArgs {
    pub(super) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let app = open_app(&self.file, &self.store, output).await?;
        let now = SystemClock.now();
        let mut statuses: Vec<Status> = self.status.into_iter().map(Status::from).collect();
        if self.stuck {
            statuses.push(Status::Stuck);
        }
        let query = SagaQuery {
            name: self.name,
            statuses,
            unchanged_since: self.older_than.map(|age| before(now, age)),
            after: self.after,
            limit: Some(self.limit),
            ..SagaQuery::default()
        };
        let listed = list(&app, &query).await?;
        let (more, last) = (listed.more, listed.last());
        let rows = Rows { listed, now };
        output.list(&rows, &rows.listed.rows)?;
        if more > 0 {
            let go_on = last.map(|last| format!("--after {last} goes on, and ")).unwrap_or_default();
            output.say(format_args!("not listed: {more} more; {go_on}--limit says how many are listed"));
        }
        output.say(counts(&app).await?);
        Ok(())
    }
}

/// So long before.
fn before(time: Timestamp, by: Duration) -> Timestamp {
    let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(time.as_micros().saturating_sub(by))
}

struct Rows {
    listed: SagaList,
    now: Timestamp,
}

impl Serialize for Rows {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.listed.serialize(serializer)
    }
}

impl Report for Rows {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let row = |row: &SagaRow| {
            let micros = self.now.as_micros().saturating_sub(row.changed_at.as_micros());
            [
                Cell::from(format!("{}-{}", row.name, row.id)),
                Cell::from(row.status.as_str()).bad_if(row.status == Status::Stuck),
                Cell::maybe(row.step.as_deref()),
                Cell::from(age(Duration::from_micros(u64::try_from(micros).unwrap_or(0)))),
                Cell::maybe(row.reason.as_deref()),
            ]
        };
        if self.listed.rows.is_empty() {
            return writeln!(out, "no sagas");
        }
        let mut table = Table::new(["saga", "status", "step", "age#", "reason"]);
        self.listed.rows.iter().for_each(|one| table.row(row(one)));
        table.release(out)
    }
}
