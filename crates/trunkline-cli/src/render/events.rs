//! Events, printed as they come.

use std::io::{self, Write};

use trunkline_core::{Origin, RecordedEvent, json};
use unicode_width::UnicodeWidthStr as _;

use super::{one_line, screen, shorten, time, wrap};
use crate::output::Format;

/// Data is shortened to no less than this, however narrow the terminal is.
const DATA_WIDTH_MIN: usize = 20;

/// How far what doesn't fit on an event's line is moved in on the next.
const INDENT: &str = "    ";

/// So many events are held back at most, so that the columns of what is printed together are as wide as their widest.
const TOGETHER_MAX: usize = 100;

/// Prints events, each on a line of its own.
///
/// For people the line has columns: position, stream, version, type, time; then who did it and why, tags, and data.
/// On a terminal, what doesn't fit goes on below, and data is shortened; elsewhere an event is one line, and whole.
/// How wide a column is shows only when its widest text has come: some events are held back, until
/// [`release`](Self::release).
#[derive(Debug)]
pub(crate) struct EventPrinter {
    format: Format,
    /// The width of the terminal; without one, nothing is shortened.
    width: Option<usize>,
    columns: [usize; 5],
    held: Vec<Line>,
}

/// What is said of an event.
#[derive(Debug)]
struct Line {
    columns: [String; 5],
    /// Who did it and why, and its tags.
    words: Vec<String>,
    data: String,
}

impl EventPrinter {
    /// A printer for standard output.
    pub(crate) fn new(format: Format) -> Self {
        Self { format, width: screen().width, columns: [0; 5], held: Vec::new() }
    }

    /// Prints one event, now or with those that come next.
    pub(crate) fn print(&mut self, out: &mut dyn Write, event: &RecordedEvent) -> io::Result<()> {
        if self.format == Format::Json {
            return writeln!(out, "{}", json::to_line(event));
        }
        self.held.push(Line::of(event));
        if self.held.len() < TOGETHER_MAX { Ok(()) } else { self.release(out) }
    }

    /// Prints what was held back.
    pub(crate) fn release(&mut self, out: &mut dyn Write) -> io::Result<()> {
        for line in &self.held {
            for (column, text) in self.columns.iter_mut().zip(&line.columns) {
                *column = (*column).max(text.width());
            }
        }
        let held = std::mem::take(&mut self.held);
        held.into_iter().try_for_each(|line| self.write(out, line))
    }

    fn write(&self, out: &mut dyn Write, Line { columns, words, data }: Line) -> io::Result<()> {
        let mut line = String::new();
        for ((text, width), is_number) in
            columns.iter().zip(self.columns).zip([true, false, true, false, false])
        {
            let padding = " ".repeat(width - text.width());
            let (before, after) = if is_number { (&*padding, "") } else { ("", &*padding) };
            line.extend([before, text, after, "  "]);
        }
        let Some(width) = self.width else {
            for text in words {
                line.extend([&text, "  "]);
            }
            return writeln!(out, "{line}{data}");
        };
        for text in words {
            if line.width() + text.width() > width && !line.trim().is_empty() {
                writeln!(out, "{}", line.trim_end())?;
                INDENT.clone_into(&mut line);
            }
            let room = width.saturating_sub(line.width());
            let mut parts = wrap(&text, room, width.saturating_sub(INDENT.len())).into_iter();
            line += &parts.next().unwrap_or_default();
            for part in parts {
                writeln!(out, "{line}")?;
                line = INDENT.to_owned() + &part;
            }
            line += "  ";
        }
        if line.width() + DATA_WIDTH_MIN.min(data.width()) > width {
            writeln!(out, "{}", line.trim_end())?;
            INDENT.clone_into(&mut line);
        }
        let room = width.saturating_sub(line.width()).max(DATA_WIDTH_MIN);
        writeln!(out, "{line}{}", shorten(&data, room))
    }
}

impl Line {
    fn of(event: &RecordedEvent) -> Self {
        let origin = Origin::of(event.metadata());
        // The tag of the command that is its cause says nothing more.
        let command = origin.causation_id.as_ref().map(|id| format!("$command:{id}"));
        let tags = event.tags().filter(|tag| command.as_deref() != Some(*tag));
        let tags = tags.collect::<Vec<_>>().join(" ");
        let words = [origin.to_string(), tags]
            .into_iter()
            .filter(|text| !text.is_empty())
            .map(|text| one_line(&text));
        Self {
            columns: [
                event.position().to_string(),
                event.stream().to_owned(),
                event.version().to_string(),
                event.event_type().to_owned(),
                time(event.occurred_at()),
            ],
            words: words.collect(),
            data: data(event),
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
    use trunkline_core::{Metadata, NewEvent, Position, Timestamp, Version};

    fn lines(width: Option<usize>, metadata: &str, events: &[(&str, &str)]) -> String {
        let mut printer = EventPrinter { format: Format::Human, width, columns: [0; 5], held: Vec::new() };
        let mut out = Vec::new();
        for (number, (stream, data)) in (1..).zip(events) {
            let event = NewEvent::new("T".parse().unwrap(), data.as_bytes().to_vec())
                .tag("k:v".parse().unwrap())
                .metadata(Metadata::parse(metadata.to_owned()).unwrap());
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
        printer.release(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn columns_are_shared_by_what_is_printed_together() {
        assert_eq!(
            lines(None, "{}", &[("a-1", "{}"), ("abc-1", "{\n1}"), ("a-1", "\u{1b}[1m")]),
            "1  a-1    1  T  2010-12-01T08:26:40Z  k:v  {}\n\
             2  abc-1  1  T  1970-01-01T00:00:00Z  k:v  { 1}\n\
             3  a-1    1  T  2010-12-01T08:26:40Z  k:v  \\u{1b}[1m\n"
        );
    }

    #[test]
    fn who_did_it_and_why_is_said_before_the_data() {
        let metadata = r#"{"actor":"ada","causation_id":"m1","correlation_id":"c1"}"#;
        assert_eq!(
            lines(None, metadata, &[("a-1", "{}")]),
            "1  a-1  1  T  2010-12-01T08:26:40Z  by ada, cause m1, correlation c1  k:v  {}\n"
        );
    }

    #[test]
    fn what_does_not_fit_a_terminal_goes_on_below() {
        let metadata = r#"{"actor":"ada","causation_id":"m1","correlation_id":"c1"}"#;
        let data = "x".repeat(100);
        let printed = lines(Some(60), metadata, &[("a-1", &data)]);
        let lines: Vec<&str> = printed.lines().collect();
        assert_eq!(lines.len(), 3, "{printed}");
        assert_eq!(lines[0], "1  a-1  1  T  2010-12-01T08:26:40Z", "{printed}");
        assert!(lines[1].starts_with("    by ada, cause m1, correlation c1  k:v"), "{printed}");
        assert!(lines.iter().all(|line| line.width() <= 60), "{printed}");
    }

    #[test]
    fn data_is_shortened_to_the_terminal() {
        let data = "x".repeat(100);
        for width in [60, 80] {
            let line = lines(Some(width), "{}", &[("a-1", &data)]);
            assert!(line.lines().all(|line| line.width() <= width), "{line}");
            assert!(line.ends_with("x…\n"), "{line}");
        }
    }
}
