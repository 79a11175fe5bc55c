//! Given-when-then: tests of deciders, and of sagas, that read like the rule that they test.
//!
//! ```
//! # use std::borrow::Cow;
//! # use serde::{Deserialize, Serialize};
//! # use trunkline_core::{Command, Decider, Event, EventShape};
//! # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
//! # enum LampEvent { SwitchedOn {} }
//! # impl Event for LampEvent {
//! #     const SHAPES: &'static [EventShape] = &[EventShape { event_type: "SwitchedOn", version: 1, unit: false }];
//! #     fn shape(&self) -> &'static EventShape { &Self::SHAPES[0] }
//! # }
//! # #[derive(Debug, Serialize, Deserialize)]
//! # enum LampCommand { SwitchOn { lamp: String } }
//! # impl Command for LampCommand {
//! #     const NAMES: &'static [&'static str] = &["SwitchOn"];
//! #     fn name(&self) -> &'static str { "SwitchOn" }
//! # }
//! # struct Lamp;
//! # impl Decider for Lamp {
//! #     const AGGREGATE: &'static str = "lamp";
//! #     type State = bool;
//! #     type Command = LampCommand;
//! #     type Event = LampEvent;
//! #     type Rejection = &'static str;
//! #     fn id(LampCommand::SwitchOn { lamp }: &LampCommand) -> Cow<'_, str> { lamp.into() }
//! #     fn initial() -> bool { false }
//! #     fn decide(on: &bool, _: LampCommand) -> Result<Vec<LampEvent>, &'static str> {
//! #         if *on { Err("it is on already") } else { Ok(vec![LampEvent::SwitchedOn {}]) }
//! #     }
//! #     fn evolve(_: bool, _: &LampEvent) -> bool { true }
//! # }
//! use trunkline_core::testing::given;
//!
//! let switch_on = || LampCommand::SwitchOn { lamp: "hall".into() };
//! given::<Lamp>([]).when(switch_on()).then([LampEvent::SwitchedOn {}]);
//! given::<Lamp>([LampEvent::SwitchedOn {}]).when(switch_on()).then_rejected("it is on already");
//! assert!(given::<Lamp>([]).when(switch_on()).then_state());
//! ```
//!
//! Every event that is given or caused is also stored and read back, and must come out the same: an attribute
//! that makes serde lose something is found here rather than in production.

mod saga;

use std::fmt::{self, Debug, Write as _};

pub use saga::{GivenSaga, ThenSaga, given_saga};

use crate::{Decider, Event};

/// What happened before.
pub fn given<D: Decider>(events: impl IntoIterator<Item = D::Event>) -> Given<D>
where
    D::Event: Debug + PartialEq,
{
    let evolve = |state, event| {
        check_stored(&event);
        D::evolve(state, &event)
    };
    Given { state: events.into_iter().fold(D::initial(), evolve) }
}

/// A history; [`when`](Given::when) a command comes, something follows.
#[must_use = "nothing is tested until `when` and then a `then`"]
pub struct Given<D: Decider> {
    state: D::State,
}

impl<D: Decider> Given<D> {
    /// A command comes.
    pub fn when(self, command: D::Command) -> Then<D> {
        let outcome = D::decide(&self.state, command).map_err(|rejection| rejection.to_string());
        Then { state: self.state, outcome }
    }

    /// The state after the history, for tests of `evolve` alone.
    pub fn state(self) -> D::State {
        self.state
    }
}

/// What a decider made of a command.
#[must_use = "nothing is tested until a `then`"]
pub struct Then<D: Decider> {
    state: D::State,
    outcome: Result<Vec<D::Event>, String>,
}

impl<D: Decider> Then<D>
where
    D::Event: Debug + PartialEq,
{
    /// Exactly these events follow, in this order; none when the command is accepted and nothing follows.
    ///
    /// # Panics
    ///
    /// When it is otherwise, with both sides and where they part.
    #[track_caller]
    pub fn then(self, expected: impl IntoIterator<Item = D::Event>) {
        let expected: Vec<D::Event> = expected.into_iter().collect();
        match &self.outcome {
            Ok(events) if *events == expected => events.iter().for_each(check_stored),
            Ok(events) => panic!("{}", Comparison { expected: &expected, found: events }),
            Err(reason) => panic!("expected {} event(s), but it was rejected: {reason}", expected.len()),
        }
    }

    /// The command is rejected for this reason.
    ///
    /// # Panics
    ///
    /// When it is accepted, or rejected for another reason.
    #[track_caller]
    pub fn then_rejected(self, reason: &str) {
        match self.outcome {
            Err(found) => assert_eq!(found, reason, "it was rejected, but for another reason"),
            Ok(events) => panic!("expected a rejection ({reason}), but these events followed: {events:#?}"),
        }
    }

    /// The state after the events that followed.
    ///
    /// # Panics
    ///
    /// When the command was rejected.
    #[track_caller]
    pub fn then_state(self) -> D::State {
        match self.outcome {
            Ok(events) => events.iter().fold(self.state, |state, event| D::evolve(state, event)),
            Err(reason) => panic!("it was rejected: {reason}"),
        }
    }
}

/// Stores the event and reads it back.
#[track_caller]
fn check_stored<E: Event + Debug + PartialEq>(event: &E) {
    let shape = event.shape();
    let data = event.to_data().unwrap_or_else(|error| panic!("{event:?} can't be stored: {error}"));
    match E::from_data(shape.event_type, &data) {
        Some(Ok(read)) => assert_eq!(read, *event, "it is read back from the store as another event"),
        Some(Err(error)) => panic!("{event:?} can't be read back from the store: {error}"),
        None => panic!("{} is not among the shapes of its type", shape.event_type),
    }
}

/// Two lists of events beside each other, `=` where they agree.
struct Comparison<'a, E> {
    expected: &'a [E],
    found: &'a [E],
}

impl<E: Debug + PartialEq> fmt::Display for Comparison<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("other events followed than were expected\n")?;
        for at in 0..self.expected.len().max(self.found.len()) {
            match (self.expected.get(at), self.found.get(at)) {
                (Some(expected), Some(found)) if expected == found => writeln!(f, "  = {found:?}")?,
                (expected, found) => {
                    expected.map_or(Ok(()), |event| writeln!(f, "  - expected {event:?}"))?;
                    found.map_or(Ok(()), |event| writeln!(f, "  + found    {event:?}"))?;
                }
            }
        }
        f.write_char('\n')
    }
}
