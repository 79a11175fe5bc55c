//! `sql`: a query that the file doesn't declare.

use clap::Args;
use trunkline::sql::{AnswerLimits, AskError, Parameters, SqlQuery};

use super::late::{say_late, say_stale};
use super::query::{PATIENCE, Rows, open_app};
use crate::args::StoreArgs;
use crate::failure::Failure;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  trunkline sql orders.tsk 'SELECT country, COUNT(*) AS orders FROM orders GROUP BY country'
  trunkline sql orders.tsk 'SELECT * FROM orders' --rows 20

Tables of every projection have their own names; where two projections have a table of one name, write \
projection.table. Nothing but reading is possible.

Events that the projections have not applied yet are applied first; with --stale, the answer is that of what is there.

Standard error says after the answer which projections that the query reads are late, as with `trunkline query`.

With --format json, an array of objects.";

/// Read the read models with SQL
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SqlArgs {
    /// The application file
    #[arg(value_name = "FILE")]
    file: String,

    /// The SQL, one SELECT
    #[arg(value_name = "SELECT")]
    sql: String,

    /// How many rows at most
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    rows: usize,

    /// Answer from what is there, without applying new events first
    #[arg(long)]
    stale: bool,

    #[command(flatten)]
    store: StoreArgs,
}

impl SqlArgs {
    pub(crate) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let app = open_app(&self.file, &self.store, output).await?;
        let query = SqlQuery::ad_hoc(&self.sql).map_err(AskError::Text)?;
        let goal = app.store().head().await?;
        if !self.stale {
            app.projections().catch_up(PATIENCE).await?;
        }
        let limits = AnswerLimits { rows_max: self.rows, ..AnswerLimits::default() };
        let database = app.projections().database_for(&query).await.map_err(AskError::Database)?;
        let answer = app.projections().ask(&**database, &query, &Parameters::default(), &limits).await;
        if answer.is_err() && self.stale {
            say_stale(output);
        }
        let answer = answer?;
        output.report(&Rows(answer.to_json()))?;
        if answer.more {
            output.warn(format_args!("there are more rows than these {}; --rows shows more", self.rows));
        }
        say_late(&app, &query, goal, output).await
    }
}
