//! Whether a saga still waits for what comes of a message that it sent.

use std::sync::Arc;

use trunkline_core::saga;
use trunkline_queue::Message;
use trunkline_store::EventStore;

use super::SagaError;
use super::states::SagaStates;

/// Whether the saga that sent a message still waits for what comes of it; none when no saga sent it.
///
/// A saga has moved on when it was answered, sent another message, went back, or ended: what comes of this one changes
/// nothing for it any more.
pub async fn still_waits(store: &Arc<dyn EventStore>, message: &Message) -> Result<Option<bool>, SagaError> {
    let Some(saga) = message.headers.get(saga::SAGA_FIELD) else { return Ok(None) };
    let Some(sent) = message.headers.get(saga::MESSAGE_FIELD) else { return Ok(Some(false)) };
    let stream = format!("{}{saga}", saga::STREAM_PREFIX);
    let Some((name, id)) = saga::of_stream(&stream) else { return Ok(Some(false)) };
    let states = SagaStates::new(Arc::clone(store));
    let state = states.load(&(name.to_owned(), id.to_owned())).await?;
    let message = sent.parse().ok().and_then(|name| state.message(name));
    let waiting = state.waiting.as_ref().filter(|waiting| !waiting.answered);
    let waits = message.zip(waiting).is_some_and(|(message, waiting)| message.version == waiting.message);
    Ok(Some(waits))
}
