//! The limits of names, events and batches, each with its reason.

/// Longest stream name, in bytes: a name is an index key and stands in every record of its stream.
pub const STREAM_NAME_BYTES_MAX: usize = 512;

/// Longest event type, in bytes: a type is an index key and part of every record.
pub const EVENT_TYPE_BYTES_MAX: usize = 256;

/// Longest tag, in bytes: a tag is an index key.
pub const TAG_BYTES_MAX: usize = 256;

/// Most tags on one event: every tag is an index entry that each append pays for.
pub const TAGS_MAX: usize = 64;

/// Event data accepted unless a store is configured otherwise, in bytes: larger things belong in a file
/// store, with their address in the event.
pub const EVENT_DATA_BYTES_MAX_DEFAULT: usize = 1 << 20;

/// The most that the limit of event data may be raised to, in bytes: a record is read whole.
pub const EVENT_DATA_BYTES_MAX: usize = 16 << 20;

/// Largest metadata of one event, in bytes: metadata describes, it does not carry.
pub const METADATA_BYTES_MAX: usize = 64 << 10;

/// Largest batch of one append, in bytes of encoded events: a batch is one commit and is held in memory.
pub const BATCH_BYTES_MAX: usize = 64 << 20;

/// Most events in one append, so that a batch of tiny events stays one bounded commit.
pub const BATCH_EVENTS_MAX: usize = 100_000;

/// Longest command id, in bytes: together with `$command:` it must fit a tag.
pub const COMMAND_ID_BYTES_MAX: usize = 200;
