//! Random lives beside a model: whatever happens, in whatever order, nothing is undone twice or forgotten.
//!
//! The model knows nothing of the machine. It has what the world outside would see: which messages went out, and
//! what became of each; and from that alone what has to be undone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

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

const STEPS: usize = 3;

/// A plan as the file says it, which changes while a saga is under way.
#[derive(Clone, Copy, Debug)]
struct File {
    plan: Plan,
    /// How often each step was renamed.
    renamed: [u8; STEPS],
    /// Bit n: step n is not there.
    gone: u8,
    /// Bit n: the event that says that step n was done is called otherwise.
    told: u8,
}

fn has(bits: u8, at: usize) -> bool {
    bits >> at & 1 == 1
}

/// Which step it is that was recorded under this name.
fn index(step: &str) -> usize {
    step[1..2].parse().unwrap()
}

impl File {
    fn name(self, at: usize) -> String {
        Self::named(at, self.renamed[at])
    }

    fn named(at: usize, renamed: u8) -> String {
        if renamed == 0 { format!("s{at}") } else { format!("s{at}r{renamed}") }
    }

    fn done(self, at: usize) -> String {
        if has(self.told, at) { format!("Done2-s{at}") } else { format!("Done-s{at}") }
    }

    fn present(self) -> impl Iterator<Item = usize> {
        (0..STEPS).filter(move |at| !has(self.gone, *at))
    }

    fn step(self, at: usize) -> Step {
        let Plan { answers, bare, again, .. } = self.plan;
        let wait = |done: String, again: bool| Wait {
            done: if has(answers, at) { Vec::new() } else { vec![done] },
            failed: Vec::new(),
            timeout: Some(std::time::Duration::from_secs(10)),
            retry: Retry { attempts: if again { 2 } else { 1 }, ..Retry::default() },
        };
        let undo = Compensation {
            send: Outgoing::new("t", format!("Undo-s{at}"), Json::null()),
            wait: wait(format!("Undone-s{at}"), true),
        };
        Step {
            name: self.name(at),
            send: Outgoing::new("t", format!("Do-s{at}"), Json::null()),
            wait: Wait { failed: vec![format!("Failed-s{at}")], ..wait(self.done(at), has(again, at)) },
            compensate: (!has(bare, at)).then_some(undo),
        }
    }
}

impl Behaviour for File {
    fn events(&self) -> Vec<String> {
        let of = |at| [self.done(at), format!("Failed-s{at}"), format!("Undone-s{at}")];
        let own = ["Begin", "CallOff", "Other"].map(str::to_owned);
        own.into_iter().chain(self.present().flat_map(of)).collect()
    }

    fn outline(&self) -> Outline {
        let step = |at| {
            let undo = SendOutline::new("t", format!("Undo-s{at}"));
            let step = StepOutline::new(self.name(at), "t", format!("Do-s{at}")).compensate(undo);
            (0..self.renamed[at]).fold(step, |step, renamed| step.was(Self::named(at, renamed)))
        };
        let last = ["Completed", "Failed"].map(|command| SendOutline::new("t", command));
        last.into_iter().fold(Outline::of(self.present().map(step)), Outline::last)
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
        // What comes after a step that has another name today, or none, is never asked.
        let place = |after: &str| self.present().find(|at| self.name(*at) == after).unwrap() + 1;
        let from = after.map_or(0, place);
        let next = self.present().find(|at| *at >= from);
        Ok(next.map_or(Next::End, |at| self.step(at).into()))
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
        let wanted = if part == SagaPart::Failed { self.plan.failed } else { self.plan.completed };
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
    /// Sagas run again with another file: a step is renamed, removed or named again, or what says that it is done is.
    File { step: u8, what: u8 },
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        6 => (any::<u8>(), any::<u8>()).prop_map(|(message, how)| Op::Answer { message, how }),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(message, how)| Op::Lost { message, how }),
        2 => any::<u8>().prop_map(|what| Op::Outside { what }),
        2 => any::<u8>().prop_map(|seconds| Op::Time { seconds }),
        2 => any::<u8>().prop_map(|what| Op::Again { what }),
        1 => any::<u8>().prop_map(|what| Op::Order { what }),
        2 => (any::<u8>(), any::<u8>()).prop_map(|(step, what)| Op::File { step, what }),
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
    file: File,
    definition: Definition,
    state: SagaState,
    now: Timestamp,
    position: Position,
    /// What is in the log.
    read: Vec<Logged>,
    /// How often something happened to it.
    inputs: u64,
    stream: Vec<(Transition, Timestamp, EventId)>,
    /// Messages that went out, by the version that sent them, and what those call them who answer.
    out: BTreeMap<Version, (Sent, MessageName)>,
    /// How many inputs are still those of a time before ids of messages followed from those of events.
    before: u64,
    /// Steps that the world has said did not happen, by their number.
    said: BTreeSet<usize>,
    /// Steps that the saga went back from because they are known not to have happened.
    denied: Vec<String>,
}

/// Something in the log.
#[derive(Clone, Debug)]
struct Logged {
    event: RecordedEvent,
    /// Whether it is an event that a file may name.
    named: bool,
    answer: Option<(MessageName, Option<Reply>)>,
    /// Whether the file named it when the saga was told of it, if it was.
    told: Option<bool>,
}

impl Life {
    fn new(plan: Plan, before: u64) -> Self {
        let file = File { plan, renamed: [0; STEPS], gone: 0, told: 0 };
        Self {
            file,
            definition: Definition::new(Arc::new(file)),
            before,
            state: SagaState::new("plan", "1"),
            now: Timestamp::from_micros(0),
            position: Position::START,
            read: Vec::new(),
            inputs: 0,
            stream: Vec::new(),
            out: BTreeMap::new(),
            said: BTreeSet::new(),
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
        self.read.push(Logged { event, named, answer, told: None });
        self.tell(self.read.len() - 1);
    }

    /// Tells the saga of what is in the log, as far as the file routes it there.
    fn tell(&mut self, at: usize) {
        let Logged { event, named, answer, .. } = self.read[at].clone();
        let event_type = event.event_type().to_owned();
        let named = named && self.file.events().contains(&event_type);
        if !named && answer.is_none() {
            return;
        }
        self.read[at].told = Some(named);
        let answer = answer.map(|(message, reply)| Answer {
            message,
            after: 1,
            reply: reply
                .unwrap_or_else(|| Reply::Accepted { event: Box::new(event.clone()), nothing: false }),
        });
        self.input(&Input::Recorded(Recorded {
            position: event.position(),
            event_id: event.event_id(),
            event_type,
            correlation_id: None,
            events: if named { vec![event] } else { Vec::new() },
            answer,
        }));
    }

    /// The file changes.
    fn changes(&mut self, at: usize, what: u8) {
        let mut file = self.file;
        match what % 4 {
            0 => file.renamed[at] += 1,
            1 => file.gone ^= 1 << at,
            2 => file.told ^= 1 << at,
            // As it was, but for the names that steps have now.
            _ => (file.gone, file.told) = (0, 0),
        }
        self.runs(file);
    }

    /// Sagas run with this file: those that can't go on are held, and those that can again are freed.
    fn runs(&mut self, file: File) {
        self.file = file;
        self.definition = Definition::new(Arc::new(file));
        if self.state.held.is_none() || self.lacks() {
            self.input(&Input::Definition);
            let held = self.state.held.is_some();
            assert_eq!(held, self.state.status.is_some_and(|status| !status.is_ended()) && self.lacks());
            return;
        }
        let waited = self.state.waiting.clone().unwrap();
        let after = self.state.read_to;
        self.input(&Input::Definition);
        assert!(self.state.held.is_none(), "it goes on");
        let mut answered = false;
        for at in 0..self.read.len() {
            if self.read[at].event.position() > after {
                let Logged { event, answer, .. } = &self.read[at];
                answered |= waited.wait.done.iter().any(|done| done == event.event_type());
                let name = self.out.get(&waited.message).map(|(_, name)| *name);
                answered |= answer.as_ref().is_some_and(|(message, reply)| {
                    Some(*message) == name
                        && matches!(reply, Some(Reply::Rejected { .. } | Reply::Dead { .. }))
                });
                self.tell(at);
            }
        }
        let waits =
            self.state.waiting.as_ref().is_some_and(|waiting| !waiting.answered && *waiting == waited);
        assert!(!answered || !waits, "an answer that came meanwhile is not passed over");
    }

    /// Whether the file does not name what the saga waits for.
    fn lacks(&self) -> bool {
        let Some(waiting) = &self.state.waiting else { return false };
        let (events, is_step) = (self.file.events(), waiting.part == SagaPart::Step);
        let at =
            matches!(waiting.part, SagaPart::Step | SagaPart::Compensation).then(|| index(&waiting.step));
        let gone = at.is_some_and(|at| has(self.file.gone, at));
        let deaf = waiting.wait.done.iter().any(|event| !events.contains(event));
        (is_step && gone) || (!waiting.answered && (deaf || gone))
    }

    fn input(&mut self, input: &Input) {
        self.inputs += 1;
        let moment = Moment::new(self.now, EventId::from_bytes(u128::from(self.inputs).to_be_bytes()));
        let Ok(advanced) = advance(&self.definition, &self.state, input, &moment) else {
            assert!(matches!(input, Input::Order { .. }), "only orders are refused");
            return;
        };
        if self.lacks() && !matches!(input, Input::Order { .. }) {
            let held = |transition: &Transition| matches!(transition, Transition::Stuck(stuck) if stuck.held);
            assert!(advanced.transitions.iter().all(held), "it is held: {:?}", advanced.transitions);
            assert_eq!(advanced.state.read_to, self.state.read_to, "and what came counts as unheard");
        }
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
        if let Transition::Failing(Failing { step: Some(step), drops: true, .. }) = transition {
            assert!(self.said.contains(&index(step)), "only what is known not to have happened is dropped");
            self.denied.push(step.clone());
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
        assert_eq!(self.state.held.is_some(), self.lacks(), "what needs what the file doesn't name is held");
        if self.state.is_alive() {
            let waiting = self.state.waiting.as_ref().unwrap();
            assert!(!waiting.answered, "and for something that may still come");
        }
        let ended = self.stream.iter().position(|(transition, ..)| {
            matches!(transition, Transition::Completed(_) | Transition::Compensated(_))
        });
        assert_eq!(ended.is_some(), status.is_ended());
        let behind = self.stream.iter().skip(ended.map_or(usize::MAX, |at| at.saturating_add(1)));
        for (transition, ..) in behind {
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
                            SagaPart::Step if sent.wait.done.is_empty() => "Other".to_owned(),
                            SagaPart::Step => sent.wait.done[0].clone(),
                            SagaPart::Compensation => format!("Undone-s{}", index(&step)),
                            _ => "Cancelled".to_owned(),
                        };
                        self.happens(&event, true, Some((message, None)));
                    }
                    2 if is_step => {
                        self.said.insert(index(&step));
                        let (before, waits) = (self.stream.len(), waits && !self.lacks());
                        self.happens(&format!("Failed-s{}", index(&step)), true, Some((message, None)));
                        assert!(self.stream.len() > before || !waits, "what is waited for has an effect");
                    }
                    3 => {
                        let event = Box::new(self.event("$Outcome"));
                        let reply = Reply::Accepted { event, nothing: true };
                        self.happens("$Outcome", false, Some((message, Some(reply))));
                    }
                    4 => {
                        if is_step {
                            self.said.insert(index(&step));
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
                let at = what as usize % self.read.len().max(1);
                // With another file it may be another thing, though it has no effect any more.
                let Logged { event, named, told, .. } = &self.read[at];
                let named = *named && self.file.events().iter().any(|name| name == event.event_type());
                if *told != Some(named) {
                    return;
                }
                let before = self.state.clone();
                self.tell(at);
                // What was never for this saga may be read again as such; all else is known.
                assert_eq!(before, self.state, "what is read again changes nothing");
            }
            Op::File { step, what } => self.changes(step as usize % STEPS, what),
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
