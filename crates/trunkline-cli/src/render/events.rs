//! Events, printed as they come.

use std::io::{self, IsTerminal as _, Write};

use trunkline_core::{RecordedEvent, json};
use unicode_width::UnicodeWidthStr as _;

use super::{exact_time, one_line, shorten};
use crate::output::Format;

/// Data is shortened to no less than this, however narrow the terminal is.
const DATA_WIDTH_MIN: usize = 20;

/// Prints events, each on a line of its own.
///
/// For people the line has columns: position, stream, version, type, time, tags, data.
/// How wide a column is shows only when its widest text has come, so that a column grows as needed.
#[derive(Debug)]
pub(crate) struct EventPrinter {
    format: Format,
    /// The width of the terminal; without one, nothing is shortened.
    width: Option<usize>,
    columns: [usize; 5],
}

impl EventPrinter {
    /// A printer for standard output.
    pub(crate) fn new(format: Format) -> Self {
        let width = terminal_size::terminal_size_of(io::stdout())
            .filter(|_| io::stdout().is_terminal())
            .map(|(width, _)| usize::from(width.0));
        Self { format, width, columns: [0; 5] }
    }

    /// Prints one event.
    pub(crate) fn print(&mut self, out: &mut dyn Write, event: &RecordedEvent) -> io::Result<()> {
        match self.format {
            Format::Json => writeln!(out, "{}", json::to_line(event)),
            Format::Human => writeln!(out, "{}", self.line(event)),
        }
    }

    fn line(&mut self, event: &RecordedEvent) -> String {
        let fields = [
            event.position().to_string(),
            event.stream().to_owned(),
            event.version().to_string(),
            event.event_type().to_owned(),
            exact_time(event.occurred_at()),
        ];
        let mut line = String::new();
        for ((field, column), is_number) in
            fields.iter().zip(&mut self.columns).zip([true, false, true, false, false])
        {
            *column = (*column).max(field.width());
            let padding = " ".repeat(*column - field.width());
            let (before, after) = if is_number { (&*padding, "") } else { ("", &*padding) };
            line.extend([before, field, after, "  "]);
        }
        let mut tags = event.tags().collect::<Vec<_>>().join(" ");
        if !tags.is_empty() {
            tags.push_str("  ");
        }
        line += &one_line(&tags);
        let data = data(event);
        match self.width {
            Some(width) => {
                let room = width.saturating_sub(line.width()).max(DATA_WIDTH_MIN);
                line + &shorten(&data, room)
            }
            None => line + &data,
        }
    }
}

fn data(event: &RecordedEvent) -> String {
    match std::str::from_utf8(event.data()) {
        Ok(text) => one_line(text.trim()),
        Err(_) => format!("({} bytes that are not text)", event.data().len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trunkline_core::{NewEvent, Position, Timestamp, Version};

    fn lines(width: Option<usize>, events: &[(&str, &str)]) -> String {
        let mut printer = EventPrinter { format: Format::Human, width, columns: [0; 5] };
        let mut out = Vec::new();
        for (number, (stream, data)) in (1..).zip(events) {
            let event =
                NewEvent::new("T".parse().unwrap(), data.as_bytes().to_vec()).tag("k:v".parse().unwrap());
            let stream = stream.parse().unwrap();
            let event = RecordedEvent::from_new(
                &event,
                &stream,
                Position::new(number),
                Version::FIRST,
                Timestamp::from_micros(if number % 2 == 1 { 1_291_192_000_500_000 } else { 0 }),
            );
            printer.print(&mut out, &event).unwrap();
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn columns_grow_as_needed() {
        assert_eq!(
            lines(None, &[("a-1", "{}"), ("abc-1", "{\n1}"), ("a-1", "\u{1b}[1m")]),
            "1  a-1  1  T  2010-12-01T08:26:40.500000Z  k:v  {}\n\
             2  abc-1  1  T  1970-01-01T00:00:00Z         k:v  { 1}\n\
             3  a-1    1  T  2010-12-01T08:26:40.500000Z  k:v  \\u{1b}[1m\n"
        );
    }

    #[test]
    fn data_is_shortened_to_the_terminal() {
        let data = "x".repeat(100);
        let line = lines(Some(60), &[("a-1", &data)]);
        assert_eq!(line.trim_end().chars().count(), 68, "{line}");
        let line = lines(Some(80), &[("a-1", &data)]);
        assert_eq!(line.trim_end().chars().count(), 80, "{line}");
        assert!(line.ends_with("x…\n"), "{line}");
    }
}
