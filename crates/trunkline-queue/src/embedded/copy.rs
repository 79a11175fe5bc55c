//! A copy of a queue's journal as of one moment, also while a process has the queue.
//!
//! Segments before the newest state don't change any more, a state is never written again, and in the others frames follow
//! each other: what is copied is a state, all before it with its indexes, and frames up to one of them. Whatever is removed meanwhile was
//! copied before, or all is copied anew.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;

use trunkline_log::disk::{Disk, OpenMode, RealDisk};

use super::OpenError;
use super::frame::{self, Header, Verdict};
use super::index::index_name;
use super::journal::{read_all, segment_name, segment_number};
use super::snapshot::{state_name, state_number};

/// How often all is copied anew at most: each time, somebody must have finished a whole segment meanwhile.
const ATTEMPTS_MAX: u32 = 20;

/// How often a segment is read again that looks damaged: it may have been written to between two of its bytes.
const READS_MAX: u32 = 5;

/// What was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueCopy {
    /// How many segments.
    pub segments: u64,
    /// How many bytes, without the space that waits to be written to.
    pub bytes: u64,
}

/// Copies the queue in a folder to another folder, which is made, or emptied of what an interrupted copy has left; also
/// while a process has the queue.
///
/// The copy has all that was acknowledged before this was called: messages, what became of them, dead letters and what was
/// decided of them. It is opened as any queue is.
pub fn copy_queue(from: &Path, to: &Path) -> Result<QueueCopy, OpenError> {
    let (from, to): (Arc<dyn Disk>, Arc<dyn Disk>) =
        (Arc::new(RealDisk::new(from)), Arc::new(RealDisk::new(to)));
    to.create_dir("").map_err(OpenError::io(format!("make the folder {}", to.name())))?;
    let mut attempts = 0;
    loop {
        for name in to.list("").map_err(OpenError::io(format!("list the files of {}", to.name())))? {
            to.remove(&name).map_err(OpenError::io(format!("remove {name} of {}", to.name())))?;
        }
        attempts += 1;
        match copy(&*from, &*to) {
            // It was removed since the folder was listed.
            Err(OpenError::Io { source, .. })
                if source.kind() == ErrorKind::NotFound && attempts < ATTEMPTS_MAX => {}
            copied => return copied,
        }
    }
}

fn copy(from: &dyn Disk, to: &dyn Disk) -> Result<QueueCopy, OpenError> {
    let names = from.list("").map_err(OpenError::io("list the queue's folder"))?;
    let mut numbers: Vec<u32> = names.iter().filter_map(|name| segment_number(name)).collect();
    numbers.sort_unstable();
    let Some(&first) = numbers.first() else { return Err(OpenError::NotFound { folder: from.name() }) };
    let state = names.iter().filter_map(|name| state_number(name)).max();
    let mut copied = QueueCopy::default();
    for number in numbers.iter().copied().filter(|number| state.is_some_and(|state| *number < state)) {
        // Its messages are read one by one: damage is met when one is wanted, and is copied.
        let name = segment_name(number);
        let bytes = read(from, &name)?;
        let used =
            header(from, number + 1).map_or(bytes.len(), |next| usize_of(next.previous_end).min(bytes.len()));
        copied.segments += 1;
        copied.bytes += used as u64;
        write(to, &name, &bytes[..used], bytes.len() as u64)?;
        index(from, to, number, &mut copied)?;
    }
    if let Some(state) = state {
        let name = state_name(state);
        let bytes = read(from, &name)?;
        copied.bytes += bytes.len() as u64;
        write(to, &name, &bytes, bytes.len() as u64)?;
    }
    let mut number = state.unwrap_or(first);
    loop {
        let next = match header(from, number + 1) {
            Ok(next) => Some(next.previous_end),
            Err(OpenError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        segment(from, to, number, next, &mut copied)?;
        // One that is begun meanwhile is of a later moment.
        if next.is_none() {
            break;
        }
        number += 1;
    }
    to.sync_dir("").map_err(OpenError::io("sync the folder of the copy"))?;
    Ok(copied)
}

/// Copies the index of a segment that doesn't change any more, if it has one: a damaged segment can't be read without it.
fn index(from: &dyn Disk, to: &dyn Disk, number: u32, copied: &mut QueueCopy) -> Result<(), OpenError> {
    let name = index_name(number);
    match read(from, &name) {
        Ok(bytes) => {
            copied.bytes += bytes.len() as u64;
            write(to, &name, &bytes, bytes.len() as u64)
        }
        Err(OpenError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Copies a segment up to where the next one says that it ends, or up to its last frame; the rest of its space is left
/// empty.
fn segment(
    from: &dyn Disk,
    to: &dyn Disk,
    number: u32,
    end: Option<u64>,
    copied: &mut QueueCopy,
) -> Result<(), OpenError> {
    let name = segment_name(number);
    let mut reads = 0;
    let (bytes, end) = loop {
        reads += 1;
        let bytes = read(from, &name)?;
        let header = decode(&name, &bytes)?;
        let short = || OpenError::corrupt(&name, bytes.len() as u64, "it is too short");
        let part = match end {
            Some(end) => bytes.get(..usize_of(end)).ok_or_else(short)?,
            None => &bytes,
        };
        match frame::scan(part, &header.segment, |_, _| Ok(())) {
            Verdict::Corrupt { .. } if reads < READS_MAX && end.is_none() => {}
            Verdict::Corrupt { offset, what } => return Err(OpenError::corrupt(&name, offset, what)),
            Verdict::Clean { end: found, .. } | Verdict::RolledBack { end: found, .. } => {
                break (bytes, end.unwrap_or(found));
            }
        }
    };
    let used = &bytes[..usize_of(end).min(bytes.len())];
    copied.segments += 1;
    copied.bytes += used.len() as u64;
    write(to, &name, used, bytes.len() as u64)
}

fn usize_of(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

fn header(disk: &dyn Disk, number: u32) -> Result<Header, OpenError> {
    let name = segment_name(number);
    let failed = || OpenError::io(format!("read {name}"));
    let file = disk.open(&name, OpenMode::Read).map_err(failed())?;
    let mut bytes = vec![0; usize_of(frame::HEADER_LEN)];
    let read = file.read_at(0, &mut bytes).map_err(failed())?;
    decode(&name, &bytes[..read])
}

fn decode(name: &str, bytes: &[u8]) -> Result<Header, OpenError> {
    Header::decode(bytes).map_err(|malformed| OpenError::corrupt(name, 0, malformed.0))
}

fn read(disk: &dyn Disk, name: &str) -> Result<Vec<u8>, OpenError> {
    let read = || -> io::Result<Vec<u8>> { read_all(&*disk.open(name, OpenMode::Read)?) };
    read().map_err(OpenError::io(format!("read {name}")))
}

fn write(disk: &dyn Disk, name: &str, bytes: &[u8], len: u64) -> Result<(), OpenError> {
    let write = || -> io::Result<()> {
        let file = disk.create(name)?;
        file.write_at(0, bytes)?;
        file.set_len(len)?;
        file.sync()
    };
    write().map_err(OpenError::io(format!("write {name} of the copy")))
}
