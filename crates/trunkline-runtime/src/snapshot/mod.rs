//! Snapshots: states that were made of a stream's first events, so that they needn't be made again.
//!
//! A snapshot is never the truth. It names its version, the event there, and the revision of what made it, and
//! counts only while all three are as they were; else it costs the time of looking at it.
//! All of them may be removed at any time, and one that can't be written is not; where they are kept is a
//! [`SnapshotStore`](trunkline_store::derived::SnapshotStore).
//!
//! `fold` makes a state of a snapshot and the events behind it.

mod fold;

use serde::Serialize;
use serde::de::DeserializeOwned;
use trunkline_core::Decider;
pub use trunkline_store::derived::Revision;

pub(crate) use fold::fold;
pub use fold::{Folded, SnapshotPlan};

/// A [`Decider`] whose states can be kept, so that long streams are not read from their beginning each time.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use std::borrow::Cow;
/// # use serde::{Deserialize, Serialize};
/// # use trunkline::{App, Command, Decider, Event, MemoryStore, Snapshot};
/// # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
/// # enum LampEvent { SwitchedOn {} }
/// # #[derive(Debug, Serialize, Deserialize, Command)]
/// # enum LampCommand { SwitchOn { lamp: String } }
/// # struct Lamp;
/// # impl Decider for Lamp {
/// #     const AGGREGATE: &'static str = "lamp";
/// #     type State = bool;
/// #     type Command = LampCommand;
/// #     type Event = LampEvent;
/// #     type Rejection = &'static str;
/// #     fn id(LampCommand::SwitchOn { lamp }: &LampCommand) -> Cow<'_, str> { lamp.into() }
/// #     fn initial() -> bool { false }
/// #     fn decide(_: &bool, _: LampCommand) -> Result<Vec<LampEvent>, &'static str> { Ok(vec![]) }
/// #     fn evolve(_: bool, _: &LampEvent) -> bool { true }
/// # }
/// impl Snapshot for Lamp {
///     const REVISION: u32 = 1;
/// }
/// let app = App::builder().store(MemoryStore::new()).decider_with_snapshots::<Lamp>().build().await?;
/// # Ok(())
/// # }
/// ```
pub trait Snapshot: Decider<State: Serialize + DeserializeOwned> {
    /// Stands for the state's type and for `evolve`: raise it whenever one of them changes, since a state that
    /// was made otherwise would be taken for today's.
    const REVISION: u32;

    /// How many events lie between two snapshots of a stream.
    const EVERY: u64 = 100;
}
