//! A reader beside the worker, of one store opened once: it goes on while workers come and are killed.

use std::path::Path;
use std::sync::{Arc, Mutex};

use futures::StreamExt as _;
use tokio::sync::watch;
use tokio::time::timeout;
use trunkline_core::{Position, Query, json};
use trunkline_store::{EventStore, LogStore, subscribe};

use super::PATIENCE;

/// Follows a store and keeps a copy of everything it has seen.
pub(super) struct Follower {
    seen: Arc<Mutex<Vec<String>>>,
    position: watch::Receiver<Position>,
}

impl Follower {
    pub(super) fn follow(folder: &Path) -> Self {
        let store: Arc<dyn EventStore> = Arc::new(LogStore::open_read_only(folder).unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (told, position) = watch::channel(Position::START);
        let seeing = Arc::clone(&seen);
        tokio::spawn(async move {
            let mut events = subscribe(&store, Query::all(), Position::START);
            while let Some(event) = events.next().await {
                let event = event.unwrap();
                // Text of its own: the event's bytes are those of the mapped file, whatever becomes of that.
                seeing.lock().unwrap().push(json::to_line(&event));
                told.send_replace(event.position());
            }
        });
        Self { seen, position }
    }

    /// Everything that was seen so far, as lines.
    pub(super) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until the reader has got there.
    pub(super) async fn reaches(&mut self, position: Position) {
        let reached = timeout(PATIENCE, self.position.wait_for(|seen| *seen >= position)).await;
        reached.expect("the follower gets on").expect("the follower has not failed");
    }
}
