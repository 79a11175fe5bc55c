//! Verifying: reading everything and checking it against everything else.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use crate::head::Head;
use crate::index::{Part, Recent, Table};
use crate::key::{Key, KeyMap};
use crate::recover::last_nonzero;
use crate::segment::Segment;
use crate::shared::{LookupError, View, keys_of};
use crate::walk::Frames;
use crate::{Log, ReadError};

/// How often progress is reported, in records.
const PROGRESS_EVERY: u64 = 4096;

/// What a verification found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// How many records were read.
    pub records: u64,
    /// How many streams they belong to.
    pub streams: u64,
    /// How many segments were read.
    pub segments: u64,
    /// Bytes after the last synced frame: a frame in flight, or one that was cut off.
    pub unconfirmed_bytes: u64,
    /// What is not as it should be.
    pub problems: Vec<Problem>,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Records are damaged: the log itself.
    Damage(String),
    /// Records contradict each other: positions, versions.
    Contradiction(String),
    /// An index doesn't say what the records say; it can be made again.
    Index(String),
}

impl Log {
    /// Reads every record and checks all there is to check: checksums, the chain over all frames, positions,
    /// versions, and that the index finds each record by everything it can be found by.
    ///
    /// `progress` is called with how many records were read and how many there are. Memory grows with the number of
    /// streams, by some 20 bytes each.
    pub fn verify(&self, progress: &mut dyn FnMut(u64, u64)) -> Verified {
        self.verify_newest(u64::MAX, progress)
    }

    /// The same for the newest segments: the last one, and as many before it as all of them have so many bytes at most.
    ///
    /// What was found counts what was read: its records, their streams, the segments.
    pub fn verify_newest(&self, bytes_max: u64, progress: &mut dyn FnMut(u64, u64)) -> Verified {
        let shared = self.shared();
        let synced = shared.synced();
        let view = shared.view();
        // The writer may have gone on to another segment since `synced` was asked for.
        let segments = &view.segments[..synced.segment as usize];
        let read_from = newest(segments, synced.end, bytes_max);
        let first = segments[read_from].header.first_position;
        let mut check = Check {
            log: self,
            view: &view,
            first,
            versions: HashMap::new(),
            listed: None,
            found: Verified::default(),
        };
        let total = (synced.position + 1).saturating_sub(first);
        for (number, segment) in segments.iter().enumerate().skip(read_from) {
            let next = segments.get(number + 1).map(|next| &next.header);
            // Where the segment has to end, and with which checksum.
            let (end, chain, last) = match next {
                Some(next) => (next.previous_end, next.previous_chain, next.first_position - 1),
                None => (synced.end, synced.chain, synced.position),
            };
            check.found.segments += 1;
            let mut frames = Frames::new(segment);
            let mut follow = || {
                while frames.offset() < end {
                    frames.next_frame(0, |_, record| {
                        check.record(record);
                        if check.found.records.is_multiple_of(PROGRESS_EVERY) {
                            progress(check.found.records, total);
                        }
                    })?;
                }
                Ok::<_, ReadError>((frames.offset(), frames.chain(), frames.next_position() - 1))
            };
            match follow() {
                Ok(reached) if reached == (end, chain, last) => {}
                Ok(_) => check.damage(format!("{} doesn't end where the log says it does", segment.name())),
                Err(error) => check.damage(error.to_string()),
            }
        }
        // Damage beyond the synced end is not on the way, and all other is.
        if let Some(damage) = shared.damage.as_ref().map(ReadError::to_string)
            && !check.found.problems.contains(&Problem::Damage(damage.clone()))
        {
            check.damage(damage);
        }
        for part in view.parts.iter() {
            // Of a run that begins earlier, only what finds these records was read.
            if let Part::Run(run) = part
                && run.name.first >= first
                && run.check().is_err()
            {
                check.found.problems.push(Problem::Index(format!("{} is damaged", run.name.path())));
            }
        }
        progress(check.found.records, total);
        check.unconfirmed(&synced);
        check.found.streams = check.versions.len() as u64;
        check.found
    }
}

/// The first of the newest segments that have so many bytes at most together, or the last one.
fn newest(segments: &[Arc<Segment>], last_end: u64, bytes_max: u64) -> usize {
    let sealed = segments.iter().skip(1).map(|next| next.header.previous_end);
    let mut bytes = 0_u64;
    let ends: Vec<u64> = sealed.chain([last_end]).collect();
    let fit = ends.iter().rev().take_while(|end| {
        bytes = bytes.saturating_add(**end);
        bytes <= bytes_max
    });
    segments.len() - fit.count().max(1)
}

/// What a table in memory says of each key. The table itself is quick to ask only for the newest positions.
struct Listed {
    first: u64,
    records: KeyMap<Box<[u32]>>,
}

impl Listed {
    /// That of this table, which is made when it is another than the last time.
    fn of<'a>(last: &'a mut Option<Self>, recent: &Recent) -> &'a Self {
        let listed = last.take().filter(|listed| listed.first == recent.first());
        last.insert(listed.unwrap_or_else(|| Self::new(recent)))
    }

    fn new(recent: &Recent) -> Self {
        let mut records = KeyMap::default();
        let each_key = |key, of_key: &[u32]| {
            records.insert(key, of_key.into());
            Ok::<_, Infallible>(())
        };
        let Ok(()) = recent.visit(|_, _| Ok(()), each_key, |_| Ok(()));
        Self { first: recent.first(), records }
    }

    fn has(&self, key: Key, position: u64) -> bool {
        let record = (position - self.first) as u32;
        self.records.get(&key).is_some_and(|records| records.binary_search(&record).is_ok())
    }
}

struct Check<'a> {
    log: &'a Log,
    view: &'a View,
    /// The position of the first record that is read.
    first: u64,
    /// The last version of each stream, by its key.
    versions: HashMap<u64, u64>,
    /// The table in memory that was looked into last.
    listed: Option<Listed>,
    found: Verified,
}

impl Check<'_> {
    /// Looks at what follows the synced end.
    fn unconfirmed(&mut self, synced: &Head) {
        let Some(last) = self.view.segments.get(synced.segment as usize - 1) else { return };
        // Read, not viewed: the writer may be writing there.
        let mut rest = Vec::new();
        let read = last.file.data_end().and_then(|end| {
            rest.resize(end.saturating_sub(synced.end) as usize, 0);
            last.file.read_at(synced.end, &mut rest)
        });
        match read {
            Ok(_) => self.found.unconfirmed_bytes = last_nonzero(&rest).map_or(0, |at| at as u64 + 1),
            Err(error) => self.damage(format!("{} could not be read: {error}", last.name())),
        }
    }

    fn damage(&mut self, what: String) {
        self.found.problems.push(Problem::Damage(what));
    }

    fn record(&mut self, record: crate::record::Fields<'_>) {
        self.found.records += 1;
        let hasher = self.log.shared().hasher;
        let (position, version) = (record.position(), record.version());
        // What comes before the first record that is read is not known.
        let unknown = if self.first == 1 { 0 } else { version.saturating_sub(1) };
        let last = self.versions.entry(hasher.stream(record.stream())).or_insert(unknown);
        if version != *last + 1 {
            let stream = String::from_utf8_lossy(record.stream());
            self.found.problems.push(Problem::Contradiction(format!(
                "the event at position {position} has version {version} in stream {stream}, after version {last}"
            )));
        }
        *last = version;
        let table = match self.view.part_of(position) {
            Some(Part::Run(run)) => Table::Run(Arc::clone(run)),
            Some(Part::Recent(recent)) => Table::Recent(Arc::clone(recent)),
            // Nothing is indexed here, so nothing can be wrong.
            Some(Part::Gap { .. }) => return,
            // The index of a damaged log that is only read ends at the damage.
            None if self.log.shared().damage.is_some() => return,
            None => return self.index_problem(position, "no index covers it"),
        };
        let mut missing = false;
        keys_of(hasher, record, |key| {
            missing |= !match &table {
                Table::Recent(recent) => Listed::of(&mut self.listed, recent).has(key, position),
                Table::Run(_) => {
                    let postings = table.postings(key, position);
                    let found =
                        postings.and_then(|found| (found.len() > 0).then(|| found.get(0)).transpose());
                    matches!(found, Ok(Some(found)) if found == position)
                }
            };
        });
        if missing {
            self.index_problem(position, "the index doesn't find it");
        }
        match self.view.record(&table, position) {
            Ok(found) if found.id() == record.id() => {}
            Ok(_) | Err(LookupError::Run(_)) => self.index_problem(position, "the index points elsewhere"),
            Err(LookupError::Read(error)) => self.damage(error.to_string()),
        }
    }

    fn index_problem(&mut self, position: u64, what: &str) {
        self.found.problems.push(Problem::Index(format!("the event at position {position}: {what}")));
    }
}
