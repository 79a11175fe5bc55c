//! A recorder of metrics that a test can look into.

use std::sync::{Arc, Mutex};

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};

/// Keeps what is counted and told, a line each: `NAME{LABELS} NUMBER`.
#[derive(Default)]
pub(crate) struct Told(Arc<Mutex<Vec<String>>>);

/// A counter or a gauge, and where its numbers go.
struct One(String, Arc<Mutex<Vec<String>>>);

impl Told {
    /// Everything, in the order in which it was told.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    fn one(&self, key: &Key) -> Arc<One> {
        let labels: Vec<String> =
            key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        Arc::new(One(format!("{}{{{}}}", key.name(), labels.join(",")), Arc::clone(&self.0)))
    }
}

impl CounterFn for One {
    fn increment(&self, by: u64) {
        self.1.lock().unwrap().push(format!("{} {by}", self.0));
    }

    fn absolute(&self, _: u64) {}
}

impl GaugeFn for One {
    fn increment(&self, _: f64) {}

    fn decrement(&self, _: f64) {}

    fn set(&self, to: f64) {
        self.1.lock().unwrap().push(format!("{} {to}", self.0));
    }
}

impl Recorder for Told {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.one(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.one(key))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}
