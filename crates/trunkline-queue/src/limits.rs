//! The limits of messages and queues, each with its reason.

use std::time::Duration;

/// Longest name of a topic or a group, in bytes: brokers put both into one key or subject of theirs.
pub const NAME_BYTES_MAX: usize = 120;

/// Longest message id, in bytes: as long as a command's id, since the one is made from the other.
pub const MESSAGE_ID_BYTES_MAX: usize = 200;

/// Longest key, in bytes: as long as a stream's name, which is what messages are mostly ordered by.
pub const KEY_BYTES_MAX: usize = 512;

/// Longest message type, in bytes: as an event type's.
pub const TYPE_BYTES_MAX: usize = 256;

/// Largest payload, in bytes: the largest event that a log may be configured to take (16 MiB of data) fits, as
/// base64 and in its envelope, so that whatever is in a log can be relayed.
///
/// Brokers refuse more than 1 MiB unless configured, so larger things belong elsewhere all the same, with their
/// address in the message.
pub const PAYLOAD_BYTES_MAX: usize = 22 << 20;

/// Largest headers of one message, in bytes, all names and values together: headers describe, they don't carry.
pub const HEADERS_BYTES_MAX: usize = 16 << 10;

/// Most messages in one publish: it is one commit, and is held in memory.
pub const PUBLISH_MESSAGES_MAX: usize = 10_000;

/// Most bytes in one publish, for the same reason: one message of the largest size, with all that belongs to it.
pub const PUBLISH_BYTES_MAX: usize = 24 << 20;

/// Most messages that one receive hands out: each is held until its lease ends.
pub const RECEIVE_MESSAGES_MAX: usize = 1_000;

/// After so many bytes one receive hands out no further message, since they are held in
/// memory too.
pub const RECEIVE_BYTES_MAX: usize = 12 << 20;

/// Longest text of an error that is kept with a message, in bytes: a service's status and 4 KiB of its answer. What
/// follows rarely says more.
pub const ERROR_BYTES_MAX: usize = (4 << 10) + 256;

/// How many tries of a message are kept in full, the latest: earlier ones are only counted.
pub const TRIES_MAX: usize = 16;

/// How many ids of finished messages each topic remembers: who publishes again does so soon.
pub const FINISHED_IDS_MAX: usize = 65_536;

/// How many decisions about dead letters are remembered, the latest.
pub const DECISIONS_MAX: usize = 10_000;

/// Most partitions of an ordered group: each costs a little memory, and more than consumers is enough.
pub const PARTITIONS_MAX: u16 = 4_096;

/// Longest delay and longest visibility, so that no sum of times overflows: a thousand years. A message with a longer
/// one is refused.
pub const DELAY_MAX: Duration = Duration::from_secs(365_250 * 24 * 3600);

/// For how long a topic without a group keeps its messages, unless configured.
pub const UNREAD_AGE_DEFAULT: Duration = Duration::from_secs(7 * 24 * 3600);

/// How many bytes of messages such a topic keeps, unless configured.
pub const UNREAD_BYTES_DEFAULT: u64 = 1 << 30;

/// How long a dead letter is kept, unless configured.
pub const DEAD_LETTER_AGE_DEFAULT: Duration = Duration::from_secs(30 * 24 * 3600);
