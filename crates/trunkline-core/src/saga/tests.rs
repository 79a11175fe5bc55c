//! A saga's life, rule by rule.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::*;
use crate::testing::{GivenSaga, given_saga};
use crate::{Event, EventShape, NewEvent, RecordedEvent, Timestamp, Version};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Happened {
    Ordered { quick: bool },
    Reserved,
    NotReserved { reason: String },
    Paid { receipt: u32 },
    Released,
    Refunded,
    Called { off: bool },
    Told,
}
use Happened::{Called, NotReserved, Ordered, Paid, Refunded, Released, Reserved, Told};

impl Event for Happened {
    const SHAPES: &'static [EventShape] = &[
        EventShape { event_type: "Ordered", version: 1, unit: false },
        EventShape { event_type: "Reserved", version: 1, unit: true },
        EventShape { event_type: "NotReserved", version: 1, unit: false },
        EventShape { event_type: "Paid", version: 1, unit: false },
        EventShape { event_type: "Released", version: 1, unit: true },
        EventShape { event_type: "Refunded", version: 1, unit: true },
        EventShape { event_type: "Called", version: 1, unit: false },
        EventShape { event_type: "Told", version: 1, unit: true },
    ];

    fn shape(&self) -> &'static EventShape {
        &Self::SHAPES[match self {
            Ordered { .. } => 0,
            Reserved => 1,
            NotReserved { .. } => 2,
            Paid { .. } => 3,
            Released => 4,
            Refunded => 5,
            Called { .. } => 6,
            Told => 7,
        }]
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Memory {
    quick: bool,
    receipt: u32,
}

/// Reserve, pay, confirm; a quick one isn't reserved.
struct Trip;

impl Saga for Trip {
    const NAME: &'static str = "order";
    const START: &'static str = "Ordered";
    const TIMEOUT: Option<Duration> = Some(Duration::from_secs(1_000));
    type State = Memory;
    type Event = Happened;

    fn outline() -> Outline {
        let (undo_reserve, undo_pay) = (undo("Release", "Released"), undo("Refund", "Refunded"));
        Outline::of([
            StepOutline::new("reserve", "work", "Reserve")
                .done("Reserved")
                .failed("NotReserved")
                .timeout()
                .compensate(undo_reserve),
            StepOutline::new("pay", "work", "Pay").done("Paid").timeout().compensate(undo_pay),
            StepOutline::new("confirm", "orders", "Confirm").nothing_to_undo(),
        ])
        .last(SendOutline::new("work", "Tell").done("Told"))
        .last(SendOutline::new("orders", "Cancel"))
    }

    fn id(_: &Happened) -> Cow<'_, str> {
        "1".into()
    }

    fn start(event: &Happened) -> Option<Memory> {
        if let Ordered { quick } = event { Some(Memory { quick: *quick, receipt: 0 }) } else { None }
    }

    fn evolve(memory: Memory, event: &Happened) -> Memory {
        if let Paid { receipt } = event { Memory { receipt: *receipt, ..memory } } else { memory }
    }

    fn next(memory: &Memory, after: Option<&str>) -> Next {
        match after {
            None if memory.quick => Next::Skip("reserve".to_owned()),
            None => Step::new("reserve", send("Reserve"))
                .done("Reserved")
                .failed("NotReserved")
                .timeout(Duration::from_secs(30))
                .retry(Retry { attempts: 3, delay: Duration::from_secs(1), factor: 2.0 })
                .compensate(
                    Compensation::new(send("Release")).done("Released").timeout(Duration::from_secs(5)),
                )
                .into(),
            Some("reserve") => Step::new("pay", send("Pay"))
                .done("Paid")
                .timeout(Duration::from_secs(60))
                .compensate(
                    Compensation::new(send("Refund"))
                        .done("Refunded")
                        .timeout(Duration::from_secs(5))
                        .retry(Retry { attempts: 2, ..Retry::default() }),
                )
                .into(),
            Some("pay") => Step::new("confirm", receipt(memory.receipt)).into(),
            Some(_) => Next::End,
        }
    }

    fn on(_: &Memory, event: &Happened) -> Option<Turn> {
        match event {
            Called { off: true } => Some(Turn::Fail("called off".to_owned())),
            Called { off: false } => Some(Turn::Complete),
            _ => None,
        }
    }

    fn completed(_: &Memory) -> Option<LastSend> {
        Some(Compensation::new(send("Tell")).done("Told"))
    }

    fn failed(_: &Memory, reason: &str) -> Option<LastSend> {
        Some(Compensation::new(Outgoing::new("orders", "Cancel", Json::of(&reason).unwrap())))
    }
}

fn trip() -> Definition {
    Definition::new(std::sync::Arc::new(Typed::<Trip>::default()))
}

fn moment() -> Moment {
    Moment::new(Timestamp::default(), crate::EventId::from_bytes([7; 16]))
}

fn undo(command: &str, done: &str) -> SendOutline {
    SendOutline::new("work", command).done(done).timeout()
}

fn send(command: &str) -> Outgoing {
    Outgoing::new("work", command, Json::of(&"1").unwrap())
}

fn receipt(number: u32) -> Outgoing {
    Outgoing::new("orders", "Confirm", Json::of(&number).unwrap())
}

fn cancel(reason: &str) -> Outgoing {
    Outgoing::new("orders", "Cancel", Json::of(&reason).unwrap())
}

fn ordered() -> GivenSaga<Trip> {
    given_saga([Ordered { quick: false }])
}

fn paid() -> GivenSaga<Trip> {
    given_saga([Ordered { quick: false }, Reserved, Paid { receipt: 7 }])
}

fn no_stock() -> Happened {
    NotReserved { reason: "no stock".to_owned() }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn it_is_started_by_its_start_event_and_sends_its_first_step() {
    let started = given_saga::<Trip>([]).when(Ordered { quick: false });
    started.then_sends([send("Reserve")]).then_status(Status::Running).then_waits(30 * SECOND);
    let not = given_saga::<Trip>([]).when(Reserved).then_nothing_is_sent();
    assert_eq!(not.state().status, None);
}

#[test]
fn a_second_start_is_ignored_and_visible() {
    let again = ordered().when(Ordered { quick: true }).then_nothing_is_sent().then_status(Status::Running);
    assert_eq!((again.state().ignored, again.state().state.as_str()), (1, r#"{"quick":false,"receipt":0}"#));
}

#[test]
fn done_goes_on_to_the_next_step_and_remembers() {
    ordered().when(Reserved).then_sends([send("Pay")]).then_waits(60 * SECOND);
    paid().when_accepted().then_sends([send("Tell")]).then_status(Status::Running);
    given_saga::<Trip>([Ordered { quick: false }, Reserved])
        .when(Paid { receipt: 7 })
        .then_sends([receipt(7)]);
}

#[test]
fn a_step_whose_condition_does_not_hold_is_skipped() {
    given_saga::<Trip>([]).when(Ordered { quick: true }).then_sends([send("Pay")]);
}

#[test]
fn failed_drops_the_steps_compensation_and_begins_the_way_back() {
    ordered()
        .when(no_stock())
        .then_sends([cancel("no stock")])
        .then_status(Status::Compensating)
        .and()
        .when_accepted()
        .then_nothing_is_sent()
        .then_status(Status::Compensated);
}

#[test]
fn a_timeout_begins_the_way_back_and_keeps_the_steps_compensation() {
    let reserved = given_saga::<Trip>([Ordered { quick: false }, Reserved]);
    let late = reserved.when_time_passes(60 * SECOND).then_sends([send("Refund")]);
    assert_eq!(late.state().reason.as_deref(), Some("timeout: pay"));
    late.then_status(Status::Compensating).and().when(Refunded).then_sends([send("Release")]);
}

#[test]
fn a_timeout_is_judged_no_earlier_than_it_is_due() {
    ordered().when_time_passes(Duration::from_micros(29_999_999)).then_nothing_is_sent();
}

#[test]
fn a_step_is_sent_again_under_its_first_id_before_it_fails() {
    let again = ordered().when_time_passes(30 * SECOND).then_sends([send("Reserve")]).then_waits(31 * SECOND);
    assert_eq!(again.state().messages.len(), 1);
    let again =
        again.and().when_time_passes(31 * SECOND).then_sends([send("Reserve")]).then_waits(32 * SECOND);
    let failed = again.and().when_time_passes(32 * SECOND).then_sends([send("Release")]);
    assert_eq!(failed.state().reason.as_deref(), Some("timeout: reserve"));
}

#[test]
fn an_event_that_fails_it_begins_the_way_back_and_keeps_the_compensation() {
    let called_off = ordered().when(Called { off: true }).then_sends([send("Release")]);
    assert_eq!(called_off.state().reason.as_deref(), Some("called off"));
}

#[test]
fn an_event_that_completes_it_ends_it() {
    ordered()
        .when(Called { off: false })
        .then_sends([send("Tell")])
        .and()
        .when(Told)
        .then_nothing_is_sent()
        .then_status(Status::Completed);
}

#[test]
fn its_own_timeout_begins_the_way_back() {
    let order = paid().when_time_passes(1_000 * SECOND).then_sends([send("Refund")]);
    assert_eq!(order.state().reason.as_deref(), Some("timeout"));
    // On the way back it has no say.
    order.and().when_time_passes(2 * SECOND).then_nothing_is_sent();
}

#[test]
fn a_rejected_step_begins_the_way_back_and_needs_no_undoing() {
    let order = given_saga::<Trip>([Ordered { quick: false }, Reserved]).when_rejected("no money");
    order.then_sends([send("Release")]).and().when(Released).then_sends([cancel("no money")]);
}

#[test]
fn a_step_that_ends_as_a_dead_letter_begins_the_way_back_and_is_undone() {
    let order = given_saga::<Trip>([Ordered { quick: false }, Reserved]).when_dead("no bank");
    let order = order.then_sends([send("Refund")]);
    assert_eq!(order.state().reason.as_deref(), Some("dead letter: no bank"));
}

#[test]
fn compensations_go_out_in_reverse_one_after_the_other_and_failed_is_last() {
    paid()
        .when_rejected("too late")
        .then_sends([send("Refund")])
        .and()
        .when(Refunded)
        .then_sends([send("Release")])
        .and()
        .when(Released)
        .then_sends([cancel("too late")])
        .then_status(Status::Compensating)
        .and()
        .when_accepted()
        .then_status(Status::Compensated);
}

#[test]
fn a_compensation_is_done_when_nothing_was_left_to_undo() {
    let refunding = || paid().when_rejected("too late").and();
    refunding().when_nothing_was_to_do().then_sends([send("Release")]);
    refunding().when_accepted().then_nothing_is_sent();
}

#[test]
fn a_step_that_waits_for_an_event_is_not_done_when_it_was_accepted() {
    ordered().when_accepted().then_nothing_is_sent().then_status(Status::Running);
    ordered().when_nothing_was_to_do().then_nothing_is_sent().then_status(Status::Running);
}

#[test]
fn without_done_a_send_is_done_when_its_command_was_accepted() {
    paid().when_accepted().then_sends([send("Tell")]);
    paid().when_nothing_was_to_do().then_sends([send("Tell")]);
}

#[test]
fn completed_is_sent_likewise_and_its_done_ends_the_saga() {
    let told = || paid().when_accepted().and();
    told().when(Told).then_nothing_is_sent().then_status(Status::Completed);
    told().when_rejected("who asks").then_nothing_is_sent().then_status(Status::Completed);
}

#[test]
fn events_for_an_ended_saga_are_ignored_and_visible() {
    let ended = paid().when_accepted().and().when(Told).and();
    let mut order = ended.when(Called { off: true }).then_nothing_is_sent().then_status(Status::Completed);
    assert_eq!(order.state().ignored, 1);
    for _ in 0..100 {
        order = order.and().when(Reserved).then_nothing_is_sent();
    }
    assert_eq!(order.state().ignored, 16, "what others repeat doesn't grow the stream without end");
}

#[test]
fn late_and_early_events_are_ignored_and_visible() {
    let early = ordered().when(Released).then_nothing_is_sent();
    assert_eq!(early.state().ignored, 1);
    let late = paid().when(Reserved).then_nothing_is_sent();
    assert_eq!(late.state().ignored, 1);
    let back = ordered().when(Called { off: true }).and().when(Called { off: true }).then_nothing_is_sent();
    assert_eq!(back.state().ignored, 1);
}

#[test]
fn a_compensation_that_times_out_past_its_retries_makes_it_stuck() {
    let order = paid().when_rejected("late").and().when_time_passes(5 * SECOND).then_sends([send("Refund")]);
    let order = order.and().when_time_passes(5 * SECOND).then_nothing_is_sent().then_status(Status::Stuck);
    assert_eq!(order.state().stuck.as_deref(), Some("timeout: pay"));
    // Its event may still come.
    order.and().when(Refunded).then_sends([send("Release")]).then_status(Status::Compensating);
}

#[test]
fn a_compensation_that_is_rejected_or_dead_makes_it_stuck() {
    let refunding = || paid().when_rejected("late").and();
    let order = refunding().when_rejected("closed").then_nothing_is_sent().then_status(Status::Stuck);
    assert_eq!(order.state().stuck.as_deref(), Some("rejected: closed"));
    refunding().when_dead("no bank").then_nothing_is_sent().then_status(Status::Stuck);
}

#[test]
fn a_rejected_failed_send_is_recorded_and_counts_as_done() {
    let order = ordered().when(no_stock()).and().when_rejected("it is cancelled");
    order.then_nothing_is_sent().then_status(Status::Compensated);
}

#[test]
fn a_last_send_that_ends_as_a_dead_letter_makes_it_stuck() {
    ordered().when(no_stock()).and().when_dead("no one").then_status(Status::Stuck);
    paid().when_accepted().and().when_dead("no one").then_status(Status::Stuck);
}

#[test]
fn an_operator_retries_under_the_same_id_unless_the_message_had_its_answer() {
    let timed_out = || paid().when_rejected("late").and().when_time_passes(5 * SECOND).and();
    let stuck = timed_out().when_time_passes(5 * SECOND).and();
    let retried = stuck.when_ordered(Order::Retry).then_sends([send("Refund")]);
    assert_eq!(retried.state().messages.len(), 4, "reserve, pay, confirm, refund");
    retried.then_status(Status::Compensating).then_waits(5 * SECOND);
    let dead = paid().when_rejected("late").and().when_dead("no bank").and();
    let retried = dead.when_ordered(Order::Retry).then_sends([send("Refund")]);
    assert_eq!(retried.state().messages.len(), 5, "and refund once more");
    retried.and().when(Refunded).then_sends([send("Release")]);
}

#[test]
fn an_operator_begins_the_way_back() {
    let order = ordered().when_ordered(Order::Compensate { reason: "no more".to_owned() });
    let order = order.then_sends([send("Release")]);
    assert_eq!(order.state().reason.as_deref(), Some("no more"));
}

#[test]
fn an_operator_resolves_what_a_stuck_saga_waits_for() {
    let stuck = paid().when_rejected("late").and().when_rejected("closed").and();
    let resolve = Order::Resolve { reason: "refunded by hand".to_owned() };
    stuck.when_ordered(resolve).then_sends([send("Release")]).then_status(Status::Compensating);
}

#[test]
fn orders_that_make_no_sense_are_refused() {
    let refused = |state: &SagaState, order: Order| {
        let input = Input::Order { order, by: "ada".to_owned(), read_to: crate::Position::START };
        advance(&trip(), state, &input, &moment()).unwrap_err().to_string()
    };
    let resolve = || Order::Resolve { reason: String::new() };
    let compensate = || Order::Compensate { reason: String::new() };
    assert_eq!(refused(&SagaState::new("order", "1"), Order::Retry), "it was never started");
    let running = ordered().when_accepted();
    assert_eq!(
        refused(running.state(), resolve()),
        "it is running and not stuck, so there is nothing to resolve"
    );
    let back = ordered().when(no_stock());
    assert!(refused(back.state(), compensate()).starts_with("it is on the way back already"));
    let ended = back.and().when_accepted();
    assert_eq!(refused(ended.state(), Order::Retry), "it has ended: it is compensated");
}

#[test]
fn what_is_read_again_changes_nothing() {
    let order = ordered().when(Reserved);
    let state = order.state();
    let input = Input::Recorded(Recorded {
        position: state.read_to,
        event_id: crate::EventId::from_bytes([0; 16]),
        event_type: "Called".to_owned(),
        correlation_id: None,
        events: Vec::new(),
        answer: None,
    });
    let advanced = advance(&trip(), state, &input, &moment()).unwrap();
    assert_eq!((advanced.ignored, advanced.transitions.len()), (Some(Ignored::Repeated), 0));
    assert_eq!(advanced.state, *state);
}

#[test]
fn an_event_that_only_changes_what_it_remembers_is_recorded() {
    let order = ordered().when(Paid { receipt: 3 }).then_nothing_is_sent().then_status(Status::Running);
    assert_eq!((order.state().state.as_str(), order.state().ignored), (r#"{"quick":false,"receipt":3}"#, 0));
}

#[test]
fn transitions_are_written_and_read_back() {
    let cause = TransitionCause { position: Some(crate::Position::new(3)), ..TransitionCause::default() };
    let wait = Wait { timeout: Some(SECOND), done: vec!["Told".to_owned()], ..Wait::default() };
    let sent = Transition::Sent(Box::new(Sent {
        cause: cause.clone(),
        step: "a".to_owned(),
        part: SagaPart::Step,
        send: send("A").key("k").delay(SECOND),
        ids: MessageIds::OfEvents,
        wait: wait.clone(),
        compensate: Some(Compensation { send: send("B"), wait }),
    }));
    let json = String::from_utf8(sent.to_data()).unwrap();
    assert_eq!(
        json,
        r#"{"cause":{"position":3},"step":"a","part":"step","outgoing":{"topic":"work","command":"A","data":"1","key":"k","delay_ms":1000},"wait":{"done":["Told"],"timeout_ms":1000},"compensate":{"send":{"topic":"work","command":"B","data":"1"},"wait":{"done":["Told"],"timeout_ms":1000}}}"#
    );
    assert_eq!(Transition::from_data("$SagaSent", json.as_bytes()).unwrap().unwrap(), sent);
    // So it was written before: its message has its id from its place.
    let before = json.replace(r#""outgoing":"#, r#""send":"#);
    let read = Transition::from_data("$SagaSent", before.as_bytes()).unwrap().unwrap();
    assert!(matches!(&read, Transition::Sent(sent) if sent.ids == MessageIds::OfPlaces), "{read:?}");
    assert_eq!(String::from_utf8(read.to_data()).unwrap(), before);
    let both = json.replace(r#","wait""#, r#","send":{"topic":"a","command":"B","data":"1"},"wait""#);
    assert!(Transition::from_data("$SagaSent", both.as_bytes()).unwrap().is_err());
    assert!(Transition::from_data("$Outcome", b"{}").is_none());
    assert!(Transition::from_data("$SagaSent", b"{}").unwrap().is_err());
}

#[test]
fn streams_are_named_by_saga_and_id() {
    assert_eq!(of_stream(stream("order", "a-b").unwrap().as_str()), Some(("order", "a-b")));
    assert_eq!(of_stream("order-1"), None);
}

/// An operator's order to a saga, where no event takes more than so many bytes.
fn ordered_within(state: &SagaState, order: Order, bytes_max: usize) -> Advanced {
    let input = Input::Order { order, by: "ada".to_owned(), read_to: state.read_to };
    advance(&trip(), state, &input, &moment().within(bytes_max)).unwrap()
}

#[test]
fn a_compensation_that_is_too_large_is_stuck_and_goes_out_when_it_fits() {
    let state = paid().when_time_passes(SECOND).then_nothing_is_sent().state().clone();
    let back = Order::Compensate { reason: "why not".to_owned() };
    let stuck = ordered_within(&state, back, 150);
    let names: Vec<&str> = stuck.transitions.iter().map(Transition::name).collect();
    assert_eq!(names, ["$SagaFailing", "$SagaStuck"]);
    assert_eq!(stuck.state.status, Some(Status::Stuck));
    let reason = stuck.state.stuck.as_deref().unwrap();
    assert!(reason.starts_with("pay: what it sends takes ") && reason.ends_with(" at most 150"), "{reason}");
    let again = ordered_within(&stuck.state, Order::Retry, usize::MAX);
    let [Transition::Sent(sent)] = &again.transitions[..] else { panic!("{:?}", again.transitions) };
    assert_eq!(
        (sent.part, &sent.step, &sent.send),
        (SagaPart::Compensation, &"pay".to_owned(), &send("Refund"))
    );
    assert_eq!(again.state.status, Some(Status::Compensating));
    // Or an operator has done it by hand.
    let resolved = ordered_within(&stuck.state, Order::Resolve { reason: "by hand".to_owned() }, usize::MAX);
    let [_, Transition::Sent(sent)] = &resolved.transitions[..] else { panic!("{:?}", resolved.transitions) };
    assert_eq!((sent.part, &sent.send), (SagaPart::Compensation, &send("Release")));
}

#[test]
fn an_event_that_makes_too_much_of_the_memory_is_ignored_and_visible() {
    let state = ordered().when_time_passes(SECOND).then_nothing_is_sent().state().clone();
    let stream = "trip-1".parse().unwrap();
    let new = NewEvent::json("Paid", r#"{"receipt":7}"#).unwrap();
    let position = state.read_to.next();
    let event = RecordedEvent::from_new(&new, &stream, position, Version::FIRST, Timestamp::default());
    let recorded = Recorded {
        position,
        event_id: event.event_id(),
        event_type: "Paid".to_owned(),
        correlation_id: None,
        events: vec![event],
        answer: None,
    };
    let input = Input::Recorded(recorded);
    let advance = |bytes_max| advance(&trip(), &state, &input, &moment().within(bytes_max)).unwrap();
    assert_eq!(advance(1_000).state.state.as_str(), r#"{"quick":false,"receipt":7}"#);
    let ignored = advance(100);
    assert_eq!((ignored.state.status, &ignored.state.state), (Some(Status::Running), &state.state));
    let [Transition::Ignored(IgnoredCause { why, .. })] = &ignored.transitions[..] else {
        panic!("{:?}", ignored.transitions)
    };
    assert!(why.starts_with("a rule for it fails: Paid: what is remembered takes "), "{why}");
}

/// A trip whose definition names nothing that it may wait for.
fn nameless() -> Definition {
    Definition { names: Names::default(), ..trip() }
}

#[test]
fn a_timer_takes_nothing_back_whose_step_has_no_name_and_the_time_does_not_count() {
    let state = ordered().when_time_passes(SECOND).then_nothing_is_sent().state().clone();
    let at = |seconds: i64| {
        Moment::new(Timestamp::from_micros(seconds * 1_000_000), crate::EventId::from_bytes([7; 16]))
    };
    let time = Input::Time { read_to: state.read_to };
    let held = advance(&nameless(), &state, &time, &at(40)).unwrap();
    let [Transition::Stuck(stuck)] = &held.transitions[..] else { panic!("{:?}", held.transitions) };
    assert!(stuck.held && stuck.reason.contains(r#"at step "reserve""#), "{stuck:?}");
    assert_eq!((held.state.status, held.state.read_to), (Some(Status::Stuck), state.read_to));
    let order = |order: Order| Input::Order { order, by: "ada".to_owned(), read_to: state.read_to };
    let resolve = Order::Resolve { reason: "by hand".to_owned() };
    for refused in [Order::Retry, resolve] {
        let error = advance(&nameless(), &held.state, &order(refused), &at(41)).unwrap_err();
        assert!(
            matches!(&error, OrderError::Held { missing: Missing::Step(step) } if step == "reserve"),
            "{error}"
        );
    }
    let back = Order::Compensate { reason: "enough".to_owned() };
    let back = advance(&nameless(), &held.state, &order(back), &at(41)).unwrap();
    let names: Vec<&str> = back.transitions.iter().map(Transition::name).collect();
    assert_eq!(names, ["$SagaFailing", "$SagaSent", "$SagaStuck"], "and waits for what has no name either");
    assert!(back.state.held.is_some());
    // Held for 100 seconds, it waits so much longer.
    let freed = advance(&trip(), &held.state, &Input::Definition, &at(140)).unwrap();
    assert!(matches!(&freed.transitions[..], [Transition::Freed(_)]), "{:?}", freed.transitions);
    let later = |due: Option<Timestamp>| due.map(|due| due.as_micros() + 100_000_000);
    assert_eq!(freed.state.due().map(Timestamp::as_micros), later(state.due()));
    assert_eq!(freed.state.deadline.map(Timestamp::as_micros), later(state.deadline));
    let same = SagaState { version: state.version, changed_at: state.changed_at, ..freed.state.clone() };
    let due = |state: &SagaState| SagaState { deadline: None, waiting: None, ..state.clone() };
    assert_eq!(due(&same), due(&state));
}

#[test]
fn a_pause_grows_up_to_a_day_and_is_never_shorter_than_its_delay() {
    let hours = |hours: u64| Duration::from_secs(hours * 3_600);
    let pauses = |delay| {
        let retry = Retry { attempts: 4, delay, factor: 4.0 };
        [1, 2, 3].map(|sent| retry.pause(sent))
    };
    assert_eq!(pauses(hours(2)), [hours(2), hours(8), hours(24)]);
    assert_eq!(pauses(hours(48)), [hours(48); 3]);
}
