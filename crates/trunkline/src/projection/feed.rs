//! One read of the log for all projections that have come as far.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, mpsc};
use trunkline_core::Position;
use trunkline_store::EventStore;

use super::chunk::{self, Chunk};

/// How many chunks a member may be behind before it goes on by itself.
const BEHIND_MAX: usize = 4;

/// Shares chunks.
pub(super) struct Feed {
    store: Arc<dyn EventStore>,
    // Held to look and to hand out, never while the log is read.
    members: Mutex<Members>,
    joined: Notify,
}

#[derive(Default)]
struct Members {
    /// How far the feed has come.
    position: Position,
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
        Self { store, members: Mutex::default(), joined: Notify::new() }
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
        self.joined.notify_one();
        Joined::Member(receiver)
    }

    /// Reads and hands out, for ever.
    pub(super) async fn run(&self) {
        loop {
            let (position, types, count) = {
                let members = self.members();
                let types = members.all.iter().flat_map(|member| member.types.iter().cloned()).collect();
                (members.position, types, members.all.len())
            };
            if count == 0 {
                self.joined.notified().await;
                continue;
            }
            // A member that joins meanwhile may want other types: then what was read is not enough.
            let read = tokio::select! {
                read = chunk::read(&self.store, position, Position::MAX, &types) => read,
                () = self.joined.notified() => continue,
            };
            match read {
                Ok(Some(chunk)) => self.hand_out(position, count, chunk).await,
                // Members read by themselves what the feed can't, and say what is wrong.
                Ok(None) | Err(_) => self.members().all.clear(),
            }
        }
    }

    async fn hand_out(&self, position: Position, count: usize, chunk: Chunk) {
        let alone = {
            let mut members = self.members();
            if members.position != position || members.all.len() != count {
                return;
            }
            members.position = chunk.reached.position;
            match &mut *members.all {
                // Nobody else waits, so it may take its time.
                [member] => Some(member.chunks.clone()),
                all => {
                    let _ = all;
                    members.all.retain(|member| member.chunks.try_send(chunk.clone()).is_ok());
                    None
                }
            }
        };
        if let Some(alone) = alone
            && alone.send(chunk).await.is_err()
        {
            self.members().all.retain(|member| !member.chunks.is_closed());
        }
    }
}
