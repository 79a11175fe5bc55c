//! How projections stand, as metrics.
//!
//! Gauges by projection: `trunkline_projection_position`, `trunkline_projection_lag_events`,
//! `trunkline_projection_lag_seconds`, `trunkline_projection_rate` (events a second) and
//! `trunkline_projection_state`, which is 1 for the state that the projection is in and 0 for the others.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use trunkline_core::Clock;
use trunkline_store::EventStore;

use super::progress::{Progress, ProjectionState};
use super::status::lag;

/// How often the metrics are recorded.
const EVERY: Duration = Duration::from_secs(5);

/// Records the metrics of the projections that run here.
#[derive(Clone)]
pub(super) struct ProjectionMetrics {
    pub(super) store: Arc<dyn EventStore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) all: Vec<(String, Arc<Progress>)>,
}

impl ProjectionMetrics {
    /// Records the metrics, now and every few seconds, for ever.
    pub(super) async fn run(self) {
        let mut pace = tokio::time::interval(EVERY);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            pace.tick().await;
            self.record().await;
        }
    }

    /// Records the metrics as they are.
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and exact up to 2^53 events")]
    pub(super) async fn record(&self) {
        for (name, progress) in &self.all {
            let standing = progress.standing();
            let gauge = |metric: &'static str| metrics::gauge!(metric, "projection" => name.clone());
            gauge("trunkline_projection_position").set(standing.position.get() as f64);
            gauge("trunkline_projection_rate").set(progress.rate().unwrap_or_default());
            for state in ProjectionState::ALL {
                let labels = [("projection", name.clone()), ("state", state.as_str().to_owned())];
                let is = f64::from(u8::from(state == standing.state));
                metrics::gauge!("trunkline_projection_state", &labels).set(is);
            }
            // Who runs the projection meets the same store, and says what is wrong.
            let Ok(head) = self.store.head().await else { continue };
            let events = head.get().saturating_sub(standing.position.get());
            gauge("trunkline_projection_lag_events").set(events as f64);
            if let Ok(seconds) = lag(&*self.store, &*self.clock, standing.position, head).await {
                gauge("trunkline_projection_lag_seconds").set(seconds);
            }
        }
    }
}
