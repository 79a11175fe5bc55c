//! Deciders: what an aggregate does, as plain functions.

use std::borrow::Cow;
use std::fmt;

use crate::{Command, Event};

/// An aggregate's behaviour: which events a command causes, and what events make of the state.
///
/// These are plain functions: no clock, no randomness, no I/O. The same history always gives the same state,
/// and the same state and command always the same events. What a decision needs from outside arrives in the
/// command; a command handler, which may do I/O, can fetch it first.
///
/// ```
/// use std::borrow::Cow;
/// use serde::{Deserialize, Serialize};
/// use trunkline_core::{Command, Decider, Event, EventShape};
/// # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// # enum LampEvent { SwitchedOn {} }
/// # impl Event for LampEvent {
/// #     const SHAPES: &'static [EventShape] = &[EventShape { event_type: "SwitchedOn", version: 1, unit: false }];
/// #     fn shape(&self) -> &'static EventShape { &Self::SHAPES[0] }
/// # }
/// # #[derive(Serialize, Deserialize)]
/// # enum LampCommand { SwitchOn { lamp: String } }
/// # impl Command for LampCommand {
/// #     const NAMES: &'static [&'static str] = &["SwitchOn"];
/// #     fn name(&self) -> &'static str { "SwitchOn" }
/// # }
///
/// struct Lamp;
///
/// impl Decider for Lamp {
///     const AGGREGATE: &'static str = "lamp";
///     type State = bool;
///     type Command = LampCommand;
///     type Event = LampEvent;
///     type Rejection = &'static str;
///
///     fn id(LampCommand::SwitchOn { lamp }: &LampCommand) -> Cow<'_, str> {
///         lamp.into()
///     }
///
///     fn initial() -> bool {
///         false
///     }
///
///     fn decide(on: &bool, _: LampCommand) -> Result<Vec<LampEvent>, &'static str> {
///         if *on { Err("it is on already") } else { Ok(vec![LampEvent::SwitchedOn {}]) }
///     }
///
///     fn evolve(_: bool, _: &LampEvent) -> bool {
///         true
///     }
/// }
///
/// assert!(Lamp::decide(&true, LampCommand::SwitchOn { lamp: "hall".into() }).is_err());
/// ```
pub trait Decider: 'static {
    /// The aggregate type: the text before the first `-` in the names of its streams.
    const AGGREGATE: &'static str;
    /// What decisions rest on; made of the events alone.
    type State: Send;
    /// What can be asked of it.
    type Command: Command;
    /// What can happen to it.
    type Event: Event;
    /// Why it refuses a command: an answer, not a failure.
    type Rejection: fmt::Display;

    /// Which aggregate a command is for; its stream is [`AGGREGATE`](Decider::AGGREGATE)`-ID`.
    fn id(command: &Self::Command) -> Cow<'_, str>;

    /// The state before the first event.
    fn initial() -> Self::State;

    /// The events that a command causes, in order; none when there is nothing to do.
    fn decide(state: &Self::State, command: Self::Command) -> Result<Vec<Self::Event>, Self::Rejection>;

    /// The state after an event.
    fn evolve(state: Self::State, event: &Self::Event) -> Self::State;
}
