//! Given-when-then for sagas: given events, when an event comes, then this is sent.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use crate::saga::{
    Advanced, Answer, Definition, Input, MessageName, Moment, Order, Outgoing, Recorded, Reply, Saga,
    SagaState, Status, Transition, Typed, advance,
};
use crate::{Event, EventId, EventType, NewEvent, Position, RecordedEvent, StreamName, Timestamp, Version};

/// The events that happened before, all for one saga; the first one that counts starts it.
///
/// ```
/// # use std::borrow::Cow;
/// # use std::time::Duration;
/// # use serde::{Deserialize, Serialize};
/// # use trunkline_core::saga::*;
/// # use trunkline_core::{Event, EventShape};
/// # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// # enum TripEvent { Booked(u32), Flown(u32) }
/// # impl Event for TripEvent {
/// #     const SHAPES: &'static [EventShape] = &[
/// #         EventShape { event_type: "Booked", version: 1, unit: false },
/// #         EventShape { event_type: "Flown", version: 1, unit: false },
/// #     ];
/// #     fn shape(&self) -> &'static EventShape {
/// #         &Self::SHAPES[match self { Self::Booked(_) => 0, Self::Flown(_) => 1 }]
/// #     }
/// # }
/// # struct Trip;
/// # impl Saga for Trip {
/// #     const NAME: &'static str = "trip";
/// #     const START: &'static str = "Booked";
/// #     type Event = TripEvent;
/// #     type State = u32;
/// #     fn id(event: &TripEvent) -> Cow<'_, str> {
/// #         let (TripEvent::Booked(trip) | TripEvent::Flown(trip)) = event;
/// #         trip.to_string().into()
/// #     }
/// #     fn outline() -> Outline {
/// #         let undo = SendOutline::new("air", "Return");
/// #         Outline::of([StepOutline::new("fly", "air", "Fly").done("Flown").timeout().compensate(undo)])
/// #     }
/// #     fn start(event: &TripEvent) -> Option<u32> {
/// #         if let TripEvent::Booked(trip) = event { Some(*trip) } else { None }
/// #     }
/// #     fn next(trip: &u32, after: Option<&str>) -> Next {
/// #         match after {
/// #             None => Step::new("fly", Outgoing::new("air", "Fly", Json::of(trip).unwrap()))
/// #                 .done("Flown")
/// #                 .timeout(Duration::from_secs(60))
/// #                 .compensate(Compensation::new(Outgoing::new("air", "Return", Json::of(trip).unwrap())))
/// #                 .into(),
/// #             Some(_) => Next::End,
/// #         }
/// #     }
/// # }
/// use trunkline_core::testing::given_saga;
///
/// given_saga::<Trip>([TripEvent::Booked(7)])
///     .when(TripEvent::Flown(7))
///     .then_nothing_is_sent()
///     .then_status(Status::Completed);
///
/// given_saga::<Trip>([TripEvent::Booked(7)])
///     .when_time_passes(Duration::from_secs(60))
///     .then_sends([Outgoing::new("air", "Return", Json::of(&7).unwrap())])
///     .then_status(Status::Compensating);
/// ```
#[track_caller]
pub fn given_saga<S: Saga>(events: impl IntoIterator<Item = S::Event>) -> GivenSaga<S>
where
    S::Event: Debug + PartialEq,
{
    let given = GivenSaga {
        state: SagaState::new(S::NAME, ""),
        now: Timestamp::from_micros(0),
        position: Position::START,
        saga: PhantomData,
    };
    events.into_iter().fold(given, |given, event| given.when(event).and())
}

/// A saga with a history; when something happens, something is sent.
#[must_use = "nothing is tested until a `when` and a `then`"]
pub struct GivenSaga<S> {
    state: SagaState,
    now: Timestamp,
    position: Position,
    saga: PhantomData<fn() -> S>,
}

/// What a saga made of what happened.
pub struct ThenSaga<S> {
    given: GivenSaga<S>,
    sent: Vec<Outgoing>,
}

impl<S: Saga> GivenSaga<S>
where
    S::Event: Debug + PartialEq,
{
    /// An event happens.
    ///
    /// # Panics
    ///
    /// When the event can't be stored and read back, or is for another saga than the events before.
    #[must_use = "nothing is tested until a `then`"]
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "an event is handed over as a command is to a decider")]
    pub fn when(mut self, event: S::Event) -> ThenSaga<S> {
        super::check_stored(&event);
        let id = S::id(&event).into_owned();
        if self.state.id.is_empty() {
            self.state.id = id;
        } else {
            assert_eq!(self.state.id, id, "one test is about one saga");
        }
        let shape = event.shape();
        let data = event.to_data().expect("it was stored just now");
        let event = self.recorded(shape.event_type, data);
        let input = Self::input(&event, vec![event.clone()], None);
        self.advance(&input)
    }
}

impl<S: Saga> GivenSaga<S> {
    /// The command that was sent last is accepted, and causes no event that the saga names.
    #[must_use = "nothing is tested until a `then`"]
    pub fn when_accepted(mut self) -> ThenSaga<S> {
        let event = self.recorded("$Accepted", "{}");
        let reply = Reply::Accepted { event: Box::new(event.clone()), nothing: false };
        self.answered(&event, reply)
    }

    /// The command that was sent last is accepted, and causes no event at all.
    #[must_use = "nothing is tested until a `then`"]
    pub fn when_nothing_was_to_do(mut self) -> ThenSaga<S> {
        let event = self.recorded("$Outcome", "{}");
        let reply = Reply::Accepted { event: Box::new(event.clone()), nothing: true };
        self.answered(&event, reply)
    }

    /// The command that was sent last is rejected.
    #[must_use = "nothing is tested until a `then`"]
    pub fn when_rejected(mut self, reason: &str) -> ThenSaga<S> {
        let event = self.recorded("$Outcome", "{}");
        self.answered(&event, Reply::Rejected { reason: reason.to_owned() })
    }

    /// The message that was sent last ends as a dead letter.
    #[must_use = "nothing is tested until a `then`"]
    pub fn when_dead(mut self, error: &str) -> ThenSaga<S> {
        let event = self.recorded("$DeadLettered", "{}");
        self.answered(&event, Reply::Dead { error: error.to_owned() })
    }

    /// Time passes, and nothing else happens.
    #[must_use = "nothing is tested until a `then`"]
    pub fn when_time_passes(mut self, time: Duration) -> ThenSaga<S> {
        let micros = i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        self.now = Timestamp::from_micros(self.now.as_micros().saturating_add(micros));
        let read_to = self.position;
        self.advance(&Input::Time { read_to })
    }

    /// An operator orders something.
    ///
    /// # Panics
    ///
    /// When the order can't be carried out.
    #[must_use = "nothing is tested until a `then`"]
    #[track_caller]
    pub fn when_ordered(self, order: Order) -> ThenSaga<S> {
        let read_to = self.position;
        self.advance(&Input::Order { order, by: "test".to_owned(), read_to })
    }

    fn answered(self, event: &RecordedEvent, reply: Reply) -> ThenSaga<S> {
        let none = MessageName::Version(Version::EMPTY);
        let message = self.state.messages.last().map_or(none, |message| message.name);
        let input = Self::input(event, Vec::new(), Some(Answer { message, after: 0, reply }));
        self.advance(&input)
    }

    fn recorded(&mut self, event_type: &str, data: impl Into<bytes::Bytes>) -> RecordedEvent {
        self.position = self.position.next();
        let event_type = EventType::system(event_type).expect("the type of an event is a name");
        let event = NewEvent::new(event_type, data).id(EventId::from_bytes([0; 16]));
        let stream = StreamName::new("test-1").expect("this is a stream");
        let version = Version::new(self.position.get());
        RecordedEvent::from_new(&event, &stream, self.position, version, self.now)
    }

    fn input(event: &RecordedEvent, events: Vec<RecordedEvent>, answer: Option<Answer>) -> Input {
        Input::Recorded(Recorded {
            position: event.position(),
            event_id: event.event_id(),
            event_type: event.event_type().to_owned(),
            correlation_id: None,
            events,
            answer,
        })
    }

    #[track_caller]
    fn advance(mut self, input: &Input) -> ThenSaga<S> {
        let id = EventId::from_bytes(u128::from(self.state.version.get()).to_be_bytes());
        let moment = Moment::new(self.now, id);
        let definition = Definition::new(Arc::new(Typed::<S>::default()));
        let advanced = advance(&definition, &self.state, input, &moment);
        let Advanced { state, transitions, .. } =
            advanced.unwrap_or_else(|error| panic!("the order can't be carried out: {error}"));
        let mut sent = Vec::new();
        for transition in &transitions {
            match transition {
                Transition::Sent(it) => sent.push(it.send.clone()),
                Transition::Resent(_) => {
                    sent.extend(state.waiting.as_ref().and_then(|waiting| waiting.sent.clone()));
                }
                _ => {}
            }
        }
        self.state = state;
        ThenSaga { given: self, sent }
    }
}

impl<S: Saga> ThenSaga<S> {
    /// Exactly these messages are sent, in this order.
    ///
    /// # Panics
    ///
    /// When it is otherwise.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "one `then` is enough")]
    pub fn then_sends(self, expected: impl IntoIterator<Item = Outgoing>) -> Self {
        let expected: Vec<Outgoing> = expected.into_iter().collect();
        assert_eq!(self.sent, expected, "other messages are sent than were expected");
        self
    }

    /// No message is sent.
    ///
    /// # Panics
    ///
    /// When one is.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "one `then` is enough")]
    pub fn then_nothing_is_sent(self) -> Self {
        self.then_sends([])
    }

    /// The saga stands so.
    ///
    /// # Panics
    ///
    /// When it is otherwise, or was never started.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "one `then` is enough")]
    pub fn then_status(self, expected: Status) -> Self {
        let SagaState { status, reason, stuck, .. } = &self.given.state;
        assert_eq!(*status, Some(expected), "the reason is {reason:?}; where it is stuck, {stuck:?}");
        self
    }

    /// It is waited so long from now, and then something happens by itself.
    ///
    /// # Panics
    ///
    /// When nothing is waited for, or for another time.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "one `then` is enough")]
    pub fn then_waits(self, expected: Duration) -> Self {
        let left = self.given.state.due().map(|due| due.as_micros() - self.given.now.as_micros());
        let left = left.map(|micros| Duration::from_micros(u64::try_from(micros).unwrap_or(0)));
        assert_eq!(left, Some(expected), "another timer runs than was expected");
        self
    }

    /// Where it stands, for what the other methods don't ask.
    pub fn state(&self) -> &SagaState {
        &self.given.state
    }

    /// What happened belongs to the history now.
    pub fn and(self) -> GivenSaga<S> {
        self.given
    }
}
