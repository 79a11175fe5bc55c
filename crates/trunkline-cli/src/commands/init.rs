//! `init`: a file to start from.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;
use trunkline_ops::may_be_new;

use crate::failure::Failure;
use crate::output::{Output, Report};

const EXAMPLES: &str = "\
Examples:
  trunkline init
  trunkline init --example orders shop.tsk

With --format json, one object: file, next.";

/// Write a small application file to start from
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InitArgs {
    /// The file to write; one that exists is left as it is [default: app.tsk, or orders.tsk with the example]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,

    /// What to start from: a few commented lines, or the whole order system
    #[arg(long, value_enum, default_value_t, hide_possible_values = true, value_name = "small|orders")]
    example: Example,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Example {
    #[default]
    Small,
    Orders,
}

impl Example {
    fn text(self) -> &'static str {
        match self {
            Self::Small => include_str!("init/app.tsk"),
            Self::Orders => include_str!("../../../../examples/orders/orders.tsk"),
        }
    }

    fn file(self) -> &'static str {
        match self {
            Self::Small => "app.tsk",
            Self::Orders => "orders.tsk",
        }
    }

    /// A first command that is accepted.
    fn first(self) -> (&'static str, &'static str) {
        match self {
            Self::Small => ("AddTask", r#"{"title":"try it"}"#),
            Self::Orders => (
                "CreateOrder",
                r#"{"order_id":"1","country":"EIRE","items":[{"sku":"a","quantity":2,"unit_price":150}],"total":300}"#,
            ),
        }
    }
}

impl InitArgs {
    pub(crate) fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let path = self.file.unwrap_or_else(|| self.example.file().into());
        let file = path.display().to_string();
        let failed = |source| Failure::file(format!("writing {file}"), source);
        may_be_new(&path)?;
        let mut options = OpenOptions::new();
        let mut created = options.write(true).create_new(true).open(&path).map_err(failed)?;
        created.write_all(self.example.text().as_bytes()).map_err(failed)?;
        let (command, data) = self.example.first();
        let next = vec![
            format!("trunkline check {file}"),
            format!("trunkline test {file}"),
            format!("trunkline dispatch {file} {command} --data '{data}'"),
        ];
        output.report(&Initialised { file, next })
    }
}

/// What was written, and what to try.
#[derive(Debug, Serialize)]
struct Initialised {
    file: String,
    next: Vec<String>,
}

impl Report for Initialised {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "wrote {}; try", self.file)?;
        for command in &self.next {
            writeln!(out, "  {command}")?;
        }
        Ok(())
    }
}
