//! The files of a journal: segments, of which the last is written to.
//!
//! A segment's space is filled with zeros and synced before it is used, so that a frame needs one sync of data
//! alone, and a full disk is met when a segment is made and not in the middle of a frame.

use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroU32;
use std::sync::Arc;

use trunkline_log::disk::{Disk, DiskFile, WriteLock};

use super::frame::{self, FRAME_HEADER_LEN, HEADER_LEN, Header};
use super::index::{Index, Indexed, index_name};
use super::missing::{Listed, Owned};
use super::record::Place;

/// A segment's file, and how much of it is still wanted.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) header: Header,
    /// Where its frames end; of the last segment, the journal knows better.
    pub(crate) end: u64,
    /// How many messages in it are not finished, and their bytes.
    pub(crate) live: u64,
    pub(crate) live_bytes: u64,
    /// It may go once there is a state newer than this segment, which has what finished or moved its messages.
    pub(crate) kept_for: u32,
    /// Messages in it can't be moved elsewhere, as they can't be read.
    pub(crate) stuck: bool,
}

#[derive(Debug)]
pub(crate) struct Journal {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) queue: [u8; 16],
    pub(crate) segment_bytes: u64,
    pub(crate) segments: BTreeMap<u32, Segment>,
    pub(crate) last: u32,
    /// Where the next frame goes, in the last segment.
    pub(crate) end: u64,
    /// Everything before this is synced, in the last segment.
    pub(crate) synced: u64,
    pub(crate) capacity: u64,
    /// An empty frame after it says that the last frame was synced.
    pub(crate) confirmed: bool,
    /// Of the last segment.
    pub(crate) index: Index,
    /// On the last segment, once there is one; held until nothing is written to it any more.
    pub(crate) segment_lock: Option<WriteLock>,
}

/// A segment that nothing is written to any more, and the index that it is to have.
struct Full {
    index: Index,
    header: Header,
    end: u64,
}

/// The name of a segment's file.
pub(crate) fn segment_name(number: u32) -> String {
    format!("{number:010}.seg")
}

/// The number in a segment's name.
pub(crate) fn segment_number(name: &str) -> Option<u32> {
    name.strip_suffix(".seg")?.parse().ok()
}

impl Journal {
    /// A journal with its first segment.
    pub(crate) fn create(disk: Arc<dyn Disk>, segment_bytes: u64) -> io::Result<Self> {
        let queue = uuid::Uuid::new_v4().into_bytes();
        let mut journal = Self {
            disk,
            queue,
            segment_bytes,
            segments: BTreeMap::new(),
            last: 0,
            end: 0,
            synced: 0,
            capacity: 0,
            confirmed: true,
            index: Index::default(),
            segment_lock: None,
        };
        journal.begin(0)?;
        Ok(journal)
    }

    /// How large a payload the last segment still takes.
    pub(crate) fn room(&self) -> usize {
        let room = self.capacity.saturating_sub(self.end + frame::ALIGN);
        usize::try_from(room).unwrap_or(0).saturating_sub(FRAME_HEADER_LEN)
    }

    /// Writes a frame, and says where its payload begins. The payload has room for a header before it.
    pub(crate) fn append(&mut self, mut bytes: Vec<u8>) -> io::Result<(NonZeroU32, u64)> {
        let segment = self.segments.get_mut(&self.last).ok_or_else(no_segment)?;
        frame::seal(&mut bytes, &segment.header.segment, self.end, self.synced);
        segment.file.write_at(self.end, &bytes)?;
        let at = self.end + FRAME_HEADER_LEN as u64;
        self.end += bytes.len() as u64;
        segment.end = self.end;
        self.confirmed = false;
        Ok((NonZeroU32::new(self.last).ok_or_else(no_segment)?, at))
    }

    pub(crate) fn sync(&mut self) -> io::Result<()> {
        if self.synced < self.end {
            self.segments.get(&self.last).ok_or_else(no_segment)?.file.sync()?;
            self.synced = self.end;
        }
        Ok(())
    }

    /// Says on disk that everything is synced, so that none of it can pass for a frame that was cut off.
    pub(crate) fn confirm(&mut self) -> io::Result<()> {
        self.sync()?;
        if !self.confirmed && self.room() > 0 {
            self.append(vec![0; FRAME_HEADER_LEN])?;
            self.confirmed = true;
        }
        self.sync()
    }

    /// Makes the next segment, with room for a payload of at least this size.
    ///
    /// After an error the last segment is still the last, with what was in it synced or not.
    pub(crate) fn begin(&mut self, room: usize) -> io::Result<()> {
        if let Some(full) = self.begin_segment(room)? {
            full.index.write(&*self.disk, &full.header, full.end);
        }
        Ok(())
    }

    /// The same behind a segment that is damaged, and that nothing tells of any more but its index.
    pub(crate) fn begin_behind_damage(&mut self) -> io::Result<()> {
        if let Some(full) = self.begin_segment(0)? {
            full.index.write_synced(&*self.disk, &full.header, full.end)?;
        }
        self.disk.sync_dir("")
    }

    /// Makes the next segment; the one before, which nothing is written to any more.
    fn begin_segment(&mut self, room: usize) -> io::Result<Option<Full>> {
        if !self.segments.is_empty() {
            self.sync()?;
        }
        let header = Header {
            queue: self.queue,
            segment: uuid::Uuid::new_v4().into_bytes(),
            number: self.last + 1,
            previous_end: self.end,
            old: false,
        };
        let least = HEADER_LEN + FRAME_HEADER_LEN as u64 + room as u64 + 64;
        let capacity = self.segment_bytes.max(least);
        let (name, temporary) = (segment_name(header.number), "segment.tmp");
        let file = self.disk.create(temporary)?;
        let filled = fill(&*file, &header, capacity);
        if let Err(error) = filled.and_then(|()| self.disk.rename(temporary, &name)) {
            // The space that it took is needed elsewhere now.
            let _ = self.disk.remove(temporary);
            return Err(error);
        }
        if let Err(error) = self.disk.sync_dir("") {
            let _ = self.disk.remove(&name);
            return Err(error);
        }
        // Nobody else has a file that was just made.
        let lock = WriteLock::take(&file)?;
        self.segment_lock = lock;
        let index = std::mem::take(&mut self.index);
        let before = self.segments.get(&self.last);
        let full = before.map(|segment| Full { index, header: segment.header, end: self.end });
        let segment =
            Segment { file, header, end: HEADER_LEN, live: 0, live_bytes: 0, kept_for: 0, stuck: false };
        self.segments.insert(header.number, segment);
        self.last = header.number;
        (self.end, self.synced, self.capacity) = (HEADER_LEN, HEADER_LEN, capacity);
        self.confirmed = true;
        Ok(full)
    }

    /// A message is in the last segment now.
    pub(crate) fn add(&mut self, message: &Indexed) {
        self.index.add(message);
        self.count(message.body.segment.get(), 1, message.body.len.into());
    }

    /// So many messages of so many bytes are in a segment.
    pub(crate) fn count(&mut self, segment: u32, live: u64, live_bytes: u64) {
        if let Some(segment) = self.segments.get_mut(&segment) {
            segment.live += live;
            segment.live_bytes += live_bytes;
        }
    }

    /// A message of a segment is finished, or somewhere else.
    pub(crate) fn drop_message(&mut self, place: Place) {
        if let Some(segment) = self.segments.get_mut(&place.segment.get()) {
            segment.live = segment.live.saturating_sub(1);
            segment.live_bytes = segment.live_bytes.saturating_sub(u64::from(place.len));
            // What finished it is replayed on opening, and needs it, until there is a newer state.
            segment.kept_for = segment.kept_for.max(self.last);
        }
    }

    /// Removes the segments before a state's that no group wants any more.
    pub(crate) fn remove_finished(&mut self, state: u32) {
        let gone: Vec<u32> = self
            .segments
            .range(..state.min(self.last))
            .filter(|(_, segment)| segment.live == 0 && segment.kept_for < state)
            .map(|(number, _)| *number)
            .collect();
        for number in gone {
            // One that was never written is no loss.
            let _ = self.disk.remove(&index_name(number));
            match self.disk.remove(&segment_name(number)) {
                Ok(()) => drop(self.segments.remove(&number)),
                Err(error) => {
                    tracing::warn!(%error, number, "a finished segment could not be removed");
                    return;
                }
            }
        }
    }

    /// The segments whose messages a state of the last one's number rests on: what is in none of them may go at
    /// any time, and what is in them only once there is a newer state.
    pub(crate) fn owned(&self) -> Owned {
        let before = self.segments.range(..self.last).filter(|(_, segment)| segment.live > 0);
        let listed = before.map(|(&number, segment)| Listed {
            number,
            id: segment.header.segment,
            live: segment.live,
        });
        Owned { queue: self.queue, segments: listed.collect() }
    }

    /// The bytes of all segments, and of the messages in them that are not finished.
    pub(crate) fn sizes(&self) -> (u64, u64) {
        let sealed = self.segments.values().map(|segment| segment.end).sum::<u64>();
        let live = self.segments.values().map(|segment| segment.live_bytes).sum();
        (sealed - self.end + self.capacity, live)
    }
}

/// Fills a new segment's file with zeros after its header, and syncs it.
fn fill(file: &dyn DiskFile, header: &Header, capacity: u64) -> io::Result<()> {
    const PIECE: usize = 1 << 20;
    let zeros = vec![0; PIECE.min(capacity as usize)];
    let mut at = 0;
    while at < capacity {
        let len = PIECE.min((capacity - at) as usize);
        file.write_at(at, &zeros[..len])?;
        at += len as u64;
    }
    file.write_at(0, &header.encode())?;
    file.sync()
}

fn no_segment() -> io::Error {
    io::Error::other("the journal has no segment")
}

/// Reads a whole file.
pub(crate) fn read_all(file: &dyn DiskFile) -> io::Result<Vec<u8>> {
    let len = usize::try_from(file.len()?).map_err(io::Error::other)?;
    let mut bytes = vec![0; len];
    let read = file.read_at(0, &mut bytes)?;
    bytes.truncate(read);
    Ok(bytes)
}
