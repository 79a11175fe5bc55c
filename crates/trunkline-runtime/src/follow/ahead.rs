//! Pieces of the log that are read ahead, so that reading and applying go on at the same time.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use trunkline_core::Position;
use trunkline_store::{EventStore, ReadError};

use super::piece::{self, Bounds, Piece};
use super::{FollowError, Replay, Wanted};

/// How many pieces are read ahead.
const AHEAD_MAX: usize = 2;

/// Pieces that are read ahead from a position to another, each with what was prepared of it: preparing is part of
/// reading.
pub(crate) struct Ahead<T> {
    pieces: mpsc::Receiver<Result<Option<(Piece, T)>, ReadError>>,
    reading: JoinHandle<()>,
    /// Up to where pieces were taken.
    position: Position,
}

impl<T: Send + 'static> Ahead<T> {
    /// Begins to read.
    pub(crate) fn read(
        store: &Arc<dyn EventStore>,
        after: Position,
        until: Position,
        wanted: Wanted,
        bounds: Bounds,
        replay: &Replay,
        prepare: impl Fn(&Piece) -> T + Send + 'static,
    ) -> Self {
        let (sender, pieces) = mpsc::channel(AHEAD_MAX);
        let (store, mut pace) = (Arc::clone(store), replay.pace());
        let reading = tokio::spawn(async move {
            let mut at = after;
            while at < until {
                pace.wait().await;
                let read = piece::read(&store, at, until, &wanted, bounds).await;
                let read = read.map(|piece| {
                    piece.map(|piece| {
                        let prepared = prepare(&piece);
                        (piece, prepared)
                    })
                });
                let end = match &read {
                    Ok(Some((piece, _))) => {
                        // What comes at the end of the log is not held back.
                        if !piece.is_last() {
                            pace.took(piece.events.len());
                        }
                        Some(piece.end.position)
                    }
                    _ => None,
                };
                // The receiver is gone, or there is nothing to go on with.
                if sender.send(read).await.is_err() {
                    return;
                }
                let Some(end) = end else { return };
                at = end;
            }
        });
        Self { pieces, reading, position: after }
    }

    /// The next piece; nothing when all was read.
    pub(crate) async fn next(&mut self) -> Option<Result<(Piece, T), FollowError>> {
        let Some(next) = self.pieces.recv().await else {
            // Once it has ended, how it ended: to read again what made it panic would go on for ever.
            if let Err(error) = (&mut self.reading).await
                && error.is_panic()
            {
                std::panic::resume_unwind(error.into_panic());
            }
            return None;
        };
        Some(match next {
            Ok(Some((piece, prepared))) => {
                self.position = piece.end.position;
                Ok((piece, prepared))
            }
            Ok(None) => Err(FollowError::Shrank(self.position)),
            Err(error) => Err(error.into()),
        })
    }
}

impl<T> Drop for Ahead<T> {
    fn drop(&mut self) {
        self.reading.abort();
    }
}
