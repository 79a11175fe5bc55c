//! Which dead letters a saga no longer waits for: their messages would have an effect that nobody takes account of.

use std::sync::Arc;

use trunkline::saga::still_waits;
use trunkline_queue::{DeadLetter, DeadLetterId, MessageQueue, SAGA_HEADER};
use trunkline_store::EventStore;

use super::Selection;
use crate::{OpsError, QueueError};

/// The dead letters of a selection whose messages sagas sent.
pub async fn sent_by_sagas(
    queue: &dyn MessageQueue,
    selection: &Selection,
) -> Result<Vec<DeadLetter>, OpsError> {
    let mut letters = selection.letters(queue).await?;
    letters.retain(|letter| letter.message.headers.contains_key(SAGA_HEADER));
    Ok(letters)
}

/// Those whose sagas have moved on, as the store says.
pub async fn moved_on(
    store: &Arc<dyn EventStore>,
    letters: Vec<DeadLetter>,
) -> Result<Vec<DeadLetter>, OpsError> {
    let mut moved_on = Vec::new();
    for letter in letters {
        if still_waits(store, &letter.message).await? == Some(false) {
            moved_on.push(letter);
        }
    }
    Ok(moved_on)
}

/// What is said of a dead letter that is not replayed since its saga has moved on.
pub fn refusal(letter: &DeadLetter) -> OpsError {
    let saga = letter.message.headers.get(SAGA_HEADER).cloned().unwrap_or_default();
    QueueError::SagaMovedOn { dead_letter: DeadLetterId::clone(&letter.id), saga }.into()
}
