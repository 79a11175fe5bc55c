//! Messages: from the event log outward, and from queues to whoever does the work.
//!
//! ```text
//! event log ──relay──▶ queue ──consumer──▶ a command, a Rust handler, a webhook
//!     │ checkpoint               │ lease, retries, dead letters
//! ```
//!
//! Nothing is sent inside an append: the log is the outbox, and a relay reads it from its checkpoint.
//! `envelope` is an event as a message, `received` the event of such a message, `ids` what makes a repeat recognisable, `relay_progress`
//! how far a relay has come, `relay` (with its `relay_key`, its `relay_past`, what it did under other names, and its `relay_backlog`
//! for who looks on) and `consumer` the two runners,
//! `events_topic` the log as a topic; `handler` is what a consumer calls, `dispatch` the handler that sends commands
//! to the bus, `webhook` the one that posts to a service, `inbox` where a consumer says what it gave up. `stop` ends
//! runners cleanly, and `metrics` records what they do.

mod consumer;
mod dispatch;
mod envelope;
mod events_topic;
mod handler;
mod ids;
mod inbox;
mod metrics;
mod received;
mod relay;
mod relay_backlog;
mod relay_key;
mod relay_past;
mod relay_progress;
mod stop;
#[cfg(feature = "webhook")]
mod webhook;

pub use crate::follow::BackOff;
pub use crate::reconcile::effect_id;
pub use consumer::{Consumer, ConsumerAction, ConsumerError, OnReject};
pub use dispatch::CommandDispatcher;
pub use envelope::{cloudevent, is_cloudevent, message_of};
pub(crate) use events_topic::read_the_log;
pub use events_topic::{is_the_log, topic_of};
pub use handler::{MessageError, MessageHandler};
pub use ids::{command_id, message_id};
pub(crate) use inbox::DEAD_LETTERED;
pub use inbox::Inbox;
pub(crate) use metrics::record_queue_metrics;
pub use received::{NoEvent, event_of};
pub use relay::{Relay, RelayError, is_of_an_application};
pub use relay_key::RelayKey;
pub(crate) use relay_past::is_past_of;
pub use relay_progress::RelayProgress;
pub use stop::{Stop, Stopper};
#[cfg(feature = "log")]
pub use trunkline_store::derived::FileCheckpoints;
pub use trunkline_store::derived::{Checkpoint, CheckpointError, Checkpoints, MemoryCheckpoints};
#[cfg(feature = "webhook")]
pub use webhook::{InvalidWebhook, Webhook};
