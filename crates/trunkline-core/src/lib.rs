//! The words of Trunkline, as types: what an event is, where it stands, and what an append asks for.
//!
//! Nothing here does I/O, and only [`SystemClock`] reads the time: whoever needs it is handed a [`Clock`].
//! Read in this order: [`Position`] and [`Version`] say where an event stands; [`StreamName`],
//! [`EventType`], [`Tag`] and [`EventId`] name things and refuse what is not a name; [`NewEvent`] goes in
//! and [`RecordedEvent`] comes out; [`Append`] is the atomic batch with its [`Expected`] versions and
//! [`Condition`]s, and [`Query`] selects events for reads and conditions alike.
//! [`json`] is an event as a line of text, and reads `CloudEvents` lines too.
//! [`data`] checks data that comes from outside.
//! [`Decider`] is an aggregate's behaviour over its own [`Event`]s and [`Command`]s, tested by [`testing`].
//! [`saga`] is what is done step by step over several aggregates, and undone when a step fails.
//! [`upcast`] is how events that were stored in older shapes become those of today.
//!
//! ```
//! use trunkline_core::{Append, Expected, NewEvent};
//!
//! let append = Append::to("order-536365".parse()?, Expected::NoStream)
//!     .event(NewEvent::json("OrderCreated", r#"{"order_id":"536365"}"#)?);
//! assert_eq!(append.events().count(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod append;
mod clock;
mod cloudevents;
pub mod data;
mod decider;
mod event;
mod failure;
mod ids;
pub mod json;
pub mod limits;
mod metadata;
mod names;
mod place;
mod query;
pub mod saga;
mod shapes;
pub mod testing;
mod text;
mod time;
mod trace;
pub mod upcast;

pub use append::{Append, Appended, Condition, Expected, StreamWrite, UnknownExpected};
pub use clock::{Clock, ManualClock, SystemClock};
pub use cloudevents::CloudEventAttributes;
pub use decider::Decider;
pub use event::{InvalidEvent, NewEvent, RecordedEvent, RecordedParts, TagsAt};
pub use failure::{Advice, StorageError};
pub use ids::{CommandId, EventId, StoreId};
pub use metadata::{InvalidMetadata, Metadata, MetadataView, Origin};
pub use names::{EventType, InvalidName, StreamName, Tag};
pub use place::{Position, Version};
pub use query::{Query, QueryItem};
pub use shapes::{Command, DecodeError, Event, EventShape};
pub use time::{InvalidTimestamp, Timestamp};
pub use trace::is_traceparent;
