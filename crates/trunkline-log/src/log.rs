//! A log that is open.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crate::batch::{Appended, Batch, LabelQuery};
use crate::cursor::{Cursor, Select};
use crate::disk::{Disk, DiskLock, Kind, OpenMode, WriteLock};
use crate::index::{self, Part, RECENT_RECORDS_MAX, Recent};
use crate::indexer::{Indexer, settle};
use crate::key::Hasher13;
use crate::open::{
    check_head, index_parts, mend, published, recover_last, remove_temporary, segments, tell_of_damaged_head,
};
use crate::record::Label;
use crate::recover::Verdict;
use crate::segment::{self, Segment};
use crate::shared::{Shared, View};
use crate::tail::{CommitError, Tail, TailOptions, create_segment};
use crate::writer::{ClosedInTheEnd, OnCommit, Queue, Reply, Writer};
use crate::{AppendError, OpenError, ReadError, read_only};

/// The file that the one writing process holds.
const LOCK_FILE: &str = "lock";

/// The least and the most that a segment's size may be: more would not fit the 32-bit offsets of the index.
const SEGMENT_BYTES: RangeInclusive<u64> = (16 << 10)..=(1 << 30);

/// How to open a log for appending.
#[derive(Clone)]
pub struct Options {
    /// The size of a new segment, in bytes.
    pub segment_bytes: u64,
    /// Whether an append is synced before it is acknowledged. Without, a power cut can lose acknowledged
    /// appends, and damage what came before them.
    pub sync: bool,
    /// How many records are indexed in memory before that index becomes a file: it bounds the memory. Less than
    /// the default makes many small files, which is for tests.
    pub recent_records: u64,
    /// Who opens the log, for those who want to and cannot.
    pub owner: String,
    /// Called with the position of the last synced record each time it has moved; it must neither block
    /// nor panic nor read the log.
    pub on_commit: Option<OnCommit>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            sync: true,
            recent_records: RECENT_RECORDS_MAX,
            owner: "an unnamed process".to_owned(),
            on_commit: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("segment_bytes", &self.segment_bytes)
            .field("sync", &self.sync)
            .field("recent_records", &self.recent_records)
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}

/// A log that is open, for appending and reading or only for reading.
#[derive(Debug)]
pub struct Log {
    shared: Arc<Shared>,
    mode: Mode,
    rolled_back_bytes: u64,
}

#[derive(Debug)]
enum Mode {
    Writing(Box<Writing>),
    /// The lock is held while what others appended is taken in.
    Reading(Mutex<()>),
}

#[derive(Debug)]
struct Writing {
    queue: Arc<Queue>,
    indexer: Arc<Indexer>,
    /// Taken when the log is closed.
    threads: Mutex<Option<Threads>>,
}

#[derive(Debug)]
struct Threads {
    writer: JoinHandle<()>,
    indexer: JoinHandle<()>,
    /// Dropped last: until then no other process may write.
    lock: Box<dyn DiskLock>,
}

/// Counts and sizes of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// How many records there are; those that can be read, when the log is damaged.
    pub records: u64,
    /// How many segments there are.
    pub segments: u64,
    /// Bytes of frames in the segments.
    pub segment_bytes: u64,
    /// How many index runs there are.
    pub runs: u64,
    /// Bytes of index runs.
    pub run_bytes: u64,
}

impl Log {
    /// Opens a log for appending and reading, and makes it when there is none.
    pub fn open(disk: Arc<dyn Disk>, options: Options) -> Result<Self, OpenError> {
        let in_the_way = disk.in_the_way_of(Kind::EventStore, false);
        if let Some(held) = in_the_way.map_err(OpenError::io(format!("look what {} holds", disk.name())))? {
            return Err(OpenError::Occupied { folder: disk.name(), held: held.to_string() });
        }
        disk.create_dir("").map_err(OpenError::io(format!("make the folder {}", disk.name())))?;
        disk.create_dir(index::FOLDER).map_err(OpenError::io("make the folder of the index"))?;
        let locked = disk.lock(LOCK_FILE, &options.owner);
        let lock = match locked.map_err(OpenError::io(format!("lock {}", disk.name())))? {
            Ok(lock) => lock,
            Err(owner) => return Err(OpenError::InUse { folder: disk.name(), owner }),
        };
        remove_temporary(&*disk)?;
        let segment_bytes = options.segment_bytes.clamp(*SEGMENT_BYTES.start(), *SEGMENT_BYTES.end());
        let mut segments = segments(&*disk, OpenMode::Write)?;
        if segments.is_empty() {
            segments.push(Arc::new(first_segment(&*disk, segment_bytes)?));
        }
        let last = Arc::clone(&segments[segments.len() - 1]);
        let tail_lock =
            WriteLock::take(&last.file).map_err(OpenError::io(format!("lock {}", last.name())))?;
        let Some(tail_lock) = tail_lock else {
            // The folder is another one than its writer's, or its lock was undone, and the segment is the same.
            return Err(OpenError::InUse { folder: disk.name(), owner: "another process".to_owned() });
        };
        let head = published(&*disk)?;
        match &head {
            Some(head) => check_head(head, &last)?,
            None => tell_of_damaged_head(&*disk)?,
        }
        let recovered = recover_last(&last, head.as_ref())?;
        let rolled_back_bytes = match &recovered.verdict {
            Verdict::Clean => 0,
            Verdict::RolledBack { bytes } => {
                tracing::warn!(bytes, file = last.name(), "a commit that was cut off has been rolled back");
                *bytes
            }
            Verdict::Corrupt { offset, what } => {
                return Err(OpenError::Corrupt { file: last.name(), offset: *offset, what: what.clone() });
            }
        };
        mend(&last, head.as_ref(), &recovered)?;
        let tail_options = TailOptions { segment_bytes, sync: options.sync };
        let (store_id, hash_key) = (last.header.store_id, last.header.hash_key);
        let position = recovered.next_position;
        // A killed process may have named a segment without syncing that name; what is appended to the segment
        // would be lost with it.
        disk.sync_dir("").map_err(OpenError::io(format!("sync the folder {}", disk.name())))?;
        let tail = Tail::new(Arc::clone(&disk), tail_options, last, tail_lock, &recovered)?;
        let parts = index_parts(&*disk, &store_id, position - 1, true)?;
        let recent_records = recent_records(options.recent_records);
        let view = View::new(segments, parts, recent_records);
        let hasher = Hasher13::new(&hash_key);
        let shared = Arc::new(Shared::new(disk, store_id, hasher, view, tail.head()));
        settle(&shared)?;
        let recent = newest_table(&shared);
        let writing = Writing::start(&shared, tail, recent, options.on_commit, lock)?;
        Ok(Self { shared, mode: Mode::Writing(Box::new(writing)), rolled_back_bytes })
    }

    /// Opens a log for reading, also beside a process that appends to it.
    ///
    /// A log whose records are damaged is opened all the same: reads that reach the damage end with an error. Of
    /// what follows damage that was met on opening, nothing is shown; a backward read that would begin there is an
    /// error from its start.
    pub fn open_read_only(disk: Arc<dyn Disk>) -> Result<Self, OpenError> {
        Self::open_read_only_with(disk, RECENT_RECORDS_MAX)
    }

    /// The same with an index in memory of another size; see [`Options::recent_records`].
    pub fn open_read_only_with(disk: Arc<dyn Disk>, recent_records_max: u64) -> Result<Self, OpenError> {
        let shared = read_only::open(disk, recent_records(recent_records_max))?;
        Ok(Self { shared: Arc::new(shared), mode: Mode::Reading(Mutex::new(())), rolled_back_bytes: 0 })
    }

    /// The store's id, made with its first segment.
    pub fn store_id(&self) -> [u8; 16] {
        self.shared.store_id
    }

    /// How many bytes of a commit that was cut off were rolled back when the log was opened.
    pub fn rolled_back_bytes(&self) -> u64 {
        self.rolled_back_bytes
    }

    /// An empty batch for this log.
    pub fn batch(&self) -> Batch {
        Batch::new(self.shared.hasher)
    }

    /// Adds to a query's last item that a record must have one of these labels.
    pub fn any_of<'a>(&self, query: &mut LabelQuery, labels: impl IntoIterator<Item = Label<'a>>) {
        query.any_of(self.shared.hasher, labels);
    }

    /// Appends a batch, and calls `reply` when it is synced, or why it isn't.
    ///
    /// Batches are judged in the order in which they are handed in. `reply` is called by the log's writer and
    /// must neither block it, nor panic, nor read the log: the records are added to the index right after.
    ///
    /// # Panics
    ///
    /// When the batch, or one of its writes, has no record.
    pub fn append(&self, batch: Batch, reply: impl FnOnce(Result<Appended, AppendError>) + Send + 'static) {
        let complete = batch.writes.iter().all(|write| !write.records.is_empty());
        assert!(
            complete && !batch.is_empty(),
            "a batch has records, and names a stream only with a record for it"
        );
        match &self.mode {
            Mode::Writing(writing) => writing.queue.submit(batch, Box::new(reply) as Reply),
            Mode::Reading(_) => reply(Err(AppendError::ReadOnly)),
        }
    }

    /// Appends a batch and waits until it is synced.
    pub fn append_blocking(&self, batch: Batch) -> Result<Appended, AppendError> {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        self.append(batch, move |answer| {
            // The receiver waits below for as long as this closure lives.
            sender.send(answer).expect("the receiver waits");
        });
        let ended = || AppendError::Unknown("the log's writer ended before it answered".into());
        receiver.recv().unwrap_or_else(|_| Err(ended()))
    }

    /// The position of the last record that readers see; 0 when there is none.
    pub fn head(&self) -> u64 {
        self.shared.head()
    }

    /// Why readers get no further than to [`head`](Self::head), when that is not the log's end.
    pub fn damage(&self) -> Option<ReadError> {
        self.shared.damage.clone()
    }

    /// The records of a stream with these versions, in their order or against it.
    pub fn stream(&self, name: &[u8], versions: RangeInclusive<u64>, forward: bool) -> Cursor {
        let select = Select::Stream { key: self.shared.hasher.stream(name), name: name.into(), versions };
        Cursor::new(&self.shared, select, 1..=u64::MAX, forward)
    }

    /// The records at these positions, in their order or against it.
    pub fn all(&self, positions: RangeInclusive<u64>, forward: bool) -> Cursor {
        Cursor::new(&self.shared, Select::All, positions, forward)
    }

    /// The records at these positions that a query selects, in their order or against it.
    pub fn matching(&self, query: LabelQuery, positions: RangeInclusive<u64>, forward: bool) -> Cursor {
        let select = if query.is_all() { Select::All } else { Select::Query(query) };
        Cursor::new(&self.shared, select, positions, forward)
    }

    /// Takes in what another process has appended since, if the log is open for reading only, and returns the
    /// head.
    pub fn refresh(&self) -> Result<u64, OpenError> {
        if let Mode::Reading(taking_in) = &self.mode {
            let _one_at_a_time = taking_in.lock().expect("no code panics while it holds this lock");
            read_only::take_in(&self.shared)?;
        }
        Ok(self.head())
    }

    /// Counts and sizes.
    pub fn stats(&self) -> Stats {
        let (view, synced) = (self.shared.view(), self.shared.synced());
        let sealed = view.segments.iter().skip(1).map(|next| next.header.previous_end);
        let runs = || {
            view.parts.iter().filter_map(|part| match part {
                Part::Run(run) => Some(run),
                Part::Recent(_) | Part::Gap { .. } => None,
            })
        };
        Stats {
            records: self.head(),
            segments: view.segments.len() as u64,
            segment_bytes: sealed.sum::<u64>() + synced.end,
            runs: runs().count() as u64,
            run_bytes: runs().map(|run| run.file_len()).sum(),
        }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Closes the log: what waits is answered, the last frame is confirmed, and the lock is given up.
    ///
    /// Dropping the log does the same.
    pub fn close(&self) {
        if let Mode::Writing(writing) = &self.mode {
            writing.close();
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.close();
    }
}

impl Writing {
    fn start(
        shared: &Arc<Shared>,
        tail: Tail,
        recent: Arc<Recent>,
        on_commit: Option<OnCommit>,
        lock: Box<dyn DiskLock>,
    ) -> Result<Self, OpenError> {
        let failed = || OpenError::io("start the log's threads");
        let queue = Arc::new(Queue::default());
        let indexer = Arc::new(Indexer::default());
        let writer = Writer::new(Arc::clone(shared), tail, recent, Arc::clone(&indexer), on_commit);
        let writer = std::thread::Builder::new().name("log-writer".to_owned()).spawn({
            let queue = Arc::clone(&queue);
            move || {
                let _closed_in_the_end = ClosedInTheEnd(&queue);
                writer.run(&queue);
            }
        });
        let writer = writer.map_err(failed())?;
        let thread = std::thread::Builder::new().name("log-indexer".to_owned()).spawn({
            let (indexer, shared) = (Arc::clone(&indexer), Arc::clone(shared));
            move || indexer.run(&shared)
        });
        let thread = match thread {
            Ok(thread) => thread,
            Err(error) => {
                queue.close();
                return Err(failed()(error));
            }
        };
        // There may be runs to merge from before.
        indexer.notify();
        let threads = Mutex::new(Some(Threads { writer, indexer: thread, lock }));
        Ok(Self { queue, indexer, threads })
    }

    fn close(&self) {
        let threads = self.threads.lock().expect("no code panics while it holds this lock").take();
        let Some(Threads { writer, indexer, lock }) = threads else { return };
        self.queue.close();
        // A panic of the thread was printed when it happened; the log is closed all the same.
        let writer = writer.join();
        self.indexer.close();
        let indexer = indexer.join();
        if writer.is_err() || indexer.is_err() {
            tracing::error!("a thread of the log had panicked");
        }
        drop(lock);
    }
}

/// How many records one table in memory may have: at least one, and no more than bounds the memory.
fn recent_records(wanted: u64) -> u64 {
    wanted.clamp(1, RECENT_RECORDS_MAX)
}

fn first_segment(disk: &dyn Disk, capacity: u64) -> Result<Segment, OpenError> {
    let header = segment::Header {
        store_id: uuid::Uuid::new_v4().into_bytes(),
        hash_key: uuid::Uuid::new_v4().into_bytes(),
        segment_id: uuid::Uuid::new_v4().into_bytes(),
        number: 1,
        first_position: 1,
        capacity,
        previous_end: 0,
        previous_chain: 0,
    };
    create_segment(disk, header).map_err(|error| {
        let (CommitError::NotWritten(source) | CommitError::Poisoned(source)) = error;
        OpenError::Io { act: "make the first segment".to_owned(), source }
    })
}

/// The table that the writer goes on with: the last one, or a new one.
fn newest_table(shared: &Shared) -> Arc<Recent> {
    if let Some(Part::Recent(recent)) = shared.view().parts.last() {
        return Arc::clone(recent);
    }
    let recent = Arc::new(Recent::new(shared.head() + 1));
    shared.change_parts(|parts| parts.push(Part::Recent(Arc::clone(&recent))));
    recent
}
