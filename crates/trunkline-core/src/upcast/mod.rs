//! Upcasters: how events that were stored in an older shape become events of today's.
//!
//! Stored events are never rewritten. A [`Link`] says what an event of one type and version becomes; links
//! follow each other, version by version and from type to type, until today's shape is reached.
//! [`Upcasters::upcast`] is the one function between what is stored and code that knows today's shapes: it is
//! pure, so the same stored event always gives the same events.
//!
//! ```
//! use trunkline_core::upcast::{Link, Upcasters};
//! # use trunkline_core::{NewEvent, Position, RecordedEvent, Timestamp, Version};
//! # let event = NewEvent::json("OrderCreated", r#"{"sum": 1.50,"by":"ada"}"#)?;
//! # let stored = RecordedEvent::from_new(
//! #     &event, &"order-1".parse()?, Position::FIRST, Version::FIRST, Timestamp::from_micros(0));
//!
//! let upcasters = Upcasters::new([
//!     Link::from("OrderCreated", 1).rename("sum", "total").add("currency", r#""EUR""#),
//!     Link::from("OrderCreated", 2).becomes("OrderPlaced", 1).move_to("by", "customer.name"),
//! ])?;
//! let today: Vec<RecordedEvent> = upcasters.upcast(stored)?.into_iter().collect();
//! assert_eq!(today[0].event_type(), "OrderPlaced");
//! assert_eq!(today[0].data(), br#"{"total":1.50,"currency":"EUR","customer":{"name":"ada"}}"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `fields` is data while it is changed, `step` a change, `link` the changes between two shapes, `chain` all
//! links, `error` what can be wrong with them and with an event.

mod chain;
mod error;
mod fields;
mod link;
mod step;

pub use chain::{Present, Upcasters};
pub use error::{ChainError, UpcastError, UpcastProblem};
pub use link::{Link, Part};
pub use step::Old;
