//! The new store: what it has is compared, what it lacks is appended, in order, and read back.
//!
//! An append gives positions write by write and names a stream once, so events that take turns between streams need
//! many small appends. Those are submitted together, to share a sync, and yet none is stored when one before it was
//! not: each begins with a stream that the one before has, too, and expects the version that the stream has only
//! then. So whatever fails, the new store has a beginning of the whole, and the next run goes on from there.

use std::collections::{HashMap, HashSet};

use futures::StreamExt as _;
use futures::future::join_all;
use trunkline_core::{Append, Expected, Position, RecordedEvent, StreamName, StreamWrite, Version};
use trunkline_store::{AllRead, EventStore, EventStoreExt as _, EventStream};

use super::carry::Carried;
use super::report::Seen;
use super::{MigrateError, StoredAt};

/// How many appends are in flight together.
const IN_FLIGHT_MAX: usize = 256;

/// How many bytes one append takes, unless a single event is larger.
const APPEND_BYTES: usize = 4 << 20;

/// How many versions of streams are remembered.
const VERSIONS_MAX: usize = 65_536;

/// The new store.
pub(super) struct Target<'a> {
    store: &'a dyn EventStore,
    /// What it has beyond the events that were compared; nothing once its end was found.
    there: Option<EventStream>,
    pub(super) seen: Seen,
    pub(super) written: u64,
    versions: HashMap<StreamName, Version>,
}

impl<'a> Target<'a> {
    pub(super) fn new(store: &'a dyn EventStore) -> Self {
        let there = Some(store.read_all(AllRead::default()));
        Self { store, there, seen: Seen::new(), written: 0, versions: HashMap::new() }
    }

    /// The last position that was compared.
    pub(super) fn position(&self) -> Position {
        self.seen.last.map_or(Position::START, |(position, _)| position)
    }

    /// Makes these the next events of the store, if they aren't.
    pub(super) async fn put(&mut self, events: &[Carried]) -> Result<(), MigrateError> {
        let there = self.compare(events).await?;
        let lacking = events.get(there..).unwrap_or_default();
        if lacking.is_empty() {
            return Ok(());
        }
        self.append(lacking).await?;
        self.written += lacking.len() as u64;
        self.there = Some(self.store.read_all(AllRead::after(self.position())));
        let read_back = self.compare(lacking).await?;
        match lacking.get(read_back) {
            None => Ok(()),
            Some(lost) => Err(MigrateError::NotThere { of: StoredAt::of(&lost.of) }),
        }
    }

    /// Compares these with the next events of the store, as far as it has any.
    async fn compare(&mut self, events: &[Carried]) -> Result<usize, MigrateError> {
        let Some(there) = &mut self.there else { return Ok(0) };
        for (count, wanted) in events.iter().enumerate() {
            let Some(found) = there.next().await.transpose().map_err(MigrateError::ReadBack)? else {
                self.there = None;
                return Ok(count);
            };
            // What names places in the new store was made for positions without gaps.
            let is_next = found.position().get() == self.seen.events + 1;
            if let Some(what) = difference(wanted, &found).or((!is_next).then_some("position")) {
                let (position, of) = (found.position(), Box::new(StoredAt::of(&wanted.of)));
                return Err(MigrateError::Differs { position, of, what });
            }
            self.seen.see(&found);
        }
        Ok(events.len())
    }

    /// Appends events in their order; on an error, the first of them up to some one of them are stored.
    async fn append(&mut self, events: &[Carried]) -> Result<(), MigrateError> {
        let parts = parts(events);
        let mut parts = parts.as_slice();
        while let [_, rest @ ..] = parts {
            let tied = rest.iter().take(IN_FLIGHT_MAX - 1).take_while(|part| part.is_tied).count();
            let (flight, later) = parts.split_at(1 + tied);
            let appends = self.tied(flight).await?;
            let appends = join_all(appends.into_iter().map(|append| self.store.append(append)));
            // Else a task that has done much is made to wait, and later appends are submitted before earlier ones.
            for appended in tokio::task::unconstrained(appends).await {
                appended?;
            }
            parts = later;
        }
        Ok(())
    }

    /// The appends of parts that are in flight together: each after the first fails unless the one before it was
    /// stored.
    async fn tied(&mut self, flight: &[Part<'_>]) -> Result<Vec<Append>, MigrateError> {
        if self.versions.len() > VERSIONS_MAX {
            self.versions.clear();
        }
        for stream in flight.iter().skip(1).filter_map(|part| Some(&part.events.first()?.stream)) {
            if !self.versions.contains_key(stream) {
                let version = self.store.version(stream).await.map_err(MigrateError::ReadBack)?;
                self.versions.insert(stream.clone(), version);
            }
        }
        let mut appends = Vec::with_capacity(flight.len());
        for (number, part) in flight.iter().enumerate() {
            let mut append = append_of(part.events);
            if number > 0
                && let Some(first) = append.writes.first_mut()
            {
                first.expected =
                    self.versions.get(&first.stream).map_or(Expected::Any, |at| Expected::At(*at));
            }
            for event in part.events {
                if let Some(version) = self.versions.get_mut(&event.stream) {
                    *version = version.next();
                }
            }
            appends.push(append);
        }
        Ok(appends)
    }
}

/// Events of one append.
struct Part<'a> {
    events: &'a [Carried],
    /// Whether its first stream is in the part before, too.
    is_tied: bool,
}

/// Cuts events into parts, each of which names no stream again after another one.
fn parts(events: &[Carried]) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let (mut start, mut bytes, mut is_tied) = (0, 0, false);
    let mut streams: HashSet<&StreamName> = HashSet::new();
    let mut last: Option<&StreamName> = None;
    for (at, Carried { stream, event, .. }) in events.iter().enumerate() {
        let comes_again = last != Some(stream) && streams.contains(stream);
        let size = event.data.len() + event.metadata.as_bytes().len();
        if comes_again || (bytes + size > APPEND_BYTES && at > start) {
            parts.push(Part { events: &events[start..at], is_tied });
            (start, bytes, is_tied) = (at, 0, streams.contains(stream));
            streams.clear();
        }
        bytes += size;
        streams.insert(stream);
        last = Some(stream);
    }
    parts.push(Part { events: &events[start..], is_tied });
    parts
}

fn append_of(events: &[Carried]) -> Append {
    let mut writes: Vec<StreamWrite> = Vec::new();
    for Carried { stream, event, .. } in events {
        match writes.last_mut() {
            Some(write) if write.stream == *stream => write.events.push(event.clone()),
            _ => writes.push(StreamWrite {
                stream: stream.clone(),
                expected: Expected::Any,
                events: vec![event.clone()],
            }),
        }
    }
    Append { writes, ..Append::default() }
}

/// What an event has otherwise than it should, if anything.
fn difference(wanted: &Carried, found: &RecordedEvent) -> Option<&'static str> {
    let Carried { stream, event, .. } = wanted;
    let times = (event.occurred_at, event.recorded_at);
    let same = [
        ("id", event.event_id == found.event_id()),
        ("stream", stream.as_str() == found.stream()),
        ("type", event.event_type.as_str() == found.event_type()),
        ("version of its shape", event.schema_version == found.schema_version()),
        ("data", event.data == found.data()),
        ("metadata", event.metadata.as_bytes() == found.metadata()),
        ("tags", event.tags.iter().map(trunkline_core::Tag::as_str).eq(found.tags())),
        ("time", times == (Some(found.occurred_at()), Some(found.recorded_at()))),
    ];
    same.into_iter().find(|(_, same)| !same).map(|(what, _)| what)
}
