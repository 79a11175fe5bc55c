//! Messages: one trait with its promises, backends that keep them, and the suite that checks them.
//!
//! [`MessageQueue`] says what every queue promises; [`MessageQueueExt`] adds comforts that need nothing more.
//! [`MemoryQueue`] is the reference, [`EmbeddedQueue`] keeps messages on disk in a crash-safe journal.
//! The macro `conformance!`, of the feature of that name, runs the suite against any backend, ours or a
//! stranger's.
//!
//! Read in this order: [`NewMessage`] goes in and a [`Delivery`] comes out, with the [`Lease`] that settles it;
//! [`RetryPolicy`] says when to try again; a [`DeadLetter`] is what was given up, and a [`Decision`] what
//! becomes of it; [`QueueStats`] are the numbers.

mod check;
mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
mod dead;
mod embedded;
mod engine;
mod error;
mod ext;
mod lease;
pub mod limits;
mod memory;
mod message;
mod names;
mod queue;
mod retry;
mod stats;

pub use check::check;
pub use clock::{Clock, ManualClock, SystemClock};
pub use dead::{
    Action, DeadLetter, DeadLetterFilter, DeadLetterId, DeadLettersRead, Decision, DecisionKind, Outcome,
    Try, likeness,
};
pub use embedded::{EmbeddedOptions, EmbeddedQueue, OpenError};
pub use engine::Keep;
pub use error::{
    Advice, OperateError, PublishError, ReceiveError, SettleError, StorageError, SubscribeError,
};
pub use ext::{BulkDecision, DeadLetterGroup, MessageQueueExt};
pub use lease::{Delivery, GroupOptions, Lease, LeaseToken, Receive};
pub use memory::MemoryQueue;
pub use message::{Cause, Due, Message, NewMessage, Published};
pub use names::{GroupName, MessageId, TopicName};
pub use queue::MessageQueue;
pub use retry::{Failure, Next, RetryPolicy};
pub use stats::{GroupStats, MessageState, Peek, Peeked, QueueStats, TopicStats};
