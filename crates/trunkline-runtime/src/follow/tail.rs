//! The tail of the log: its last events, read once for all who follow it closely.
//!
//! ```text
//!  first ◀──────────── what is kept ────────────▶ last
//!    │ behind: a read of its own, up to here        │ at the end: one reads on, the others wait for it
//! ```
//!
//! No task runs it: once there is more, one of the followers at its end reads it, and those beside it get the same. What
//! is kept is bounded by bytes; whoever is before it reads by itself, and comes back when it has caught up.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use trunkline_core::{Position, RecordedEvent};
use trunkline_store::derived::Checkpoint;
use trunkline_store::{EventStore, ReadError};

use super::piece::{self, Bounds, Piece};
use super::{Replay, Wanted};

/// How many bytes of events are kept: enough for who is busy with a piece or two, little beside everything else.
const KEPT_BYTES_MAX: usize = 16 << 20;

/// How far behind the head a follower may be and still share what is read: further away the index passes over what
/// it doesn't want.
const NEAR: u64 = 4_096;

/// A piece of the tail.
const BOUNDS: Bounds = Bounds { events: 1_000, bytes: 4 << 20 };

/// The tail of a log.
pub(crate) struct Tail {
    store: Arc<dyn EventStore>,
    replay: Replay,
    // Held to look and to put, never while the log is read.
    kept: Mutex<Kept>,
    /// Held by who reads on, never by who waits for an event.
    reading: tokio::sync::Mutex<()>,
}

/// What is kept of it.
#[derive(Default)]
struct Kept {
    /// What is kept begins after this position.
    after: Position,
    /// Its end.
    to: Position,
    pieces: VecDeque<Read>,
    bytes: usize,
    head: Position,
}

/// A piece of all events.
struct Read {
    events: Arc<Vec<RecordedEvent>>,
    end: Checkpoint,
    bytes: usize,
}

/// What the tail has for a follower.
pub(super) enum Tailed {
    /// The next piece.
    Piece(Piece),
    /// The follower is behind: it reads by itself up to this position.
    Behind(Position),
    /// The store no longer has what it had.
    Shrank,
}

impl Tail {
    pub(crate) fn new(store: Arc<dyn EventStore>) -> Self {
        Self::replaying(store, Replay::default())
    }

    /// The same with how what is before it is read.
    pub(crate) fn replaying(store: Arc<dyn EventStore>, replay: Replay) -> Self {
        Self { store, replay, kept: Mutex::default(), reading: tokio::sync::Mutex::default() }
    }

    /// How what has happened already is read.
    pub(crate) fn replay(&self) -> &Replay {
        &self.replay
    }

    pub(crate) fn store(&self) -> &Arc<dyn EventStore> {
        &self.store
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The events after a position that a follower wants: at once what is kept, else those that come next.
    pub(super) async fn next(
        &self,
        after: Position,
        wanted: &Wanted,
        bounds: Bounds,
    ) -> Result<Tailed, ReadError> {
        if let Some(found) = self.kept().look(after, wanted, bounds) {
            return Ok(found);
        }
        // Each waits for itself: one at the head must keep nobody from reading what is there.
        let head = self.store.wait_beyond(after).await?;
        let _reading = self.reading.lock().await;
        // Whoever read before may have read it.
        if let Some(found) = self.kept().look(after, wanted, bounds) {
            return Ok(found);
        }
        if head.get() - after.get() > NEAR {
            return Ok(Tailed::Behind(head));
        }
        let read = match piece::read(&self.store, after, head, &Wanted::All, BOUNDS).await {
            Ok(Some(read)) => read,
            Ok(None) => return Ok(Tailed::Shrank),
            // Perhaps this follower doesn't want what can't be read; its own read says so if it does.
            Err(_) => return Ok(Tailed::Behind(head)),
        };
        let mut kept = self.kept();
        kept.put(after, read);
        Ok(kept.look(after, wanted, bounds).unwrap_or(Tailed::Behind(head)))
    }
}

impl Kept {
    /// What is there for a follower; nothing when it is at the end, or beyond.
    fn look(&self, after: Position, wanted: &Wanted, bounds: Bounds) -> Option<Tailed> {
        if after >= self.to {
            return None;
        }
        if after < self.after {
            return Some(Tailed::Behind(self.after));
        }
        let first = self.pieces.partition_point(|piece| piece.end.position <= after);
        let mut events: Vec<RecordedEvent> = Vec::new();
        let (mut bytes, mut end) = (0, None);
        for piece in self.pieces.range(first..) {
            if let Some(whole) = piece.as_is(after, end.is_none(), wanted, bounds) {
                end = Some((whole, piece.end));
                break;
            }
            for event in piece.events.iter().filter(|event| event.position() > after && wanted.has(event)) {
                bytes += piece::size(event);
                events.push(event.clone());
                if events.len() == bounds.events || bytes >= bounds.bytes {
                    let end = Checkpoint {
                        store: piece.end.store,
                        position: event.position(),
                        event_id: event.event_id(),
                    };
                    return Some(Tailed::Piece(Piece { events: Arc::new(events), end, head: self.head }));
                }
            }
            end = Some((Arc::default(), piece.end));
        }
        let (whole, end) = end?;
        let events = if events.is_empty() { whole } else { Arc::new(events) };
        Some(Tailed::Piece(Piece { events, end, head: self.head }))
    }

    /// Adds what was read after a position; what is kept is dropped when it doesn't end there.
    fn put(&mut self, after: Position, piece: Piece) {
        if after != self.to {
            *self = Self { after, ..Self::default() };
        }
        let bytes = piece.events.iter().map(piece::size).sum();
        (self.to, self.head) = (piece.end.position, piece.head);
        self.bytes += bytes;
        self.pieces.push_back(Read { events: piece.events, end: piece.end, bytes });
        while self.bytes > KEPT_BYTES_MAX && self.pieces.len() > 1 {
            let Some(oldest) = self.pieces.pop_front() else { return };
            self.bytes -= oldest.bytes;
            self.after = oldest.end.position;
        }
    }
}

impl Read {
    /// The events as they are, for a follower that wants all of the only piece that there is for it.
    fn as_is(
        &self,
        after: Position,
        is_first: bool,
        wanted: &Wanted,
        bounds: Bounds,
    ) -> Option<Arc<Vec<RecordedEvent>>> {
        let is_whole = self.events.first().is_some_and(|event| event.position() > after);
        let all = matches!(wanted, Wanted::All) && self.events.len() <= bounds.events;
        (is_first && is_whole && all).then(|| Arc::clone(&self.events))
    }
}

#[cfg(test)]
mod tests {
    use trunkline_core::{Append, Expected, NewEvent};
    use trunkline_store::MemoryStore;

    use super::*;

    const BIG: Bounds = Bounds { events: 10_000, bytes: usize::MAX };

    async fn store(events: usize, bytes: usize) -> Arc<dyn EventStore> {
        let store = MemoryStore::new();
        let data = format!("{:?}", "x".repeat(bytes));
        for number in 0..events {
            let event_type = if number % 2 == 0 { "Even" } else { "Odd" };
            let event = NewEvent::json(event_type, data.clone()).unwrap();
            store.append(Append::to("s-1".parse().unwrap(), Expected::Any).event(event)).await.unwrap();
        }
        Arc::new(store)
    }

    async fn positions(tail: &Tail, after: u64, wanted: &Wanted, bounds: Bounds) -> (Vec<u64>, u64) {
        match tail.next(Position::new(after), wanted, bounds).await.unwrap() {
            Tailed::Piece(piece) => {
                (piece.events.iter().map(|event| event.position().get()).collect(), piece.end.position.get())
            }
            Tailed::Behind(to) => panic!("behind {to}"),
            Tailed::Shrank => panic!("it shrank"),
        }
    }

    #[tokio::test]
    async fn what_was_read_for_one_is_there_for_the_others() {
        let tail = Tail::new(store(6, 1).await);
        let odd = Wanted::types(["Odd".to_owned()]);
        assert_eq!(positions(&tail, 0, &Wanted::All, BIG).await, (vec![1, 2, 3, 4, 5, 6], 6));
        // No further read: another store under it would not be asked.
        assert_eq!(positions(&tail, 3, &Wanted::All, BIG).await, (vec![4, 5, 6], 6));
        assert_eq!(positions(&tail, 0, &odd, BIG).await, (vec![2, 4, 6], 6));
        assert_eq!(positions(&tail, 0, &odd, Bounds { events: 2, ..BIG }).await, (vec![2, 4], 4));
        assert_eq!(positions(&tail, 4, &Wanted::types([]), BIG).await, (vec![], 6));
    }

    #[tokio::test]
    async fn what_is_kept_is_bounded_by_bytes_and_a_follower_behind_it_learns_so() {
        let store = store(40, 1_000_000).await;
        let tail = Tail::new(store);
        let mut after = 0;
        while after < 40 {
            after = positions(&tail, after, &Wanted::All, BIG).await.1;
            let kept = tail.kept();
            assert!(kept.bytes <= KEPT_BYTES_MAX, "{} bytes are kept", kept.bytes);
        }
        let first = tail.kept().after;
        assert!(first > Position::START);
        let behind = tail.next(Position::START, &Wanted::All, BIG).await.unwrap();
        assert!(matches!(behind, Tailed::Behind(to) if to == first));
    }

    #[tokio::test]
    async fn a_follower_that_is_far_away_reads_by_itself() {
        let tail = Tail::new(store(NEAR as usize + 1, 1).await);
        let far = tail.next(Position::START, &Wanted::All, BIG).await.unwrap();
        assert!(matches!(far, Tailed::Behind(to) if to.get() == NEAR + 1));
        assert_eq!(positions(&tail, 1, &Wanted::All, BIG).await.1, 1_001);
        // Who comes back further on is where the tail begins anew.
        assert_eq!(positions(&tail, NEAR, &Wanted::All, BIG).await.0, [NEAR + 1]);
        assert_eq!(tail.kept().after.get(), NEAR);
    }
}
