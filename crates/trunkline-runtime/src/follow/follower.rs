//! One who follows the log: from a position to the head, and on.

use std::any::Any;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use trunkline_core::Position;
use trunkline_store::ReadError;

use super::Wanted;
use super::piece::{self, Bounds, Piece};
use super::replay::Pace;
use super::tail::{Tail, Tailed};

/// After how many events of the tail is looked how many of them were wanted.
const WEIGHED: u64 = 4_096;

/// A follower that wants fewer than one event of so many finds them faster through the index.
const RARE: u64 = 64;

/// How long more events are waited for once all were given, by who would rather have several at once.
const LINGER: Duration = Duration::from_millis(2);

/// One who follows the log.
///
/// It shares what is read with others as long as it is near the head; behind that, and when it wants few of the
/// events, it reads by itself through the index.
pub(crate) struct Follower {
    tail: Arc<Tail>,
    wanted: Wanted,
    bounds: Bounds,
    position: Position,
    /// Up to where it reads by itself.
    alone_to: Position,
    /// What was wanted of what has come.
    share: Share,
    linger: Option<Linger>,
    /// How it reads what had happened before it began, where that is said.
    replaying: Option<Replaying>,
    /// What keeps others from following in its stead; given back with it.
    lease: Option<Box<dyn Any + Send + Sync>>,
}

/// The way through what had happened already.
struct Replaying {
    /// The end of it; the log's head when the first piece is looked for.
    to: Option<Position>,
    bounds: Bounds,
    pace: Pace,
    /// After how many events it is to be written down how far it has come, where that is said, and how many have come
    /// since it last was.
    every: Option<NonZeroUsize>,
    since: usize,
}

/// A pause in which more events may come.
struct Linger {
    /// Ends it: a caller waits for rows, or has since the last piece was given.
    hurry: watch::Receiver<()>,
    /// Whether all were given.
    is_due: bool,
}

/// How much of the log a follower wants.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    seen: u64,
    wanted: u64,
    is_rare: bool,
}

/// Why a follower can't go on.
#[derive(Debug)]
pub(crate) enum FollowError {
    /// The log could not be read.
    Read(ReadError),
    /// The log no longer has what it had when this position was reached.
    Shrank(Position),
}

impl From<ReadError> for FollowError {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl Follower {
    /// Follows from after a position.
    pub(crate) fn new(tail: &Arc<Tail>, wanted: Wanted, bounds: Bounds, after: Position) -> Self {
        let (share, alone_to) = (Share::default(), Position::START);
        let (tail, replay) = (Arc::clone(tail), tail.replay());
        let replaying = (!replay.is_usual()).then(|| Replaying {
            to: None,
            bounds: replay.bounds(bounds),
            pace: replay.pace(),
            every: replay.checkpoint_every(),
            since: 0,
        });
        Self { tail, wanted, bounds, position: after, alone_to, share, linger: None, replaying, lease: None }
    }

    /// Once all were given, waits a little for more, unless a caller waits for it.
    pub(crate) fn lingering(mut self, hurry: watch::Receiver<()>) -> Self {
        self.linger = Some(Linger { hurry, is_due: false });
        self
    }

    /// Holds what keeps others from following in its stead, as long as it lives.
    pub(crate) fn holding(mut self, lease: impl Any + Send + Sync) -> Self {
        self.lease = Some(Box::new(lease));
        self
    }

    /// Up to where all was given.
    pub(crate) fn position(&self) -> Position {
        self.position
    }

    /// Goes on from after another position.
    pub(crate) fn go_to(&mut self, position: Position) {
        self.position = position;
    }

    /// Waits for the next piece, which has at least one event, wanted or not.
    ///
    /// Dropping the future loses nothing: the same piece comes again.
    pub(crate) async fn next(&mut self) -> Result<Piece, FollowError> {
        if let Some(Linger { hurry, is_due: true }) = &mut self.linger {
            // That no caller is left who could hurry doesn't end the pause.
            let hurried = async {
                if hurry.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            // However the pause ends, the next piece is looked for.
            let _ = tokio::time::timeout(LINGER, hurried).await;
        }
        if let Some(linger) = &mut self.linger {
            // Whoever hurries from now on may mean an event that this look doesn't find any more.
            linger.hurry.mark_unchanged();
        }
        let bounds = self.replayed().await?;
        let piece = self.look(bounds).await?;
        if let Some(replaying) = &mut self.replaying {
            replaying.pace.took(piece.events.len());
            replaying.since += piece.events.len();
        }
        self.share.weigh(self.position, &piece);
        self.position = piece.end.position;
        if let Some(linger) = &mut self.linger {
            linger.is_due = piece.is_last();
        }
        Ok(piece)
    }

    /// Whether it is to be written down how far it has come, where that is said; once all that had happened before has
    /// been read, that is for who asks to decide.
    pub(crate) fn is_checkpoint_due(&mut self) -> Option<bool> {
        let replaying = self.replaying.as_mut()?;
        let every = replaying.every?.get();
        let at_end = replaying.to.is_some_and(|to| self.position >= to);
        let is_due = at_end || replaying.since >= every;
        if is_due {
            replaying.since = 0;
        }
        Some(is_due)
    }

    /// How much the next piece may have: waits for its time, while what had happened before is read.
    async fn replayed(&mut self) -> Result<Bounds, ReadError> {
        let Some(replaying) = &mut self.replaying else { return Ok(self.bounds) };
        let to = match replaying.to {
            Some(to) => to,
            None => *replaying.to.insert(self.tail.store().head().await?),
        };
        if self.position >= to {
            self.replaying = None;
            return Ok(self.bounds);
        }
        replaying.pace.wait().await;
        Ok(replaying.bounds)
    }

    async fn look(&mut self, bounds: Bounds) -> Result<Piece, FollowError> {
        loop {
            if self.share.is_rare || self.position < self.alone_to {
                let until = if self.share.is_rare { Position::MAX } else { self.alone_to };
                let store = self.tail.store();
                let piece = piece::read(store, self.position, until, &self.wanted, bounds).await?;
                return piece.ok_or(FollowError::Shrank(self.position));
            }
            match self.tail.next(self.position, &self.wanted, bounds).await? {
                Tailed::Piece(piece) => return Ok(piece),
                Tailed::Behind(to) => self.alone_to = to,
                Tailed::Shrank => return Err(FollowError::Shrank(self.position)),
            }
        }
    }
}

impl Share {
    /// Counts a piece, and says now and then which way is the shorter one.
    fn weigh(&mut self, after: Position, piece: &Piece) {
        self.seen += piece.end.position.get() - after.get();
        self.wanted += piece.events.len() as u64;
        if self.seen >= WEIGHED {
            *self = Self { is_rare: self.wanted * RARE < self.seen, ..Self::default() };
        }
    }
}

#[cfg(test)]
mod tests {
    use trunkline_core::{Append, Expected, NewEvent};
    use trunkline_store::{EventStore as _, MemoryStore};

    use super::*;

    const BOUNDS: Bounds = Bounds { events: 100, bytes: 1 << 20 };

    async fn append(store: &MemoryStore, event_type: &str, count: usize) {
        let events = (0..count).map(|_| NewEvent::json(event_type, "1").unwrap());
        let append = Append::to("s-1".parse().unwrap(), Expected::Any).with_events(events);
        store.append(append).await.unwrap();
    }

    /// Everything that a follower gets until it has come to a position, each event once and in order.
    async fn all(follower: &mut Follower, to: u64) -> Vec<u64> {
        let mut got = Vec::new();
        while follower.position().get() < to {
            let piece = follower.next().await.map_err(|_| "it can't be read").unwrap();
            got.extend(piece.events.iter().map(|event| event.position().get()));
        }
        got
    }

    #[tokio::test]
    async fn nothing_is_missing_or_doubled_on_the_way_from_far_behind_to_the_head() {
        let store = MemoryStore::new();
        append(&store, "A", 6_000).await;
        let tail = Arc::new(Tail::new(Arc::new(store.clone())));
        let mut late = Follower::new(&tail, Wanted::All, BOUNDS, Position::START);
        let mut close = Follower::new(&tail, Wanted::All, BOUNDS, Position::new(5_990));
        assert_eq!(all(&mut close, 6_000).await, (5_991..=6_000).collect::<Vec<_>>());
        assert_eq!(all(&mut late, 6_000).await, (1..=6_000).collect::<Vec<_>>());
        append(&store, "A", 250).await;
        assert_eq!(all(&mut late, 6_250).await, (6_001..=6_250).collect::<Vec<_>>());
        assert_eq!(all(&mut close, 6_250).await, (6_001..=6_250).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn who_wants_few_of_the_events_finds_them_through_the_index_and_comes_back() {
        let store = MemoryStore::new();
        append(&store, "Seldom", 1).await;
        let tail = Arc::new(Tail::new(Arc::new(store.clone())));
        let wanted = Wanted::types(["Seldom".to_owned()]);
        let mut follower = Follower::new(&tail, wanted, BOUNDS, Position::START);
        assert_eq!(all(&mut follower, 1).await, [1]);
        append(&store, "Often", 5_000).await;
        assert_eq!(all(&mut follower, 5_001).await, [] as [u64; 0]);
        assert!(follower.share.is_rare);
        append(&store, "Seldom", 5_000).await;
        assert_eq!(all(&mut follower, 10_001).await.len(), 5_000);
        assert!(!follower.share.is_rare);
    }

    #[tokio::test(start_paused = true)]
    async fn who_lingers_gets_several_events_at_once_unless_a_caller_waits() {
        let store = MemoryStore::new();
        append(&store, "A", 1).await;
        let tail = Arc::new(Tail::new(Arc::new(store.clone())));
        let hurry = watch::Sender::new(());
        let follower = Follower::new(&tail, Wanted::All, BOUNDS, Position::START);
        let mut follower = follower.lingering(hurry.subscribe());
        assert_eq!(all(&mut follower, 1).await, [1]);
        append(&store, "A", 1).await;
        {
            let mut next = std::pin::pin!(follower.next());
            assert!(futures::poll!(next.as_mut()).is_pending());
            append(&store, "A", 1).await;
            tokio::time::advance(LINGER).await;
            assert_eq!(next.await.map_err(|_| "it can't be read").unwrap().events.len(), 2);
        }
        append(&store, "A", 1).await;
        let begun = tokio::time::Instant::now();
        hurry.send_replace(());
        assert_eq!(all(&mut follower, 4).await, [4]);
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
