//! What orders the messages that a relay makes of events.

use std::fmt;
use std::sync::Arc;

use trunkline_core::RecordedEvent;

/// What makes the key of an event's message: a function of the event, in today's shape.
///
/// ```
/// use trunkline::messages::{Relay, RelayKey};
///
/// // Ordered groups take the events of one aggregate type one after the other.
/// let key = RelayKey::new(|event| Ok(event.aggregate_type().to_owned()));
/// let relay = Relay { key: Some(key), ..Relay::new("orders", "shop".parse()?) };
/// assert_eq!(relay.topic.as_str(), "shop");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RelayKey(Arc<Make>);

type Make = dyn Fn(&RecordedEvent) -> Result<String, String> + Send + Sync;

impl RelayKey {
    /// A key that this function makes. Where it can't, it says why, and the relay stops at the event.
    pub fn new(make: impl Fn(&RecordedEvent) -> Result<String, String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }

    /// The key of the event's message.
    pub(super) fn of(&self, event: &RecordedEvent) -> Result<String, String> {
        (self.0)(event)
    }
}

impl fmt::Debug for RelayKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RelayKey")
    }
}
