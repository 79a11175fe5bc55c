//! What a relay did under other names: where it goes on, and which ids its messages have.
//!
//! The producer's name is part of a message's id. So a relay with another name makes messages of events that the older
//! name may have published under the ids that these had. Up to which event that is stands among the checkpoints, under a
//! name of its own: whoever takes the older name out of the file again changes no id.

use trunkline_core::{Position, StoreId};
use trunkline_store::derived::{Checkpoint, CheckpointError, Checkpoints};
use trunkline_store::{EventStore, EventStoreExt as _};

/// The names under which a relay may have published events, each up to a position; those of the first events first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RelayPast(Vec<(Checkpoint, String)>);

impl RelayPast {
    /// The name that counts in the id of an event's message.
    pub(super) fn producer<'a>(&'a self, position: Position, name: &'a str) -> &'a str {
        self.0.iter().find(|(last, _)| position <= last.position).map_or(name, |(_, older)| older)
    }

    /// What is kept of a relay of this name.
    async fn load(
        name: &str,
        store: StoreId,
        checkpoints: &dyn Checkpoints,
    ) -> Result<Self, CheckpointError> {
        let mut past = Vec::new();
        for (kept, last) in checkpoints.all().await? {
            if let Some(older) = older_in(&kept, name).filter(|_| last.store == store) {
                past.push((last, older.to_owned()));
            }
        }
        past.sort_by_key(|(last, _)| last.position);
        Ok(Self(past))
    }
}

/// Under which name it is kept what an older name has published at most.
fn kept_as(older: &str, name: &str) -> String {
    format!("$was {older} $now {name}")
}

fn older_in<'a>(kept: &'a str, name: &str) -> Option<&'a str> {
    kept.strip_prefix("$was ")?.strip_suffix(name)?.strip_suffix(" $now ")
}

/// Whether it is kept under this name what a relay did under an older one.
pub(crate) fn is_past_of(kept: &str, name: &str) -> bool {
    older_in(kept, name).is_some()
}

/// Where a relay goes on that had these names before, and what it did under them.
///
/// It goes on from the furthest of the checkpoints of all these names. An older name's is taken over once, and stays, so
/// that an older file goes on from there too.
pub(super) async fn take_over(
    name: &str,
    was: &[String],
    store: &dyn EventStore,
    checkpoints: &dyn Checkpoints,
) -> Result<(Option<Checkpoint>, RelayPast), CheckpointError> {
    let mut own = checkpoints.load(name).await?;
    if let Some(own) = &own {
        own.check(name, store).await?;
    }
    for older in was {
        let theirs = checkpoints.load(older).await?;
        let is_further = match (&own, &theirs) {
            (own, Some(theirs)) => own.is_none_or(|own| own.position < theirs.position),
            // It may have published before it kept its first checkpoint.
            (None, None) => checkpoints.load(&kept_as(older, name)).await?.is_none(),
            (Some(_), None) => false,
        };
        if !is_further {
            continue;
        }
        if let Some(theirs) = &theirs {
            theirs.check(older, store).await?;
        }
        for (last, oldest) in RelayPast::load(older, store.id(), checkpoints).await?.0 {
            checkpoints.save(&kept_as(&oldest, name), &last).await?;
        }
        // What it published after its last checkpoint was in the log by now.
        let head = store.head().await?;
        if let Some(event) = store.event_at(head).await? {
            let last = Checkpoint { store: store.id(), position: head, event_id: event.event_id() };
            checkpoints.save(&kept_as(older, name), &last).await?;
        }
        if let Some(theirs) = theirs {
            tracing::info!(name, older, position = %theirs.position, "a relay goes on where its older name was");
            checkpoints.save(name, &theirs).await?;
            own = Some(theirs);
        }
    }
    Ok((own, RelayPast::load(name, store.id(), checkpoints).await?))
}
