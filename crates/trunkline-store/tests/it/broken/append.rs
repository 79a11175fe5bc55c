//! Faults of appending, and of recognising what was appended before.

use trunkline_core::{Append, Appended, EventId, Position, StreamName};
use trunkline_store::{AppendError, EventStore};

use super::fault::Fault;
use super::store::Broken;

impl Broken {
    pub(super) async fn broken_append(&self, mut append: Append) -> Result<Appended, AppendError> {
        for event in append.writes.iter_mut().flat_map(|write| &mut write.events) {
            self.spoil(event);
        }
        match self.fault {
            Fault::AcknowledgesWithoutStoring if self.count().is_multiple_of(3) => {
                return Ok(self.as_if_stored(&append).await);
            }
            Fault::StoresWritesOneByOne if append.writes.len() > 1 => {
                return self.one_by_one(append).await;
            }
            Fault::StoresBatchesBackward | Fault::ReportsTheLastWrite => {
                append.writes.reverse();
                let mut appended = self.store.append(append).await?;
                appended.versions.reverse();
                return Ok(appended);
            }
            Fault::WantsTextAsData => {
                if let Some(event) = append.events().find(|event| std::str::from_utf8(&event.data).is_err()) {
                    return Err(invalid(format!("the data of {} is not text", event.event_id)));
                }
            }
            Fault::RefusesManyTags if append.events().any(|event| event.tags.len() > 63) => {
                return Err(invalid("too many tags".to_owned()));
            }
            Fault::CountsTheCommandAmongTheTags
                if append.command.is_some() && append.events().any(|event| event.tags.len() > 63) =>
            {
                return Err(invalid("too many tags".to_owned()));
            }
            Fault::FoldsCase => {
                for write in &mut append.writes {
                    let name = write.stream.as_str().to_lowercase();
                    write.stream = StreamName::system(&name).expect("a name in small letters is a name");
                }
            }
            Fault::JudgesWithoutHoldingTheStore => self.judge_and_forget(&mut append).await?,
            Fault::RefusesRepeatsThatExpectOtherwise => {
                let whole = append.clone();
                let fresh = with_fresh_ids(whole, |_| true);
                return match self.as_judged(&fresh).await {
                    Err(error @ AppendError::Conflict { .. }) => Err(error),
                    _ => self.store.append(append).await,
                };
            }
            Fault::LooksAtTheFirstIdOnly => {
                let first = append.events().next().map(|event| event.event_id);
                let stored = self.with_id(first).await;
                let others = self.ids().await;
                match stored {
                    Some(event) if append.writes[0].stream.as_str() == event.stream() => {
                        return Ok(Appended {
                            versions: vec![event.version(); append.writes.len()],
                            position: event.position(),
                            repeated: true,
                        });
                    }
                    Some(_) => {}
                    None => append = with_fresh_ids(append, |id| others.contains(&id)),
                }
            }
            Fault::IgnoresCommands => append.command = None,
            Fault::TagsTheFirstEventOnly => self.judge_command_alone(&mut append).await?,
            _ => {
                self.expect_otherwise(&mut append).await;
                self.change_conditions(&mut append).await?;
            }
        }
        let result = self.store.append(append.clone()).await;
        self.spoil_result(append, result).await
    }

    async fn spoil_result(
        &self,
        append: Append,
        result: Result<Appended, AppendError>,
    ) -> Result<Appended, AppendError> {
        match (self.fault, result) {
            (Fault::ReturnsTheFirstVersionOnly, Ok(mut appended)) => {
                appended.versions.truncate(1);
                Ok(appended)
            }
            (Fault::ReturnsTheFirstPosition, Ok(mut appended)) => {
                let further = append.events().count() as u64 - 1;
                appended.position = Position::new(appended.position.get() - further);
                Ok(appended)
            }
            (Fault::SwallowsRefusals, Err(AppendError::Invalid { .. } | AppendError::TooLarge { .. })) => {
                Ok(self.as_if_stored(&append).await)
            }
            (Fault::ForgetsRepeats, Ok(appended)) if appended.repeated => {
                self.store.append(with_fresh_ids(append, |_| true)).await
            }
            (Fault::SaysNotThatItRepeats, Ok(appended)) => Ok(Appended { repeated: false, ..appended }),
            (Fault::AnswersRepeatsWithWhatIsNow, Ok(appended)) if appended.repeated => {
                let position = self.store.head().await.expect("a memory store has a head");
                Ok(Appended { versions: self.versions(&append).await, position, repeated: true })
            }
            (Fault::TellsRepeatsByTheirIds, Err(AppendError::EventIdReused { position, .. })) => {
                Ok(Appended { versions: self.versions(&append).await, position, repeated: true })
            }
            (Fault::TellsRepeatsByTheirBytes, Ok(appended)) if appended.repeated => {
                for event in append.events() {
                    let stored = self.with_id(Some(event.event_id)).await.expect("it is a repeat");
                    if event.data != stored.data() {
                        let (event_id, position) = (event.event_id, stored.position());
                        return Err(AppendError::EventIdReused { event_id, position });
                    }
                }
                Ok(appended)
            }
            (Fault::StoresTakenIdsAnew, Err(AppendError::EventIdTaken { .. })) => {
                let taken = self.ids().await;
                self.store.append(with_fresh_ids(append, |id| taken.contains(&id))).await
            }
            (_, result) => result,
        }
    }

    /// What one would answer that had stored it.
    async fn as_if_stored(&self, append: &Append) -> Appended {
        let mut versions = self.versions(append).await;
        for (version, write) in versions.iter_mut().zip(&append.writes) {
            *version = version.plus(write.events.len() as u64);
        }
        let head = self.store.head().await.expect("a memory store has a head");
        Appended { versions, position: head.plus(append.events().count() as u64), repeated: false }
    }

    /// Stores each write by itself, and lets others in between.
    async fn one_by_one(&self, append: Append) -> Result<Appended, AppendError> {
        let mut sum = Appended { versions: Vec::new(), position: Position::START, repeated: false };
        for write in append.writes {
            let part = Append {
                writes: vec![write],
                conditions: append.conditions.clone(),
                command: if sum.versions.is_empty() { append.command.clone() } else { None },
            };
            let appended = self.store.append(part).await?;
            sum.versions.extend(appended.versions);
            sum.position = sum.position.max(appended.position);
            sum.repeated = appended.repeated;
            others_go_on().await;
        }
        Ok(sum)
    }
}

fn invalid(reason: String) -> AppendError {
    AppendError::Invalid { reason }
}

/// The append with fresh ids in place of some.
fn with_fresh_ids(mut append: Append, replaced: impl Fn(EventId) -> bool) -> Append {
    for event in append.writes.iter_mut().flat_map(|write| &mut write.events) {
        if replaced(event.event_id) {
            event.event_id = EventId::generate();
        }
    }
    append
}

/// Lets others run for a while.
pub(super) async fn others_go_on() {
    for _ in 0..5 {
        tokio::task::yield_now().await;
    }
}
