//! What is wrong with an application file: drawn for people, listed for programs.

use std::fmt;
use std::io::{self, IsTerminal, Write};

use serde::{Serialize, Serializer};
use trunkline_config::Evaluated;
use trunkline_config::report::{Style, diagnostics_to_json, draw};

use crate::output::Report;

/// Narrower than this nothing is drawn, however narrow the terminal is.
const WIDTH_MIN: usize = 40;

/// What is wrong with an application file.
#[derive(Debug)]
pub(crate) struct Mistakes {
    drawn: String,
    listed: serde_json::Value,
}

impl Mistakes {
    pub(crate) fn of(evaluated: &Evaluated, style: Style) -> Self {
        let Evaluated { diagnostics, sources, .. } = evaluated;
        let drawn = draw(diagnostics, sources, style);
        Self { drawn, listed: diagnostics_to_json(diagnostics, sources) }
    }

    /// One array, with an object for each.
    pub(crate) fn listed(&self) -> &serde_json::Value {
        &self.listed
    }

    /// The same without drawing them.
    pub(crate) fn listed_of(Evaluated { diagnostics, sources, .. }: &Evaluated) -> serde_json::Value {
        diagnostics_to_json(diagnostics, sources)
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.drawn.trim_end())
    }
}

impl Serialize for Mistakes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.listed.serialize(serializer)
    }
}

impl Report for Mistakes {
    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "{}", self.drawn)
    }
}

/// How mistakes are drawn on a stream: in colour only on a terminal whose user has not asked for none.
pub(crate) fn style_for(stream: &impl IsTerminal) -> Style {
    if !stream.is_terminal() {
        return Style::default();
    }
    let colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let width = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0).max(WIDTH_MIN));
    Style { colour, width: width.unwrap_or(Style::default().width) }
}
