//! What standard output is like, and how its reader wants times: set once, when the command line is known.

use std::io::{self, IsTerminal as _};
use std::sync::OnceLock;

use unicode_width::UnicodeWidthStr as _;

use super::text::wrap;

static SCREEN: OnceLock<Screen> = OnceLock::new();

/// What standard output is like, and how its reader wants times.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Screen {
    /// The width of the terminal; without one, nothing is wrapped, and nothing shortened.
    pub(crate) width: Option<usize>,
    /// Whether what is wrong is coloured.
    pub(crate) colour: bool,
    /// Whether times are those of the machine's time zone.
    pub(crate) local: bool,
}

/// How a text stands out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    /// It doesn't.
    #[default]
    Plain,
    /// Something is wrong.
    Bad,
    /// Something is to be looked at.
    Odd,
}

/// Looks at standard output.
pub(crate) fn look(local: bool) {
    let out = io::stdout();
    let is_terminal = out.is_terminal();
    let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
    let width = terminal_size::terminal_size_of(&out).filter(|_| is_terminal);
    let width = width.map(|(width, _)| usize::from(width.0)).filter(|width| *width > 0);
    // Set once in this program.
    let _ = SCREEN.set(Screen { width, colour: is_terminal && wanted, local });
}

/// What standard output is like; where nobody looked, a pipe.
pub(crate) fn screen() -> Screen {
    SCREEN.get().copied().unwrap_or_default()
}

impl Screen {
    /// The text in the colour of its tone.
    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        let colour = match tone {
            Tone::Bad if self.colour => "31",
            Tone::Odd if self.colour => "33",
            _ => return text.to_owned(),
        };
        format!("\u{1b}[{colour}m{text}\u{1b}[0m")
    }

    /// A text behind what leads to it, as many lines as it takes, of which those after the first are moved in as far.
    pub(crate) fn hang(self, lead: &str, text: &str) -> String {
        let Some(width) = self.width else { return format!("{lead}{text}") };
        let indent = if lead.width() * 2 > width { 4 } else { lead.width() };
        let first = width.saturating_sub(lead.width());
        let mut lines = wrap(text, first, width.saturating_sub(indent)).into_iter();
        let mut out = format!("{lead}{}", lines.next().unwrap_or_default());
        for line in lines {
            out.extend(["\n", &" ".repeat(indent), &line]);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_hangs_behind_its_lead_on_a_terminal() {
        let terminal = Screen { width: Some(20), ..Screen::default() };
        assert_eq!(
            terminal.hang("stuck: ", "nobody is at home today"),
            "stuck: nobody is at\n       home today"
        );
        assert_eq!(
            Screen::default().hang("stuck: ", "nobody is at home today"),
            "stuck: nobody is at home today"
        );
    }

    #[test]
    fn colour_is_for_terminals() {
        let terminal = Screen { colour: true, ..Screen::default() };
        assert_eq!(terminal.paint(Tone::Bad, "x"), "\u{1b}[31mx\u{1b}[0m");
        assert_eq!(terminal.paint(Tone::Plain, "x"), "x");
        assert_eq!(Screen::default().paint(Tone::Bad, "x"), "x");
    }
}
