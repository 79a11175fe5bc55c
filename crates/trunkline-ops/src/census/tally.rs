//! What one thread of a census has counted.
//!
//! Nearly all events are like one before them. Where the outline of an event's data says what becomes of it, the first
//! one of an outline is brought to today's shape, and further ones are only counted. Where a rule looks at values (an
//! expression, a pattern), each event is brought there.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use trunkline::SYSTEM_NAMES;
use trunkline::shapes::Shapes;
use trunkline_core::{Position, RecordedEvent};

use super::outline::outline;
use super::{Census, CensusLine, Undecodable, stored};

/// How many shapes are counted separately; data whose fields are named by data has as many as it has events.
const SHAPES_MAX: usize = 10_000;

/// How many outlines are remembered; events of further ones are each brought to today's shape.
const OUTLINES_MAX: usize = 16_384;

/// What the shapes beyond the most are called.
const OTHERS: &str = "others";

/// A stored type, version and shape.
type Key = (String, u32, String);

/// What was counted so far.
pub(super) struct Tally {
    shapes: Shapes,
    events: u64,
    places: HashMap<Key, usize>,
    lines: Vec<Line>,
    known: HashMap<Vec<u8>, Known, BuildHasherDefault<Mixed>>,
    /// The type, version and outline of an event, written over those of the one before.
    marks: Vec<u8>,
}

/// A stored shape.
struct Line {
    count: u64,
    first: Position,
    today: Vec<Today>,
    undecodable: Option<Undecodable>,
}

/// What some events of a shape are today, and which event was the first of these: by its position, and by its place
/// among those that one became.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Today {
    first: (Position, usize),
    event_type: String,
    version: u32,
}

/// What is known of events of an outline.
struct Known {
    line: usize,
    reaches: Reaches,
}

/// Whether events of an outline reach today's shape.
#[derive(Clone, Copy)]
enum Reaches {
    All,
    None,
    /// That depends on values.
    Some,
}

impl Tally {
    pub(super) fn new(shapes: Shapes) -> Self {
        let (places, lines, known) = (HashMap::new(), Vec::new(), HashMap::default());
        Self { shapes, events: 0, places, lines, known, marks: Vec::new() }
    }

    /// Counts an event, if it isn't one of Trunkline's own.
    pub(super) fn count(&mut self, event: &RecordedEvent) {
        let event_type = event.event_type();
        if event_type.starts_with(SYSTEM_NAMES) {
            return;
        }
        self.events += 1;
        self.marks.clear();
        self.marks.extend_from_slice(&event.schema_version().to_le_bytes());
        self.marks.extend_from_slice(&(event_type.len() as u64).to_le_bytes());
        self.marks.extend_from_slice(event_type.as_bytes());
        let has_outline = outline(event.data(), &mut self.marks);
        if has_outline && let Some(&Known { line, reaches }) = self.known.get(&self.marks) {
            let line = &mut self.lines[line];
            line.count += 1;
            match (reaches, &mut line.undecodable) {
                (Reaches::All, _) => {}
                (Reaches::None, Some(undecodable)) => undecodable.count += 1,
                _ => drop(line.bring(event, &self.shapes)),
            }
            return;
        }
        let at = self.place(event);
        let line = &mut self.lines[at];
        line.count += 1;
        let reached = line.bring(event, &self.shapes);
        if has_outline && self.known.len() < OUTLINES_MAX {
            let known = match reached {
                _ if !self.shapes.follow_from_outlines(event) => Reaches::Some,
                true => Reaches::All,
                false => Reaches::None,
            };
            self.known.insert(self.marks.clone(), Known { line: at, reaches: known });
        }
    }

    /// The place of the line of an event.
    fn place(&mut self, event: &RecordedEvent) -> usize {
        let named = |shape| (event.event_type().to_owned(), event.schema_version(), shape);
        let mut key = named(stored::fields_in_words(event.data()));
        if self.places.len() >= SHAPES_MAX && !self.places.contains_key(&key) {
            key = named(OTHERS.to_owned());
        }
        let lines = &mut self.lines;
        *self.places.entry(key).or_insert_with(|| {
            lines.push(Line { count: 0, first: event.position(), today: Vec::new(), undecodable: None });
            lines.len() - 1
        })
    }
}

impl Today {
    fn is(&self, event_type: &str, version: u32) -> bool {
        self.event_type == event_type && self.version == version
    }
}

impl Line {
    /// Brings an event to today's shape, and notes what came of that; whether it has got there.
    fn bring(&mut self, event: &RecordedEvent, shapes: &Shapes) -> bool {
        let mut place = 0;
        let reached = shapes.today(event.clone(), |event| {
            let (event_type, version) = (event.event_type(), event.schema_version());
            if !self.today.iter().any(|today| today.is(event_type, version)) {
                let first = (event.position(), place);
                self.today.push(Today { first, event_type: event_type.to_owned(), version });
            }
            place += 1;
        });
        let Err(reason) = reached else { return true };
        let failed = self.undecodable.get_or_insert_with(|| Undecodable {
            position: event.position(),
            stream: event.stream_name(),
            version: event.version(),
            reason,
            count: 0,
        });
        failed.count += 1;
        false
    }

    /// Takes in what another thread has counted of the same shape.
    fn join(&mut self, other: Self) {
        let Self { count, first, today, undecodable } = other;
        self.count += count;
        self.first = self.first.min(first);
        for other in today {
            match self.today.iter_mut().find(|today| today.is(&other.event_type, other.version)) {
                Some(today) => today.first = today.first.min(other.first),
                None => self.today.push(other),
            }
        }
        self.undecodable = match (self.undecodable.take(), undecodable) {
            (Some(one), Some(other)) => {
                let count = one.count + other.count;
                let first = if one.position < other.position { one } else { other };
                Some(Undecodable { count, ..first })
            }
            (one, other) => one.or(other),
        };
    }
}

/// What several threads have counted, as if one had.
pub(super) fn joined(tallies: Vec<Tally>) -> Census {
    let events = tallies.iter().map(|tally| tally.events).sum();
    let mut lines: HashMap<Key, Line> = HashMap::new();
    for Tally { places, lines: counted, .. } in tallies {
        let mut keys: Vec<(Key, usize)> = places.into_iter().collect();
        keys.sort_unstable_by_key(|(_, at)| *at);
        for ((key, _), line) in keys.into_iter().zip(counted) {
            add(&mut lines, key, line);
        }
    }
    if lines.len() > SHAPES_MAX {
        let mut firsts: Vec<(Position, &Key)> = lines.iter().map(|(key, line)| (line.first, key)).collect();
        firsts.sort_unstable();
        let beyond: HashSet<Key> = firsts.into_iter().skip(SHAPES_MAX).map(|(_, key)| key.clone()).collect();
        for key in beyond.into_iter().collect::<BTreeSet<_>>() {
            if let Some(line) = lines.remove(&key) {
                add(&mut lines, (key.0, key.1, OTHERS.to_owned()), line);
            }
        }
    }
    let mut lines: Vec<(Key, Line)> = lines.into_iter().collect();
    lines.sort_unstable_by(|(one, first), (other, second)| (first.first, one).cmp(&(second.first, other)));
    let line_of = |((event_type, schema_version, shape), mut line): (Key, Line)| {
        line.today.sort_unstable();
        CensusLine {
            event_type,
            schema_version,
            shape,
            count: line.count,
            first: line.first,
            today: line.today.iter().map(|today| format!("{} {}", today.event_type, today.version)).collect(),
            undecodable: line.undecodable,
        }
    };
    let shapes: Vec<CensusLine> = lines.into_iter().map(line_of).collect();
    let failed = shapes.iter().filter_map(|line| line.undecodable.as_ref());
    Census { events, undecodable: failed.map(|failed| failed.count).sum(), shapes }
}

fn add(lines: &mut HashMap<Key, Line>, key: Key, line: Line) {
    match lines.get_mut(&key) {
        Some(there) => there.join(line),
        None => drop(lines.insert(key, line)),
    }
}

/// A hash of marks, which are compared in full when it is the same: it only has to be fast.
#[derive(Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn write(&mut self, bytes: &[u8]) {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut mix = |word: u64| self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(ODD);
        let words = bytes.chunks_exact(8);
        let rest = words.remainder();
        words.for_each(|word| mix(u64::from_le_bytes(word.try_into().expect("it has eight bytes"))));
        for byte in rest {
            mix(u64::from(*byte));
        }
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}
