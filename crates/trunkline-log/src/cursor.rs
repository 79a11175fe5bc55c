//! Reading: a cursor over the records of a stream, of the whole log, or of a selection.

mod place;

use std::ops::RangeInclusive;
use std::sync::Arc;

use place::{Ahead, List, Place};

use crate::ReadError;
use crate::batch::Query;
use crate::index::Table;
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
            let next = place.next(self.forward, &self.rest, &self.view, &mut self.segment)?;
            let Some(Ahead { position, offset }) = next else {
                // Everything in this table is through.
                let positions = place.positions.clone();
                self.place = None;
                self.pass(if self.forward { *positions.end() } else { *positions.start() });
                continue;
            };
            let record = self.view.record_at(&place.table, position, offset, &mut self.segment)?;
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
        self.place = Some(Place::new(table, first..=last, lists));
        Ok(())
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
