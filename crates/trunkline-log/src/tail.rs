//! The end of the log: where frames are written and synced, and segments begin.
//!
//! One [`Tail`] owns the end. Its rules, in order of what would break without them:
//!
//! 1. A frame is written only after the sync of the frame before has returned, so that a frame on disk proves
//!    that all before it were synced.
//! 2. After a failed sync nothing is written any more: the log is poisoned until it is opened again.
//! 3. A write that failed half way is taken back (zeroed) before anything else is written there.
//! 4. A segment has its name, synced, before its first frame is written.

use std::io;
use std::sync::Arc;

use crate::disk::{Disk, DiskFile, OpenMode, WriteLock};
use crate::error::OpenError;
use crate::frame::FrameBuilder;
use crate::head::{self, Head};
use crate::recover::{Recovered, last_nonzero};
use crate::segment::{self, Segment, file_name};

/// Frames up to this size go into space that was zeroed and allocated before: their sync then needs no change
/// of the file's metadata. Larger ones pay for that change with far more bytes, and are not written twice.
const ZEROED_FRAME_BYTES_MAX: u64 = 128 << 10;

/// How much space is zeroed ahead at first, and at most. It doubles each time, so that a small store stays
/// small on disk.
const ZEROED_AHEAD: std::ops::RangeInclusive<u64> = 64 << 10..=1 << 20;

/// Why a frame was not committed.
#[derive(Debug)]
pub(crate) enum CommitError {
    /// Nothing of it is there, and the next may be tried.
    NotWritten(io::Error),
    /// Nobody knows what is there; nothing may be written.
    Poisoned(io::Error),
}

/// What the end of a log is made from.
#[derive(Debug)]
pub(crate) struct TailOptions {
    pub(crate) segment_bytes: u64,
    /// Whether commits are synced.
    pub(crate) sync: bool,
}

/// The end of the log.
#[derive(Debug)]
pub(crate) struct Tail {
    disk: Arc<dyn Disk>,
    options: TailOptions,
    segment: Arc<Segment>,
    /// Held until nothing is written to the segment any more.
    segment_lock: WriteLock,
    head_file: Arc<dyn DiskFile>,
    boot_id: [u8; 16],
    /// Where the next frame goes.
    end: u64,
    chain: u32,
    next_position: u64,
    /// Up to here the file's space is allocated.
    prepared: u64,
    prepare_next: u64,
    /// Whether the last frame is one that has records and that nothing confirms yet.
    unconfirmed: bool,
}

/// Where a frame was committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Committed {
    /// Where in the segment the frame begins.
    pub(crate) offset: u64,
}

impl Tail {
    /// The end of a log whose last segment was recovered.
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        options: TailOptions,
        segment: Arc<Segment>,
        lock: WriteLock,
        recovered: &Recovered,
    ) -> Result<Self, OpenError> {
        let head_file = match disk.open(head::FILE, OpenMode::Write) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => disk.create(head::FILE),
            opened => opened,
        };
        let tail = Self {
            head_file: head_file.map_err(OpenError::io("open the published head"))?,
            boot_id: disk.boot_id().unwrap_or_default(),
            disk,
            options,
            segment,
            segment_lock: lock,
            end: recovered.end,
            chain: recovered.chain,
            next_position: recovered.next_position,
            prepared: recovered.end,
            prepare_next: *ZEROED_AHEAD.start(),
            unconfirmed: !recovered.confirmed,
        };
        tail.publish().map_err(OpenError::io("publish the head"))?;
        Ok(tail)
    }

    pub(crate) fn next_position(&self) -> u64 {
        self.next_position
    }

    pub(crate) fn unconfirmed(&self) -> bool {
        self.unconfirmed
    }

    /// Goes on in a new segment, if the frame doesn't fit into this one, and returns it then.
    pub(crate) fn make_room(&mut self, frame_len: usize) -> Result<Option<Arc<Segment>>, CommitError> {
        if self.end + frame_len as u64 <= self.segment.header.capacity {
            return Ok(None);
        }
        let needed = (segment::HEADER_LEN + frame_len) as u64;
        let header = segment::Header {
            segment_id: uuid::Uuid::new_v4().into_bytes(),
            number: self.segment.header.number + 1,
            first_position: self.next_position,
            capacity: self.options.segment_bytes.max(needed),
            previous_end: self.end,
            previous_chain: self.chain,
            ..self.segment.header
        };
        let segment = create_segment(&*self.disk, header)?;
        let in_use = || io::Error::new(io::ErrorKind::ResourceBusy, "another writer has the new segment");
        let lock = WriteLock::take(&segment.file).map_err(CommitError::Poisoned)?;
        self.segment_lock = lock.ok_or_else(|| CommitError::Poisoned(in_use()))?;
        self.segment = Arc::new(segment);
        self.end = segment::HEADER_LEN as u64;
        self.chain = header.chain();
        self.prepared = self.end;
        // The new segment's header says how far the one before it goes.
        self.unconfirmed = false;
        Ok(Some(Arc::clone(&self.segment)))
    }

    /// Writes a frame and waits until it is synced. It fits: [`Tail::make_room`] was asked.
    pub(crate) fn commit(&mut self, frame: &mut FrameBuilder) -> Result<Committed, CommitError> {
        let count = frame.count();
        let (bytes, chain) =
            frame.finish(&self.segment.header.segment_id, self.end, self.next_position, self.chain);
        let end = self.end + bytes.len() as u64;
        assert!(end <= self.segment.header.capacity, "room was made for the frame");
        self.prepare(end).map_err(CommitError::NotWritten)?;
        if let Err(error) = self.segment.file.write_at(self.end, bytes) {
            return Err(self.take_back(end, error));
        }
        if self.options.sync {
            self.segment.file.sync().map_err(CommitError::Poisoned)?;
        }
        let committed = Committed { offset: self.end };
        self.end = end;
        self.chain = chain;
        self.next_position += u64::from(count);
        self.prepared = self.prepared.max(end);
        self.unconfirmed = count > 0;
        // Before the next frame is written, and before any append is acknowledged.
        self.publish_or_lag()?;
        Ok(committed)
    }

    /// Allocates the space that a small frame goes into, and more for those to come.
    fn prepare(&mut self, end: u64) -> io::Result<()> {
        if end <= self.prepared || end - self.end > ZEROED_FRAME_BYTES_MAX {
            return Ok(());
        }
        let until = (self.prepared.max(end) + self.prepare_next).min(self.segment.header.capacity);
        zero(&*self.segment.file, self.prepared, until)?;
        self.prepared = until;
        self.prepare_next = (self.prepare_next * 2).min(*ZEROED_AHEAD.end());
        Ok(())
    }

    /// Zeroes what a failed write may have left of a frame.
    fn take_back(&self, end: u64, error: io::Error) -> CommitError {
        let file = &*self.segment.file;
        // Where the disk was too full to be written it is too full to be zeroed, but then there is nothing.
        let zeroed = zero(file, self.end, end);
        let mut rest = vec![0; (end - self.end) as usize];
        match file.read_at(self.end, &mut rest) {
            Ok(_) if last_nonzero(&rest).is_none() => {}
            Ok(_) => return CommitError::Poisoned(zeroed.err().unwrap_or(error)),
            Err(unread) => return CommitError::Poisoned(unread),
        }
        // The system may have written the frame to the disk already, and zeros that aren't synced don't replace
        // it there: after a power cut it could be back, though nothing of it was acknowledged.
        match self.options.sync.then(|| file.sync()) {
            None | Some(Ok(())) => CommitError::NotWritten(error),
            Some(Err(unsynced)) => CommitError::Poisoned(unsynced),
        }
    }

    /// Tells other processes how far the log is synced.
    fn publish(&self) -> io::Result<()> {
        self.head_file.write_at(0, &self.head().encode())
    }

    /// Publishes the head. A head that cannot be written now lags behind, which is what readers allow for, and is
    /// written after the next frame; but it has to be whole, since without it they would see what is not synced.
    fn publish_or_lag(&self) -> Result<(), CommitError> {
        let Err(error) = self.publish() else { return Ok(()) };
        match Head::read(&*self.head_file) {
            Ok(Some(_)) => {
                tracing::warn!(%error, "the head was not published; other processes see it with the next append");
                Ok(())
            }
            Ok(None) | Err(_) => Err(CommitError::Poisoned(error)),
        }
    }

    /// How far the log is synced.
    pub(crate) fn head(&self) -> Head {
        Head {
            store_id: self.segment.header.store_id,
            boot_id: self.boot_id,
            segment: self.segment.header.number,
            end: self.end,
            position: self.next_position - 1,
            chain: self.chain,
        }
    }
}

/// Makes a segment file under its name, synced.
pub(crate) fn create_segment(disk: &dyn Disk, header: segment::Header) -> Result<Segment, CommitError> {
    let name = file_name(header.number);
    let temporary = format!("{name}.tmp");
    let write = || {
        let file = disk.create(&temporary)?;
        file.set_len(header.capacity)?;
        file.write_at(0, &header.encode())?;
        file.sync()?;
        Ok(file)
    };
    let file = write().map_err(CommitError::NotWritten)?;
    if let Err(error) = disk.rename(&temporary, &name) {
        let unnamed =
            disk.open(&name, OpenMode::Read).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
        return Err(if unnamed { CommitError::NotWritten(error) } else { CommitError::Poisoned(error) });
    }
    // From here on the segment may be there after a crash, and it says that the one before it has ended.
    disk.sync_dir("").map_err(CommitError::Poisoned)?;
    Ok(Segment { header, file })
}

/// Writes zeros from one offset to another.
pub(crate) fn zero(file: &dyn DiskFile, from: u64, to: u64) -> io::Result<()> {
    static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
    let mut at = from;
    while at < to {
        let count = (to - at).min(ZEROS.len() as u64);
        file.write_at(at, &ZEROS[..count as usize])?;
        at += count;
    }
    Ok(())
}
