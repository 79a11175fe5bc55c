//! Reading: a cursor over the records of a stream, of the whole log, or of a selection.

use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::ReadError;
use crate::batch::Query;
use crate::index::{Postings, Table};
use crate::key::Key;
use crate::record::Record;
use crate::shared::{LookupError, Shared, View, candidates};

/// Which records a cursor gives.
#[derive(Debug)]
pub(crate) enum Select {
    All,
    Stream { key: Key, name: Box<[u8]>, versions: RangeInclusive<u64> },
    Query(Query),
}

/// Gives records one after the other, in order of their positions or against it, up to where the log was
/// synced when the cursor was made.
///
/// An error ends it.
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
    /// What to say when the positions are through.
    damage: Option<ReadError>,
}

/// A table that a cursor is in.
#[derive(Debug)]
struct Place {
    table: Table,
    positions: RangeInclusive<u64>,
    /// The positions that may match, as lists to be merged; `None` when all may.
    lists: Option<Vec<List>>,
}

/// Ascending positions, of which some have been used up at one end.
#[derive(Debug)]
struct List {
    postings: Postings,
    start: usize,
    end: usize,
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
        Self {
            shared: Arc::clone(shared),
            view: shared.view(),
            select,
            forward,
            rest: first..=last,
            place: None,
            segment: 0,
            damage: shared.damage.clone().filter(|_| forward && *positions.end() > head),
        }
    }

    /// The next record, if there is one; an index that turns out damaged is the caller's to replace.
    fn advance(&mut self) -> Result<Option<Record>, LookupError> {
        loop {
            if self.rest.is_empty() {
                return Ok(None);
            }
            let Some(place) = &mut self.place else {
                self.enter()?;
                continue;
            };
            let Some(position) = place.next(self.forward, &self.rest)? else {
                // Everything in this table is through.
                let positions = place.positions.clone();
                self.place = None;
                self.pass(if self.forward { *positions.end() } else { *positions.start() });
                continue;
            };
            let record = self.view.record_near(&place.table, position, &mut self.segment)?;
            self.pass(position);
            match &self.select {
                Select::All => return Ok(Some(record)),
                Select::Query(query) if query.matches(record.fields()) => return Ok(Some(record)),
                Select::Stream { name, versions, .. } if record.stream() == &**name => {
                    let version = record.version();
                    if versions.contains(&version) {
                        return Ok(Some(record));
                    }
                    let beyond =
                        if self.forward { version > *versions.end() } else { version < *versions.start() };
                    if beyond {
                        self.finish();
                        return Ok(None);
                    }
                }
                Select::Query(_) | Select::Stream { .. } => {}
            }
        }
    }

    /// Leaves this position, and those before it, behind.
    fn pass(&mut self, position: u64) {
        let (start, end) = (*self.rest.start(), *self.rest.end());
        self.rest = if self.forward {
            start.max(position.saturating_add(1))..=end
        } else {
            // Positions begin at 1.
            start..=end.min(position - 1)
        };
    }

    fn finish(&mut self) {
        self.rest = RangeInclusive::new(1, 0);
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
        self.place = Some(Place { table, positions: first..=last, lists });
        Ok(())
    }
}

impl Place {
    /// The next position of this table that may match; it stays the next one until `rest` has left it behind.
    fn next(&mut self, forward: bool, rest: &RangeInclusive<u64>) -> Result<Option<u64>, LookupError> {
        let next = match &mut self.lists {
            None if forward => Some(*rest.start()),
            None => Some(*rest.end()),
            Some(lists) => {
                let mut next = None;
                for list in lists {
                    let Some(position) = list.next(forward, rest)? else { continue };
                    next = Some(match next {
                        None => position,
                        Some(other) if forward => position.min(other),
                        Some(other) => position.max(other),
                    });
                }
                return Ok(next.filter(|position| rest.contains(position)));
            }
        };
        Ok(next.filter(|position| self.positions.contains(position)))
    }
}

impl List {
    fn new(postings: Postings) -> Self {
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
    fn seek(
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

impl Iterator for Cursor {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.advance() {
                Ok(Some(record)) => return Some(Ok(record)),
                Ok(None) => return self.damage.take().map(Err),
                Err(LookupError::Run(run)) => {
                    self.shared.set_aside(&run);
                    self.view = self.shared.view();
                    self.place = None;
                }
                Err(LookupError::Read(error)) => {
                    self.finish();
                    self.damage = None;
                    return Some(Err(error));
                }
            }
        }
    }
}
