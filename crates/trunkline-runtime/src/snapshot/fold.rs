//! From a snapshot and the events behind it to a state.

use bytes::Bytes;
use futures::StreamExt;
use trunkline_core::{RecordedEvent, StreamName, Version};
use trunkline_store::derived::{Revision, StateSnapshot};
use trunkline_store::{EventStream, StreamRead};

use crate::command::{CommandContext, HandleError};

/// A state, and how far it has come.
#[derive(Clone, Debug)]
pub struct Folded<S> {
    /// The state.
    pub state: S,
    /// The version of the last event that is in it.
    pub version: Version,
}

/// How the states of an aggregate are kept.
pub struct SnapshotPlan<'a, S> {
    /// How many events lie between two snapshots; none are kept when it is 0.
    pub every: u64,
    /// What makes the states; those of another are passed over.
    pub revision: Revision,
    /// Writes a state down; none when it would not be the same when it is read.
    pub write: &'a (dyn Fn(&S) -> Option<Bytes> + Send + Sync),
    /// Reads it again; none when it can't be.
    pub read: &'a (dyn Fn(Bytes) -> Option<S> + Send + Sync),
}

/// The state of a stream as it is now, over its events in today's shape.
///
/// The same with and without snapshots, whatever has become of them.
pub(crate) async fn fold<S>(
    context: &CommandContext<'_>,
    stream: &StreamName,
    initial: S,
    evolve: impl Fn(S, &RecordedEvent) -> Result<S, HandleError>,
    plan: Option<SnapshotPlan<'_, S>>,
) -> Result<Folded<S>, HandleError> {
    let plan = plan.filter(|plan| plan.every > 0).and_then(|plan| Some((plan, context.snapshots?)));
    let mut folded = Folded { state: initial, version: Version::EMPTY };
    let mut events = None;
    if let Some((plan, snapshots)) = &plan
        && let Some(kept) = snapshots.find(stream, plan.revision).await
        && let Some(behind) = behind(context, stream, &kept).await?
        && let Some(state) = (plan.read)(kept.state)
    {
        folded = Folded { state, version: kept.version };
        events = Some(behind);
    }
    let from = folded.version;
    let mut events = events.unwrap_or_else(|| context.store.read_stream(stream, StreamRead::default()));
    let mut last = None;
    while let Some(event) = events.next().await.transpose()? {
        folded.version = event.version();
        last = Some(event.event_id());
        for event in context.present(event)? {
            folded.state = evolve(folded.state, &event)?;
        }
    }
    if let (Some((plan, snapshots)), Some(event_id)) = (plan, last)
        && folded.version.get() - from.get() >= plan.every
        && let Some(state) = (plan.write)(&folded.state)
    {
        let snapshot = StateSnapshot { revision: plan.revision, version: folded.version, event_id, state };
        snapshots.keep(stream, snapshot).await;
    }
    Ok(folded)
}

/// The events behind a snapshot, if the stream has its event at its version: else it was made of another
/// stream, or of one that has lost events since.
async fn behind(
    context: &CommandContext<'_>,
    stream: &StreamName,
    kept: &StateSnapshot,
) -> Result<Option<EventStream>, HandleError> {
    let from = StreamRead { from: kept.version, ..StreamRead::default() };
    let mut events = context.store.read_stream(stream, from);
    let first = events.next().await.transpose()?;
    let is_there =
        |event: &RecordedEvent| (event.version(), event.event_id()) == (kept.version, kept.event_id);
    Ok(first.is_some_and(|event| is_there(&event)).then_some(events))
}
