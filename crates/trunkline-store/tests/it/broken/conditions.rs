//! Faults of judging conditions.

use trunkline_core::{Append, Position, Query};
use trunkline_store::{AppendError, EventStore};

use super::fault::Fault;
use super::store::Broken;

impl Broken {
    /// Changes the conditions of an append as the fault has it, or judges them at once.
    pub(super) async fn change_conditions(&self, append: &mut Append) -> Result<(), AppendError> {
        match self.fault {
            Fault::IgnoresConditions => append.conditions.clear(),
            Fault::CountsTheConditionsPosition => {
                for condition in &mut append.conditions {
                    condition.after = Position::new(condition.after.get().saturating_sub(1));
                }
            }
            Fault::IgnoresTheConditionsPosition => {
                for condition in &mut append.conditions {
                    condition.after = Position::START;
                }
            }
            Fault::JudgesTheFirstConditionOnly => append.conditions.truncate(1),
            Fault::JudgesConditionsFirst => self.judge_conditions(append).await?,
            Fault::ConditionsSeeTheirBatch => {
                let selected = |query: &Query| {
                    query.is_all() || query.items.iter().any(|item| item.aggregate_types.is_empty())
                };
                if let Some(condition) = append.conditions.iter().find(|condition| selected(&condition.query))
                {
                    let position = self.store.head().await.expect("a memory store has a head").next();
                    return Err(AppendError::ConditionFailed { name: condition.name.clone(), position });
                }
            }
            Fault::ConditionsOverlookTags => {
                let items = append.conditions.iter_mut().flat_map(|condition| &mut condition.query.items);
                for item in items {
                    item.tags.truncate(1);
                }
            }
            _ => {}
        }
        Ok(())
    }
}
