//! Reading: a cursor over the records of a stream, of the whole log, or of a selection.

mod asked;
mod place;

use std::ops::RangeInclusive;
use std::sync::Arc;

use asked::Asked;
use place::{List, Place};

use crate::ReadError;
use crate::batch::LabelQuery;
use crate::index::Table;
use crate::key::Key;
use crate::record::Record;
use crate::shared::{LookupError, Shared, View, candidates};

/// How many records are read at a time: the first alone, since many reads want no more, and then twice as many each
/// time. What has to be looked up for one record then serves many.
const READ_TOGETHER: RangeInclusive<usize> = 1..=64;

/// So many records read together have a count of their holders for themselves. One of the whole mapping would be changed
/// by every thread that reads there, for each record twice, and go from one processor to the other each time.
const COUNTED_APART: usize = 16;

/// Which records a cursor gives.
#[derive(Debug)]
pub(crate) enum Select {
    All,
    Stream { key: Key, name: Box<[u8]>, versions: RangeInclusive<u64> },
    Query(LabelQuery),
}

/// Gives records one after the other, in order of their positions or against it, up to where the log was
/// synced when the cursor was made.
///
/// An error ends it. Damage that hides records is an error where they would be given: at the end of a forward read, and
/// before anything else of a backward one.
#[derive(Debug)]
pub struct Cursor {
    shared: Arc<Shared>,
    view: View,
    select: Select,
    forward: bool,
    /// The positions that are still to be looked at.
    rest: RangeInclusive<u64>,
    place: Option<Place>,
    /// The number of the segment that was read last, where the next record most likely is.
    segment: usize,
    /// What a scan has asked of the disk.
    asked: Option<Arc<Asked>>,
    /// Records that were read and not given yet; the last is the next.
    ready: Vec<Record>,
    read_together: usize,
    /// Damage behind which there may be records that belong to the answer: what to say where they would come.
    damage: Option<ReadError>,
}

impl Cursor {
    pub(crate) fn new(
        shared: &Arc<Shared>,
        select: Select,
        positions: RangeInclusive<u64>,
        forward: bool,
    ) -> Self {
        let head = shared.head();
        let (first, last) = ((*positions.start()).max(1), (*positions.end()).min(head));
        let asked = matches!(select, Select::All).then(|| Arc::new(Asked::new(forward)));
        let view = shared.view();
        match &select {
            Select::All => {}
            Select::Stream { key, .. } => view.prefetch(std::iter::once(*key)),
            Select::Query(query) => view.prefetch(query.keys()),
        }
        Self {
            shared: Arc::clone(shared),
            view,
            select,
            forward,
            rest: first..=last,
            place: None,
            segment: 0,
            asked,
            ready: Vec::new(),
            read_together: *READ_TOGETHER.start(),
            damage: shared.damage.clone().filter(|_| *positions.end() > head),
        }
    }

    /// Takes what comes next off into a cursor of its own, which may be read by another thread while this one goes on
    /// behind: what was read and not given yet, and what so many further positions have.
    ///
    /// `None` when nothing is left, for a selection, whose positions don't tell how much there is to read, and for what
    /// begins with damage.
    pub fn split_off(&mut self, positions: u64) -> Option<Self> {
        let is_all = matches!(self.select, Select::All);
        let begins_with_damage = !self.forward && self.damage.is_some();
        if !is_all || begins_with_damage || (self.ready.is_empty() && self.rest.is_empty()) {
            return None;
        }
        let (start, end) = (*self.rest.start(), *self.rest.end());
        let first = if self.rest.is_empty() {
            NONE
        } else if self.forward {
            start..=end.min(start.saturating_add(positions - 1))
        } else {
            start.max(end.saturating_sub(positions - 1))..=end
        };
        if !first.is_empty() {
            pass(&mut self.rest, self.forward, if self.forward { *first.end() } else { *first.start() });
        }
        // It was looked up ahead from where the other one begins now.
        self.place = None;
        Some(Self {
            shared: Arc::clone(&self.shared),
            view: self.view.clone(),
            select: Select::All,
            forward: self.forward,
            rest: first,
            place: None,
            segment: self.segment,
            asked: self.asked.clone(),
            ready: std::mem::take(&mut self.ready),
            read_together: *READ_TOGETHER.end(),
            damage: None,
        })
    }

    /// Reads on until there are records to give, or none are left; an index that turns out damaged is the caller's
    /// to replace.
    fn read_on(&mut self) -> Result<(), LookupError> {
        while self.ready.is_empty() && !self.rest.is_empty() {
            let Some(place) = &mut self.place else {
                self.enter()?;
                continue;
            };
            if place.look_ahead(
                self.forward,
                &self.rest,
                &self.view,
                &mut self.segment,
                self.asked.as_deref(),
            )? {
                self.read_together()?;
            } else {
                // Everything in this table is through.
                let positions = place.positions.clone();
                self.place = None;
                let end = if self.forward { *positions.end() } else { *positions.start() };
                pass(&mut self.rest, self.forward, end);
            }
        }
        Ok(())
    }

    /// Reads some of the records that were looked up ahead. Those before one that can't be read are ready all the same.
    fn read_together(&mut self) -> Result<(), LookupError> {
        let read = self.read_group();
        self.ready.reverse();
        read
    }

    fn read_group(&mut self) -> Result<(), LookupError> {
        let Self { view, select, forward, rest, place: Some(place), segment, ready, damage, .. } = self
        else {
            return Ok(());
        };
        let (table, group) = place.take(self.read_together);
        self.read_together = (self.read_together * 2).min(*READ_TOGETHER.end());
        let Some(first) = group.first() else { return Ok(()) };
        let apart = group.len() >= COUNTED_APART;
        let reader_of = |position, segment: &mut usize| {
            let reader = view.reader(position, segment)?;
            Ok::<_, ReadError>(if apart { reader.counted_apart() } else { reader })
        };
        let mut reader = reader_of(first.position, segment)?;
        for at in group {
            if !reader.holds(at.position) {
                reader = reader_of(at.position, segment)?;
            }
            let record = reader.record(table, *at)?;
            pass(rest, *forward, at.position);
            match select.choose(&record, *forward) {
                Choice::Give => ready.push(record),
                Choice::Leave => {}
                Choice::End => {
                    *rest = NONE;
                    if *forward {
                        // What lies behind it doesn't belong to the answer.
                        *damage = None;
                    }
                    break;
                }
            }
        }
        view.seen.note(group);
        Ok(())
    }

    /// Enters the table of the next position.
    fn enter(&mut self) -> Result<(), LookupError> {
        let at = if self.forward { *self.rest.start() } else { *self.rest.end() };
        let mut found = self.view.table_of(self.shared.hasher, at)?;
        if found.is_none() {
            // A table that was the last one when the view was taken has been followed by another.
            self.view = self.shared.view();
            found = self.view.table_of(self.shared.hasher, at)?;
        }
        let (table, last) = found.expect("every synced position is covered by a part");
        self.enter_table(table, last)
    }

    fn enter_table(&mut self, table: Table, last: u64) -> Result<(), LookupError> {
        let first = table.first();
        let from = first.max(*self.rest.start());
        let lists = match &self.select {
            Select::All => None,
            Select::Query(query) => {
                let lists = candidates(&table, query, from)?;
                lists.map(|lists| lists.into_iter().map(List::new).collect())
            }
            Select::Stream { key, name, versions } => {
                let all = List::new(table.postings(*key, from)?);
                Some(vec![all.seek(&self.view, &table, name, versions, self.forward)?])
            }
        };
        self.place = Some(Place::new(table, first..=last, lists));
        Ok(())
    }

    /// Reads on, also around damage of the index, and gives the first of what was read.
    fn read_and_give(&mut self) -> Option<Result<Record, ReadError>> {
        loop {
            let failed = self.read_on().err();
            if failed.is_some() {
                // It has been looked up ahead beyond what could be read.
                self.place = None;
            }
            // What comes before damage is given before it; then the damage is met again.
            match (self.ready.pop(), failed) {
                (Some(record), _) => return Some(self.first_given(record)),
                (None, None) => return self.damage.take().map(Err),
                (None, Some(LookupError::Run(run))) => {
                    self.shared.set_aside(&run);
                    self.view = self.shared.view();
                }
                (None, Some(LookupError::Read(error))) => {
                    self.rest = NONE;
                    self.damage = None;
                    return Some(Err(error));
                }
            }
        }
    }

    /// The record, unless one that can't be read may come before it: a backward read begins where damage hides records.
    /// Only that a stream's last wanted version is there tells that nothing is missing.
    fn first_given(&mut self, record: Record) -> Result<Record, ReadError> {
        if self.forward {
            return Ok(record);
        }
        let Some(damage) = self.damage.take() else { return Ok(record) };
        match &self.select {
            Select::Stream { versions, .. } if record.version() == *versions.end() => Ok(record),
            Select::All | Select::Stream { .. } | Select::Query(_) => {
                self.rest = NONE;
                self.ready.clear();
                Err(damage)
            }
        }
    }
}

impl Iterator for Cursor {
    type Item = Result<Record, ReadError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self.ready.pop() {
            Some(record) => Some(Ok(record)),
            None => self.read_and_give(),
        }
    }
}

/// No positions.
const NONE: RangeInclusive<u64> = RangeInclusive::new(1, 0);

/// Leaves this position, and those before it, behind.
fn pass(rest: &mut RangeInclusive<u64>, forward: bool, position: u64) {
    let (start, end) = (*rest.start(), *rest.end());
    *rest = if forward {
        start.max(position.saturating_add(1))..=end
    } else {
        // Positions begin at 1.
        start..=end.min(position - 1)
    };
}

/// What becomes of a record that was found.
enum Choice {
    Give,
    /// It is not one of those that are wanted.
    Leave,
    /// Nor is any that comes after it.
    End,
}

impl Select {
    fn choose(&self, record: &Record, forward: bool) -> Choice {
        match self {
            Self::All => Choice::Give,
            Self::Query(query) if query.matches(record.fields()) => Choice::Give,
            Self::Stream { name, versions, .. } if record.stream() == &**name => {
                let version = record.version();
                if versions.contains(&version) {
                    Choice::Give
                } else if forward == (version > *versions.end()) {
                    Choice::End
                } else {
                    Choice::Leave
                }
            }
            Self::Query(_) | Self::Stream { .. } => Choice::Leave,
        }
    }
}
