//! Messages: traits with their promises, backends that keep them, and the suites that check them.
//!
//! [`MessageQueue`] says what every queue promises of delivery, [`OperateQueue`] what a queue promises that
//! operators can look into; [`MessageQueueExt`] and [`OperateQueueExt`] add comforts that need nothing more.
//! [`MemoryQueue`] is the reference. `EmbeddedQueue`, of the feature `embedded` (on by default), keeps messages
//! on disk in a crash-safe journal.
//! The macros `conformance!` and `operating_conformance!`, of the feature `conformance`, run the suites against
//! any backend, ours or a stranger's.
//!
//! Read in this order: [`NewMessage`] goes in and a [`Delivery`] comes out, with the [`Lease`] that settles it;
//! [`RetryPolicy`] says when to try again; [`Unfinished`] counts what is left to do; a [`DeadLetter`] is what was
//! given up, and a [`DeadLetterDecision`] what becomes of it; [`QueueStats`] are the numbers.

mod adopt;
mod check;
mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
mod dead;
#[cfg(feature = "embedded")]
mod embedded;
mod engine;
mod error;
mod ext;
mod lease;
pub mod limits;
mod memory;
mod message;
mod names;
mod open_error;
mod operate;
mod operate_ext;
mod queue;
mod retry;
mod stats;
mod unfinished;

pub use adopt::{Adopted, Adoption};
pub use check::check;
pub use clock::{Clock, ManualClock, SystemClock};
pub use dead::{
    DeadLetter, DeadLetterDecision, DeadLetterFilter, DeadLetterId, DeadLettersRead, DecisionKind,
    DecisionOutcome, DecisionRecord, Try, likeness,
};
#[cfg(feature = "embedded")]
pub use embedded::{EmbeddedOptions, EmbeddedQueue, GivenUpPart, QueueCopy, Repaired, copy_queue};
pub use engine::Keep;
pub use error::{OperateError, PublishError, ReceiveError, SettleError, SubscribeError};
pub use ext::MessageQueueExt;
pub use lease::{Delivery, GroupOptions, Lease, LeaseToken, OnDead, Receive};
pub use memory::MemoryQueue;
pub use message::{Cause, Due, Message, NewMessage, Published, SAGA_HEADER};
pub use names::{GroupName, MessageId, TopicName};
pub use open_error::OpenError;
pub use operate::OperateQueue;
pub use operate_ext::{BulkDecision, DeadLetterGroup, OperateQueueExt};
pub use queue::MessageQueue;
pub use retry::{AfterFailure, Failure, RetryPolicy};
pub use stats::{GroupStats, MessageState, NextDue, Peek, Peeked, QueueStats, TopicStats};
pub use trunkline_core::{Advice, StorageError};
pub use unfinished::Unfinished;
