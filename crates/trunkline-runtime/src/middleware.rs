//! What stands between a request and the bus: each a function from a service to a service.
//!
//! From the outside in: what is observed, the time limit, the program's own layers, who may do what, and then the
//! bus.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::{Key, Label, Level, Metadata};
use tower::util::BoxCloneSyncService;
use tower::{ServiceExt as _, service_fn};
use tracing::Instrument as _;

use crate::command::Bus;
use crate::{CommandRequest, Decision, DispatchError, Emitted, Outcome};

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
pub(crate) fn observe(inner: CommandService, bus: &Bus) -> CommandService {
    let metrics_of = |name: &str| (name.to_owned(), Arc::new(CommandMetrics::new(name)));
    let known: HashMap<String, Arc<CommandMetrics>> = bus.names().into_iter().map(metrics_of).collect();
    // A name that no handler has could be any text: it is not made a label.
    let (unknown, unknown_metrics) = metrics_of("(unknown)");
    let known = Arc::new(known);
    BoxCloneSyncService::new(service_fn(move |request: CommandRequest| {
        let (name, metrics) = known.get_key_value(&request.name).unwrap_or((&unknown, &unknown_metrics));
        let span = tracing::info_span!(
            "command",
            name = %name,
            id = request.id.as_ref().map(tracing::field::display),
            traceparent = request.context.traceparent.as_deref(),
        );
        let metrics = Arc::clone(metrics);
        let outcome = inner.clone().oneshot(request);
        let began = Instant::now();
        async move {
            let outcome = outcome.await;
            metrics.count(&outcome);
            metrics.time(began.elapsed());
            outcome
        }
        .instrument(span)
    }))
}

/// The metrics of one command: their labels are made once; the recorder is the one that is installed by then.
struct CommandMetrics {
    accepted: Key,
    rejected: Key,
    repeated: Key,
    failed: Key,
    seconds: Key,
}

static METADATA: Metadata<'_> = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

impl CommandMetrics {
    fn new(command: &str) -> Self {
        let command = || Label::new("command", command.to_owned());
        let ended = |outcome: &'static str| {
            Key::from_parts("trunkline_commands_total", vec![command(), Label::new("outcome", outcome)])
        };
        Self {
            accepted: ended("accepted"),
            rejected: ended("rejected"),
            repeated: ended("repeated"),
            failed: ended("failed"),
            seconds: Key::from_parts("trunkline_command_seconds", vec![command()]),
        }
    }

    fn count(&self, outcome: &Result<Outcome, DispatchError>) {
        let ended = match outcome {
            Ok(Outcome { repeated: true, .. }) => &self.repeated,
            Ok(Outcome { decision: Decision::Accepted(accepted), .. }) => {
                count_events(&accepted.events);
                &self.accepted
            }
            Ok(Outcome { decision: Decision::Rejected(rejection), .. }) => {
                tracing::debug!(reason = rejection.reason, "rejected");
                &self.rejected
            }
            Err(error) => {
                tracing::warn!(%error, "failed");
                &self.failed
            }
        };
        metrics::with_recorder(|recorder| recorder.register_counter(ended, &METADATA).increment(1));
    }

    fn time(&self, time: Duration) {
        metrics::with_recorder(|recorder| {
            recorder.register_histogram(&self.seconds, &METADATA).record(time.as_secs_f64());
        });
    }
}

fn count_events(events: &[Emitted]) {
    let kind = |event: &Emitted| event.stream.aggregate_type().to_owned();
    for alike in events.chunk_by(|one, next| one.stream.aggregate_type() == next.stream.aggregate_type()) {
        metrics::counter!("trunkline_events_appended_total", "aggregate_type" => kind(&alike[0]))
            .increment(alike.len() as u64);
    }
}
