//! Sagas in Rust: types and plain functions, like a decider.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Behaviour, BehaviourProblem, Json, LastSend, Next, Outline, SagaPart, Start, Turn, View};
use crate::{Event, RecordedEvent};

/// A saga: which events begin it, what it remembers of them, and what it does next.
///
/// The functions are those of a [`Decider`](crate::Decider), with events in the place of commands: a first state
/// ([`start`](Saga::start)), what events make of it ([`evolve`](Saga::evolve)), and what follows
/// ([`next`](Saga::next)): a step that sends a command, and waits for an event. No clock, no randomness, no I/O.
/// [`testing::given_saga`](crate::testing::given_saga) tests them.
///
/// ```
/// use std::borrow::Cow;
/// use std::time::Duration;
/// use serde::{Deserialize, Serialize};
/// use trunkline_core::saga::{Json, Next, Outgoing, Outline, Saga, Step, StepOutline};
/// use trunkline_core::testing::given_saga;
/// # use trunkline_core::{Event, EventShape};
/// # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// # enum TripEvent { Booked { trip: String }, Flown { trip: String }, Grounded { trip: String } }
/// # impl Event for TripEvent {
/// #     const SHAPES: &'static [EventShape] = &[
/// #         EventShape { event_type: "Booked", version: 1, unit: false },
/// #         EventShape { event_type: "Flown", version: 1, unit: false },
/// #         EventShape { event_type: "Grounded", version: 1, unit: false },
/// #     ];
/// #     fn shape(&self) -> &'static EventShape {
/// #         &Self::SHAPES[match self { Self::Booked { .. } => 0, Self::Flown { .. } => 1, Self::Grounded { .. } => 2 }]
/// #     }
/// # }
///
/// struct Trip;
///
/// impl Saga for Trip {
///     const NAME: &'static str = "trip";
///     const START: &'static str = "Booked";
///     type Event = TripEvent;
///     type State = String;
///
///     fn id(event: &TripEvent) -> Cow<'_, str> {
///         let (TripEvent::Booked { trip } | TripEvent::Flown { trip } | TripEvent::Grounded { trip }) = event;
///         trip.into()
///     }
///
///     fn outline() -> Outline {
///         Outline::of([StepOutline::new("fly", "air", "Fly").done("Flown").failed("Grounded").nothing_to_undo()])
///     }
///
///     fn start(event: &TripEvent) -> Option<String> {
///         matches!(event, TripEvent::Booked { .. }).then(|| Self::id(event).into_owned())
///     }
///
///     fn next(trip: &String, after: Option<&str>) -> Next {
///         match after {
///             None => Step::new("fly", send("Fly", trip)).done("Flown").failed("Grounded").into(),
///             Some(_) => Next::End,
///         }
///     }
/// }
///
/// fn send(command: &str, trip: &String) -> Outgoing {
///     Outgoing::new("air", command, Json::of(trip).unwrap())
/// }
///
/// let booked = TripEvent::Booked { trip: "7".into() };
/// given_saga::<Trip>([]).when(booked).then_sends([send("Fly", &"7".into())]);
/// ```
pub trait Saga: 'static {
    /// Its name, without `-`; its streams are `$saga.NAME-ID`.
    const NAME: &'static str;
    /// Names that it had before: sagas that were begun under them go on, in their streams.
    const WAS: &'static [&'static str] = &[];
    /// The type of the event that starts one.
    const START: &'static str;
    /// How long it may take as a whole before the way back begins.
    const TIMEOUT: Option<Duration> = None;
    /// What it remembers; kept as JSON.
    type State: Serialize + DeserializeOwned;
    /// The events that it names.
    type Event: Event;

    /// All that it may send and wait for, declared beforehand: an application is not built when no consumer takes
    /// what a saga sends, or when a saga could wait for ever.
    ///
    /// [`next`](Saga::next), [`completed`](Saga::completed) and [`failed`](Saga::failed) do what is declared here and
    /// nothing else: another step is a [`BehaviourProblem`], which begins the way back.
    fn outline() -> Outline;

    /// Which saga an event is for.
    fn id(event: &Self::Event) -> Cow<'_, str>;

    /// What a saga begins with, when this event starts one.
    fn start(event: &Self::Event) -> Option<Self::State>;

    /// What it remembers after an event that it had a use for.
    fn evolve(state: Self::State, event: &Self::Event) -> Self::State {
        let _ = event;
        state
    }

    /// What comes after the step of a name; first of all when there was none.
    fn next(state: &Self::State, after: Option<&str>) -> Next;

    /// What an event that no step waits for makes of a running saga.
    fn on(state: &Self::State, event: &Self::Event) -> Option<Turn> {
        let _ = (state, event);
        None
    }

    /// What is sent after the last step.
    fn completed(state: &Self::State) -> Option<LastSend> {
        let _ = state;
        None
    }

    /// What is sent after the way back, whose reason is given.
    fn failed(state: &Self::State, reason: &str) -> Option<LastSend> {
        let _ = (state, reason);
        None
    }
}

/// A saga of plain functions, as the machine takes it.
pub struct Typed<S> {
    outline: Outline,
    saga: PhantomData<fn() -> S>,
}

impl<S: Saga> Default for Typed<S> {
    fn default() -> Self {
        let outline = S::outline();
        let timeout = outline.timeout || S::TIMEOUT.is_some();
        Self { outline: Outline { timeout, ..outline }, saga: PhantomData }
    }
}

impl<S: Saga> Typed<S> {
    /// The event, when it is one of the saga's.
    fn read(event: &RecordedEvent) -> Result<Option<S::Event>, BehaviourProblem> {
        let read = S::Event::from_data(event.event_type(), event.data());
        read.transpose().map_err(|error| BehaviourProblem(error.to_string()))
    }

    fn state(json: &Json) -> Result<S::State, BehaviourProblem> {
        serde_json::from_str(json.as_str())
            .map_err(|error| BehaviourProblem(format!("what it remembers can't be read: {error}")))
    }

    fn json(state: &S::State) -> Result<Json, BehaviourProblem> {
        Json::of(state)
            .map_err(|error| BehaviourProblem(format!("what it remembers can't be written as JSON: {error}")))
    }
}

impl<S: Saga> Behaviour for Typed<S> {
    fn events(&self) -> Vec<String> {
        S::Event::SHAPES.iter().map(|shape| shape.event_type.to_owned()).collect()
    }

    fn outline(&self) -> Outline {
        self.outline.clone()
    }

    fn start_type(&self) -> &'static str {
        S::START
    }

    fn key(&self, event: &RecordedEvent) -> Result<Option<String>, BehaviourProblem> {
        Ok(Self::read(event)?.map(|event| S::id(&event).into_owned()))
    }

    fn start(&self, event: &RecordedEvent) -> Result<Option<Start>, BehaviourProblem> {
        let state = Self::read(event)?.and_then(|event| S::start(&event));
        let start = |state| Ok(Start { state: Self::json(&state)?, timeout: S::TIMEOUT });
        state.map(start).transpose()
    }

    fn next(&self, saga: &View<'_>, after: Option<&str>) -> Result<Next, BehaviourProblem> {
        let next = S::next(&Self::state(saga.state)?, after);
        if let Next::Step(step) = &next {
            self.outline.check_step(step)?;
        }
        Ok(next)
    }

    fn evolve(
        &self,
        saga: &View<'_>,
        event: &RecordedEvent,
        _done: Option<&str>,
    ) -> Result<Option<Json>, BehaviourProblem> {
        let Some(event) = Self::read(event)? else { return Ok(None) };
        Self::json(&S::evolve(Self::state(saga.state)?, &event)).map(Some)
    }

    fn turn(&self, saga: &View<'_>, event: &RecordedEvent) -> Result<Option<Turn>, BehaviourProblem> {
        let Some(event) = Self::read(event)? else { return Ok(None) };
        Ok(S::on(&Self::state(saga.state)?, &event))
    }

    fn last(&self, saga: &View<'_>, part: SagaPart) -> Result<Option<LastSend>, BehaviourProblem> {
        let state = Self::state(saga.state)?;
        let last = match part {
            SagaPart::Failed => S::failed(&state, saga.reason.unwrap_or_default()),
            _ => S::completed(&state),
        };
        if let Some(last) = &last {
            self.outline.check_last(last)?;
        }
        Ok(last)
    }
}
