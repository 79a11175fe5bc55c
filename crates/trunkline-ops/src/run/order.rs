//! In which order commands are sent: which of them wait until others have been answered.

use std::collections::{HashMap, HashSet, VecDeque};

use trunkline::{App, CommandRequest};

/// How many commands wait for others at most, before no further ones are looked at.
const WAITING_MAX: usize = 1_024;

/// In which order commands are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Those of one stream in the order of the lines, each after the answer to the one before; those of other streams at
    /// the same time.
    ///
    /// - One that has no answer holds what comes after it in its stream: sent later, it would be out of order.
    /// - One whose stream isn't known before it is decided may be of any stream: it is sent after the answers to all
    ///   before it, and all after it wait for its answer.
    /// - One that is refused before its stream is known changes none, and waits for nothing.
    #[default]
    Stream,
    /// All in the order of the lines, each after the answer to the one before; one that has no answer holds all after it.
    File,
    /// As soon as there is room; those of one stream take effect in any order.
    None,
}

impl Order {
    /// Among which commands this one keeps its place.
    pub(super) fn lane(self, app: &App, request: &CommandRequest) -> Lane {
        match self {
            Self::None => Lane::Free,
            Self::File => Lane::All,
            Self::Stream => match app.stream_of(request) {
                Ok(Some(stream)) => Lane::Of(stream.as_str().to_owned()),
                Ok(None) => Lane::All,
                Err(_) => Lane::Free,
            },
        }
    }
}

/// Among which commands one keeps its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// Those of this stream.
    Of(String),
    /// All.
    All,
    /// None.
    Free,
}

/// Commands that wait for their turn, and what has the turn.
#[derive(Debug)]
pub(super) struct Turns<T> {
    /// The streams that have one under way, and what waits for it, in order.
    lanes: HashMap<String, VecDeque<T>>,
    /// How many wait in all lanes.
    waiting: usize,
    /// One that waits until all before it have ended.
    waits_alone: Option<T>,
    /// Whether one is under way that all others wait for.
    runs_alone: bool,
    under_way: usize,
    /// The streams in which one had no answer.
    held: HashSet<String>,
    /// Whether one had none that all others waited for.
    all_held: bool,
}

/// What follows from a command that came, or ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Next<T> {
    /// What is to be sent now.
    pub(super) send: Option<(Lane, T)>,
    /// How many will not be sent, since one before them had no answer.
    pub(super) held: u64,
}

impl<T> Next<T> {
    const NOTHING: Self = Self { send: None, held: 0 };
}

impl<T> Turns<T> {
    pub(super) fn new() -> Self {
        Self {
            lanes: HashMap::new(),
            waiting: 0,
            waits_alone: None,
            runs_alone: false,
            under_way: 0,
            held: HashSet::new(),
            all_held: false,
        }
    }

    /// Whether the next command can be looked at.
    pub(super) fn takes_more(&self) -> bool {
        self.waits_alone.is_none() && !self.runs_alone && self.waiting < WAITING_MAX
    }

    /// A command comes, after all that have come.
    pub(super) fn come(&mut self, lane: Lane, command: T) -> Next<T> {
        if self.all_held || matches!(&lane, Lane::Of(stream) if self.held.contains(stream)) {
            return Next { held: 1, ..Next::NOTHING };
        }
        if let Lane::Of(stream) = &lane {
            if let Some(waiting) = self.lanes.get_mut(stream) {
                waiting.push_back(command);
                self.waiting += 1;
                return Next::NOTHING;
            }
            self.lanes.insert(stream.clone(), VecDeque::new());
        }
        if lane == Lane::All {
            self.waits_alone = Some(command);
            return Next { send: self.one_alone(), ..Next::NOTHING };
        }
        self.under_way += 1;
        Next { send: Some((lane, command)), ..Next::NOTHING }
    }

    /// A command has ended, with an answer or without.
    pub(super) fn ended(&mut self, lane: Lane, answered: bool) -> Next<T> {
        self.under_way -= 1;
        let mut next = Next::NOTHING;
        match lane {
            Lane::Of(stream) if answered => match self.lanes.get_mut(&stream).and_then(VecDeque::pop_front) {
                Some(command) => {
                    self.waiting -= 1;
                    self.under_way += 1;
                    next.send = Some((Lane::Of(stream), command));
                }
                None => drop(self.lanes.remove(&stream)),
            },
            Lane::Of(stream) => {
                let waited = self.lanes.remove(&stream).map_or(0, |waiting| waiting.len());
                self.waiting -= waited;
                next.held = waited as u64;
                self.held.insert(stream);
            }
            Lane::All => {
                self.runs_alone = false;
                self.all_held = !answered;
            }
            Lane::Free => {}
        }
        if next.send.is_none() {
            next.send = self.one_alone();
        }
        next
    }

    /// No more are sent, those that wait neither.
    pub(super) fn give_up(&mut self) {
        self.lanes.values_mut().for_each(VecDeque::clear);
        self.waiting = 0;
        self.waits_alone = None;
    }

    /// The one that waits alone, once nothing is under way.
    fn one_alone(&mut self) -> Option<(Lane, T)> {
        let is_its_turn = self.under_way == 0 && self.waiting == 0;
        let command = self.waits_alone.take_if(|_| is_its_turn)?;
        (self.under_way, self.runs_alone) = (1, true);
        Some((Lane::All, command))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines such as `a1`, of the stream `a`; `*1` may be of any stream, `-1` is of none.
    fn lane(line: &str) -> Lane {
        match &line[..1] {
            "*" => Lane::All,
            "-" => Lane::Free,
            stream => Lane::Of(stream.to_owned()),
        }
    }

    /// Sends lines as far as they are taken, then ends those under way, the last first; ones that end in `!` have no
    /// answer. Gives what was under way at each step, and how many were held.
    fn play(lines: &str) -> (Vec<String>, u64) {
        let mut turns = Turns::new();
        let (mut under_way, mut steps, mut held) = (Vec::<String>::new(), Vec::new(), 0);
        let mut lines = lines.split(' ').peekable();
        loop {
            let next = if let Some(line) = lines.next_if(|_| turns.takes_more()) {
                turns.come(lane(line), line.to_owned())
            } else {
                steps.push(under_way.join(" "));
                let Some(last) = under_way.pop() else { return (steps, held) };
                turns.ended(lane(&last), !last.ends_with('!'))
            };
            held += next.held;
            if let Some((of, line)) = next.send {
                assert_eq!(of, lane(&line));
                under_way.push(line);
            }
        }
    }

    #[track_caller]
    fn check(lines: &str, steps: &[&str], held: u64) {
        let (found, found_held) = play(lines);
        assert_eq!(
            (found.iter().map(String::as_str).collect::<Vec<_>>(), found_held),
            (steps.to_vec(), held)
        );
    }

    #[test]
    fn those_of_one_stream_wait_for_each_other_and_for_no_others() {
        check("a1 b1 a2 b2 a3", &["a1 b1", "a1 b2", "a1", "a2", "a3", ""], 0);
        check("a1 -1 -2", &["a1 -1 -2", "a1 -1", "a1", ""], 0);
    }

    #[test]
    fn one_of_any_stream_waits_for_all_before_it_and_all_after_it_wait_for_it() {
        check("a1 b1 a2 *1 b2 c1", &["a1 b1", "a1", "a2", "*1", "b2 c1", "b2", ""], 0);
        check("*1 *2 -1", &["*1", "*2", "-1", ""], 0);
    }

    #[test]
    fn one_without_an_answer_holds_what_comes_after_it() {
        check("a1! b1 a2 a3 b2", &["a1! b1", "a1! b2", "a1!", ""], 2);
        check("-1! a1", &["-1! a1", "-1!", ""], 0);
        check("a1 *1! a2 b1", &["a1", "*1!", ""], 2);
        let mut turns = Turns::new();
        assert_eq!(turns.come(lane("a1"), "a1").held, 0);
        assert_eq!(turns.ended(lane("a1"), false), Next::NOTHING);
        assert_eq!(turns.come(lane("a2"), "a2"), Next { send: None, held: 1 });
    }

    #[test]
    fn no_more_wait_than_may_and_none_once_it_is_given_up() {
        let mut turns = Turns::new();
        for number in 0..=WAITING_MAX {
            assert!(turns.takes_more(), "{number}");
            turns.come(Lane::Of("a".to_owned()), number);
        }
        assert!(!turns.takes_more());
        turns.give_up();
        assert_eq!(turns.ended(Lane::Of("a".to_owned()), true), Next::NOTHING);
    }
}
