//! Reading ahead: a scan of everything that goes on for long is read by two.
//!
//! ```text
//! positions ──▶ [ given out now ][ read by the runtime's blocking pool ][ read by the one who waits ] …
//! ```
//!
//! To read a record costs more than to hand it over, mostly for its checksum and for the memory it comes from. So a thread
//! reads ahead of whoever is given the events. Who is quicker than that doesn't wait, but reads what comes behind.

use std::collections::VecDeque;
use std::future::Future as _;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::vec;

use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinHandle};
use trunkline_core::RecordedEvent;
use trunkline_log::{self as engine, Record};

use super::read::{event, read_error};
use crate::ReadError;

/// After so many events a scan is one that goes on for long.
pub(super) const LONG: u32 = 2048;

/// So many events are read ahead at a time: enough that it doesn't matter what it takes to wake a thread for it.
const AHEAD: u64 = 4096;

/// So many events are read at a time by who would wait otherwise; it keeps others of its thread waiting so long.
const OWN: u64 = 512;

/// So many such parts are read behind one that is read ahead, together as much as that one.
const OWN_MAX: usize = 8;

type Item = Result<RecordedEvent, ReadError>;

/// Where a read takes its events from.
pub(super) enum Source {
    Cursor(engine::Cursor),
    Ahead(Ahead),
}

/// What is left of a scan of everything.
pub(super) struct Ahead {
    /// What no thread has begun to read.
    rest: engine::Cursor,
    /// What comes before it, in order; at most one of them is being read.
    parts: VecDeque<Part>,
    given: vec::IntoIter<Item>,
    runtime: Handle,
}

enum Part {
    Reading(JoinHandle<Vec<Item>>),
    Read(Vec<Item>),
}

impl Ahead {
    /// Goes on where a cursor is, unless that isn't a scan of everything, or there is no runtime with threads for it.
    pub(super) fn of(mut cursor: engine::Cursor) -> Source {
        let Ok(runtime) = Handle::try_current() else { return Source::Cursor(cursor) };
        let Some(first) = cursor.split_off(AHEAD) else { return Source::Cursor(cursor) };
        let mut ahead = Self { rest: cursor, parts: VecDeque::new(), given: Vec::new().into_iter(), runtime };
        ahead.begin(first);
        Source::Ahead(ahead)
    }

    /// The next event, or the error that ends the scan.
    #[inline]
    pub(super) fn poll_next(&mut self, ctx: &mut Context<'_>) -> Poll<Option<Item>> {
        match self.given.next() {
            Some(item) => Poll::Ready(Some(item)),
            None => self.poll_part(ctx),
        }
    }

    /// The first of the next part's events.
    fn poll_part(&mut self, ctx: &mut Context<'_>) -> Poll<Option<Item>> {
        loop {
            let part = match self.parts.front_mut() {
                Some(Part::Read(read)) => std::mem::take(read),
                Some(Part::Reading(reading)) => match Pin::new(reading).poll(ctx) {
                    Poll::Ready(part) => part.unwrap_or_else(not_read),
                    Poll::Pending => {
                        // Its end wakes the task. Until then there is what lies behind it to be read, in turns with
                        // the thread's other tasks.
                        if self.parts.len() <= OWN_MAX
                            && let Some(own) = self.rest.split_off(OWN)
                        {
                            self.parts.push_back(Part::Read(read(own, OWN)));
                            ctx.waker().wake_by_ref();
                        }
                        return Poll::Pending;
                    }
                },
                // Everything was given out, unless there is damage to speak of.
                None => return Poll::Ready(self.rest.next().map(item)),
            };
            self.parts.pop_front();
            self.read_ahead();
            self.given = part.into_iter();
            if let Some(item) = self.given.next() {
                return Poll::Ready(Some(item));
            }
        }
    }

    /// Has the part that comes next read, unless one is being read.
    fn read_ahead(&mut self) {
        if self.parts.iter().any(|part| matches!(part, Part::Reading(_))) {
            return;
        }
        if let Some(next) = self.rest.split_off(AHEAD) {
            self.begin(next);
        }
    }

    fn begin(&mut self, part: engine::Cursor) {
        self.parts.push_back(Part::Reading(self.runtime.spawn_blocking(|| read(part, AHEAD))));
    }
}

/// Everything that a cursor gives, up to an error: so many at most.
fn read(cursor: engine::Cursor, most: u64) -> Vec<Item> {
    let mut read = Vec::with_capacity(most as usize);
    for record in cursor {
        let item = item(record);
        let failed = item.is_err();
        read.push(item);
        if failed {
            break;
        }
    }
    read
}

fn item(record: Result<Record, engine::ReadError>) -> Item {
    record.map_err(read_error).and_then(event)
}

/// What is there instead of a part that was not read to its end.
fn not_read(error: JoinError) -> Vec<Item> {
    match error.try_into_panic() {
        Ok(panic) => resume_unwind(panic),
        Err(_) => {
            vec![Err(ReadError::Storage { reason: "the runtime that reads is being shut down".to_owned() })]
        }
    }
}
