//! The reference: a log that is a plain list, against which the real one is compared.

use std::ops::RangeInclusive;

use trunkline_log::{AppendError, Appended, Expected};

use crate::draft::{Draft, Selection, Stored, selects};

/// A log in a list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reference {
    pub(crate) records: Vec<Stored>,
}

impl Reference {
    pub(crate) fn version(&self, stream: &str) -> u64 {
        self.records.iter().rev().find(|record| record.stream == stream).map_or(0, |record| record.version)
    }

    /// Appends a batch if it may be, and says what the log has to answer.
    pub(crate) fn append(&mut self, draft: &Draft) -> Result<Appended, AppendError> {
        if let Some(answer) = self.repeat(draft) {
            return answer;
        }
        for (write, (stream, expected, _)) in draft.writes.iter().enumerate() {
            let found = self.version(stream);
            let holds = match *expected {
                Expected::Any => true,
                Expected::Exists => found > 0,
                Expected::At(version) => found == version,
            };
            if !holds {
                return Err(AppendError::Conflict { write, found });
            }
        }
        for (condition, (selection, after)) in draft.conditions.iter().enumerate() {
            let fails = |record: &&Stored| record.position > *after && selects(selection, &record.new);
            if let Some(record) = self.records.iter().find(fails) {
                return Err(AppendError::ConditionFailed { condition, position: record.position });
            }
        }
        let mut versions = Vec::new();
        for (stream, _, records) in &draft.writes {
            for new in records {
                let position = self.records.len() as u64 + 1;
                let version = self.version(stream) + 1;
                self.records.push(Stored { position, version, stream: stream.clone(), new: new.clone() });
            }
            versions.push(self.version(stream));
        }
        Ok(Appended { versions, position: self.records.len() as u64, repeated: false })
    }

    fn repeat(&self, draft: &Draft) -> Option<Result<Appended, AppendError>> {
        let news = draft.writes.iter().flat_map(|(stream, _, records)| {
            records
                .iter()
                .map(move |new| (stream, self.records.iter().find(|record| record.new.id == new.id)))
        });
        let all: Vec<_> = news.enumerate().collect();
        let found: Vec<_> = all
            .iter()
            .filter_map(|(number, (stream, record))| Some((*number, *stream, (*record)?)))
            .collect();
        let (number, _, first) = *found.first()?;
        if let Some((record, _, taken)) = found.iter().find(|(_, stream, record)| record.stream != **stream) {
            return Some(Err(AppendError::IdTaken { record: *record, position: taken.position }));
        }
        if found.len() < all.len() {
            return Some(Err(AppendError::IdTaken { record: number, position: first.position }));
        }
        let last_of = |records: &Vec<_>, start: usize| found[start + records.len() - 1].2.version;
        let mut start = 0;
        let mut versions = Vec::new();
        for (_, _, records) in &draft.writes {
            versions.push(last_of(records, start));
            start += records.len();
        }
        let position = found.iter().map(|(_, _, record)| record.position).max()?;
        Some(Ok(Appended { versions, position, repeated: true }))
    }

    pub(crate) fn stream(&self, name: &str, versions: &RangeInclusive<u64>, forward: bool) -> Vec<Stored> {
        let wanted = |record: &&Stored| record.stream == name && versions.contains(&record.version);
        in_direction(self.records.iter().filter(wanted).cloned().collect(), forward)
    }

    pub(crate) fn all(&self, positions: &RangeInclusive<u64>, forward: bool) -> Vec<Stored> {
        let wanted = |record: &&Stored| positions.contains(&record.position);
        in_direction(self.records.iter().filter(wanted).cloned().collect(), forward)
    }

    pub(crate) fn matching(
        &self,
        selection: &Selection,
        positions: &RangeInclusive<u64>,
        forward: bool,
    ) -> Vec<Stored> {
        let mut found = self.all(positions, forward);
        found.retain(|record| selects(selection, &record.new));
        found
    }
}

fn in_direction(mut records: Vec<Stored>, forward: bool) -> Vec<Stored> {
    if !forward {
        records.reverse();
    }
    records
}
