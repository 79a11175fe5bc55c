//! `projection list`: what the file declares, and what is left of others.

use std::io::{self, Write};

use clap::Args;
use serde::Serialize;
use serde_json::json;
use trunkline::LeftOver;
use trunkline_ops::Exit;
use trunkline_ops::projections::{ProjectionLine, declared, left_over};

use crate::application;
use crate::args::StoreArgs;
use crate::commands::query::open_app;
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::render::write_rows;

const EXAMPLES: &str = "\
Examples:
  trunkline projection list orders.tsk
  trunkline projection list orders.tsk --format json | jq 'select(.left_over)'

Rows are left over where a projection was renamed or removed: no query sees them, and `projection drop` drops them. \
Those of another application that keeps its rows in the same read database are listed, too: leave them.

With --format json, one object on each line: name, events, left_over.";

/// List the projections that the file declares, and what is left over of others
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ListArgs {
    /// The application file
    #[arg(value_name = "FILE")]
    file: String,

    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Serialize)]
#[serde(transparent)]
struct List<'a>(Vec<ProjectionLine<'a>>);

impl ListArgs {
    pub(super) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let left = self.left_over(output).await?;
        let file = application::load(&self.file, output)?;
        let mut all = declared(&file.definition);
        all.extend(left.iter().map(|LeftOver { name, .. }| ProjectionLine {
            name,
            events: Vec::new(),
            left_over: true,
        }));
        let list = List(all);
        output.list(&list, &list.0)
    }

    /// Nothing is left where there is no store yet.
    async fn left_over(&self, output: &mut Output<'_>) -> Result<Vec<LeftOver>, Failure> {
        match open_app(&self.file, &self.store, output).await {
            Ok(app) => Ok(left_over(&app).await?),
            Err(error) if error.exit() == Exit::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

impl Report for List<'_> {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let declared = self.0.iter().filter(|line| !line.left_over);
        let rows: Vec<_> = declared.map(|line| json!({ "name": line.name, "events": line.events })).collect();
        write_rows(&rows, out)?;
        for line in self.0.iter().filter(|line| line.left_over) {
            writeln!(out, "{} is left over: the file has no projection of this name", line.name)?;
        }
        Ok(())
    }
}
