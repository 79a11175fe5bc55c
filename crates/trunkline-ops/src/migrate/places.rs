//! Where events went: from positions in the old store to those in the new one, in memory that hardly grows.
//!
//! ```text
//! old positions   1 ─── 4096 ─── 8192 ─── … ───┬─ the last 16,384, one by one ─┐
//!                        end      end           └───────────────────────────────┘
//! ```
//!
//! What is asked for is nearly always near: a saga's event names what happened just before it. Of what lies further
//! back, one place in 4096 is kept, 4 MiB for a thousand million events, and the events behind it are counted again.

use std::collections::VecDeque;

use trunkline_core::Position;

/// How many positions there are, at least, between two places that are kept for good.
const STRIDE: u64 = 4096;

/// How many of the last events are kept one by one.
const RECENT: usize = 16_384;

/// A position in the old store, and how far the new one has come with it: the position of the last event that there
/// is for those up to there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) old: Position,
    pub(super) new: Position,
}

/// Where the events that went by went to.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Ends of commands: behind them, events can be counted without a look at those before.
    ends: Vec<Moved>,
    recent: VecDeque<Moved>,
    last: Moved,
    has_moved: bool,
}

/// What is known of a position.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Its place in the new store.
    At(Position),
    /// The place that is kept before it.
    Behind(Moved),
    /// It has not gone by.
    Ahead,
}

impl Places {
    /// An event went by, and became so many.
    pub(super) fn passed(&mut self, old: Position, became: usize) {
        let new = Position::new(self.last.new.get() + became as u64);
        self.last = Moved { old, new };
        self.has_moved |= old != new;
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(self.last);
    }

    /// The last event that went by was the last of its command.
    pub(super) fn command_ended(&mut self) {
        let before = self.ends.last().map_or(0, |end| end.old.get());
        if self.last.old.get() >= before + STRIDE {
            self.ends.push(self.last);
        }
    }

    /// Where the last event that went by went to: the last of its command.
    pub(super) fn last(&self) -> Moved {
        self.last
    }

    /// Whether any event has another position now.
    pub(super) fn has_moved(&self) -> bool {
        self.has_moved
    }

    /// Where the log had come to in the new store when it had come to this position in the old one.
    pub(super) fn find(&self, old: Position) -> Found {
        if old > self.last.old {
            return Found::Ahead;
        }
        if !self.has_moved {
            return Found::At(old);
        }
        let behind = self.recent.partition_point(|place| place.old <= old);
        if let Some(place) = behind.checked_sub(1).and_then(|at| self.recent.get(at)) {
            return Found::At(place.new);
        }
        let behind = self.ends.partition_point(|end| end.old <= old);
        let end = behind.checked_sub(1).and_then(|at| self.ends.get(at));
        Found::Behind(end.copied().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_known_and_what_is_far_has_a_place_before_it() {
        let mut places = Places::default();
        let mut new = vec![0_u64];
        let events = RECENT as u64 + 3 * STRIDE;
        for old in 1..=events {
            // Commands of three events, the first of which is dropped and the last split.
            let became = [0, 1, 3][((old - 1) % 3) as usize];
            new.push(new.last().unwrap() + became as u64);
            places.passed(Position::new(old), became);
            if old % 3 == 0 {
                places.command_ended();
            }
        }
        for old in 0..=events {
            match places.find(Position::new(old)) {
                Found::At(at) => assert_eq!(at.get(), new[old as usize], "{old}"),
                Found::Behind(Moved { old: end, new: at }) => {
                    assert!(old <= 3 * STRIDE, "{old}");
                    assert!(end.get() <= old && old - end.get() < STRIDE + 3, "{old}: {end}");
                    assert_eq!((end.get() % 3, at.get()), (0, new[end.get() as usize]), "{old}");
                }
                Found::Ahead => panic!("{old} went by"),
            }
        }
        assert_eq!(places.find(Position::new(events + 1)), Found::Ahead);
        assert!(places.ends.len() as u64 <= events / STRIDE);
    }

    #[test]
    fn where_nothing_moves_nothing_is_looked_for() {
        let mut places = Places::default();
        (1..=9).for_each(|old| places.passed(Position::new(old), 1));
        assert!(!places.has_moved());
        assert_eq!(places.find(Position::new(3)), Found::At(Position::new(3)));
        places.passed(Position::new(10), 0);
        assert!(places.has_moved());
        assert_eq!(places.find(Position::new(10)), Found::At(Position::new(9)));
    }
}
