//! The index of causes, brought up to the head of the log.

use futures::StreamExt as _;
use trunkline_core::{MetadataView, Position, RecordedEvent};
use trunkline_store::derived::{CauseIndex, CauseIndexError, CauseKey, Checkpoint, CheckpointError};
use trunkline_store::{AllRead, EventStore, ReadError};

/// What is told under this target is for the user: that something derived is made anew.
const MADE_ANEW: &str = "trunkline::made_anew";

const NAME: &str = "the index of causes";

/// How many events the index goes on by in one go: it is kept, and others have their turn, after each.
const EVENTS: u64 = 65_536;

/// How often a damaged index is made anew before every event is looked at instead.
const TRIES: u32 = 3;

/// Why the index is not brought up to date.
enum Stopped {
    Log(ReadError),
    Index(CauseIndexError),
}

impl From<ReadError> for Stopped {
    fn from(error: ReadError) -> Self {
        Self::Log(error)
    }
}

impl From<CauseIndexError> for Stopped {
    fn from(error: CauseIndexError) -> Self {
        Self::Index(error)
    }
}

/// Brings the index up to the head, and says how far it can be trusted; not at all where it can't be used.
pub(super) async fn bring_up(
    index: &dyn CauseIndex,
    store: &dyn EventStore,
    seen: &(dyn Fn(Position) + Send + Sync),
) -> Result<Option<Checkpoint>, ReadError> {
    for _ in 0..TRIES {
        match fill(index, store, seen).await {
            Ok(read_to) => return Ok(read_to),
            Err(Stopped::Log(error)) => return Err(error),
            // What was damaged was let go of.
            Err(Stopped::Index(error)) if error.damaged => {}
            Err(Stopped::Index(error)) => {
                tracing::debug!(%error, "every event is looked at for its cause");
                return Ok(None);
            }
        }
    }
    Ok(None)
}

async fn fill(
    index: &dyn CauseIndex,
    store: &dyn EventStore,
    seen: &(dyn Fn(Position) + Send + Sync),
) -> Result<Option<Checkpoint>, Stopped> {
    loop {
        let mut read_to = known(index, store).await?;
        let head = store.head().await?;
        let after = read_to.map_or(Position::START, |read_to| read_to.position);
        let mut events = store.read_all(AllRead { to: head, ..AllRead::after(after) });
        loop {
            let (mut causes, mut last) = (Vec::new(), None);
            for _ in 0..EVENTS {
                let Some(event) = events.next().await.transpose()? else { break };
                causes.extend(keys(&event).map(|key| (key, event.position())));
                let (position, event_id) = (event.position(), event.event_id());
                last = Some(Checkpoint { store: store.id(), position, event_id });
            }
            let Some(last) = last else { return Ok(read_to) };
            seen(last.position);
            match index.put(read_to, causes, last).await {
                Ok(true) => read_to = Some(last),
                // Another process goes on with it: what that has done needn't be done again.
                Ok(false) => break,
                Err(error) if error.damaged => return Err(error.into()),
                Err(error) => {
                    // What is in it is right; the rest is looked at event by event.
                    tracing::debug!(%error, "the index of causes stays as it is");
                    return Ok(read_to);
                }
            }
        }
    }
}

/// How far the index was read of this log; one of another is cleared.
async fn known(index: &dyn CauseIndex, store: &dyn EventStore) -> Result<Option<Checkpoint>, Stopped> {
    let Some(read_to) = index.read_to().await? else { return Ok(None) };
    match read_to.check(NAME, store).await {
        Ok(()) => Ok(Some(read_to)),
        Err(CheckpointError::Read(error)) => Err(error.into()),
        Err(_) => {
            index.clear().await?;
            let position = read_to.position.get();
            tracing::warn!(
                target: MADE_ANEW,
                position,
                "the index of causes is of another log, or of another history of this one, and is made anew"
            );
            Ok(None)
        }
    }
}

/// What an event is found by.
fn keys(event: &RecordedEvent) -> impl Iterator<Item = CauseKey> {
    let view = MetadataView::of(event.metadata());
    let correlation = view.text(MetadataView::CORRELATION_ID).map(|id| CauseKey::correlation(&id));
    let causation = view.text(MetadataView::CAUSATION_ID).map(|id| CauseKey::causation(&id));
    correlation.into_iter().chain(causation)
}
