//! An append-only log of records: crash-safe on one disk, with one writer and any number of readers.
//!
//! A record belongs to a *stream*, in which it has a *version*; it has a *position* in the whole log, a unique
//! id, and *labels* that it can be found by. What these mean is up to the log's user: to the log they are
//! bytes.
//!
//! An append is an atomic [`Batch`], judged by the log's one writer against everything before it: repeated ids
//! first, then the expected versions of its streams, then its conditions. Batches that wait at the same time
//! become one *frame*, which is written and synced as one, and only then acknowledged.
//! The bytes on disk are described in `docs/format/log-v1.md`.
//!
//! ```
//! use std::sync::Arc;
//! use trunkline_log::{disk::MemoryDisk, Expected, Log, Options};
//!
//! let log = Log::open(Arc::new(MemoryDisk::new()), Options::default())?;
//! let mut batch = log.batch();
//! batch.write(b"order-1", Expected::At(0));
//! batch.record([1; 16], std::iter::empty(), &[b"hello"]);
//! let appended = log.append_blocking(batch)?;
//! assert_eq!((appended.position, appended.versions), (1, vec![1]));
//!
//! let record = log.stream(b"order-1", 1..=u64::MAX, true).next().unwrap()?;
//! assert_eq!(&record.bytes()[record.body_range()], b"hello");
//! log.close();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod backup;
mod batch;
mod bytes_at;
mod cursor;
pub mod disk;
mod error;
mod frame;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod head;
mod index;
mod indexer;
mod judge;
mod key;
mod log;
mod open;
mod prefetch;
mod read_only;
mod reader;
mod record;
mod recover;
mod restored;
mod seen;
mod segment;
mod shared;
mod tail;
mod verify;
mod walk;
mod writer;

pub use backup::{Backup, BackupError, restore, verify_backup};
pub use batch::{Appended, BATCH_BYTES_MAX, Batch, Expected, LabelQuery, Same, Told};
pub use cursor::Cursor;
pub use error::{AppendError, OpenError, ReadError};
pub use log::{Log, Options, Stats};
pub use record::{Label, Record};
pub use restored::RestoredMark;
pub use verify::{Problem, Verified};
