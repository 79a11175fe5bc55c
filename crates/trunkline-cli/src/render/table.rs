//! Tables: columns shared over the lines of a listing.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr as _;

use super::one_line;
use super::screen::{Screen, Tone, screen};
use super::text::wrap;

/// A column is made as narrow as its longest word to fit a terminal, so that times and ids stay whole; words longer than
/// this are broken.
const WORD_WIDTH_MAX: usize = 40;

/// So many rows are held back at most, so that a listing of any length takes little memory, and begins soon.
const TOGETHER_MAX: usize = 100;

/// What stands between two columns.
const BETWEEN: &str = "  ";

/// A table with a heading, which may be printed in parts.
///
/// A cell is never cut. On a terminal that is too narrow, columns of text are wrapped, and where that is not enough
/// each row becomes a block of lines, one a column; elsewhere a row is a line, however long.
#[derive(Debug)]
pub(crate) struct Table {
    screen: Screen,
    heads: Vec<Head>,
    held: Vec<Vec<Cell>>,
    widths: Vec<usize>,
    /// The widths of the longest words.
    words: Vec<usize>,
    is_begun: bool,
    indent: usize,
}

#[derive(Debug)]
struct Head {
    name: String,
    is_number: bool,
}

/// A text in a table, and how it stands out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: one_line(&text.into()), tone: Tone::Plain }
    }
}

impl Cell {
    /// A number.
    pub(crate) fn number(number: impl std::fmt::Display) -> Self {
        Self::from(number.to_string())
    }

    /// A text, or a dash where there is none.
    pub(crate) fn maybe(text: Option<impl Into<String>>) -> Self {
        text.map_or_else(|| Self::from("-"), Self::from)
    }

    /// The same text in another tone.
    pub(crate) fn tone(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }

    /// The same text, which says that something is wrong where this holds.
    pub(crate) fn bad_if(self, is_bad: bool) -> Self {
        if is_bad { self.tone(Tone::Bad) } else { self }
    }
}

impl Table {
    /// A table with these columns; the name of one with numbers ends with `#`, which is not shown.
    pub(crate) fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let head = |name: &str| {
            let number = name.strip_suffix('#');
            Head { name: number.unwrap_or(name).to_owned(), is_number: number.is_some() }
        };
        let heads: Vec<Head> = names.into_iter().map(head).collect();
        let widths = vec![0; heads.len()];
        let words = widths.clone();
        Self { screen: screen(), heads, held: Vec::new(), widths, words, is_begun: false, indent: 0 }
    }

    /// The same table of columns whose names are data.
    pub(crate) fn of_data(columns: impl IntoIterator<Item = (String, bool)>) -> Self {
        let mut table = Self::new([]);
        table.heads = columns.into_iter().map(|(name, is_number)| Head { name, is_number }).collect();
        table.widths = vec![0; table.heads.len()];
        table.words = table.widths.clone();
        table
    }

    /// The same table, moved in.
    pub(crate) fn indented(mut self, indent: usize) -> Self {
        self.indent = indent;
        self
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.held.push(cells.into_iter().collect());
    }

    /// Adds a row of a listing that may be long, and prints what is held when there is enough.
    pub(crate) fn print(
        &mut self,
        out: &mut dyn Write,
        cells: impl IntoIterator<Item = Cell>,
    ) -> io::Result<()> {
        self.row(cells);
        if self.held.len() < TOGETHER_MAX { Ok(()) } else { self.release(out) }
    }

    /// Prints what is held.
    pub(crate) fn release(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let held = std::mem::take(&mut self.held);
        if held.is_empty() {
            return Ok(());
        }
        for (at, width) in self.widths.iter_mut().enumerate() {
            let cells = held.iter().filter_map(|row| row.get(at)).map(|cell| cell.text.width()).max();
            *width = (*width).max(self.heads[at].name.width()).max(cells.unwrap_or_default());
            let words = held.iter().filter_map(|row| row.get(at)).flat_map(|cell| cell.text.split(' '));
            let longest = words.map(str::width).max().unwrap_or_default().min(WORD_WIDTH_MAX);
            self.words[at] = self.words[at].max(longest);
        }
        let Some(widths) = self.fitted() else {
            return held.iter().try_for_each(|row| self.block(out, row));
        };
        if !self.is_begun {
            let heads: Vec<Cell> = self.heads.iter().map(|head| Cell::from(head.name.as_str())).collect();
            self.line(out, &heads, &widths)?;
        }
        self.is_begun = true;
        held.iter().try_for_each(|row| self.line(out, row, &widths))
    }

    /// How wide the columns are on this screen; none where they don't fit.
    fn fitted(&self) -> Option<Vec<usize>> {
        let mut widths = self.widths.clone();
        let Some(screen) = self.screen.width else { return Some(widths) };
        let taken = self.indent + BETWEEN.len() * widths.len().saturating_sub(1);
        let room = screen.saturating_sub(taken);
        let columns = self.heads.iter().zip(&widths).zip(&self.words);
        let least: Vec<usize> = columns
            .map(|((head, width), word)| if head.is_number { *width } else { head.name.width().max(*word) })
            .collect();
        while widths.iter().sum::<usize>() > room {
            // The widest that can be narrower.
            let at = (0..widths.len()).filter(|at| widths[*at] > least[*at]).max_by_key(|at| widths[*at])?;
            widths[at] -= 1;
        }
        Some(widths)
    }

    fn line(&self, out: &mut dyn Write, row: &[Cell], widths: &[usize]) -> io::Result<()> {
        let is_wrapped = self.screen.width.is_some();
        let cells: Vec<Vec<String>> = row
            .iter()
            .zip(widths)
            .map(
                |(cell, width)| {
                    if is_wrapped { wrap(&cell.text, *width, *width) } else { vec![cell.text.clone()] }
                },
            )
            .collect();
        for at in 0..cells.iter().map(Vec::len).max().unwrap_or_default() {
            let mut line = " ".repeat(self.indent);
            let last = cells.iter().rposition(|lines| lines.get(at).is_some_and(|text| !text.is_empty()));
            for (column, lines) in cells.iter().enumerate().take(last.map_or(0, |last| last + 1)) {
                let text = lines.get(at).map_or("", String::as_str);
                let padding = " ".repeat(widths[column].saturating_sub(text.width()));
                let painted = self.screen.paint(row[column].tone, text);
                line += if column == 0 { "" } else { BETWEEN };
                if self.heads[column].is_number {
                    line.extend([&*padding, &painted]);
                } else {
                    line += &painted;
                    line += if Some(column) == last { "" } else { &padding };
                }
            }
            writeln!(out, "{line}")?;
        }
        Ok(())
    }

    /// A row as lines, one a column.
    fn block(&mut self, out: &mut dyn Write, row: &[Cell]) -> io::Result<()> {
        if std::mem::replace(&mut self.is_begun, true) {
            writeln!(out)?;
        }
        let names = self.heads.iter().map(|head| head.name.width()).max().unwrap_or_default();
        for (head, cell) in self.heads.iter().zip(row) {
            let padding = " ".repeat(names - head.name.width());
            let lead = format!("{}{}{padding}{BETWEEN}", " ".repeat(self.indent), head.name);
            let text = self.screen.hang(&lead, &cell.text);
            match text.strip_prefix(&lead) {
                Some(text) => writeln!(out, "{lead}{}", self.screen.paint(cell.tone, text))?,
                None => writeln!(out, "{text}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(screen: Screen, names: &[&str], rows: &[&[&str]]) -> String {
        let mut table = Table { screen, ..Table::new(names.iter().copied()) };
        for row in rows {
            table.row(row.iter().map(|text| Cell::from(*text).bad_if(*text == "stopped")));
        }
        let mut out = Vec::new();
        table.release(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn terminal(width: usize) -> Screen {
        Screen { width: Some(width), ..Screen::default() }
    }

    const ROWS: [&[&str]; 2] = [&["a", "7", "the parcel has no amount"], &["abc", "12", "-"]];

    #[test]
    fn columns_are_shared_and_numbers_stand_right() {
        assert_eq!(
            printed(Screen::default(), &["name", "n#", "reason"], &ROWS),
            "name   n  reason\n\
             a      7  the parcel has no amount\n\
             abc   12  -\n"
        );
    }

    #[test]
    fn a_column_is_wrapped_to_the_terminal_and_nothing_is_cut() {
        assert_eq!(
            printed(terminal(26), &["name", "n#", "reason"], &ROWS),
            "name   n  reason\n\
             a      7  the parcel has\n\
            \x20         no amount\n\
             abc   12  -\n"
        );
    }

    #[test]
    fn what_fits_no_terminal_becomes_a_block() {
        let names: Vec<String> = (0..9).map(|n| format!("column_{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let row: &[&str] = &["0123456789abcdefghijklmnopqrstuvwxyz"; 9];
        let printed = printed(terminal(40), &names, &[row, row]);
        assert_eq!(printed.lines().count(), 9 * 2 * 2 + 1, "{printed}");
        assert!(
            printed.starts_with("column_0  0123456789abcdefghijklmnopqrst\n          uvwxyz\n"),
            "{printed}"
        );
        assert!(printed.lines().all(|line| line.width() <= 40), "{printed}");
    }

    #[test]
    fn a_colour_takes_no_room() {
        let screen = Screen { colour: true, ..Screen::default() };
        assert_eq!(
            printed(screen, &["state", "x"], &[&["stopped", "1"], &["idle", "2"]]),
            "state    x\n\u{1b}[31mstopped\u{1b}[0m  1\nidle     2\n"
        );
    }

    #[test]
    fn a_long_listing_has_one_heading() {
        let mut table = Table::new(["name"]);
        let mut out = Vec::new();
        for _ in 0..=TOGETHER_MAX {
            table.print(&mut out, [Cell::from("x")]).unwrap();
        }
        let printed = String::from_utf8(out.clone()).unwrap();
        assert_eq!(printed.lines().count(), TOGETHER_MAX + 1, "what is enough is printed at once");
        table.release(&mut out).unwrap();
        let printed = String::from_utf8(out).unwrap();
        assert_eq!((printed.lines().count(), printed.matches("name").count()), (TOGETHER_MAX + 2, 1));
    }
}
