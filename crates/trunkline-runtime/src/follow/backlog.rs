//! What waits to be done by a follower of the log, as far as it is counted.

use trunkline_core::Timestamp;

/// How many events are counted: who is further behind is far behind.
const COUNTED_MAX: u64 = 10_000;

/// What waits to be done by a follower of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// How many events.
    pub events: u64,
    /// Whether there are more than that.
    pub and_more: bool,
    /// When the first of them was recorded.
    pub since: Option<Timestamp>,
}

impl Backlog {
    /// One more event; whether further ones are counted.
    pub(crate) fn add(&mut self, recorded_at: Timestamp) -> bool {
        self.since.get_or_insert(recorded_at);
        self.and_more = self.events == COUNTED_MAX;
        self.events += u64::from(!self.and_more);
        !self.and_more
    }
}
