//! What is connected to what: whether someone takes what is sent, and something emits what is waited for.
//!
//! A [`Wiring`] is what is known of an application before it runs, whoever registered it: an application file, a
//! program, or both. `check` holds its parts against each other, `problem` is what it finds. A file says each problem
//! at its place; what is left when the application is built is a [`BuildError`](crate::BuildError).

mod check;
mod problem;

use std::collections::BTreeSet;

use trunkline_core::saga::Outline;
use trunkline_core::upcast::Upcasters;

pub use problem::{SendPlace, WiringFault, WiringPlace, WiringProblem};

/// What is known of an application before it runs.
///
/// ```
/// use trunkline::saga::{Outline, StepOutline};
/// use trunkline::{SagaWiring, Wiring, WiringFault};
///
/// let door = SagaWiring {
///     name: "door".to_owned(),
///     events: vec!["Built".to_owned()],
///     outline: Outline::of([StepOutline::new("paint", "doors", "Paint").nothing_to_undo().timeout()]),
/// };
/// let wiring = Wiring { sagas: vec![door], events: ["Built".to_owned()].into(), ..Wiring::default() };
/// let problems = wiring.check();
/// assert_eq!(problems[0].fault, WiringFault::NoConsumer { topic: "doors".to_owned() });
/// ```
#[derive(Clone, Debug, Default)]
pub struct Wiring {
    /// The sagas.
    pub sagas: Vec<SagaWiring>,
    /// Who takes messages.
    pub consumers: Vec<ConsumerWiring>,
    /// What hands events on.
    pub relays: Vec<RelayWiring>,
    /// The types of the events that each projection applies.
    pub projections: Vec<Vec<String>>,
    /// The commands that have a handler.
    pub commands: BTreeSet<String>,
    /// Those of them that are known to leave nothing behind.
    pub silent: BTreeSet<String>,
    /// The events that commands emit, or that are declared otherwise.
    pub events: BTreeSet<String>,
    /// What older events become.
    pub upcasters: Upcasters,
    /// The topics that other programs take from.
    pub external: BTreeSet<String>,
    /// What isn't known.
    pub unknown: Unknown,
}

/// A saga.
#[derive(Clone, Debug)]
pub struct SagaWiring {
    /// Its name.
    pub name: String,
    /// The types of all events that it names.
    pub events: Vec<String>,
    /// What it may send and wait for.
    pub outline: Outline,
}

/// Who takes messages of topics.
#[derive(Clone, Debug)]
pub struct ConsumerWiring {
    /// The topics.
    pub topics: Vec<String>,
    /// Whether the messages are commands for the bus.
    pub dispatches: bool,
}

/// Events that become messages.
#[derive(Clone, Debug)]
pub struct RelayWiring {
    /// Its name.
    pub name: String,
    /// The types of the events; all when empty.
    pub events: Vec<String>,
    /// The topic.
    pub topic: String,
}

/// What isn't known of an application, so that what looks like a mistake may be none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "four things, each known or not, in any combination")]
pub struct Unknown {
    /// Some commands could not be read: what they emit, if anything, isn't known.
    pub commands: bool,
    /// Some consumers could not be read.
    pub consumers: bool,
    /// Code may emit events that nothing declares: an event that seems to have no source is a warning.
    pub emitted: bool,
    /// Code may handle commands that nothing declares: a command that seems to have no handler is a warning.
    pub handled: bool,
}
