//! A cursor's place: one table of the index, and which of its records come next.

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use crate::index::{Postings, Table};
use crate::shared::{LookupError, View};

/// How many records are looked up ahead of the one that is read: their bytes then come from memory all at the
/// same time instead of one after the other. It begins with the first and doubles, since many reads are short.
const AHEAD: RangeInclusive<usize> = 8..=64;

/// How much a scan asks of the disk at a time.
const STRETCH_BYTES: u64 = 1 << 20;

/// How much of a single record is asked of the disk: most are not larger.
const ASKED_BYTES: u64 = 2 << 10;

/// A table that a cursor is in.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) table: Table,
    pub(super) positions: RangeInclusive<u64>,
    /// The positions that may match, as lists to be merged; `None` when all may.
    lists: Option<Vec<List>>,
    ahead: VecDeque<Ahead>,
    reach: usize,
    /// Which stretch of which segment a scan is in.
    stretch: Option<(u64, u64)>,
}

/// A record that is read soon.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ahead {
    pub(super) position: u64,
    /// Where in its segment it begins.
    pub(super) offset: u64,
}

/// Ascending positions, of which some have been used up at one end.
#[derive(Debug)]
pub(super) struct List {
    postings: Postings,
    start: usize,
    end: usize,
}

impl Place {
    pub(super) fn new(table: Table, positions: RangeInclusive<u64>, lists: Option<Vec<List>>) -> Self {
        let (ahead, reach) = (VecDeque::new(), *AHEAD.start());
        Self { table, positions, lists, ahead, reach, stretch: None }
    }

    /// The next record of this table within `rest` that may match.
    pub(super) fn next(
        &mut self,
        forward: bool,
        rest: &RangeInclusive<u64>,
        view: &View,
        segment: &mut usize,
    ) -> Result<Option<Ahead>, LookupError> {
        if self.ahead.is_empty() {
            self.look_ahead(forward, rest, view, segment)?;
        }
        Ok(self.ahead.pop_front())
    }

    fn look_ahead(
        &mut self,
        forward: bool,
        rest: &RangeInclusive<u64>,
        view: &View,
        segment: &mut usize,
    ) -> Result<(), LookupError> {
        let mut rest = rest.clone();
        while self.ahead.len() < self.reach {
            let Some(position) = self.next_position(forward, &rest)? else { break };
            self.table.prefetch_offset(position);
            self.ahead.push_back(Ahead { position, offset: 0 });
            rest = if forward { position + 1..=*rest.end() } else { *rest.start()..=position - 1 };
        }
        for ahead in &mut self.ahead {
            ahead.offset = self.table.offset(ahead.position)?;
        }
        self.reach = (self.reach * 2).min(*AHEAD.end());
        self.ask_disk(forward, view, segment);
        // Records that stand one after the other are fetched ahead by the processor itself.
        if self.lists.is_some() {
            for ahead in &self.ahead {
                view.segment(ahead.position, segment).prefetch(ahead.offset);
            }
        }
        Ok(())
    }

    /// Asks the disk for the records ahead, unless they are in memory. One of them is looked at to tell: to look at
    /// each would cost more than a warm read takes.
    fn ask_disk(&mut self, forward: bool, view: &View, segment: &mut usize) {
        let Some(first) = self.ahead.front() else { return };
        let begins_in = view.segment(first.position, segment);
        if self.lists.is_none() {
            // A scan asks for a stretch at a time, and for the one after it.
            let stretch = (begins_in.header.number, first.offset / STRETCH_BYTES);
            if self.stretch != Some(stretch) {
                self.stretch = Some(stretch);
                let start = if forward { stretch.1 } else { stretch.1.saturating_sub(1) };
                begins_in.file.will_read(start * STRETCH_BYTES, 2 * STRETCH_BYTES);
            }
        } else if !view.seen.contains(first.position) && !begins_in.file.is_near(first.offset) {
            // What was read before is most likely still there.
            for ahead in &self.ahead {
                view.segment(ahead.position, segment).file.will_read(ahead.offset, ASKED_BYTES);
            }
        }
    }

    /// The next position within `rest` that may match; it stays the next one until `rest` has left it behind.
    fn next_position(
        &mut self,
        forward: bool,
        rest: &RangeInclusive<u64>,
    ) -> Result<Option<u64>, LookupError> {
        let Some(lists) = &mut self.lists else {
            let next = if forward { *rest.start() } else { *rest.end() };
            return Ok(Some(next).filter(|next| rest.contains(next) && self.positions.contains(next)));
        };
        let mut next = None;
        for list in lists {
            let Some(position) = list.next(forward, rest)? else { continue };
            next = Some(match next {
                None => position,
                Some(other) if forward => position.min(other),
                Some(other) => position.max(other),
            });
        }
        Ok(next.filter(|position| rest.contains(position)))
    }
}

impl List {
    pub(super) fn new(postings: Postings) -> Self {
        Self { start: 0, end: postings.len(), postings }
    }

    /// The next position within `rest`, or the first beyond it.
    fn next(&mut self, forward: bool, rest: &RangeInclusive<u64>) -> Result<Option<u64>, LookupError> {
        while self.start < self.end {
            let number = if forward { self.start } else { self.end - 1 };
            let position = self.postings.get(number)?;
            if forward && position < *rest.start() {
                self.start += 1;
            } else if !forward && position > *rest.end() {
                self.end -= 1;
            } else {
                return Ok(Some(position));
            }
        }
        Ok(None)
    }

    /// Leaves out the positions of a stream's records that come before the versions wanted, as far as that
    /// can be told without reading them all.
    pub(super) fn seek(
        mut self,
        view: &View,
        table: &Table,
        name: &[u8],
        versions: &RangeInclusive<u64>,
        forward: bool,
    ) -> Result<Self, LookupError> {
        let wanted_all = if forward { *versions.start() <= 1 } else { *versions.end() == u64::MAX };
        if wanted_all {
            return Ok(self);
        }
        let (mut low, mut high) = (self.start, self.end);
        while low < high {
            let middle = low + (high - low) / 2;
            let record = view.record(table, self.postings.get(middle)?)?;
            if record.stream() != name {
                // Another stream has the same key; then the versions don't ascend from one to the next.
                return Ok(self);
            }
            let before = if forward {
                record.version() < *versions.start()
            } else {
                record.version() <= *versions.end()
            };
            if before {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        if forward {
            self.start = low;
        } else {
            self.end = low;
        }
        Ok(self)
    }
}
