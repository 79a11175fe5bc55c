//! Batches of lines: read and checked as a whole before any of it is stored.

use std::io::{self, BufRead};

use trunkline_core::json::{self, LineEvent, LineParts};
use trunkline_core::{Append, Expected, StreamWrite, Version};
use trunkline_store::{Limits, check};

use super::lines::{LINE_BYTES_MAX, Lines, RawLine};
use crate::StreamRule;

/// A batch ends with the line that takes it beyond this, so that it is a bounded piece of memory, and with the
/// longest of lines still one append.
const BATCH_BYTES: usize = 16 << 20;

/// A line with an event that can be appended, as far as the line itself tells.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) number: u64,
    /// The line as it stands in the file.
    pub(super) text: Vec<u8>,
    pub(super) event: LineEvent,
}

/// A line that cannot be imported.
#[derive(Debug)]
pub(super) struct BadLine {
    pub(super) number: u64,
    /// The line as it stands in the file, unless it was too long to be kept.
    pub(super) text: Option<Vec<u8>>,
    pub(super) reason: String,
}

/// Some consecutive lines.
#[derive(Debug)]
pub(super) struct Batch {
    /// The number of the first line that isn't blank.
    pub(super) first_line: u64,
    /// The number of the last.
    pub(super) last_line: u64,
    /// How many bytes of the file were read with it.
    pub(super) ends_at: u64,
    pub(super) lines: Vec<Line>,
    pub(super) bad: Vec<BadLine>,
}

/// Reads a file batch by batch.
#[derive(Debug)]
pub(super) struct Batches<R> {
    lines: Lines<R>,
    /// How many lines make a batch.
    count: usize,
    /// Which stream an event goes to, unless that is what its line names.
    streams: Option<StreamRule>,
}

impl<R: BufRead> Batches<R> {
    pub(super) fn new(input: R, count: usize, streams: Option<StreamRule>) -> Self {
        Self { lines: Lines::new(input, LINE_BYTES_MAX), count, streams }
    }

    /// The next batch, or nothing at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Batch>> {
        let mut batch = Batch { first_line: 0, last_line: 0, ends_at: 0, lines: Vec::new(), bad: Vec::new() };
        let mut bytes = 0;
        while batch.lines.len() + batch.bad.len() < self.count && bytes < BATCH_BYTES {
            let Some(raw) = self.lines.next()? else { break };
            let number = self.lines.number();
            if batch.first_line == 0 {
                batch.first_line = number;
            }
            batch.last_line = number;
            let text = match raw {
                RawLine::Whole(text) => text,
                RawLine::TooLong => {
                    let reason = format!("longer than {} MiB", LINE_BYTES_MAX >> 20);
                    batch.bad.push(BadLine { number, text: None, reason });
                    continue;
                }
            };
            bytes += text.len();
            match parse(&text, self.streams.as_ref()) {
                Ok(event) => batch.lines.push(Line { number, text, event }),
                Err(reason) => batch.bad.push(BadLine { number, text: Some(text), reason }),
            }
        }
        batch.ends_at = self.lines.bytes();
        Ok((batch.first_line > 0).then_some(batch))
    }
}

/// The event of a line, or why there is none that could be appended.
fn parse(text: &[u8], streams: Option<&StreamRule>) -> Result<LineEvent, String> {
    let text = std::str::from_utf8(text)
        .map_err(|error| format!("not UTF-8 text, from byte {} on", error.valid_up_to() + 1))?;
    let parts = json::parts_of_line(text).map_err(|error| error.to_string())?;
    let LineEvent { stream, event, version, position } = placed(parts, streams)?;
    if version == Some(Version::EMPTY) {
        return Err("\"version\": 0; the first is 1".to_owned());
    }
    let write = StreamWrite { stream, expected: Expected::Any, events: vec![event] };
    let mut append = Append { writes: vec![write], ..Append::default() };
    check(&append, Limits::default()).map_err(|error| error.to_string())?;
    let StreamWrite { stream, mut events, .. } = append.writes.pop().expect("put there above");
    let event = events.pop().expect("put there above");
    Ok(LineEvent { stream, event, version, position })
}

/// The event of a line in the stream that it goes to. Trunkline's own streams stay what they are.
fn placed(parts: LineParts, streams: Option<&StreamRule>) -> Result<LineEvent, String> {
    let is_own = !parts.is_cloudevent && parts.names.as_deref().is_some_and(|name| name.starts_with('$'));
    if let Some(rule) = streams.filter(|_| !is_own) {
        let stream = rule.stream_of(&(&parts).into()).map_err(|reason| format!("--stream: {reason}"))?;
        return parts.in_stream(stream).map_err(|error| error.to_string());
    }
    let is_cloudevent = parts.is_cloudevent;
    parts.in_its_stream().map_err(|error| {
        let remedy = if is_cloudevent { CLOUDEVENT_STREAM } else { "" };
        format!("{error}{remedy}")
    })
}

/// What to do about a subject that names no stream.
const CLOUDEVENT_STREAM: &str = "; say with --stream EXPRESSION which stream an event goes to, such as \
                                 --stream \"'order-' + event.data.id\"";

#[cfg(test)]
mod tests {
    use super::*;
    use trunkline_core::EventId;

    fn line(id: u8, stream: &str) -> String {
        let id = EventId::from_bytes([id; 16]);
        format!(r#"{{"event_id":"{id}","stream":"{stream}","event_type":"T","data":1}}"#)
    }

    /// For each batch its first and last line, how many lines are good, and the others' reasons.
    fn batches(text: &[u8], count: usize) -> Vec<(u64, u64, usize, Vec<String>)> {
        let mut batches = Batches::new(text, count, None);
        let mut found = Vec::new();
        while let Some(batch) = batches.next().unwrap() {
            let bad = batch.bad.iter().map(|bad| format!("{}: {}", bad.number, bad.reason)).collect();
            found.push((batch.first_line, batch.last_line, batch.lines.len(), bad));
        }
        found
    }

    #[test]
    fn a_batch_is_so_many_lines() {
        let text = [line(1, "a-1"), line(2, "a-1"), String::new(), line(3, "a-1")].join("\n");
        assert_eq!(batches(text.as_bytes(), 2), [(1, 2, 2, vec![]), (4, 4, 1, vec![])]);
        assert_eq!(batches(b"", 2), []);
    }

    #[test]
    fn a_bad_line_says_why() {
        let version = line(2, "a-1").replace("\"data\"", "\"version\":0,\"data\"");
        let schema = line(3, "a-1").replace("\"data\"", "\"schema_version\":0,\"data\"");
        let text = [line(1, "a-1"), "{".to_owned(), version, schema, line(1, "a-1")].join("\n");
        let id = |id| EventId::from_bytes([id; 16]);
        let wanted = vec![
            "2: not a JSON object: EOF while parsing an object, in column 1; an event stands on one line, as \
             `jq -c .` writes one that goes over several"
                .to_owned(),
            "3: \"version\": 0; the first is 1".to_owned(),
            format!("4: invalid append: the schema version of {} is 0; the first is 1", id(3)),
        ];
        assert_eq!(batches(text.as_bytes(), 9), [(1, 5, 2, wanted)]);
        assert_eq!(batches(b"{\xff", 9), [(1, 1, 0, vec!["1: not UTF-8 text, from byte 2 on".to_owned()])]);
    }
}
