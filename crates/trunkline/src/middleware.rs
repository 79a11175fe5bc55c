//! What stands between a request and the bus: each a function from a service to a service.
//!
//! From the outside in: what is observed, the time limit, the program's own layers, who may do what, and then the
//! bus.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tower::util::BoxCloneSyncService;
use tower::{ServiceExt as _, service_fn};
use tracing::Instrument as _;

use crate::command::Bus;
use crate::{CommandRequest, Decision, DispatchError, Outcome};

/// A `tower` service that takes commands.
pub type CommandService = BoxCloneSyncService<CommandRequest, Outcome, DispatchError>;

/// Says whether a request may be handled: the reason when not.
pub(crate) type Guard = Arc<dyn Fn(&CommandRequest) -> Result<(), String> + Send + Sync>;

/// The bus as a service.
pub(crate) fn bus(bus: Arc<Bus>) -> CommandService {
    BoxCloneSyncService::new(service_fn(move |request: CommandRequest| {
        let bus = Arc::clone(&bus);
        async move { bus.dispatch(&request).await }
    }))
}

/// Refuses what the guard refuses.
pub(crate) fn authorize(inner: CommandService, guard: Guard) -> CommandService {
    BoxCloneSyncService::new(service_fn(move |request: CommandRequest| {
        let allowed = guard(&request).map_err(|reason| DispatchError::Forbidden { reason });
        let inner = inner.clone();
        async move {
            allowed?;
            inner.oneshot(request).await
        }
    }))
}

/// Gives up waiting after a while.
pub(crate) fn limit_time(inner: CommandService, after: Duration) -> CommandService {
    BoxCloneSyncService::new(service_fn(move |request: CommandRequest| {
        let outcome = inner.clone().oneshot(request);
        async move {
            let waited = tokio::time::timeout(after, outcome).await;
            waited.unwrap_or(Err(DispatchError::TimedOut { after }))
        }
    }))
}

/// Gives each command a span with its name and id, and counts and times what came of it.
///
/// `trunkline_commands_total{command, outcome}` and `trunkline_command_seconds{command}`; the events of
/// accepted ones are counted in `trunkline_events_appended_total{aggregate_type}`.
pub(crate) fn observe(inner: CommandService, bus: Arc<Bus>) -> CommandService {
    BoxCloneSyncService::new(service_fn(move |request: CommandRequest| {
        // A name that nobody knows could be any text: it is not made a label.
        let name = if bus.handles(&request.name) { request.name.clone() } else { "(unknown)".to_owned() };
        let span = tracing::info_span!(
            "command",
            name = %name,
            id = request.id.as_ref().map(tracing::field::display),
            traceparent = request.context.traceparent.as_deref(),
        );
        let outcome = inner.clone().oneshot(request);
        let began = Instant::now();
        async move {
            let outcome = outcome.await;
            count(&name, &outcome);
            metrics::histogram!("trunkline_command_seconds", "command" => name)
                .record(began.elapsed().as_secs_f64());
            outcome
        }
        .instrument(span)
    }))
}

fn count(name: &str, outcome: &Result<Outcome, DispatchError>) {
    let word = match outcome {
        Ok(Outcome { repeated: true, .. }) => "repeated",
        Ok(Outcome { decision: Decision::Accepted(accepted), .. }) => {
            for event in &accepted.events {
                let kind = event.stream.aggregate_type().to_owned();
                metrics::counter!("trunkline_events_appended_total", "aggregate_type" => kind).increment(1);
            }
            "accepted"
        }
        Ok(Outcome { decision: Decision::Rejected(rejection), .. }) => {
            tracing::debug!(reason = rejection.reason, "rejected");
            "rejected"
        }
        Err(error) => {
            tracing::warn!(%error, "failed");
            "failed"
        }
    };
    metrics::counter!("trunkline_commands_total", "command" => name.to_owned(), "outcome" => word)
        .increment(1);
}
