//! Whether a saga still waits for what comes of a message that it sent.

use std::sync::Arc;

use trunkline_core::StreamName;
use trunkline_core::saga::{self, Transition};
use trunkline_queue::Message;
use trunkline_store::EventStore;

use super::SagaError;
use super::states::{Recording, SagaStates};

/// Whether the saga that sent a message still waits for what comes of it; none when no saga sent it.
///
/// A saga has moved on when it was answered, sent another message, went back, or ended: what comes of this one changes
/// nothing for it any more.
pub async fn still_waits(store: &Arc<dyn EventStore>, message: &Message) -> Result<Option<bool>, SagaError> {
    let Some(saga) = message.headers.get(saga::SAGA_FIELD) else { return Ok(None) };
    let Some(sent) = message.headers.get(saga::MESSAGE_FIELD) else { return Ok(Some(false)) };
    let stream = StreamName::system(&format!("{}{saga}", saga::STREAM_PREFIX));
    let key = stream.as_ref().ok().and_then(|stream| saga::of_stream(stream.as_str()));
    let (Ok(stream), Some((name, id))) = (&stream, key) else { return Ok(Some(false)) };
    let states = SagaStates::new(Arc::clone(store));
    let state = states.load(&(name.to_owned(), id.to_owned())).await?;
    let Some(waiting) = state.waiting.filter(|waiting| !waiting.answered) else { return Ok(Some(false)) };
    let is_it = |recording: &Recording| {
        // It is called by the version of what sent it, or by that one's id.
        matches!(recording.transition, Transition::Sent(_))
            && (recording.version.to_string() == *sent || recording.event_id.to_string() == *sent)
    };
    let history = states.history(stream).await?;
    let version = history.iter().find(|recording| is_it(recording)).map(|recording| recording.version);
    Ok(Some(version == Some(waiting.message)))
}
