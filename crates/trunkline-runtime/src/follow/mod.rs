//! Following the log: the one way in which projections, relays and sagas get its events.
//!
//! ```text
//! log ──▶ tail: the last events, read once, bounded by bytes ──▶ followers near the head ──▶ pieces, each with its end
//!  └────▶ reads through the index ─────────────────────────────▶ those behind, and those who want few of the events
//! ```
//!
//! A `follower` is at a position and asks for the next `piece`: what it has `wanted` of the log up to the piece's end,
//! which is a checkpoint. The `tail` is shared by all of an application, and `ahead` prepares pieces while others are
//! applied. `replay` is how what has happened already is read: how
//! much at a time, how fast. `backlog` is what waits for a follower, whoever runs it. `back_off` is how long is waited when something can't work for a while, and `activity` tells whoever waits
//! for rest that something has moved.

mod activity;
mod ahead;
mod back_off;
mod backlog;
mod follower;
mod piece;
mod replay;
mod tail;
#[cfg(test)]
mod tests;
mod wanted;

pub(crate) use activity::{Activity, Watcher};
pub(crate) use ahead::Ahead;
pub use back_off::BackOff;
pub use backlog::Backlog;
pub(crate) use follower::{FollowError, Follower};
pub(crate) use piece::{Bounds, Piece};
pub(crate) use replay::Replay;
pub use replay::ReplaySettings;
pub(crate) use tail::Tail;
pub(crate) use wanted::Wanted;
