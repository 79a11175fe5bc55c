//! `explain`: what a code means.

use std::io::{self, Write};

use clap::Args;
use serde::Serialize;
use trunkline_ops::{CodePage, code_pages, explain};

use crate::failure::Failure;
use crate::output::{Output, Report};

const EXAMPLES: &str = "\
Examples:
  trunkline explain TL1002
  trunkline explain

The page of a code is Markdown. With --format json, one object: code, title, page; without a code, one \
on each line: code, title. Exit code 4 when there is no such code.";

/// Explain the code of a mistake, or list all codes
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExplainArgs {
    /// The code, such as TL1002 [default: list all]
    #[arg(value_name = "CODE")]
    code: Option<String>,
}

impl ExplainArgs {
    pub(crate) fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        if let Some(code) = self.code {
            return output.report(&explain(&code)?);
        }
        let codes = Codes(code_pages().map(Listed::from).collect());
        output.list(&codes, &codes.0)
    }
}

impl Report for CodePage {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "{}", self.page)
    }
}

/// Every code with its title.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Codes(Vec<Listed>);

#[derive(Debug, Serialize)]
struct Listed {
    code: &'static str,
    title: &'static str,
}

impl From<CodePage> for Listed {
    fn from(CodePage { code, title, .. }: CodePage) -> Self {
        Self { code, title }
    }
}

impl Report for Codes {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        self.0.iter().try_for_each(|Listed { code, title }| writeln!(out, "{code}  {title}"))
    }
}
