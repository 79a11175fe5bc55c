//! Opening a journal: the state that its files have, and a tail that can be written to.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use trunkline_log::disk::{Disk, DiskFile, OpenMode, WriteLock};

use super::OpenError;
use super::codec::Malformed;
use super::frame::{self, HEADER_LEN, Header, Verdict};
use super::index::{self, Index, index_number};
use super::journal::{Journal, Segment, read_all, segment_name, segment_number};
use super::missing;
use super::record::Place;
use super::repair::Repaired;
use super::replay::Replay;
use super::snapshot::{self, state_number};
use crate::check::IdHasher;
use crate::engine::{Engine, Keep};

/// What a journal's files came to.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) engine: Engine<Place>,
    pub(crate) journal: Journal,
    pub(crate) hasher: IdHasher,
    /// The number of the newest state, and its bytes.
    pub(crate) state: u32,
    pub(crate) state_bytes: u64,
    /// How many bytes were cut off and never acknowledged as originals.
    pub(crate) rolled_back: u64,
}

/// Reads what is there, or begins a journal when there is nothing and it is to be made.
///
/// What is missing or damaged is an error, unless it is to be `repaired`: then it is noted there, and what rests on
/// it is given up.
#[expect(clippy::too_many_lines, reason = "the steps of one opening, each of which rests on those before it")]
pub(crate) fn recover(
    disk: &Arc<dyn Disk>,
    keep: Keep,
    segment_bytes: u64,
    create: bool,
    mut repaired: Option<&mut Repaired>,
) -> Result<Recovered, OpenError> {
    let opening = uuid::Uuid::new_v4().as_u64_pair().0;
    let mut engine = Engine::new(keep, opening);
    let names = disk.list("").map_err(OpenError::io("list the queue's folder"))?;
    let mut numbers: Vec<u32> = names.iter().filter_map(|name| segment_number(name)).collect();
    numbers.sort_unstable();
    let state = names.iter().filter_map(|name| state_number(name)).max();
    let Some(&last) = numbers.last() else {
        let journal = make(disk, &names, segment_bytes, create)?;
        let hasher = hasher(&journal.queue);
        return Ok(Recovered { engine, journal, hasher, state: 1, state_bytes: 0, rolled_back: 0 });
    };
    let (state_bytes, owned) = match state {
        Some(number) => snapshot::read(&**disk, &mut engine, number)?,
        None => (0, None),
    };
    let mut segments = open_segments(&**disk, &numbers)?;
    let segment_lock = Some(lock_last(&**disk, &segments[&last].file)?);
    missing::check(&**disk, &segments, state)?;
    let unlisted = missing::unlisted(&segments, state, owned.as_ref())?;
    match &mut repaired {
        Some(repaired) => unlisted.into_iter().for_each(|listed| repaired.missing(listed)),
        None => missing::listed_error(&**disk, state, &unlisted).map_or(Ok(()), Err)?,
    }
    // A killed process may have named files without syncing their names; no index may outlast the segment after it.
    disk.sync_dir("").map_err(OpenError::io("sync the queue's folder"))?;
    remove_unfinished(&**disk, &names)?;
    let state = state.unwrap_or(1);
    let queue = segments[&last].header.queue;
    let hasher = hasher(&queue);
    let ends: BTreeMap<u32, u64> =
        segments.values().map(|segment| (segment.header.number - 1, segment.header.previous_end)).collect();
    let mut replay =
        Replay { engine, hasher, old: true, index: Index::default(), unnumbered: None, misnumbered: None };
    remove_strays(&**disk, &names, &segments);
    let mut tail = None;
    // Not before it is sure that the repair can be done.
    let mut repaired_indexes = Vec::new();
    for (number, segment) in &mut segments {
        if replay.old && *number >= state {
            replay.finish_old();
        }
        if replay.old
            && *number != last
            && let Some((end, messages)) = index::load(&**disk, &segment.header, ends.get(number).copied())
        {
            segment.end = end;
            replay.index(*number, &messages)?;
            continue;
        }
        let name = segment_name(*number);
        let bytes = read_all(&*segment.file).map_err(OpenError::io(format!("read {name}")))?;
        let known = ends.get(number).copied();
        let bytes = match known {
            Some(end) if end <= bytes.len() as u64 => &bytes[..end as usize],
            Some(_) if repaired.is_none() => {
                return Err(OpenError::corrupt(&name, bytes.len() as u64, "it is too short"));
            }
            _ => &bytes,
        };
        replay.index = Index::default();
        let mut verdict =
            frame::scan(bytes, &segment.header.segment, |offset, frame| replay.frame(*number, offset, frame));
        if let Some(repaired) = &mut repaired {
            verdict = repaired.go_on(&mut replay, &segment.header, bytes, known, verdict);
        }
        segment.end = match verdict {
            Verdict::Clean { end, .. }
                if *number != last && ends.get(number).is_none_or(|known| *known == end) =>
            {
                end
            }
            Verdict::Clean { end, synced } if *number == last => {
                tail = Some((end, synced, 0));
                end
            }
            Verdict::RolledBack { end, synced, bytes } if *number == last => {
                tail = Some((end, synced, bytes));
                end
            }
            Verdict::Clean { end, .. } | Verdict::RolledBack { end, .. } => {
                return Err(OpenError::corrupt(&name, end, "frames are missing that later segments rest on"));
            }
            Verdict::Corrupt { offset, what } => return Err(OpenError::corrupt(&name, offset, what)),
        };
        if *number != last {
            let index = std::mem::take(&mut replay.index);
            if repaired.is_some() {
                repaired_indexes.push((index, segment.header, segment.end));
            } else {
                index.write(&**disk, &segment.header, segment.end);
            }
        }
    }
    replay.refuse_misnumbered()?;
    for (index, header, end) in repaired_indexes {
        let written = index.write_synced(&**disk, &header, end);
        written.map_err(OpenError::io(format!("write the index of {}", segment_name(header.number))))?;
    }
    replay.finish_old();
    let Replay { mut engine, index, .. } = replay;
    engine.drop_missing();
    engine.freed.clear();
    let (end, synced, rolled_back) = tail.unwrap_or((HEADER_LEN, HEADER_LEN, 0));
    mend(&*segments[&last].file, synced, end, rolled_back).map_err(OpenError::io("mend the last segment"))?;
    let capacity = segments[&last].file.len().map_err(OpenError::io("look at the last segment"))?;
    let disk = Arc::clone(disk);
    let mut journal = Journal {
        disk,
        queue,
        segment_bytes,
        segments,
        last,
        end,
        synced: end,
        capacity,
        confirmed: end == HEADER_LEN,
        index,
        segment_lock,
    };
    count_live(&engine, &mut journal);
    Ok(Recovered { engine, journal, hasher, state, state_bytes, rolled_back })
}

/// Makes the first segment of a folder that has none, unless it had one.
fn make(
    disk: &Arc<dyn Disk>,
    names: &[String],
    segment_bytes: u64,
    create: bool,
) -> Result<Journal, OpenError> {
    if let Some((segment, witness)) = missing::remains(names) {
        return Err(missing::error(&**disk, segment, witness));
    }
    if !create {
        return Err(OpenError::NotFound { folder: disk.name() });
    }
    remove_unfinished(&**disk, names)?;
    Journal::create(Arc::clone(disk), segment_bytes).map_err(OpenError::io("make the first segment"))
}

/// Says how much of each segment is still wanted.
fn count_live(engine: &Engine<Place>, journal: &mut Journal) {
    // Mostly one segment's after the other's.
    let (mut segment, mut live, mut live_bytes) = (0, 0, 0);
    engine.each_body(|place| {
        if place.segment.get() != segment {
            journal.count(segment, live, live_bytes);
            (segment, live, live_bytes) = (place.segment.get(), 0, 0);
        }
        (live, live_bytes) = (live + 1, live_bytes + u64::from(place.len));
    });
    journal.count(segment, live, live_bytes);
}

/// Ids are hashed with what no other queue has.
fn hasher(queue: &[u8; 16]) -> IdHasher {
    IdHasher::from_bytes(*queue)
}

/// Removes files that were being made when their process ended.
fn remove_unfinished(disk: &dyn Disk, names: &[String]) -> Result<(), OpenError> {
    for name in names.iter().filter(|name| name.rsplit('.').next() == Some("tmp")) {
        disk.remove(name).map_err(OpenError::io(format!("remove {name}, which was never finished")))?;
    }
    Ok(())
}

/// Locks the last segment, which somebody has whose folder is another one, or whose folder's lock was undone.
fn lock_last(disk: &dyn Disk, file: &Arc<dyn DiskFile>) -> Result<WriteLock, OpenError> {
    let lock = WriteLock::take(file).map_err(OpenError::io("lock the last segment"))?;
    lock.ok_or_else(|| OpenError::InUse { folder: disk.name(), owner: "another process".to_owned() })
}

/// Opens the segments of these numbers.
fn open_segments(disk: &dyn Disk, numbers: &[u32]) -> Result<BTreeMap<u32, Segment>, OpenError> {
    let last = numbers.last().copied().unwrap_or_default();
    let open = |number: &u32| {
        let segment = open_segment(disk, *number)?;
        Ok((*number, Segment { kept_for: last, ..segment }))
    };
    numbers.iter().map(open).collect()
}

fn open_segment(disk: &dyn Disk, number: u32) -> Result<Segment, OpenError> {
    let name = segment_name(number);
    let file = disk.open(&name, OpenMode::Write).map_err(OpenError::io(format!("open {name}")))?;
    let mut bytes = [0; HEADER_LEN as usize];
    let read = file.read_at(0, &mut bytes).map_err(OpenError::io(format!("read {name}")))?;
    OpenError::other_version(&name, &bytes[..read], frame::MAGIC, frame::OLD_MAGIC)?;
    let header =
        Header::decode(&bytes[..read]).map_err(|Malformed(what)| OpenError::corrupt(&name, 0, what))?;
    if header.number != number {
        return Err(OpenError::corrupt(&name, 0, "the file has another segment's name"));
    }
    Ok(Segment { file, header, end: HEADER_LEN, live: 0, live_bytes: 0, kept_for: 0, stuck: false })
}

/// Writes and syncs what was perhaps never synced, and makes zeros of what was cut off.
///
/// A killed process leaves frames that only the system's memory has, and after a failed sync the system may take
/// them for written. So they are written anew before anything rests on them.
fn mend(file: &dyn DiskFile, synced: u64, end: u64, rolled_back: u64) -> io::Result<()> {
    let mut bytes = vec![0; end.saturating_sub(synced) as usize];
    file.read_at(synced, &mut bytes)?;
    bytes.resize(bytes.len() + rolled_back as usize, 0);
    file.write_at(synced, &bytes)?;
    file.sync()
}

/// Removes indexes of segments that are gone.
fn remove_strays(disk: &dyn Disk, names: &[String], segments: &BTreeMap<u32, Segment>) {
    let gone = |name: &&String| index_number(name).is_some_and(|number| !segments.contains_key(&number));
    for name in names.iter().filter(gone) {
        // It is in nobody's way.
        let _ = disk.remove(name);
    }
}
