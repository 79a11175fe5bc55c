//! A cursor's place: one table of the index, and which of its records come next.

use std::ops::RangeInclusive;

use super::asked::Asked;
use crate::ReadError;
use crate::index::{Located, Postings, Table};
use crate::prefetch::prefetch;
use crate::segment::Segment;
use crate::shared::{LookupError, View};

/// How many records are looked up ahead of the one that is read: what says where they are then comes from memory all
/// at the same time instead of one after the other. It begins with the first, since many reads are short.
const AHEAD: RangeInclusive<usize> = 8..=64;

/// How many times as many records are looked up each time as the time before.
const AHEAD_GROWTH: usize = 4;

/// How much of a scattered record is fetched into the processor's caches ahead: most are not larger.
const FETCHED_BYTES: usize = 512;

/// How much a scan asks of the disk at a time.
const STRETCH_BYTES: u64 = 1 << 20;

/// How much of a single record is asked of the disk: most are not larger.
const ASKED_BYTES: u64 = 2 << 10;

/// A table that a cursor is in.
#[derive(Debug)]
pub(super) struct Place {
    table: Table,
    pub(super) positions: RangeInclusive<u64>,
    /// The positions that may match, as lists to be merged; `None` when all may.
    lists: Option<Vec<List>>,
    /// Records that were looked up, and how many of them are through.
    ahead: Vec<Located>,
    through: usize,
    reach: usize,
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
        let (ahead, reach) = (Vec::new(), *AHEAD.start());
        Self { table, positions, lists, ahead, through: 0, reach }
    }

    /// Whether every record is read, one after the other.
    fn scans(&self) -> bool {
        self.lists.is_none()
    }

    /// Sees to it that records of this table within `rest` that may match are looked up; false when there are none.
    pub(super) fn look_ahead(
        &mut self,
        forward: bool,
        rest: &RangeInclusive<u64>,
        view: &View,
        segment: &mut usize,
        asked: Option<&Asked>,
    ) -> Result<bool, LookupError> {
        if self.through < self.ahead.len() {
            return Ok(true);
        }
        self.ahead.clear();
        self.through = 0;
        match &mut self.lists {
            None => {
                let first = (*rest.start()).max(*self.positions.start());
                let last = (*rest.end()).min(*self.positions.end());
                let located = |position| Located { position, offset: 0 };
                if forward {
                    self.ahead.extend((first..=last).take(self.reach).map(located));
                } else {
                    self.ahead.extend((first..=last).rev().take(self.reach).map(located));
                }
            }
            Some(lists) => {
                let mut rest = rest.clone();
                while self.ahead.len() < self.reach {
                    let Some(position) = next_position(lists, forward, &rest)? else { break };
                    self.ahead.push(Located { position, offset: 0 });
                    rest = if forward { position + 1..=*rest.end() } else { *rest.start()..=position - 1 };
                }
            }
        }
        if !self.scans() {
            self.table.prefetch_offsets(&self.ahead);
        }
        self.table.locate(&mut self.ahead)?;
        self.reach = (self.reach * AHEAD_GROWTH).min(*AHEAD.end());
        self.ask_disk(forward, view, segment, asked);
        // Records that stand one after the other are fetched ahead by the processor itself.
        if !self.scans() {
            self.fetch(view, segment)?;
        }
        Ok(!self.ahead.is_empty())
    }

    /// Has the records ahead fetched into the processor's caches.
    fn fetch(&self, view: &View, segment: &mut usize) -> Result<(), ReadError> {
        let Some(first) = self.ahead.first() else { return Ok(()) };
        let mut beginnings: [&[u8]; *AHEAD.end()] = [&[]; _];
        let mut reader = view.reader(first.position, segment)?;
        for (at, beginning) in self.ahead.iter().zip(&mut beginnings) {
            if !reader.holds(at.position) {
                reader = view.reader(at.position, segment)?;
            }
            *beginning = reader.mapped(at.offset, FETCHED_BYTES);
        }
        // Nothing else is in this loop. A prefetch waits for the page table; the fewer instructions there are between
        // two of them, the more of them the processor sees at once and waits for at the same time.
        beginnings.into_iter().for_each(prefetch);
        Ok(())
    }

    /// The table, and the next records in it that were looked up, at most so many.
    pub(super) fn take(&mut self, count: usize) -> (&Table, &[Located]) {
        let start = self.through;
        self.through = self.ahead.len().min(start + count);
        (&self.table, &self.ahead[start..self.through])
    }

    /// Asks the disk for the records ahead, unless they are in memory. One of them is looked at to tell: to look at
    /// each would cost more than a warm read takes.
    fn ask_disk(&self, forward: bool, view: &View, segment: &mut usize, asked: Option<&Asked>) {
        let Some(first) = self.ahead.first() else { return };
        let begins_in = view.segment(first.position, segment);
        if let Some(asked) = asked {
            // A scan asks for a stretch at a time, before it comes there.
            let (number, stretch) = (begins_in.header.number, first.offset / STRETCH_BYTES);
            let next = if forward { stretch + 1 } else { stretch.saturating_sub(1) };
            for stretch in [stretch, next] {
                if asked.is_new(number, stretch) {
                    ask_for_stretch(begins_in, stretch);
                }
            }
        } else if !view.seen.contains(first.position) && !begins_in.file.is_near(first.offset) {
            // What was read before is most likely still there.
            for ahead in &self.ahead {
                view.segment(ahead.position, segment).file.will_read(ahead.offset, ASKED_BYTES);
            }
        }
    }
}

/// Asks the disk for a stretch, unless it seems to be in memory: to ask all the same goes over all of its pages.
fn ask_for_stretch(segment: &Segment, stretch: u64) {
    let start = stretch * STRETCH_BYTES;
    let probes = [0, STRETCH_BYTES / 3, STRETCH_BYTES * 2 / 3, STRETCH_BYTES - 1];
    if !probes.iter().all(|probe| segment.file.is_near(start + probe)) {
        segment.file.will_read(start, STRETCH_BYTES);
    }
}

/// The next position within `rest` that is in one of the lists; it stays the next one until `rest` has left it behind.
fn next_position(
    lists: &mut [List],
    forward: bool,
    rest: &RangeInclusive<u64>,
) -> Result<Option<u64>, LookupError> {
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
