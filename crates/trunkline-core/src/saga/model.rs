//! Random lives beside a model: whatever happens, in whatever order, nothing is undone twice or forgotten.
//!
//! The model knows nothing of the machine. It has what the world outside would see: which messages went out, and
//! what became of each; and from that alone what has to be undone.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{EventId, EventType, NewEvent, Position, RecordedEvent, Timestamp, Version};

/// Three steps; each with a `done`, a `failed`, a timeout and a compensation, but as `shape` says.
#[derive(Clone, Copy, Debug)]
struct Plan {
    /// Bit n: step n waits for its answer alone.
    answers: u8,
    /// Bit n: step n has no compensation.
    bare: u8,
    /// Bit n: step n is sent again after a timeout.
    again: u8,
    completed: bool,
    failed: bool,
}

const STEPS: [&str; 3] = ["s0", "s1", "s2"];

impl Plan {
    fn step(self, at: usize) -> Step {
        let has = |bits: u8| bits >> at & 1 == 1;
        let wait = |done: String, again: bool| Wait {
            done: if has(self.answers) { Vec::new() } else { vec![done] },
            failed: Vec::new(),
            timeout: Some(std::time::Duration::from_secs(10)),
            retry: Retry { attempts: if again { 2 } else { 1 }, ..Retry::default() },
        };
        let name = STEPS[at];
        let undo = Compensation {
            send: Outgoing::new("t", format!("Undo-{name}"), Json::null()),
            wait: wait(format!("Undone-{name}"), true),
        };
        Step {
            name: name.to_owned(),
            send: Outgoing::new("t", format!("Do-{name}"), Json::null()),
            wait: Wait {
                failed: vec![format!("Failed-{name}")],
                ..wait(format!("Done-{name}"), has(self.again))
            },
            compensate: (!has(self.bare)).then_some(undo),
        }
    }
}

impl Behaviour for Plan {
    fn events(&self) -> Vec<String> {
        Vec::new()
    }

    fn outline(&self) -> Outline {
        // Nothing holds a behaviour against its outline but a typed saga, which this is none of.
        Outline::of([])
    }

    fn start_type(&self) -> &'static str {
        "Begin"
    }

    fn key(&self, _: &RecordedEvent) -> Result<Option<String>, BehaviourProblem> {
        Ok(Some("1".to_owned()))
    }

    fn start(&self, event: &RecordedEvent) -> Result<Option<Start>, BehaviourProblem> {
        Ok((event.event_type() == "Begin").then(|| Start { state: Json::null(), timeout: None }))
    }

    fn next(&self, _: &View<'_>, after: Option<&str>) -> Result<Next, BehaviourProblem> {
        let next = after.map_or(0, |after| STEPS.iter().position(|step| *step == after).unwrap() + 1);
        Ok(if next < STEPS.len() { self.step(next).into() } else { Next::End })
    }

    fn evolve(
        &self,
        _: &View<'_>,
        _: &RecordedEvent,
        _: Option<&str>,
    ) -> Result<Option<Json>, BehaviourProblem> {
        Ok(None)
    }

    fn turn(&self, _: &View<'_>, event: &RecordedEvent) -> Result<Option<Turn>, BehaviourProblem> {
        Ok((event.event_type() == "CallOff").then(|| Turn::Fail("called off".to_owned())))
    }

    fn last(&self, _: &View<'_>, part: SagaPart) -> Result<Option<LastSend>, BehaviourProblem> {
        let wanted = if part == SagaPart::Failed { self.failed } else { self.completed };
        Ok(wanted.then(|| Compensation::new(Outgoing::new("t", format!("{part:?}"), Json::null()))))
    }
}

/// What may happen next. Numbers choose among what there is.
#[derive(Clone, Copy, Debug)]
enum Op {
    /// A message that went out has its answer; whether it says done, failed, nothing, rejected or dead.
    Answer { message: u8, how: u8 },
    /// An answer to a message of a history that is gone.
    Lost { message: u8, how: u8 },
    /// Something happens that nobody sent a command for.
    Outside { what: u8 },
    /// Time passes.
    Time { seconds: u8 },
    /// Something that was read before is read again.
    Again { what: u8 },
    /// An operator.
    Order { what: u8 },
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        6 => (any::<u8>(), any::<u8>()).prop_map(|(message, how)| Op::Answer { message, how }),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(message, how)| Op::Lost { message, how }),
        2 => any::<u8>().prop_map(|what| Op::Outside { what }),
        2 => any::<u8>().prop_map(|seconds| Op::Time { seconds }),
        2 => any::<u8>().prop_map(|what| Op::Again { what }),
        1 => any::<u8>().prop_map(|what| Op::Order { what }),
    ];
    proptest::collection::vec(op, 0..40)
}

fn plan() -> impl Strategy<Value = Plan> {
    (0..8u8, 0..8u8, 0..8u8, any::<bool>(), any::<bool>()).prop_map(
        |(answers, bare, again, completed, failed)| Plan { answers, bare, again, completed, failed },
    )
}

/// The saga, its stream, and what the world knows of it.
struct Life {
    plan: Plan,
    state: SagaState,
    now: Timestamp,
    position: Position,
    read: Vec<Recorded>,
    /// How often something happened to it.
    inputs: u64,
    stream: Vec<(Transition, Timestamp, EventId)>,
    /// Messages that went out, by the version that sent them, and what those call them who answer.
    out: BTreeMap<Version, (Sent, MessageName)>,
    /// How many inputs are still those of a time before ids of messages followed from those of events.
    before: u64,
    /// Steps that an event said had failed.
    denied: Vec<String>,
}

impl Life {
    fn new(plan: Plan, before: u64) -> Self {
        Self {
            plan,
            before,
            state: SagaState::new("plan", "1"),
            now: Timestamp::from_micros(0),
            position: Position::START,
            read: Vec::new(),
            inputs: 0,
            stream: Vec::new(),
            out: BTreeMap::new(),
            denied: Vec::new(),
        }
    }

    fn event(&mut self, event_type: &str) -> RecordedEvent {
        self.position = self.position.next();
        let event =
            NewEvent::new(EventType::system(event_type).unwrap(), "{}").id(EventId::from_bytes([1; 16]));
        let version = Version::new(self.position.get());
        RecordedEvent::from_new(&event, &"x-1".parse().unwrap(), self.position, version, self.now)
    }

    fn happens(&mut self, event_type: &str, named: bool, answer: Option<(MessageName, Option<Reply>)>) {
        let event = self.event(event_type);
        let answer = answer.map(|(message, reply)| Answer {
            message,
            after: 1,
            reply: reply
                .unwrap_or_else(|| Reply::Accepted { event: Box::new(event.clone()), nothing: false }),
        });
        let recorded = Recorded {
            position: event.position(),
            event_id: event.event_id(),
            event_type: event_type.to_owned(),
            correlation_id: None,
            events: if named { vec![event] } else { Vec::new() },
            answer,
        };
        self.read.push(recorded.clone());
        self.input(&Input::Recorded(recorded));
    }

    fn input(&mut self, input: &Input) {
        self.inputs += 1;
        let moment = Moment::new(self.now, EventId::from_bytes(u128::from(self.inputs).to_be_bytes()));
        let Ok(advanced) = advance(&self.plan, &self.state, input, &moment) else {
            assert!(matches!(input, Input::Order { .. }), "only orders are refused");
            return;
        };
        for (place, transition) in advanced.transitions.into_iter().enumerate() {
            let version = Version::new(self.stream.len() as u64 + 1);
            let (mut transition, id) = (transition, moment.id_of(place));
            let mut name = MessageName::Event(id);
            if let Transition::Sent(sent) = &mut transition
                && self.inputs <= self.before
            {
                sent.ids = MessageIds::OfPlaces;
                name = MessageName::Version(version);
            }
            self.happened(version, &transition, name);
            self.stream.push((transition, self.now, id));
        }
        self.state = if self.inputs <= self.before { self.fold() } else { advanced.state };
        self.holds();
    }

    /// What went out, against what had to.
    fn happened(&mut self, version: Version, transition: &Transition, name: MessageName) {
        if let Transition::Sent(sent) = transition {
            if sent.part == SagaPart::Compensation {
                let undone = self.undone();
                let left = self.to_undo().into_iter().rev().find(|step| !undone.contains(step));
                assert_eq!(left.as_ref(), Some(&sent.step), "undone in reverse, each after the one before");
            }
            self.out.insert(version, (Sent::clone(sent), name));
        }
        if let Transition::Resent(resent) = transition {
            assert!(self.out.contains_key(&resent.message), "only what was sent is sent again");
        }
    }

    /// Steps that may have happened, and have something to undo.
    fn to_undo(&self) -> Vec<String> {
        let sent = self.out.values().map(|(sent, _)| sent);
        let steps = sent.filter(|sent| sent.part == SagaPart::Step && sent.compensate.is_some());
        let steps = steps.map(|sent| sent.step.clone());
        steps.filter(|step| !self.denied.contains(step)).collect()
    }

    /// Steps that are known to be undone.
    fn undone(&self) -> Vec<String> {
        let done = self.stream.iter().filter_map(|(transition, ..)| match transition {
            Transition::StepDone(done) if done.part == SagaPart::Compensation => Some(done.step.clone()),
            _ => None,
        });
        done.collect()
    }

    /// Where it stands, as its stream says, written and read.
    fn fold(&self) -> SagaState {
        let mut fold = SagaState::new("plan", "1");
        for (transition, at, id) in &self.stream {
            let read = Transition::from_data(transition.name(), &transition.to_data()).unwrap().unwrap();
            fold.apply(&read, *at, *id);
        }
        fold
    }

    /// What holds at every moment.
    fn holds(&self) {
        let fold = self.fold();
        assert_eq!(fold, self.state, "the state is a fold over the stream");
        let Some(status) = self.state.status else { return assert!(self.stream.is_empty()) };
        assert_eq!(status.is_ended(), self.state.waiting.is_none(), "what has not ended waits for something");
        if self.state.is_alive() {
            let waiting = self.state.waiting.as_ref().unwrap();
            assert!(!waiting.answered, "and for something that may still come");
        }
        let ended = self.stream.iter().position(|(transition, ..)| {
            matches!(transition, Transition::Completed(_) | Transition::Compensated(_))
        });
        assert_eq!(ended.is_some(), status.is_ended());
        let after = self.stream.iter().skip(ended.map_or(usize::MAX, |at| at.saturating_add(1)));
        for (transition, ..) in after {
            assert!(matches!(transition, Transition::Ignored(_)), "after its end: {transition:?}");
        }
        let (mut undone, mut to_undo) = (self.undone(), self.to_undo());
        match status {
            Status::Completed => assert_eq!(undone, [""; 0], "what is complete is not undone"),
            Status::Compensated => {
                undone.reverse();
                undone.sort();
                to_undo.sort();
                assert_eq!(undone, to_undo, "all that may have happened is undone, once");
            }
            _ => {}
        }
    }

    fn play(&mut self, op: Op) {
        match op {
            Op::Answer { message, how } => {
                let Some((&version, (sent, name))) =
                    self.out.iter().nth(message as usize % self.out.len().max(1))
                else {
                    return;
                };
                let message = *name;
                let (part, step) = (sent.part, sent.step.clone());
                let waits = self.state.waiting.as_ref().is_some_and(|waiting| waiting.message == version);
                let is_step = part == SagaPart::Step;
                match how % 6 {
                    0 | 1 => {
                        let event = match part {
                            SagaPart::Step => format!("Done-{step}"),
                            SagaPart::Compensation => format!("Undone-{step}"),
                            _ => "Cancelled".to_owned(),
                        };
                        self.happens(&event, true, Some((message, None)));
                    }
                    2 if is_step => {
                        let before = self.stream.len();
                        if waits {
                            self.denied.push(step.clone());
                        }
                        self.happens(&format!("Failed-{step}"), true, Some((message, None)));
                        assert!(self.stream.len() > before || !waits, "what is waited for has an effect");
                    }
                    3 => {
                        let event = Box::new(self.event("$Outcome"));
                        let reply = Reply::Accepted { event, nothing: true };
                        self.happens("$Outcome", false, Some((message, Some(reply))));
                    }
                    4 => {
                        if waits && is_step {
                            self.denied.push(step);
                        }
                        let reply = Reply::Rejected { reason: "no".to_owned() };
                        self.happens("$Outcome", false, Some((message, Some(reply))));
                    }
                    _ => {
                        let reply = Reply::Dead { error: "gone".to_owned() };
                        self.happens("$DeadLettered", false, Some((message, Some(reply))));
                    }
                }
            }
            Op::Lost { message, how } => {
                let version = Version::new(u64::from(message) % (self.stream.len() as u64 + 1));
                // A place of a message that is not known by it, and an id of none.
                let name = match self.out.get(&version) {
                    Some((_, MessageName::Version(_))) => return,
                    _ if how % 2 == 0 => MessageName::Version(version),
                    _ => MessageName::Event(EventId::from_bytes([0xee; 16])),
                };
                let reply = match how % 3 {
                    0 => Reply::Rejected { reason: "no".to_owned() },
                    1 => Reply::Dead { error: "gone".to_owned() },
                    _ => Reply::Accepted { event: Box::new(self.event("$Outcome")), nothing: true },
                };
                let before = self.state.clone();
                self.happens("$Outcome", false, Some((name, Some(reply))));
                let SagaState { status, waiting, compensations, messages, .. } = before;
                let after = self.state.clone();
                assert_eq!(
                    (after.status, after.waiting, after.compensations, after.messages),
                    (status, waiting, compensations, messages),
                    "what answers nothing has no effect"
                );
            }
            Op::Outside { what } => {
                let what = ["Begin", "CallOff", "Done-s1", "Undone-s0", "Other"][what as usize % 5];
                self.happens(what, true, None);
            }
            Op::Time { seconds } => {
                self.now = Timestamp::from_micros(self.now.as_micros() + i64::from(seconds % 12) * 1_000_000);
                self.input(&Input::Time { read_to: self.position });
            }
            Op::Again { what } => {
                let Some(recorded) = self.read.get(what as usize % self.read.len().max(1)) else { return };
                let (before, recorded) = (self.state.clone(), recorded.clone());
                self.input(&Input::Recorded(recorded));
                // What was never for this saga may be read again as such; all else is known.
                assert_eq!(before, self.state, "what is read again changes nothing");
            }
            Op::Order { what } => {
                let order = match what % 4 {
                    0 | 1 => Order::Retry,
                    2 => Order::Compensate { reason: "enough".to_owned() },
                    _ => Order::Resolve { reason: "by hand".to_owned() },
                };
                self.input(&Input::Order { order, by: "ada".to_owned(), read_to: self.position });
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_all_is_done_or_undone_once(plan in plan(), before in 0..20u64, ops in ops()) {
        let mut life = Life::new(plan, before);
        life.happens("Begin", true, None);
        for op in ops {
            life.play(op);
        }
    }
}
