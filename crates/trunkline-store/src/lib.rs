//! The event store: one trait with its promises, backends that keep them, and the suite that checks them.
//!
//! [`EventStore`] says what every store promises; [`EventStoreExt`] adds comforts that need nothing more.
//! [`MemoryStore`] is the reference, `LogStore` (of the feature `log`) keeps events on disk in a crash-safe log.
//! The macro `conformance!`, of the feature of that name, runs the suite against any backend, ours or a
//! stranger's.
//! [`derived`] is what is derived from a log, or coordinated beside it.
//!
//! ```
//! use trunkline_core::{Append, Expected, NewEvent, Version};
//! use trunkline_store::{EventStore, EventStoreExt, MemoryStore};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = MemoryStore::new();
//! let append = Append::to("order-1".parse()?, Expected::NoStream)
//!     .event(NewEvent::json("OrderCreated", r#"{"order_id":"1"}"#)?);
//! store.append(append).await?;
//! assert_eq!(store.version(&"order-1".parse()?).await?, Version::new(1));
//! # Ok(())
//! # }
//! ```

mod check;
mod command;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod derived;
mod error;
mod ext;
#[cfg(feature = "log")]
mod log;
mod maintain;
mod memory;
mod read;
mod store;

pub use check::{Limits, check};
pub use command::tag_with_command;
pub use error::{AppendError, OpenError, ReadError};
pub use ext::{EventStoreExt, subscribe};
#[cfg(feature = "log")]
pub use log::{LogStore, LogStoreOptions};
pub use maintain::{
    BackupReport, Maintain, MaintainError, Progress, RestoredMark, StoreStats, VerifyProblem, VerifyReport,
};
pub use memory::MemoryStore;
pub use read::{AllRead, Direction, EventStream, StreamInfo, StreamList, StreamRead, StreamsRead};
pub use store::EventStore;
pub use trunkline_core::{Advice, StorageError};
