//! The one thread that owns the state and the journal.
//!
//! It takes what waits, lets each operation change the state, writes all changes and messages as one frame, syncs
//! it when it has originals, lets the messages into the state, and only then answers everybody.
//! After a failed write or sync nothing is answered but that, until the queue is opened again: what is on disk is
//! then for recovery to say.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use trunkline_log::disk::DiskLock;

use super::STORAGE;
use super::frame::FRAME_HEADER_LEN;
use super::index::Indexed;
use super::journal::Journal;
use super::numbers;
use super::record::{Draft, Framed, Place, put_change, put_message};
use super::snapshot;
use super::stage::Stage;
use crate::engine::{Change, Engine};
use crate::{Clock, QueueStats, StorageError};

/// How many bytes of records one commit has at most, unless one operation alone has more.
const COMMIT_BYTES_MAX: usize = 2 << 20;

/// How many operations one commit has at most.
const COMMIT_JOBS_MAX: usize = 4_096;

/// After so long without work, what was written is synced and confirmed.
const IDLE: Duration = Duration::from_secs(1);

/// How often other processes get new numbers.
const NUMBERS_EVERY: Duration = Duration::from_millis(500);

/// What is done with an answer once its commit has come out.
pub(crate) type Finish = Box<dyn FnOnce(Result<(), StorageError>) + Send>;

/// An operation: given a stage, or why there is none.
pub(crate) type Operation = Box<dyn FnOnce(Result<&mut Stage<'_>, StorageError>) -> Option<Finish> + Send>;

/// An operation that waits for the writer.
pub(crate) enum Job {
    Operation {
        /// How many bytes it writes, at most.
        weight: usize,
        /// It stores messages, which a full disk refuses before anything else.
        stores: bool,
        operation: Operation,
    },
    /// Close the queue, then call this.
    Close(Box<dyn FnOnce() + Send>),
}

pub(crate) struct Writer {
    pub(crate) engine: Engine<Place>,
    pub(crate) journal: Journal,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) jobs: Receiver<Job>,
    /// The number of the newest state on disk, its bytes, and the bytes of frames written since.
    pub(crate) state: u32,
    pub(crate) state_bytes: u64,
    pub(crate) since_state: u64,
    pub(crate) poisoned: Option<String>,
    /// Leases of the process before have ended, which the next commit has to say.
    pub(crate) reopened: bool,
    pub(crate) lock: Box<dyn DiskLock>,
}

impl Writer {
    /// Works until the queue is closed, or its last handle is dropped.
    pub(crate) fn run(mut self) {
        let mut numbers_at = Instant::now();
        let mut changed = true;
        let mut next = None;
        let closed = loop {
            if changed && numbers_at.elapsed() >= NUMBERS_EVERY {
                self.publish_numbers();
                (numbers_at, changed) = (Instant::now(), false);
            }
            let wait = if changed { NUMBERS_EVERY } else { IDLE };
            let job = match next.take() {
                Some(job) => Ok(job),
                None => self.jobs.recv_timeout(wait),
            };
            match job {
                Ok(Job::Close(closed)) => break Some(closed),
                Ok(job) => {
                    next = self.commit(job);
                    changed = true;
                }
                Err(RecvTimeoutError::Timeout) => self.rest(),
                Err(RecvTimeoutError::Disconnected) => break None,
            }
        };
        if self.poisoned.is_none()
            && let Err(error) = self.journal.confirm()
        {
            tracing::warn!(%error, "the queue could not be confirmed at its end");
        }
        self.publish_numbers();
        self.engine.everybody();
        let Self { journal, jobs, lock, .. } = self;
        drop((journal, jobs));
        drop(lock);
        if let Some(closed) = closed {
            closed();
        }
    }

    /// Commits a job with those that wait behind it; returns the one that has to come in the next commit.
    fn commit(&mut self, first: Job) -> Option<Job> {
        let mut finishes = Vec::new();
        let mut left = None;
        let (mut bytes, mut count) = (0, 0);
        let stored_bytes = self.journal.sizes().0;
        let reserve = self.reserve();
        let mut job = Some(first);
        let (changes, drafts) = {
            let mut room = self.journal.room();
            if let Some(Job::Operation { weight, .. }) = &job
                && room < weight + reserve
                && self.poisoned.is_none()
            {
                if let Err(error) = self.rotate(*weight + reserve) {
                    tracing::warn!(%error, "the queue could not get more room");
                    if let Some(Job::Operation { stores, weight, .. }) = &job
                        && (*stores || *weight > room)
                        && self.poisoned.is_none()
                    {
                        refuse(job.take(), &StorageError::NotStored { reason: describe(&error) });
                    }
                }
                room = self.journal.room();
            }
            let mut stage =
                Stage::new(&mut self.engine, self.clock.now(), &self.journal.segments, stored_bytes);
            if std::mem::take(&mut self.reopened) {
                stage.changes.push(Change::Reopened);
            }
            if self.poisoned.is_none() {
                stage.engine.tidy(stage.now, &mut stage.changes);
            }
            while let Some(this) = job.take() {
                let Job::Operation { weight, stores, operation } = this else {
                    left = Some(this);
                    break;
                };
                let full = bytes + weight > COMMIT_BYTES_MAX || bytes + weight + reserve > room;
                if count > 0 && full {
                    left = Some(Job::Operation { weight, stores, operation });
                    break;
                }
                let staged = match &self.poisoned {
                    Some(reason) => Err(StorageError::Poisoned { storage: STORAGE, reason: reason.clone() }),
                    None => Ok(&mut stage),
                };
                finishes.extend(operation(staged));
                (bytes, count) = (bytes + weight, count + 1);
                if count < COMMIT_JOBS_MAX {
                    job = self.jobs.try_recv().ok();
                }
            }
            (stage.changes, stage.drafts)
        };
        let outcome = self.write(&changes, drafts);
        for finish in finishes {
            finish(outcome.clone());
        }
        if outcome.is_ok() && self.poisoned.is_none() {
            self.clean();
        }
        let lapsed = std::mem::take(&mut self.engine.lapsed);
        if lapsed > 0 {
            tracing::warn!(messages = lapsed, "dead letters have lapsed; what they held goes on");
        }
        left
    }

    /// Room that only what frees room may take.
    pub(super) fn reserve(&self) -> usize {
        (self.journal.segment_bytes / 8).min(1 << 20) as usize
    }

    /// Writes a frame of changes and messages, and lets the messages into the state.
    fn write(&mut self, changes: &[Change], drafts: Vec<(Framed, Draft)>) -> Result<(), StorageError> {
        if let Some(reason) = &self.poisoned {
            return Err(StorageError::Poisoned { storage: STORAGE, reason: reason.clone() });
        }
        if changes.is_empty() && drafts.is_empty() {
            return Ok(());
        }
        let mut frame = vec![0; FRAME_HEADER_LEN];
        for change in changes {
            put_change(&mut frame, change);
        }
        let offsets: Vec<usize> =
            drafts.iter().map(|(framed, draft)| put_message(&mut frame, framed, &draft.encoded)).collect();
        let sync = !drafts.is_empty() || changes.iter().any(Change::is_original);
        self.since_state += frame.len() as u64;
        let written = self.journal.append(frame);
        let (segment, at) =
            match written.and_then(|at| if sync { self.journal.sync().map(|()| at) } else { Ok(at) }) {
                Ok(at) => at,
                Err(error) => return Err(self.poison(&describe(&error))),
            };
        for ((framed, draft), offset) in drafts.into_iter().zip(offsets) {
            let offset = at as usize + offset - FRAME_HEADER_LEN;
            let body = Place { segment, offset: offset as u32, len: draft.encoded.len() as u32 };
            let Draft { id, key, enqueued_at, due, .. } = draft;
            let message = Indexed { framed, body, id, key, enqueued_at, due };
            self.journal.add(&message);
            self.engine.publish(framed.topic, framed.place, message.entry(), due, framed.to);
        }
        for place in self.engine.freed.drain(..) {
            self.journal.drop_message(place);
        }
        Ok(())
    }

    pub(super) fn poison(&mut self, reason: &str) -> StorageError {
        tracing::error!(reason, "the queue refuses work until it is opened again");
        self.poisoned = Some(reason.to_owned());
        self.engine.everybody();
        StorageError::Unknown { storage: STORAGE, reason: reason.to_owned() }
    }

    /// Goes on in a new segment, and with a new state: what is before it is only read for messages.
    pub(crate) fn begin_anew(&mut self, behind_damage: bool) -> std::io::Result<()> {
        if behind_damage {
            self.journal.begin_behind_damage()?;
        } else {
            self.journal.begin(0)?;
        }
        let owned = self.journal.owned();
        let bytes = snapshot::write(&*self.journal.disk, &self.engine, self.journal.last, &owned)?;
        (self.state, self.state_bytes, self.since_state) = (self.journal.last, bytes, 0);
        Ok(())
    }

    /// Goes on in a new segment, with a new state where one is due.
    pub(super) fn rotate(&mut self, room: usize) -> std::io::Result<()> {
        if let Err(error) = self.journal.begin(room) {
            // A sync that failed may have lost what was acknowledged without one, and what comes after it.
            if self.journal.synced < self.journal.end {
                self.poison(&describe(&error));
            }
            return Err(error);
        }
        if self.since_state >= (2 * self.state_bytes).max(self.journal.segment_bytes) {
            self.renew_state();
        }
        Ok(())
    }

    fn renew_state(&mut self) {
        let owned = self.journal.owned();
        match snapshot::write(&*self.journal.disk, &self.engine, self.journal.last, &owned) {
            Ok(bytes) => {
                (self.state, self.state_bytes, self.since_state) = (self.journal.last, bytes, 0);
            }
            Err(error) => {
                tracing::warn!(%error, "the queue's state could not be renewed; segments stay longer");
            }
        }
    }

    /// Nothing is asked for: what was written without a sync gets one.
    fn rest(&mut self) {
        if self.poisoned.is_none()
            && !self.journal.confirmed
            && let Err(error) = self.journal.confirm()
        {
            self.poison(&describe(&error));
        }
    }

    pub(crate) fn publish_numbers(&mut self) {
        if self.poisoned.is_some() {
            return;
        }
        let at = self.clock.now();
        let stats =
            QueueStats { at, stored_bytes: self.journal.sizes().0, topics: self.engine.topic_stats(at) };
        if let Err(error) = numbers::publish(&*self.journal.disk, &stats) {
            tracing::warn!(%error, "the queue's numbers could not be published");
        }
    }
}

fn refuse(job: Option<Job>, error: &StorageError) {
    if let Some(Job::Operation { operation, .. }) = job
        && let Some(finish) = operation(Err(error.clone()))
    {
        finish(Err(error.clone()));
    }
}

/// A disk's error, with what to do about the one that users can mend.
pub(super) fn describe(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            format!("the disk is full ({error}); free some space, then publish again")
        }
        _ => error.to_string(),
    }
}
