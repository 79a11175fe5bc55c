//! Which streams there are, and how much is stored.

use serde::Serialize;
use trunkline_store::{StoreStats, StreamInfo};

/// A stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct StreamLine<'a> {
    /// Its name.
    pub stream: &'a str,
    /// The version of its last event.
    pub version: u64,
    /// The position of its first event.
    pub first_position: u64,
    /// The position of its last.
    pub last_position: u64,
}

impl<'a> From<&'a StreamInfo> for StreamLine<'a> {
    fn from(info: &'a StreamInfo) -> Self {
        Self {
            stream: info.stream.as_str(),
            version: info.version.get(),
            first_position: info.first_position.get(),
            last_position: info.last_position.get(),
        }
    }
}

/// How much is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SizeReport {
    /// Events.
    pub events: u64,
    /// Files that hold them.
    pub segments: u64,
    /// The bytes of those.
    pub event_bytes: u64,
    /// The bytes of the indexes.
    pub index_bytes: u64,
    /// Files of indexes.
    pub index_runs: u64,
}

impl From<&StoreStats> for SizeReport {
    fn from(stats: &StoreStats) -> Self {
        let StoreStats { events, segments, event_bytes, index_bytes, index_runs, .. } = *stats;
        Self { events, segments, event_bytes, index_bytes, index_runs }
    }
}
