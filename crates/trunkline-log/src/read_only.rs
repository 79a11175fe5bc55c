//! Reading a log beside the process that appends to it.
//!
//! Such a reader sees what the published head says is synced, or, where nobody has published one since the machine
//! was started, every whole frame. It uses the runs that it finds and indexes what comes after them in its own
//! memory; it writes nothing.

use std::io;
use std::sync::Arc;

use crate::disk::{Disk, OpenMode};
use crate::head::Head;
use crate::index::Part;
use crate::key::Hasher13;
use crate::open::{check_head, index_parts, published, recover_last, segments};
use crate::recover::Verdict;
use crate::segment::Segment;
use crate::shared::{Shared, View, index_range, index_readable, keys_of};
use crate::walk::walk_on;
use crate::{OpenError, ReadError};

/// After so many tables in memory, the runs on disk are looked at again.
const TABLES_BEFORE_RELISTING: usize = 4;

/// How often the head is read again because it was published meanwhile.
const READINGS_MAX: usize = 100;

/// Opens what can be read of a log.
pub(crate) fn open(disk: Arc<dyn Disk>, recent_records: u64) -> Result<Shared, OpenError> {
    let Readable { segments, synced, damage } = readable(&*disk)?;
    let header = segments[0].header;
    let hasher = Hasher13::new(&header.hash_key);
    let store_id = &header.store_id;
    let (parts, index_damage) =
        read_only_parts(&*disk, store_id, hasher, &segments, synced.position, recent_records)?;
    let view = View::new(segments, parts, recent_records);
    let indexed = view.parts.last().map_or(0, Part::last);
    let mut shared = Shared::new(disk, header.store_id, hasher, view, synced);
    // Damage that the index stops at comes before damage at the end of the last segment.
    if let Some(damage) = index_damage.or(damage) {
        tracing::error!(%damage, "the log is damaged, and read up to there");
        shared = shared.damaged_after(indexed, damage);
    }
    Ok(shared)
}

/// Takes in what another process has appended since.
pub(crate) fn take_in(shared: &Shared) -> Result<(), OpenError> {
    if shared.damage.is_some() {
        // What comes after damage is not shown.
        return Ok(());
    }
    let known = shared.synced();
    let new = |head: &Head| same_boot(head, &*shared.disk) && head.position > known.position;
    let Some(head) = published(&*shared.disk)?.filter(new) else { return Ok(()) };
    // Everything is read before anything is changed: what fails half way is tried again from the start.
    let mut view = shared.view();
    let mut segments_added = Vec::new();
    if head.segment > known.segment {
        let all = segments(&*shared.disk, OpenMode::Read)?;
        segments_added.extend(all.into_iter().take(head.segment as usize).skip(known.segment as usize));
        view.segments = Arc::new(view.segments.iter().chain(&segments_added).cloned().collect());
    }
    let (first, last) = (known.position + 1, head.position);
    let fits_a_table = last - known.position <= view.recent_records;
    let tables = view.parts.iter().filter(|part| matches!(part, Part::Recent(_))).count();
    match view.parts.last() {
        Some(Part::Recent(recent)) if fits_a_table && recent.len() < view.recent_records => {
            let (mut starts, mut keys) = (Vec::new(), Vec::new());
            walk_on(&view.segments, &known, last, |offset, record| {
                starts.push((offset, keys.len()));
                keys_of(shared.hasher, record, |key| keys.push(key));
            })?;
            let ends = starts.iter().skip(1).map(|(_, keys)| *keys).chain([keys.len()]);
            let mut adding = recent.add();
            for (&(offset, start), end) in starts.iter().zip(ends) {
                adding.record(offset);
                keys[start..end].iter().for_each(|key| adding.key(*key));
            }
            drop(adding);
            shared.add_segments(segments_added);
        }
        _ if fits_a_table && tables < TABLES_BEFORE_RELISTING => {
            let recent = index_range(&view.segments, shared.hasher, first, last)?;
            shared.add_segments(segments_added);
            shared.change_parts(|parts| parts.push(Part::Recent(Arc::new(recent))));
        }
        _ => {
            let (disk, store_id) = (&*shared.disk, &shared.store_id);
            let (segments, room) = (&view.segments, view.recent_records);
            let (parts, damage) = read_only_parts(disk, store_id, shared.hasher, segments, last, room)?;
            if let Some(damage) = damage {
                return Err(damage.into());
            }
            shared.add_segments(segments_added);
            shared.change_parts(|all| *all = parts);
        }
    }
    shared.set_synced(head);
    Ok(())
}

/// Whether the head was published since the machine was started, as far as can be told.
fn same_boot(head: &Head, disk: &dyn Disk) -> bool {
    disk.boot_id().is_none_or(|boot_id| boot_id == head.boot_id || head.boot_id == [0; 16])
}

/// What of a log can be read by a process that doesn't append to it.
struct Readable {
    segments: Vec<Arc<Segment>>,
    /// Where it ends.
    synced: Head,
    /// Why it ends there, if that is not the log's end.
    damage: Option<ReadError>,
}

fn readable(disk: &dyn Disk) -> Result<Readable, OpenError> {
    for _ in 0..READINGS_MAX {
        // The head comes first: the segments that are listed after it are at least those it speaks of.
        let head = published(disk)?;
        let mut segments = segments(disk, OpenMode::Read)?;
        let Some(last) = segments.last().cloned() else {
            return Err(OpenError::NotFound { folder: disk.name() });
        };
        if let Some(head) = &head {
            check_head(head, &last)?;
        }
        if let Some(synced) = head.filter(|head| same_boot(head, disk)) {
            // What lies beyond may be in the page cache only.
            segments.truncate(synced.segment as usize);
            return Ok(Readable { segments, synced, damage: None });
        }
        let recovered = recover_last(&last, head.as_ref())?;
        if published(disk)? != head {
            // Another process has opened the log, and what was just read may not be synced yet.
            continue;
        }
        let damage = match recovered.verdict {
            Verdict::Corrupt { offset, what } => Some(ReadError::Damaged { file: last.name(), offset, what }),
            Verdict::Clean | Verdict::RolledBack { .. } => None,
        };
        let synced = Head {
            store_id: last.header.store_id,
            boot_id: [0; 16],
            segment: last.header.number,
            end: recovered.end,
            position: recovered.next_position - 1,
            chain: recovered.chain,
        };
        return Ok(Readable { segments, synced, damage });
    }
    let source = io::Error::other("it changed each time it was read");
    Err(OpenError::Io { act: "read the published head".to_owned(), source })
}

/// The index of a log that is only read: its runs, and in memory what comes after the last of them, as far as
/// memory is meant for it. It ends before `head` where the records are damaged, and says how.
fn read_only_parts(
    disk: &dyn Disk,
    store_id: &[u8; 16],
    hasher: Hasher13,
    segments: &[Arc<Segment>],
    head: u64,
    recent_records: u64,
) -> Result<(Vec<Part>, Option<ReadError>), OpenError> {
    let mut parts = index_parts(disk, store_id, head, false)?;
    let Some(Part::Gap { first, last }) = parts.last().cloned() else { return Ok((parts, None)) };
    parts.pop();
    // The newest are indexed first; what doesn't fit stays a gap.
    let room = recent_records * TABLES_BEFORE_RELISTING as u64;
    let mut start = first.max((last + 1).saturating_sub(room));
    if first < start {
        parts.push(Part::Gap { first, last: start - 1 });
    }
    while start <= last {
        let until = last.min(start + recent_records - 1);
        let (recent, failed) = index_readable(segments, hasher, start, until);
        parts.push(Part::Recent(Arc::new(recent)));
        match failed {
            None => {}
            Some(damage @ ReadError::Damaged { .. }) => return Ok((parts, Some(damage))),
            Some(failed) => return Err(failed.into()),
        }
        start = until + 1;
    }
    Ok((parts, None))
}
