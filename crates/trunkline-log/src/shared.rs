//! What the writer, the indexer and all readers of a log share.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use crate::ReadError;
use crate::batch::LabelQuery;
use crate::disk::Disk;
use crate::head::Head;
use crate::index::{DamagedRun, Located, MADE_ANEW, Part, Postings, Probe, Recent, Table};
use crate::key::{Hasher13, Key};
use crate::reader::Reader;
use crate::record::{Fields, Record};
use crate::seen::Seen;
use crate::segment::Segment;
use crate::walk::walk;

/// For how many keys the runs' filters are fetched ahead: with a few runs, about as many as a processor fetches at once.
const PREFETCHED_KEYS: usize = 4;

/// What the writer, the indexer and all readers of a log share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) store_id: [u8; 16],
    pub(crate) hasher: Hasher13,
    /// A short section: readers clone three counted pointers, and whoever changes it has prepared the change.
    view: RwLock<View>,
    /// How far the log is synced. A short section: it is copied.
    synced: Mutex<Head>,
    /// The position of the last synced record. Set after the view covers it, so whoever reads it first and
    /// the view second finds all of it there.
    head: AtomicU64,
    /// Where a damaged log ends for its readers.
    pub(crate) damage: Option<ReadError>,
}

/// Which segments and index parts there are, at one moment.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) segments: Arc<Vec<Arc<Segment>>>,
    pub(crate) parts: Arc<Vec<Part>>,
    pub(crate) seen: Arc<Seen>,
    /// How many records a table in memory may have.
    pub(crate) recent_records: u64,
}

/// Why something was not found out.
#[derive(Debug)]
pub(crate) enum LookupError {
    /// A run is damaged: set it aside and look again.
    Run(DamagedRun),
    Read(ReadError),
}

impl From<DamagedRun> for LookupError {
    fn from(run: DamagedRun) -> Self {
        Self::Run(run)
    }
}

impl From<ReadError> for LookupError {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl Shared {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        store_id: [u8; 16],
        hasher: Hasher13,
        view: View,
        synced: Head,
    ) -> Self {
        Self {
            disk,
            store_id,
            hasher,
            view: RwLock::new(view),
            head: AtomicU64::new(synced.position),
            synced: Mutex::new(synced),
            damage: None,
        }
    }

    /// The same log for readers that get no further than to `head`, because of this damage.
    pub(crate) fn damaged_after(self, head: u64, damage: ReadError) -> Self {
        Self { head: AtomicU64::new(head), damage: Some(damage), ..self }
    }

    /// The position of the last record that readers see: the last synced one, unless there is damage before.
    pub(crate) fn head(&self) -> u64 {
        self.head.load(Ordering::Acquire)
    }

    /// How far the log is synced.
    pub(crate) fn synced(&self) -> Head {
        *self.synced.lock().expect("no code panics while it holds this lock")
    }

    pub(crate) fn set_synced(&self, synced: Head) {
        *self.synced.lock().expect("no code panics while it holds this lock") = synced;
        self.head.store(synced.position, Ordering::Release);
    }

    pub(crate) fn view(&self) -> View {
        self.view.read().expect("no code panics while it holds this lock").clone()
    }

    /// Changes which parts there are.
    pub(crate) fn change_parts(&self, change: impl FnOnce(&mut Vec<Part>)) {
        let mut view = self.view.write().expect("no code panics while it holds this lock");
        let mut parts = Vec::clone(&view.parts);
        change(&mut parts);
        view.parts = Arc::new(parts);
    }

    /// Adds segments.
    pub(crate) fn add_segments(&self, segments: impl IntoIterator<Item = Arc<Segment>>) {
        let mut view = self.view.write().expect("no code panics while it holds this lock");
        let mut all = Vec::clone(&view.segments);
        all.extend(segments);
        view.segments = Arc::new(all);
    }

    /// Sets a damaged run aside: its positions become a gap, to be indexed again.
    pub(crate) fn set_aside(&self, DamagedRun(damaged): &DamagedRun) {
        let name = damaged.name;
        tracing::warn!(target: MADE_ANEW, file = name.path(), "an index file is damaged; its events are indexed again");
        self.change_parts(|parts| {
            for part in parts {
                if matches!(part, Part::Run(run) if run.name == name) {
                    *part = Part::Gap { first: name.first, last: name.last };
                }
            }
        });
    }

    /// The records of ids, by the ids' numbers; `keys` are those of the ids, in their order.
    pub(crate) fn records_of_ids<'a>(
        &self,
        view: &View,
        keys: &[Key],
        id: impl Fn(usize) -> &'a [u8; 16],
    ) -> Result<BTreeMap<usize, Record>, LookupError> {
        if keys.len() <= PREFETCHED_KEYS {
            // For more of them, each run fetches ahead by itself.
            view.prefetch(keys.iter().copied());
        }
        let probes: Vec<Probe> = keys.iter().map(|key| Probe::new(*key)).collect();
        let mut found = BTreeMap::new();
        for part in view.parts.iter().rev() {
            for table in view.tables(self.hasher, part).rev() {
                let table = table?;
                for number in table.contained(&probes)? {
                    if let Entry::Vacant(vacant) = found.entry(number)
                        && let Some(record) = view.record_of_id(&table, keys[number], id(number))?
                    {
                        vacant.insert(record);
                    }
                }
            }
        }
        Ok(found)
    }

    /// The last record of a stream.
    pub(crate) fn last_of_stream(
        &self,
        view: &View,
        key: Key,
        name: &[u8],
    ) -> Result<Option<Record>, LookupError> {
        for part in view.parts.iter().rev() {
            for table in view.tables(self.hasher, part).rev() {
                let table = table?;
                let Some(newest) = table.newest(key)? else { continue };
                let record = view.record(&table, newest)?;
                if record.stream() == name {
                    return Ok(Some(record));
                }
                // Another stream has the same key; look through all that it was found at.
                let postings = table.postings(key, 0)?;
                for number in (0..postings.len()).rev() {
                    let record = view.record(&table, postings.get(number)?)?;
                    if record.stream() == name {
                        return Ok(Some(record));
                    }
                }
            }
        }
        Ok(None)
    }
}

impl View {
    pub(crate) fn new(segments: Vec<Arc<Segment>>, parts: Vec<Part>, recent_records: u64) -> Self {
        Self { segments: Arc::new(segments), parts: Arc::new(parts), seen: Arc::default(), recent_records }
    }

    /// Has fetched from all runs what says whether they have these few keys, at the same time instead of one after the
    /// other as they are looked into.
    pub(crate) fn prefetch(&self, keys: impl Iterator<Item = Key>) {
        for key in keys.take(PREFETCHED_KEYS) {
            for part in self.parts.iter() {
                if let Part::Run(run) = part {
                    run.prefetch_filter(key);
                }
            }
        }
    }

    /// The segment that holds this position. `near` is the number of the one that is tried first, and becomes that
    /// of the one that has it.
    pub(crate) fn segment(&self, position: u64, near: &mut usize) -> &Segment {
        if position < self.first_of(*near) || position >= self.first_of(*near + 1) {
            let after = self.segments.partition_point(|segment| segment.header.first_position <= position);
            *near = after.saturating_sub(1);
        }
        &self.segments[*near]
    }

    /// The first position of the segment with this number; beyond all others when there is none.
    fn first_of(&self, number: usize) -> u64 {
        self.segments.get(number).map_or(u64::MAX, |segment| segment.header.first_position)
    }

    /// What reads the records of the segment that holds this position; `near` is as for [`View::segment`].
    pub(crate) fn reader(&self, position: u64, near: &mut usize) -> Result<Reader<'_>, ReadError> {
        let segment = self.segment(position, near);
        Reader::new(segment, self.first_of(*near + 1))
    }

    /// The record of an id, if this table has it.
    fn record_of_id(&self, table: &Table, key: Key, id: &[u8; 16]) -> Result<Option<Record>, LookupError> {
        let postings = table.postings(key, 0)?;
        for number in 0..postings.len() {
            let record = self.record(table, postings.get(number)?)?;
            if record.id() == *id {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    /// The record at a position of a table.
    pub(crate) fn record(&self, table: &Table, position: u64) -> Result<Record, LookupError> {
        let mut at = [Located { position, offset: 0 }];
        table.locate(&mut at)?;
        let record = self.reader(position, &mut 0)?.record(table, at[0])?;
        self.seen.insert(position..=position);
        Ok(record)
    }

    /// What can be looked into for a part: itself, or for a gap, its records indexed on the spot, some at a
    /// time.
    pub(crate) fn tables<'a>(
        &'a self,
        hasher: Hasher13,
        part: &'a Part,
    ) -> impl DoubleEndedIterator<Item = Result<Table, ReadError>> + 'a {
        let chunks = match part {
            Part::Gap { first, last } => (last - first) / self.recent_records + 1,
            Part::Run(_) | Part::Recent(_) => 1,
        };
        (0..chunks).map(move |number| match part {
            Part::Run(run) => Ok(Table::Run(Arc::clone(run))),
            Part::Recent(recent) => Ok(Table::Recent(Arc::clone(recent))),
            Part::Gap { first, last } => {
                let first = first + number * self.recent_records;
                let last = (first + self.recent_records - 1).min(*last);
                Ok(Table::Recent(Arc::new(index_range(&self.segments, hasher, first, last)?)))
            }
        })
    }

    /// The part that covers a position.
    pub(crate) fn part_of(&self, position: u64) -> Option<&Part> {
        let after = self.parts.partition_point(|part| part.first() <= position);
        let part = &self.parts[after.checked_sub(1)?];
        (part.last() >= position).then_some(part)
    }

    /// The table that covers a position, if a part does, and the last position that it covers.
    pub(crate) fn table_of(
        &self,
        hasher: Hasher13,
        position: u64,
    ) -> Result<Option<(Table, u64)>, ReadError> {
        let Some(part) = self.part_of(position) else { return Ok(None) };
        let last = part.last();
        match part {
            Part::Run(run) => Ok(Some((Table::Run(Arc::clone(run)), last))),
            Part::Recent(recent) => Ok(Some((Table::Recent(Arc::clone(recent)), last))),
            Part::Gap { first, .. } => {
                let chunk = (position - first) / self.recent_records;
                let first = first + chunk * self.recent_records;
                let last = (first + self.recent_records - 1).min(last);
                let (recent, damage) = index_readable(&self.segments, hasher, first, last);
                let readable = recent.last();
                match damage {
                    Some(damage) if readable < position => Err(damage),
                    _ => Ok(Some((Table::Recent(Arc::new(recent)), readable))),
                }
            }
        }
    }
}

/// Indexes the records from one position to another, from the segments.
pub(crate) fn index_range(
    segments: &[Arc<Segment>],
    hasher: Hasher13,
    first: u64,
    last: u64,
) -> Result<Recent, ReadError> {
    let (recent, damage) = index_readable(segments, hasher, first, last);
    damage.map_or(Ok(recent), Err)
}

/// Indexes the records from one position on, as far as they can be read, and says why no further.
pub(crate) fn index_readable(
    segments: &[Arc<Segment>],
    hasher: Hasher13,
    first: u64,
    last: u64,
) -> (Recent, Option<ReadError>) {
    let recent = Recent::new(first);
    let mut adding = recent.add();
    let walked = walk(segments, first, last, |offset, record| {
        adding.record(offset);
        keys_of(hasher, record, |key| adding.key(key));
    });
    drop(adding);
    (recent, walked.err())
}

/// Calls `each` with every key of a record.
pub(crate) fn keys_of(hasher: Hasher13, record: Fields<'_>, mut each: impl FnMut(Key)) {
    each(hasher.stream(record.stream()));
    each(hasher.id(&record.id()));
    for (label, _) in record.labels() {
        each(hasher.label(label.kind, label.text));
    }
}

/// The positions of a table's records that may match a query, as lists to be merged, from `from` on.
///
/// `None` when every record may.
pub(crate) fn candidates(
    table: &Table,
    query: &LabelQuery,
    from: u64,
) -> Result<Option<Vec<Postings>>, DamagedRun> {
    if query.is_all() {
        return Ok(None);
    }
    let mut lists = Vec::new();
    for item in &query.items {
        // A matching record is in every group, so the group with the fewest records names all that may.
        let mut fewest: Option<(usize, Vec<Postings>)> = None;
        for group in &item.groups {
            let mut of_group = Vec::with_capacity(group.labels.len());
            for (key, ..) in &group.labels {
                let postings = table.postings(*key, from)?;
                if postings.len() > 0 {
                    of_group.push(postings);
                }
            }
            let total = of_group.iter().map(Postings::len).sum();
            if fewest.as_ref().is_none_or(|(least, _)| total < *least) {
                fewest = Some((total, of_group));
            }
        }
        lists.extend(fewest.into_iter().flat_map(|(_, lists)| lists));
    }
    Ok(Some(lists))
}
