//! Judging as a store does that is to be broken in how it judges.

use futures::StreamExt;
use trunkline_core::{Append, Expected, QueryItem};
use trunkline_store::{AllRead, AppendError, EventStore};

use super::append::others_go_on;
use super::look::all;
use super::store::Broken;
use super::versions::expect;

impl Broken {
    /// Judges, and by the time that the append is stored, doesn't know whether that still holds.
    pub(super) async fn judge_and_forget(&self, append: &mut Append) -> Result<(), AppendError> {
        if self.is_stored(append).await {
            return Ok(());
        }
        self.as_judged(append).await?;
        others_go_on().await;
        let tag = append.command.take().map(|command| command.tag());
        expect(append, |_, _| Expected::Any);
        append.conditions.clear();
        for event in append.writes.iter_mut().flat_map(|write| &mut write.events) {
            event.tags.extend(tag.clone());
        }
        Ok(())
    }

    /// Judges the command and takes it out of the append; its tag goes to the first event only.
    pub(super) async fn judge_command_alone(&self, append: &mut Append) -> Result<(), AppendError> {
        let Some(command) = append.command.take() else { return Ok(()) };
        let tag = command.tag();
        let stored = all(&self.store).await;
        let outcome = stored.iter().find(|event| event.tags().any(|own| own == tag.as_str()));
        if let Some(outcome) = outcome
            && !self.is_stored(append).await
        {
            return Err(AppendError::AlreadyHandled { position: outcome.position() });
        }
        if let Some(event) = append.writes.iter_mut().flat_map(|write| &mut write.events).next() {
            event.tags.push(tag);
        }
        Ok(())
    }

    pub(super) async fn judge_conditions(&self, append: &Append) -> Result<(), AppendError> {
        for condition in &append.conditions {
            let read = AllRead::after(condition.after).matching(condition.query.clone());
            if let Some(event) = self.store.read_all(read).next().await {
                let position = event.expect("a memory store is read").position();
                return Err(AppendError::ConditionFailed { name: condition.name.clone(), position });
            }
        }
        Ok(())
    }

    /// The refusal that awaits an append whose ids are free.
    pub(super) async fn as_judged(&self, append: &Append) -> Result<(), AppendError> {
        for (write, found) in append.writes.iter().zip(self.versions(append).await) {
            if !write.expected.holds_for(found) {
                let (stream, expected) = (write.stream.clone(), write.expected);
                return Err(AppendError::Conflict { stream, expected, found });
            }
        }
        if let Some(command) = &append.command {
            let read = AllRead::default().matching(QueryItem::default().tag(command.tag()).into());
            if let Some(event) = self.store.read_all(read).next().await {
                let position = event.expect("a memory store is read").position();
                return Err(AppendError::AlreadyHandled { position });
            }
        }
        self.judge_conditions(append).await
    }
}
