//! What is connected to what in an application that is being built.

use trunkline_core::EventType;
use trunkline_core::upcast::Upcasters;

use super::{AppBuilder, BuildError};
use crate::messages::ConsumerAction;
use crate::{ConsumerWiring, RelayWiring, SagaWiring, Unknown, Wiring};

/// Refuses wiring that is wrong; warns of what only may be.
pub(super) fn check(builder: &AppBuilder, upcasters: &Upcasters) -> Result<(), BuildError> {
    let (errors, warnings): (Vec<_>, Vec<_>) =
        wiring(builder, upcasters).check().into_iter().partition(|problem| problem.is_error);
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    if errors.is_empty() { Ok(()) } else { Err(BuildError::Wiring { problems: errors }) }
}

fn wiring(builder: &AppBuilder, upcasters: &Upcasters) -> Wiring {
    let mut wiring = Wiring {
        events: builder.known_events.clone(),
        upcasters: upcasters.clone(),
        external: builder.settings.message_queue.external.iter().cloned().collect(),
        unknown: Unknown::default(),
        ..Wiring::default()
    };
    wiring.events.extend(builder.events.keys().cloned());
    wiring.events.extend(builder.shapes.iter().map(|shape| shape.event_type.to_owned()));
    for (name, logic) in &builder.commands {
        match logic.emits() {
            Some(events) if events.is_empty() => drop(wiring.silent.insert(name.clone())),
            Some(events) => wiring.events.extend(events),
            None => wiring.unknown.emitted = true,
        }
        wiring.commands.insert(name.clone());
    }
    wiring.sagas.extend(builder.sagas.iter().map(|(name, behaviour)| SagaWiring {
        name: name.clone(),
        events: behaviour.events(),
        outline: behaviour.outline(),
    }));
    wiring.consumers.extend(builder.consumers.iter().map(|(consumer, action)| ConsumerWiring {
        topics: consumer.topics.iter().map(ToString::to_string).collect(),
        dispatches: matches!(action, ConsumerAction::Dispatch(_)),
    }));
    wiring.relays.extend(builder.relays.iter().map(|relay| RelayWiring {
        name: relay.name.clone(),
        events: relay.events.iter().map(EventType::as_str).map(str::to_owned).collect(),
        topic: relay.topic.to_string(),
    }));
    let projections = builder.projections.iter();
    let events = projections.map(|one| one.model.event_types().map(str::to_owned).collect());
    wiring.projections.extend(events);
    wiring
}
