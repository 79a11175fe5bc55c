//! What happens to a saga, and all that follows from it, appended to its stream.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use trunkline_core::saga::{self, Ignored, Input, Missing, Moment, SagaState, Transition};
use trunkline_core::{Append, EventId, Expected, Metadata, NewEvent, StreamName, Timestamp, Version};
use trunkline_store::derived::SagaKey;
use trunkline_store::{Advice, AppendError};

use super::{SagaError, Sagas};

/// How often what follows is worked out anew when others append to a saga's stream first.
const ATTEMPTS_MAX: u32 = 16;

/// The pause before an append that passes is tried again; it grows.
const PAUSE: Duration = Duration::from_millis(50);

/// What came of a saga's inputs.
pub(super) struct Advance {
    pub(super) state: Arc<SagaState>,
    pub(super) transitions: Vec<Transition>,
}

/// What happens to a saga, in order, and all that follows, in one append; worked out anew when others were first.
///
/// `at` is the time by which its timers are judged; any other input is recorded with the time as it is.
pub(super) async fn advance(
    sagas: &Sagas,
    key: &SagaKey,
    inputs: &[Input],
    at: Option<Timestamp>,
) -> Result<Advance, SagaError> {
    let called = || format!("{}-{}", key.0, key.1);
    let stream = saga::stream(&key.0, &key.1).map_err(|_| SagaError::NotFound { id: called() })?;
    let mut attempts = 0;
    // How large an event may be is the store's to say; mostly it needn't.
    let mut bytes_max = usize::MAX;
    loop {
        let before = sagas.states.find(key).await?;
        let now = at.unwrap_or_else(|| sagas.now());
        let mut state = SagaState::clone(&before);
        let (mut transitions, mut ids, mut ignored) = (Vec::new(), Vec::new(), Vec::new());
        if let Some(definition) = sagas.routes.definition(&key.0) {
            for input in inputs {
                // Drawn by whoever records it, and not made of its place: where a log has lost its end, another event
                // has the place, and what was sent from there is not to be taken for this.
                let moment = Moment::new(now, EventId::generate()).within(bytes_max);
                let advanced = saga::advance(definition, &state, input, &moment)
                    .map_err(|source| SagaError::Order { saga: called(), source })?;
                state = advanced.state;
                ids.extend((0..advanced.transitions.len()).map(|place| moment.id_of(place)));
                transitions.extend(advanced.transitions);
                ignored.extend(advanced.ignored);
            }
        } else if let [Input::Order { .. }] = inputs {
            return Err(SagaError::UnknownName { name: key.0.clone(), near: None });
        } else if let Some(held) = saga::hold(&state, &Missing::Saga(key.0.clone())) {
            // It isn't defined any more.
            let id = EventId::generate();
            state.apply(&held, now, id);
            ids.push(id);
            transitions.push(held);
        } else {
            count_ignored(&key.0, "unknown");
        }
        if !transitions.is_empty() {
            let append = append(&stream, &before, &state, transitions.iter().zip(ids), now);
            match append_with_retries(sagas, append).await {
                Ok(()) => {}
                Err(AppendError::Conflict { .. }) if attempts < ATTEMPTS_MAX => {
                    sagas.states.forget(key);
                    attempts += 1;
                    continue;
                }
                // What can't be recorded is for the saga to deal with, not for whoever runs all of them.
                Err(AppendError::TooLarge { bytes, bytes_max: limit, .. })
                    if limit < bytes_max && takes_more(&transitions, limit) =>
                {
                    tracing::warn!(saga = called(), bytes, limit, "what follows for a saga is too large");
                    bytes_max = limit;
                    continue;
                }
                Err(AppendError::TooLarge { .. } | AppendError::Invalid { .. }) if inputs.len() > 1 => {
                    return one_by_one(sagas, key, inputs, at).await;
                }
                Err(source) => {
                    // Whether it was stored may be unknown.
                    sagas.states.forget(key);
                    return Err(SagaError::Append { stream, source });
                }
            }
        }
        for ignored in &ignored {
            // What was read before, and what is no news, is no surprise.
            if !matches!(ignored, Ignored::Repeated | Ignored::Known | Ignored::NotDue | Ignored::Held) {
                count_ignored(&key.0, ignored.word());
            }
        }
        let state = Arc::new(state);
        if !transitions.is_empty() {
            sagas.states.keep(Arc::clone(&state));
        }
        return Ok(Advance { state, transitions });
    }
}

/// Whether one of them has more data than this.
fn takes_more(transitions: &[Transition], bytes: usize) -> bool {
    transitions.iter().any(|transition| transition.to_data().len() > bytes)
}

/// The same, in an append for each input.
async fn one_by_one(
    sagas: &Sagas,
    key: &SagaKey,
    inputs: &[Input],
    at: Option<Timestamp>,
) -> Result<Advance, SagaError> {
    let mut all = Advance { state: sagas.states.find(key).await?, transitions: Vec::new() };
    for input in inputs {
        let next = Box::pin(advance(sagas, key, std::slice::from_ref(input), at)).await?;
        all.state = next.state;
        all.transitions.extend(next.transitions);
    }
    Ok(all)
}

/// The metadata of a transition.
#[derive(Serialize)]
struct TransitionMetadata<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    causation_id: Option<EventId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<&'a str>,
}

fn append<'a>(
    stream: &StreamName,
    before: &SagaState,
    after: &SagaState,
    transitions: impl Iterator<Item = (&'a Transition, EventId)>,
    now: Timestamp,
) -> Append {
    let expected = match before.version {
        Version::EMPTY => Expected::NoStream,
        version => Expected::At(version),
    };
    let event = |(transition, id): (&Transition, EventId)| {
        let cause = transition.cause();
        let fields = TransitionMetadata {
            correlation_id: after.correlation_id.as_deref(),
            causation_id: cause.event_id,
            actor: cause.operator.as_deref(),
        };
        NewEvent::new(transition.event_type(), transition.to_data())
            .id(id)
            .metadata(Metadata::of(&fields).unwrap_or_default())
            .occurred_at(now)
    };
    Append::to(stream.clone(), expected).with_events(transitions.map(event))
}

/// Appends, and tries again a few times when the error is a passing one: by the events' ids the store knows whether it
/// has them already.
async fn append_with_retries(sagas: &Sagas, append: Append) -> Result<(), AppendError> {
    let mut pause = PAUSE;
    for _ in 0..4 {
        match sagas.store.append(append.clone()).await {
            Err(error) if error.advice() == Advice::Retry => {
                tracing::warn!(%error, "what follows for a saga is appended again");
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            done => return done.map(drop),
        }
    }
    sagas.store.append(append).await.map(drop)
}

/// Counts an input that had no effect on a saga, by the reason.
pub(super) fn count_ignored(saga: &str, why: &'static str) {
    metrics::counter!("trunkline_saga_ignored_total", "saga" => saga.to_owned(), "why" => why).increment(1);
}
