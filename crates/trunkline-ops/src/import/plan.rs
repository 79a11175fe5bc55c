//! The plan of a batch: which lines go into one append.
//!
//! The events of an append get their positions write by write, and a stream is named once.
//! So that positions come out in the order of the lines, an append takes lines until a stream comes again
//! after another one.
//! It ends also before an id that it has already, and before a version that doesn't follow: both are for the
//! store to judge.
//!
//! However an append ended, the next one begins with a stream that the one before has, too, unless an id stands
//! in two streams, which is a mistake.

use std::collections::HashSet;

use trunkline_core::{Append, EventId, Expected, StreamName, StreamWrite, Version};

use super::batch::Line;

/// Splits lines into the parts that are appended each at once, in their order.
pub(super) fn plan(lines: Vec<Line>) -> Vec<Vec<Line>> {
    let mut parts = Vec::new();
    let mut part: Vec<Line> = Vec::new();
    let mut streams: HashSet<StreamName> = HashSet::new();
    let mut ids: HashSet<EventId> = HashSet::new();
    for line in lines {
        let stream = &line.event.stream;
        let fits = match part.last() {
            None => true,
            Some(last) if last.event.stream == *stream => follows(last.event.version, line.event.version),
            Some(_) => !streams.contains(stream),
        };
        if !fits || ids.contains(&line.event.event.event_id) {
            parts.push(std::mem::take(&mut part));
            streams.clear();
            ids.clear();
        }
        streams.insert(stream.clone());
        ids.insert(line.event.event.event_id);
        part.push(line);
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

/// Whether an event can have this version right after one that has `last`, as far as they say.
fn follows(last: Option<Version>, version: Option<Version>) -> bool {
    match (last, version) {
        (Some(last), Some(version)) => last.next() == version,
        (None, None) => true,
        // One of them says too little to tell.
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// What the stream must be for an event to come out with this version.
pub(super) fn expected(version: Option<Version>) -> Expected {
    match version.map(Version::get) {
        None => Expected::Any,
        Some(0 | 1) => Expected::NoStream,
        Some(version) => Expected::At(Version::new(version - 1)),
    }
}

/// The append of one part.
pub(super) fn append(part: &[Line]) -> Append {
    let mut writes: Vec<StreamWrite> = Vec::new();
    for Line { event: line, .. } in part {
        match writes.last_mut() {
            Some(write) if write.stream == line.stream => write.events.push(line.event.clone()),
            _ => writes.push(StreamWrite {
                stream: line.stream.clone(),
                expected: expected(line.version),
                events: vec![line.event.clone()],
            }),
        }
    }
    Append { writes, ..Append::default() }
}

#[cfg(test)]
pub(super) mod testing {
    use super::Line;
    use trunkline_core::json::LineEvent;
    use trunkline_core::{EventId, NewEvent, Version};

    /// Lines from words such as `a1`, `a1@3` with a version, `a1@3=7` with an id: the stream is `a-1`.
    pub(in super::super) fn lines(words: &str) -> Vec<Line> {
        (1..).zip(words.split_whitespace()).map(|(number, word)| line(number, word)).collect()
    }

    fn line(number: u64, word: &str) -> Line {
        let (word, id) = word.split_once('=').unwrap_or((word, ""));
        let (stream, version) = word.split_once('@').unwrap_or((word, ""));
        let (kind, name) = stream.split_at(1);
        let id = id.parse().unwrap_or(number as u8 + 100);
        let event = NewEvent::json("T", "1").unwrap().id(EventId::from_bytes([id; 16]));
        let version = version.parse().ok().map(Version::new);
        let stream = format!("{kind}-{name}").parse().unwrap();
        let text = format!("line {number}").into_bytes();
        Line { number, text, event: LineEvent { stream, event, version, position: None } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &str, wanted: &str) {
        let parts = plan(testing::lines(words));
        let mut words = words.split_whitespace();
        let found: Vec<String> = parts
            .iter()
            .map(|part| part.iter().filter_map(|_| words.next()).collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(found.join(" | "), wanted);
        for pair in parts.windows(2) {
            let first = &pair[1][0].event.stream;
            assert!(pair[0].iter().any(|line| line.event.stream == *first), "{wanted}");
        }
    }

    #[test]
    fn a_part_ends_where_a_stream_comes_again() {
        check("", "");
        check("a1 b1 c1", "a1 b1 c1");
        check("a1 a1 b1 b1", "a1 a1 b1 b1");
        check("a1 b1 a1 b1 c1 b1", "a1 b1 | a1 b1 c1 | b1");
    }

    #[test]
    fn a_part_ends_where_versions_do_not_follow() {
        check("a1@1 a1@2 a1@3 b1@7", "a1@1 a1@2 a1@3 b1@7");
        check("a1@1 a1@3 a1 a1@4", "a1@1 | a1@3 | a1 | a1@4");
    }

    #[test]
    fn a_part_ends_before_an_id_it_has() {
        check("a1=1 b1=2 a1=1", "a1=1 b1=2 | a1=1");
        check("a1=1 a1=1", "a1=1 | a1=1");
    }

    #[test]
    fn an_append_has_one_write_for_each_run_of_a_stream() {
        let append = append(&testing::lines("a1@1 a1@2 b1 c1@4"));
        let writes: Vec<_> = append
            .writes
            .iter()
            .map(|write| (write.stream.as_str(), write.expected, write.events.len()))
            .collect();
        assert_eq!(
            writes,
            [
                ("a-1", Expected::NoStream, 2),
                ("b-1", Expected::Any, 1),
                ("c-1", Expected::At(Version::new(3)), 1)
            ]
        );
    }
}
