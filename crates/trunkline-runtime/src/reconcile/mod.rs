//! An application over a log of an older history than what stands beside it: all is brought back to that history.
//!
//! `histories` says how messages are told apart since then, and `lost` passes over those of the future that is gone.
//! What is done here can be done again after a crash at any moment: the mark of the restored log goes last, and as long as
//! it is there, nothing of the application runs.

mod histories;
mod lost;

use std::collections::BTreeSet;

use trunkline_core::saga::TransitionCause;
use trunkline_core::{Append, EventId, EventType, Expected, NewEvent, Position, StreamName};
use trunkline_store::derived::{Checkpoint, CheckpointError};
use trunkline_store::{AppendError, EventStoreExt as _, Maintain, MaintainError, ReadError, RestoredMark};
use uuid::Uuid;

pub(crate) use histories::Histories;
pub use histories::{HISTORY_STREAM, effect_id};
use histories::{History, RECONCILED};
pub(crate) use lost::WithoutLost;

use crate::App;
use crate::messages::{ConsumerAction, Relay, is_past_of};

/// The name by which what sagas had sent is asked to be sent again.
pub const SAGAS: &str = "$sagas";

/// What is told under this target is for the user, whatever else is.
const MADE_ANEW: &str = "trunkline::made_anew";

/// What becomes of a relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReconciledRelay {
    /// Its name.
    pub name: String,
    /// The position after which it goes on; none when it begins at the first event.
    pub after: Option<Position>,
    /// Whether it was brought there, rather than having been there.
    pub moved: bool,
}

/// What was brought back to a restored history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconciled {
    /// The last event of the backup.
    pub position: Position,
    /// Whether the queue and the checkpoints were restored with the log.
    pub whole: bool,
    /// The relays.
    pub relays: Vec<ReconciledRelay>,
    /// The topics to which nothing is sent again that sagas had sent by then.
    pub withheld: Vec<String>,
    /// Whose checkpoints are none of the log's, and were left: what they are of is the program's own.
    pub left: Vec<String>,
}

/// Why an application was not brought back to a restored history.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReconcileError {
    /// The program supplied its store itself, and its mark can't be seen.
    #[error("the store was not opened by the application")]
    Supplied,
    /// The store has no mark, and nothing beside it is ahead of it.
    #[error("there is nothing to reconcile: the store has not been restored, or was reconciled since")]
    Nothing,
    /// What was asked to be sent again is no relay.
    #[error("no relay is named \"{name}\"")]
    UnknownRelay {
        /// What was named.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The mark can't be read or written.
    #[error(transparent)]
    Mark(#[from] MaintainError),
    /// The log can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The log does not take that it goes on from here.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// A checkpoint can't be read or written.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

impl App {
    /// The mark of its store, when that was made of a backup and not reconciled since; none where the program supplied
    /// its store.
    ///
    /// As long as it is there, neither relays, consumers nor sagas run: what stands beside the store may know a later
    /// history.
    pub fn restored(&self) -> Result<Option<RestoredMark>, MaintainError> {
        self.opened_store().map_or(Ok(None), |opened| opened.maintain.restored())
    }

    /// Brings relays, consumers and sagas back to the history that the store was restored to.
    ///
    /// - With queue and checkpoints of the same moment, all go on from there.
    /// - Else a relay that has come further than the backup, or of which nothing is known, goes on after its last event:
    ///   what it had published, under whichever name, is not published again, unless `again` names it. Sagas are run over
    ///   the whole log; what they wait for is sent again, under other ids than before and with the effect of those, but
    ///   not to topics that others than commands take from, unless `again` has [`SAGAS`]. A message whose cause the log
    ///   does not have is passed over when it is delivered.
    /// - A store without a mark that checkpoints of these are ahead of was put there by other means, and gets one first:
    ///   its history is what is there now. So does one whose mark is damaged.
    ///
    /// After a crash it is done again, to the same effect. The mark stays until [`end_reconcile`](Self::end_reconcile):
    /// read models are rebuilt before.
    pub async fn reconcile(&self, again: &[String]) -> Result<Reconciled, ReconcileError> {
        let names: Vec<String> = self.relay_names();
        for name in again {
            if name != SAGAS && !names.contains(name) {
                return Err(ReconcileError::UnknownRelay { name: name.clone(), known: names });
            }
        }
        let maintain = &self.opened_store().ok_or(ReconcileError::Supplied)?.maintain;
        let mark = self.mark(&**maintain).await?;
        let history = self.history(&mark, again).await?;
        let (mut relays, mut left) = (Vec::new(), Vec::new());
        for relay in self.relays() {
            relays.push(self.reconcile_relay(relay, &history).await?);
        }
        let sagas = self.checkpoints().load(SAGAS).await?;
        if let Some(sagas) = sagas
            && (!history.whole || self.is_ahead(SAGAS, &sagas).await?)
        {
            self.checkpoints().forget(SAGAS).await?;
        }
        for (name, checkpoint) in self.checkpoints().all().await? {
            if is_past(&name, &self.all_names()) {
                // Who takes an older name's place later takes it over from there.
                if !self.is_good(&name, &checkpoint, &history).await? {
                    self.set_back(&name, &history).await?;
                }
            } else if !self.is_reconciled(&name) && self.is_ahead(&name, &checkpoint).await? {
                left.push(name);
            }
        }
        let History { position, whole, withheld, .. } = history;
        Ok(Reconciled { position, whole, relays, withheld, left })
    }

    /// Takes the mark away: all beside the store is of its history, and the application may run.
    pub fn end_reconcile(&self) -> Result<(), MaintainError> {
        self.opened_store().map_or(Ok(()), |opened| opened.maintain.mark_reconciled())
    }

    async fn mark(&self, maintain: &dyn Maintain) -> Result<RestoredMark, ReconcileError> {
        match maintain.restored() {
            Ok(Some(mark)) => return Ok(mark),
            Ok(None) => {}
            // There was one, and what it said is lost: the log is older than what stands beside it may know.
            Err(MaintainError::Damaged { .. }) => {
                let mark = self.mark_here(maintain).await?;
                tracing::warn!(
                    target: MADE_ANEW,
                    position = %mark.position,
                    "the mark of a restored store is damaged, and is made anew: what the store has now is taken for its \
                     history, and nothing that stands beside it for restored with it"
                );
                return Ok(mark);
            }
            Err(error) => return Err(error.into()),
        }
        for (name, checkpoint) in self.checkpoints().all().await? {
            if self.is_reconciled(&name) && self.is_ahead(&name, &checkpoint).await? {
                return self.mark_here(maintain).await;
            }
        }
        Err(ReconcileError::Nothing)
    }

    /// Marks the store as one whose history ends here.
    async fn mark_here(&self, maintain: &dyn Maintain) -> Result<RestoredMark, ReconcileError> {
        let mark = RestoredMark::new(self.store().head().await?, false);
        maintain.mark_restored(&mark)?;
        Ok(mark)
    }

    /// What is said in the log of how it goes on; what was said there first counts.
    async fn history(&self, mark: &RestoredMark, again: &[String]) -> Result<History, ReconcileError> {
        let said = Histories::all(&**self.store()).await?;
        if let Some(history) = said.into_iter().find(|history| history.restored == mark.id) {
            return Ok(history);
        }
        let none = mark.whole || self.sagas().names().is_empty() || again.iter().any(|name| name == SAGAS);
        let topics = if none { BTreeSet::new() } else { self.topics_outside() };
        let history = History {
            restored: mark.id,
            position: mark.position,
            cause: TransitionCause { position: Some(mark.position), ..TransitionCause::default() },
            whole: mark.whole,
            again: again.iter().filter(|name| *name != SAGAS).cloned().collect(),
            withheld: topics.into_iter().collect(),
        };
        let data = serde_json::to_vec(&history).expect("texts and numbers always serialize");
        let event_type = EventType::system(RECONCILED).expect("the type is a name");
        let id = EventId::from_uuid(Uuid::new_v5(&mark.id, RECONCILED.as_bytes()));
        let stream = StreamName::system(HISTORY_STREAM).expect("this is the name of a stream");
        let event = NewEvent::new(event_type, data).id(id);
        self.store().append(Append::to(stream, Expected::Any).event(event)).await?;
        Ok(history)
    }

    /// Brings a relay, and what is kept under its older names, to where it goes on.
    async fn reconcile_relay(
        &self,
        relay: &Relay,
        history: &History,
    ) -> Result<ReconciledRelay, ReconcileError> {
        let checkpoints = self.checkpoints();
        let again = history.again.contains(&relay.name);
        // It goes on from the furthest of the checkpoints of all its names.
        let (mut furthest, mut moved) = (None, false);
        for name in [&relay.name].into_iter().chain(&relay.was) {
            let Some(there) = checkpoints.load(name).await? else { continue };
            let after = if again {
                checkpoints.forget(name).await?;
                None
            } else if self.is_good(name, &there, history).await? {
                Some(there.position)
            } else {
                moved = true;
                self.set_back(name, history).await?
            };
            furthest = furthest.max(Some(after));
        }
        let (after, moved) = match furthest {
            _ if again => (None, true),
            Some(after) => (after, moved),
            // Of a whole restore it is known that it had none.
            None if history.whole => (None, false),
            None => (self.set_back(&relay.name, history).await?, true),
        };
        Ok(ReconciledRelay { name: relay.name.clone(), after, moved })
    }

    /// Sets a checkpoint to the last event of the history; none is kept where that has no event.
    async fn set_back(&self, name: &str, history: &History) -> Result<Option<Position>, ReconcileError> {
        let checkpoints = self.checkpoints();
        let Some(last) = self.store().event_at(history.position).await? else {
            checkpoints.forget(name).await?;
            return Ok(None);
        };
        let (position, event_id) = (last.position(), last.event_id());
        checkpoints.save(name, &Checkpoint { store: self.store().id(), position, event_id }).await?;
        Ok(Some(position))
    }

    /// Whether a checkpoint is of the history, and no further than that.
    async fn is_good(
        &self,
        name: &str,
        checkpoint: &Checkpoint,
        history: &History,
    ) -> Result<bool, ReconcileError> {
        Ok(checkpoint.position <= history.position && !self.is_ahead(name, checkpoint).await?)
    }

    /// The names of its relays, and those that they had before.
    fn all_names(&self) -> BTreeSet<&str> {
        let names = self.relays().flat_map(|relay| [&relay.name].into_iter().chain(&relay.was));
        names.map(String::as_str).collect()
    }

    /// Whether what is kept under a name is brought back here: of sagas, of relays, and of what these were.
    fn is_reconciled(&self, name: &str) -> bool {
        let names = self.all_names();
        name == SAGAS || names.contains(name) || is_past(name, &names)
    }

    /// Whether the log doesn't have what a checkpoint saw.
    async fn is_ahead(&self, name: &str, checkpoint: &Checkpoint) -> Result<bool, ReconcileError> {
        match checkpoint.check(name, &**self.store()).await {
            Ok(()) => Ok(false),
            Err(CheckpointError::AheadOfLog { .. }) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// The topics that others take from than commands, whose effects the log has.
    fn topics_outside(&self) -> BTreeSet<String> {
        let outside = self.actions().filter(|(_, action)| !matches!(action, ConsumerAction::Dispatch(_)));
        let topics = outside.flat_map(|(consumer, _)| &consumer.topics);
        topics.map(|topic| topic.as_str().to_owned()).collect()
    }
}

/// Whether it is kept under a name what one of these names was at most up to some event.
fn is_past(kept: &str, names: &BTreeSet<&str>) -> bool {
    names.iter().any(|name| is_past_of(kept, name))
}
