//! One read of the log for all projections that have come as far.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use tokio::sync::{Notify, mpsc};
use trunkline_core::Position;
use trunkline_store::EventStore;

use super::chunk::{self, Chunk};

/// How many chunks a member may be behind before it goes on by itself.
const BEHIND_MAX: usize = 4;

/// How long more events are waited for once all were handed out, so that a transaction has several of them where
/// they come fast; nobody who waits for rows waits for that.
const PAUSE: Duration = Duration::from_millis(2);

/// Shares chunks.
pub(super) struct Feed {
    store: Arc<dyn EventStore>,
    // Held to look and to hand out, never while the log is read.
    members: Mutex<Members>,
    joined: Notify,
    /// Somebody waits for rows.
    hurry: Notify,
}

#[derive(Default)]
struct Members {
    /// How far the feed has come.
    position: Position,
    /// How many have ever joined: what was read before the last of them may lack events of its types.
    joined: u64,
    all: Vec<Member>,
}

struct Member {
    types: BTreeSet<String>,
    chunks: mpsc::Sender<Chunk>,
}

/// What comes of wanting to join.
pub(super) enum Joined {
    /// Chunks from the feed's position on; when they end, the member was too slow, or the feed failed.
    Member(mpsc::Receiver<Chunk>),
    /// The feed is further on, at this position.
    Behind(Position),
}

impl Feed {
    pub(super) fn new(store: Arc<dyn EventStore>) -> Self {
        Self { store, members: Mutex::default(), joined: Notify::new(), hurry: Notify::new() }
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Joins with those who have come as far; the first member says where the feed begins.
    ///
    /// A member may get events that it has already, and passes over them.
    pub(super) fn join(&self, position: Position, types: &BTreeSet<String>) -> Joined {
        let mut members = self.members();
        members.all.retain(|member| !member.chunks.is_closed());
        if members.all.is_empty() {
            members.position = position;
        }
        if members.position > position {
            return Joined::Behind(members.position);
        }
        let (chunks, receiver) = mpsc::channel(BEHIND_MAX);
        members.all.push(Member { types: types.clone(), chunks });
        members.joined += 1;
        self.joined.notify_one();
        Joined::Member(receiver)
    }

    /// What is in the log is handed out at once, since somebody waits for it.
    pub(super) fn hurry(&self) {
        self.hurry.notify_one();
    }

    /// Reads and hands out, for ever.
    pub(super) async fn run(&self) {
        loop {
            // Members read by themselves what makes the feed panic, and stop in sight of all.
            if AssertUnwindSafe(self.share()).catch_unwind().await.is_err() {
                self.members().all.clear();
            }
        }
    }

    async fn share(&self) {
        loop {
            let (position, types, joined, is_empty) = {
                let members = self.members();
                let types = members.all.iter().flat_map(|member| member.types.iter().cloned()).collect();
                (members.position, types, members.joined, members.all.is_empty())
            };
            if is_empty {
                self.joined.notified().await;
                continue;
            }
            // A member that joins meanwhile may want other types: then what was read is not enough.
            let read = tokio::select! {
                read = chunk::read(&self.store, position, Position::MAX, &types) => read,
                () = self.joined.notified() => continue,
            };
            match read {
                Ok(Some(chunk)) => {
                    let is_all = chunk.reached.position >= chunk.head;
                    self.hand_out(position, joined, chunk).await;
                    if is_all {
                        tokio::select! {
                            () = tokio::time::sleep(PAUSE) => {}
                            () = self.hurry.notified() => {}
                            () = self.joined.notified() => {}
                        }
                    }
                }
                // Members read by themselves what the feed can't, and say what is wrong.
                Ok(None) | Err(_) => self.members().all.clear(),
            }
        }
    }

    /// Hands out what was read from a position, unless somebody has joined since.
    async fn hand_out(&self, position: Position, joined: u64, chunk: Chunk) {
        let alone = {
            let mut members = self.members();
            if members.position != position || members.joined != joined {
                return;
            }
            members.position = chunk.reached.position;
            if let [member] = &members.all[..] {
                // Nobody else waits, so it may take its time.
                Some(member.chunks.clone())
            } else {
                members.all.retain(|member| member.chunks.try_send(chunk.clone()).is_ok());
                None
            }
        };
        if let Some(alone) = alone
            && alone.send(chunk).await.is_err()
        {
            self.members().all.retain(|member| !member.chunks.is_closed());
        }
    }
}

#[cfg(test)]
mod tests {
    use trunkline_core::EventId;
    use trunkline_sql::BatchEnd;
    use trunkline_store::MemoryStore;

    use super::*;

    fn join(feed: &Feed, event_type: &str) -> mpsc::Receiver<Chunk> {
        match feed.join(Position::START, &BTreeSet::from([event_type.to_owned()])) {
            Joined::Member(chunks) => chunks,
            Joined::Behind(position) => panic!("the feed is at {position}"),
        }
    }

    #[tokio::test]
    async fn what_was_read_before_somebody_joined_is_not_handed_to_them() {
        let feed = Feed::new(Arc::new(MemoryStore::new()));
        let leaves = join(&feed, "A");
        let joined = feed.members().joined;
        drop(leaves);
        // As many as before, and others: the chunk has no B, though one may have come.
        let mut comes = join(&feed, "B");
        let reached = BatchEnd { position: Position::FIRST, event_id: EventId::generate() };
        let chunk = Chunk { events: Arc::default(), reached, head: Position::FIRST, batch: None };
        feed.hand_out(Position::START, joined, chunk).await;
        assert!(comes.try_recv().is_err());
        assert_eq!(feed.members().position, Position::START);
    }
}
