//! Reading a [`LogStore`]: the log's cursors as streams.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures::StreamExt;
use trunkline_core::{Position, RecordedEvent, StreamName, Version};
use trunkline_log::{self as engine, Label, Log};

use super::ahead::{Ahead, LONG, Source};
use super::{LogStore, codec};
use crate::{AllRead, Direction, EventStream, ReadError, StreamInfo, StreamList, StreamRead, StreamsRead};

/// After so many events a reader lets other tasks of its thread run. Reading mapped files blocks only where
/// the page is not in memory, so it happens in the task itself.
const EVENTS_A_TURN: u32 = 128;

/// How often a store that is only read looks whether another process has appended.
const LOOK_EVERY: Duration = Duration::from_millis(10);

pub(super) fn read_error(error: engine::ReadError) -> ReadError {
    match error {
        engine::ReadError::Damaged { .. } => ReadError::Damaged { what: error.to_string() },
        other => ReadError::Storage { reason: other.to_string() },
    }
}

impl LogStore {
    /// The head, with what another process has appended.
    pub(super) fn refreshed(&self) -> Result<u64, ReadError> {
        self.log.refresh().map_err(|error| match error {
            engine::OpenError::Corrupt { .. } => ReadError::Damaged { what: error.to_string() },
            other => ReadError::Storage { reason: other.to_string() },
        })
    }

    pub(super) async fn wait_for_head(&self, position: u64) -> Result<Position, ReadError> {
        let mut moves = self.head.clone();
        loop {
            let head = self.refreshed()?;
            if head > position {
                return Ok(Position::new(head));
            }
            if let Some(damage) = self.log.damage() {
                // What comes after damage never shows.
                return Err(read_error(damage));
            }
            if self.read_only {
                tokio::time::sleep(LOOK_EVERY).await;
            } else if moves.wait_for(|head| *head > position).await.is_err() {
                return Err(ReadError::Storage { reason: "the store was closed".to_owned() });
            }
        }
    }
}

/// The events of a cursor that is made at the first poll, so that the read ends where the store was then.
fn events(
    store: &LogStore,
    limit: Option<u64>,
    open: impl FnOnce(&Log) -> engine::Cursor + Send + 'static,
) -> EventStream {
    let store = store.clone();
    let mut open = Some(open);
    let mut source = None;
    let mut left = limit.unwrap_or(u64::MAX);
    let mut until_long = if limit.is_none() { LONG } else { 0 };
    let mut turn = 0;
    futures::stream::poll_fn(move |ctx| {
        if let Some(open) = open.take() {
            if let Err(error) = store.refreshed() {
                return Poll::Ready(Some(Err(error)));
            }
            source = Some(Source::Cursor(open(&store.log)));
        }
        if left == 0 {
            source = None;
        }
        if turn == EVENTS_A_TURN {
            turn = 0;
            ctx.waker().wake_by_ref();
            return Poll::Pending;
        }
        turn += 1;
        let failed = match &mut source {
            None => return Poll::Ready(None),
            Some(Source::Cursor(records)) => match records.next() {
                Some(Ok(record)) => {
                    left -= 1;
                    if until_long > 0 {
                        until_long -= 1;
                        if until_long == 0
                            && let Some(Source::Cursor(cursor)) = source.take()
                        {
                            source = Some(Ahead::of(cursor));
                        }
                    }
                    return Poll::Ready(Some(decode(record, &mut left)));
                }
                failed => failed.and_then(Result::err).map(read_error),
            },
            Some(Source::Ahead(ahead)) => match ahead.poll_next(ctx) {
                Poll::Ready(Some(Ok(event))) => return Poll::Ready(Some(Ok(event))),
                Poll::Ready(failed) => failed.and_then(Result::err),
                Poll::Pending => return Poll::Pending,
            },
        };
        source = None;
        Poll::Ready(failed.map(Err))
    })
    .boxed()
}

/// The event that a record is; when it is none, nothing is left to read. So the answer need not be looked at, and the
/// event is made where it is handed over rather than copied there.
#[inline]
fn decode(record: engine::Record, left: &mut u64) -> Result<RecordedEvent, ReadError> {
    let event = event(record);
    if event.is_err() {
        *left = 0;
    }
    event
}

/// The event that a record is.
#[inline]
pub(super) fn event(record: engine::Record) -> Result<RecordedEvent, ReadError> {
    let position = record.position();
    codec::decode(record).ok_or_else(|| ReadError::Damaged {
        what: format!("the record at position {position} is not an event"),
    })
}

pub(super) fn stream(store: &LogStore, stream: &StreamName, read: StreamRead) -> EventStream {
    let stream = stream.clone();
    let versions = read.from.get()..=read.to.get();
    events(store, read.limit, move |log| {
        log.stream(stream.as_str().as_bytes(), versions, read.direction == Direction::Forward)
    })
}

pub(super) fn all(store: &LogStore, read: AllRead) -> EventStream {
    let AllRead { query, from, to, direction, limit } = read;
    events(store, limit, move |log| {
        let forward = direction == Direction::Forward;
        log.matching(codec::query(log, &query), from.get()..=to.get(), forward)
    })
}

/// Streams are found by their first events, in the order of these; each one's last event is looked up.
pub(super) fn streams(store: &LogStore, read: StreamsRead) -> StreamList {
    let StreamsRead { aggregate_type, after, limit } = read;
    let log = Arc::clone(&store.log);
    let firsts = events(store, None, move |log| {
        let mut query = engine::LabelQuery::default();
        query.item();
        if let Some(kind) = &aggregate_type {
            log.any_of(&mut query, [Label { kind: codec::AGGREGATE_TYPE, text: kind.as_bytes() }]);
        }
        log.matching(query, after.next().get()..=u64::MAX, true)
    });
    let infos = firsts.filter_map(move |event| {
        let info = match event {
            Ok(event) if event.version() != Version::FIRST => None,
            Ok(event) => Some(info(&log, &event)),
            Err(error) => Some(Err(error)),
        };
        std::future::ready(info)
    });
    infos.take(usize::try_from(limit.unwrap_or(u64::MAX)).unwrap_or(usize::MAX)).boxed()
}

fn info(log: &Log, first: &RecordedEvent) -> Result<StreamInfo, ReadError> {
    let last = log.stream(first.stream().as_bytes(), 1..=u64::MAX, false).next();
    let last = last.transpose().map_err(read_error)?;
    let (version, last_position) = last
        .map_or((first.version().get(), first.position().get()), |last| (last.version(), last.position()));
    Ok(StreamInfo {
        stream: first.stream_name(),
        version: Version::new(version),
        first_position: first.position(),
        last_position: Position::new(last_position),
    })
}
