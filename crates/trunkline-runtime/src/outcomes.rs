//! Kept outcomes, for who makes a new store of an old one: a command that is sent again gets its first reply there, too.
//!
//! The shapes are described in `docs/format/outcomes-v1.md`.

pub use crate::command::inbox::{OutcomePart, event_with_reply, metadata_with_reply, reply_of};
