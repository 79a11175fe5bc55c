//! `explain`: what a code means.

use std::io::{self, Write};

use clap::Args;
use serde::Serialize;
use trunkline::config::{Code, codes, nearest};

use crate::failure::Failure;
use crate::output::{Output, Report};

const EXAMPLES: &str = "\
Examples:
  trunkline explain TL1002
  trunkline explain

The page of a code is Markdown. With --format json, one object: code, title, page; without a code, one \
array of code, title. Exit code 4 when there is no such code.";

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
        let Some(code) = self.code else { return output.report(&Codes::all()) };
        let found = pages().find(|(known, _)| known.as_str().eq_ignore_ascii_case(&code));
        match found {
            Some((code, page)) => output.report(&Explained { code: code.as_str(), title: title(page), page }),
            None => Err(Failure::NoCode { near: nearest(&code, known()), code }),
        }
    }
}

/// Every code with its page: those of the language, and those of applications.
fn pages() -> impl Iterator<Item = (Code, &'static str)> {
    codes::PAGES.iter().chain(trunkline::codes::PAGES).copied()
}

fn known() -> impl Iterator<Item = &'static str> {
    pages().map(|(code, _)| code.as_str())
}

/// What stands after the code in a page's first line.
fn title(page: &str) -> &str {
    let heading = page.lines().next().unwrap_or_default();
    heading.split_once(": ").map_or(heading, |(_, title)| title)
}

/// A code with its page.
#[derive(Debug, Serialize)]
struct Explained {
    code: &'static str,
    title: &'static str,
    page: &'static str,
}

impl Report for Explained {
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

impl Codes {
    fn all() -> Self {
        Self(pages().map(|(code, page)| Listed { code: code.as_str(), title: title(page) }).collect())
    }
}

impl Report for Codes {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        self.0.iter().try_for_each(|Listed { code, title }| writeln!(out, "{code}  {title}"))
    }
}
