//! The one writer: a thread that takes what waits, judges it, commits it as one frame, and answers.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::AppendError;
use crate::batch::{Appended, Batch};
use crate::error::describe;
use crate::frame::FrameBuilder;
use crate::index::{Part, Recent};
use crate::indexer::Indexer;
use crate::judge::{Judge, Judgement, Staged, unreadable};
use crate::shared::{LookupError, Shared};
use crate::tail::{CommitError, Committed, Tail};

/// A frame takes no further batch once it has this many bytes: enough to be written at the disk's full speed,
/// and little enough that nobody waits long for others' events.
const GROUP_BYTES_MAX: usize = 4 << 20;

/// A frame takes no further batch once it has this many records.
const GROUP_RECORDS_MAX: u32 = 16_384;

/// After so long without appends, the last frame is confirmed by one after it.
const CONFIRM_AFTER: Duration = Duration::from_secs(1);

/// A frame of so many records is answered before they are added to the index, so that its writers go on meanwhile.
/// With fewer, to be done and asleep lets whoever is woken have this processor, which is quicker than waking another.
const ANSWERED_FIRST_RECORDS: u32 = 256;

/// How many keys ahead the index is fetched where they are added. A record has about four.
const PREFETCHED_KEYS: usize = 32;

/// So long the writer waits at most for the next of as many appends as it answered last. Writers that go on at once
/// then share the next sync, instead of the first of them having it alone; who writes alone never waits.
const GATHER_MAX: Duration = Duration::from_micros(50);

/// What is called with the answer to an append.
pub(crate) type Reply = Box<dyn FnOnce(Result<Appended, AppendError>) + Send>;

/// Called with the position of the last synced record, each time it has moved.
pub(crate) type OnCommit = Arc<dyn Fn(u64) + Send + Sync>;

/// An append that waits.
struct Request {
    batch: Batch,
    reply: Reply,
}

/// The appends that wait for the writer.
#[derive(Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    requests: VecDeque<Request>,
    /// Whether the writer has to be woken.
    asleep: bool,
    closed: bool,
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").finish_non_exhaustive()
    }
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().expect("no code panics while it holds this lock")
    }

    /// Hands a batch to the writer. Batches are judged in the order in which they were handed in.
    pub(crate) fn submit(&self, batch: Batch, reply: Reply) {
        let mut waiting = self.waiting();
        if waiting.closed {
            drop(waiting);
            reply(Err(AppendError::Closed));
            return;
        }
        waiting.requests.push_back(Request { batch, reply });
        let asleep = std::mem::take(&mut waiting.asleep);
        drop(waiting);
        if asleep {
            self.changed.notify_one();
        }
    }

    /// Takes what fits into a frame that holds so much already; waits a little if nothing has come, and gives nothing
    /// when nothing does.
    fn take_more(&self, bytes: usize, records: usize) -> Vec<Request> {
        let begun = Instant::now();
        loop {
            let mut waiting = self.waiting();
            if !waiting.requests.is_empty() || waiting.closed {
                return take_group(&mut waiting.requests, bytes, records);
            }
            drop(waiting);
            if begun.elapsed() > GATHER_MAX {
                return Vec::new();
            }
            std::thread::yield_now();
        }
    }

    /// Lets the writer end once it has answered what waits.
    pub(crate) fn close(&self) {
        self.waiting().closed = true;
        self.changed.notify_one();
    }
}

/// Closes the queue when the writer has ended, also if it panicked: nobody waits for an answer that won't come.
pub(crate) struct ClosedInTheEnd<'a>(pub(crate) &'a Queue);

impl Drop for ClosedInTheEnd<'_> {
    fn drop(&mut self) {
        self.0.close();
        // Dropped unanswered; outside the lock, since what a reply's drop does is its owner's business.
        drop(std::mem::take(&mut self.0.waiting().requests));
    }
}

/// The writer of a log.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    tail: Tail,
    recent: Arc<Recent>,
    /// How many records a table in memory may have.
    recent_records: u64,
    indexer: Arc<Indexer>,
    on_commit: Option<OnCommit>,
    frame: FrameBuilder,
    staged: Staged,
    /// How many appends were answered last, and how long it took to write and sync them.
    answered_last: usize,
    wrote_last_in: Duration,
    poisoned: Option<Arc<str>>,
}

/// What goes into one frame, and who waits for it.
#[derive(Default)]
struct Group {
    batches: Vec<Batch>,
    pending: Vec<Pending>,
}

/// An answer that is given when the frame is synced.
struct Pending {
    reply: Reply,
    answer: Result<Appended, AppendError>,
    /// Whether the answer is about records in the frame, rather than a refusal because of them.
    stored_in_frame: bool,
}

impl Writer {
    pub(crate) fn new(
        shared: Arc<Shared>,
        tail: Tail,
        recent: Arc<Recent>,
        indexer: Arc<Indexer>,
        on_commit: Option<OnCommit>,
    ) -> Self {
        Self {
            recent_records: shared.view().recent_records,
            shared,
            tail,
            recent,
            indexer,
            on_commit,
            frame: FrameBuilder::new(),
            staged: Staged::default(),
            answered_last: 1,
            wrote_last_in: Duration::ZERO,
            poisoned: None,
        }
    }

    /// Works until the queue is closed and empty.
    pub(crate) fn run(mut self, queue: &Queue) {
        let mut idle_since = Instant::now();
        loop {
            let mut waiting = queue.waiting();
            while waiting.requests.is_empty() && !waiting.closed {
                waiting.asleep = true;
                let confirm = self.tail.unconfirmed() && self.poisoned.is_none();
                if !confirm {
                    waiting = queue.changed.wait(waiting).expect("no code panics while it holds this lock");
                    continue;
                }
                let Some(left) =
                    CONFIRM_AFTER.checked_sub(idle_since.elapsed()).filter(|left| !left.is_zero())
                else {
                    break;
                };
                let woken = queue.changed.wait_timeout(waiting, left);
                waiting = woken.expect("no code panics while it holds this lock").0;
            }
            waiting.asleep = false;
            let requests = take_group(&mut waiting.requests, 0, 0);
            let closed = waiting.closed;
            drop(waiting);
            if requests.is_empty() {
                self.confirm();
                if closed {
                    return;
                }
            } else {
                self.group(requests, queue);
            }
            idle_since = Instant::now();
        }
    }

    /// Judges a group of appends, and those that come meanwhile, commits those that may be, and answers all.
    fn group(&mut self, requests: Vec<Request>, queue: &Queue) {
        if let Some(reason) = &self.poisoned {
            for request in requests {
                (request.reply)(Err(AppendError::Poisoned(Arc::clone(reason))));
            }
            return;
        }
        if let Err(error) = self.indexer.wait_for_room(&self.shared) {
            for request in requests {
                (request.reply)(Err(AppendError::NotStored(Arc::clone(&error))));
            }
            return;
        }
        let mut group = self.gather(requests, queue);
        if self.frame.is_empty() {
            return;
        }
        let pending = std::mem::take(&mut group.pending);
        if let Err((pending, error)) = self.commit(&group.batches, pending) {
            self.answer_failure(pending, error);
        }
    }

    /// Judges appends as they come, so that those who answer the last ones and those who encode the next ones do so
    /// beside it: until they are as many as were answered last, or they stay away, or it has taken as long as a sync.
    fn gather(&mut self, mut requests: Vec<Request>, queue: &Queue) -> Group {
        let begun = Instant::now();
        self.frame.clear();
        self.staged.clear();
        let mut group = Group::default();
        let mut gathered = 0;
        while !requests.is_empty() {
            gathered += requests.len();
            for request in requests {
                self.take_in(request, &mut group);
            }
            if gathered >= self.answered_last || begun.elapsed() > self.wrote_last_in {
                break;
            }
            requests = queue.take_more(self.frame.frame_len(), self.frame.count() as usize);
        }
        self.answered_last = gathered;
        group
    }

    /// Judges an append: its records go into the frame, or it is answered.
    fn take_in(&mut self, Request { mut batch, reply }: Request, group: &mut Group) {
        self.staged.index_ids();
        match self.judge(&batch) {
            Judgement::Append { versions } => {
                let answer = Ok(self.stage(&mut batch, &versions));
                group.pending.push(Pending { reply, answer, stored_in_frame: true });
                group.batches.push(batch);
            }
            Judgement::Answer { answer, on_staged: true } => {
                let stored_in_frame = answer.is_ok();
                group.pending.push(Pending { reply, answer, stored_in_frame });
            }
            Judgement::Answer { answer, on_staged: false } => reply(answer),
        }
    }

    fn judge(&self, batch: &Batch) -> Judgement {
        let refuse = |error| Judgement::Answer { answer: Err(error), on_staged: false };
        if let Err(error) = batch.check() {
            return refuse(error);
        }
        loop {
            let view = self.shared.view();
            let judge = Judge { shared: &self.shared, view: &view, staged: &self.staged, frame: &self.frame };
            match judge.judge(batch) {
                Ok(judgement) => return judgement,
                Err(LookupError::Run(run)) => {
                    // Without an index every judgement would read the log; so it is made again first.
                    self.shared.set_aside(&run);
                    if let Err(error) = self.indexer.wait_for_repair(&self.shared) {
                        return refuse(AppendError::NotStored(error));
                    }
                }
                Err(LookupError::Read(error)) => return refuse(unreadable(&error)),
            }
        }
    }

    /// Puts a batch's records into the frame and says what becomes of them once it is synced.
    fn stage(&mut self, batch: &mut Batch, versions: &[u64]) -> Appended {
        let mut appended =
            Appended { versions: Vec::with_capacity(versions.len()), position: 0, repeated: false };
        let shift = self.frame.take(&mut batch.bytes);
        for (write, before) in batch.writes.iter().zip(versions) {
            let mut version = *before;
            for record in &batch.records[write.records.clone()] {
                version += 1;
                appended.position = self.tail.next_position() + u64::from(self.frame.count());
                let start = record.bytes.start + shift;
                self.frame.place(start..start + record.bytes.len(), appended.position, version);
                self.staged.push(start, batch.keys[record.keys.start]);
            }
            self.staged.end_stream(&self.frame, write.key);
            appended.versions.push(version);
        }
        appended
    }

    /// Writes and syncs the frame, and then answers and makes its records known.
    fn commit(
        &mut self,
        batches: &[Batch],
        pending: Vec<Pending>,
    ) -> Result<(), (Vec<Pending>, CommitError)> {
        let begun = Instant::now();
        let committed = match self.write() {
            Ok(committed) => committed,
            Err(error) => return Err((pending, error)),
        };
        self.wrote_last_in = begun.elapsed();
        // The index is locked until the records are in it, so nobody who sees the new head misses them.
        let mut adding = self.recent.add();
        self.shared.set_synced(self.tail.head());
        if let Some(on_commit) = &self.on_commit {
            on_commit(self.shared.head());
        }
        let answer_all = |pending: Vec<Pending>| {
            for Pending { reply, answer, .. } in pending {
                reply(answer);
            }
        };
        let (now, then) = if self.frame.count() >= ANSWERED_FIRST_RECORDS {
            (pending, Vec::new())
        } else {
            (Vec::new(), pending)
        };
        answer_all(now);
        let mut starts = self.staged.starts();
        for batch in batches {
            for write in &batch.writes {
                for record in &batch.records[write.records.clone()] {
                    // The batch's keys stand one after the other, whatever record they belong to.
                    let soon = record.keys.start + PREFETCHED_KEYS;
                    for key in batch.keys.iter().skip(soon).take(record.keys.len()) {
                        adding.prefetch(*key);
                    }
                    let start = starts.next().expect("every record of the frame was staged");
                    adding.record(committed.offset + start as u64);
                    adding.key(write.key);
                    for key in &batch.keys[record.keys.clone()] {
                        adding.key(*key);
                    }
                }
            }
        }
        drop(adding);
        drop(starts);
        answer_all(then);
        if self.recent.len() >= self.recent_records {
            self.begin_recent();
        }
        Ok(())
    }

    /// Writes and syncs the frame, in a new segment if this one has no room for it.
    fn write(&mut self) -> Result<Committed, CommitError> {
        if let Some(segment) = self.tail.make_room(self.frame.frame_len())? {
            self.shared.add_segments([segment]);
            // A table ends with its segment, so that opening reads the last segment at the most.
            self.begin_recent();
        }
        self.tail.commit(&mut self.frame)
    }

    /// Leaves the newest table to the indexer and begins another.
    fn begin_recent(&mut self) {
        if self.recent.len() == 0 {
            return;
        }
        self.recent = Arc::new(Recent::after(&self.recent));
        let recent = Part::Recent(Arc::clone(&self.recent));
        self.shared.change_parts(|parts| parts.push(recent));
        self.indexer.notify();
    }

    fn answer_failure(&mut self, pending: Vec<Pending>, error: CommitError) {
        match error {
            CommitError::NotWritten(error) => {
                let reason: Arc<str> = describe(&error).into();
                tracing::warn!(%reason, "an append was not stored");
                for Pending { reply, .. } in pending {
                    reply(Err(AppendError::NotStored(Arc::clone(&reason))));
                }
            }
            CommitError::Poisoned(error) => {
                let reason: Arc<str> = describe(&error).into();
                tracing::error!(%reason, "the log refuses appends until it is opened again");
                self.poisoned = Some(Arc::clone(&reason));
                for Pending { reply, stored_in_frame, .. } in pending {
                    reply(Err(if stored_in_frame {
                        AppendError::Unknown(Arc::clone(&reason))
                    } else {
                        AppendError::Poisoned(Arc::clone(&reason))
                    }));
                }
            }
        }
    }

    /// Confirms the last frame by an empty one.
    fn confirm(&mut self) {
        if !self.tail.unconfirmed() || self.poisoned.is_some() {
            return;
        }
        self.frame.clear();
        let made_room = self.tail.make_room(self.frame.frame_len());
        let confirmed = made_room.and_then(|segment| match segment {
            // The header of a new segment confirms the frame before it.
            Some(segment) => {
                self.shared.add_segments([segment]);
                self.begin_recent();
                Ok(())
            }
            None => self.tail.commit(&mut self.frame).map(|_| ()),
        });
        match confirmed {
            Ok(()) => {}
            Err(CommitError::NotWritten(error)) => {
                tracing::debug!(%error, "the last frame was not confirmed");
            }
            Err(CommitError::Poisoned(error)) => {
                tracing::error!(%error, "the log refuses appends until it is opened again");
                self.poisoned = Some(describe(&error).into());
            }
        }
    }
}

/// Takes from the queue what goes into one frame that holds so much already.
fn take_group(requests: &mut VecDeque<Request>, mut bytes: usize, mut records: usize) -> Vec<Request> {
    let count = requests
        .iter()
        .take_while(|request| {
            let fits = bytes < GROUP_BYTES_MAX && records < GROUP_RECORDS_MAX as usize;
            bytes += request.batch.len();
            records += request.batch.records.len();
            // A batch that alone exceeds the group's size is a group of its own.
            fits && (bytes <= GROUP_BYTES_MAX || bytes == request.batch.len())
        })
        .count();
    requests.drain(..count).collect()
}
