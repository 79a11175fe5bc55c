//! Batches and records as plain values, so that the log and the reference get the same.

use trunkline_log::{Batch, Expected, Label, LabelQuery, Log, Record};

/// A record to append.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct New {
    pub(crate) id: [u8; 16],
    pub(crate) labels: Vec<(u8, String)>,
    pub(crate) body: Vec<u8>,
}

/// A record that is in the log.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) position: u64,
    pub(crate) version: u64,
    pub(crate) stream: String,
    pub(crate) new: New,
}

impl std::fmt::Debug for Stored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} = {}@{} {:?}", self.position, self.stream, self.version, self.new)
    }
}

impl std::fmt::Debug for New {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { id, labels, body } = self;
        write!(f, "(id {}, {labels:?}, {} bytes)", u128::from_le_bytes(*id), body.len())
    }
}

impl From<&Record> for Stored {
    fn from(record: &Record) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("these tests write text");
        Self {
            position: record.position(),
            version: record.version(),
            stream: text(record.stream()),
            new: New {
                id: record.id(),
                labels: record.labels().map(|(label, _)| (label.kind, text(label.text))).collect(),
                body: record.bytes()[record.body_range()].to_vec(),
            },
        }
    }
}

/// An id for each number.
pub(crate) fn id(number: u64) -> [u8; 16] {
    u128::from(number).to_le_bytes()
}

/// Any of these items; in each, all of its groups; of each group, any of its labels.
pub(crate) type Selection = Vec<Vec<Vec<(u8, String)>>>;

/// Whether a record is selected.
pub(crate) fn selects(selection: &Selection, record: &New) -> bool {
    let in_group = |group: &Vec<(u8, String)>| group.iter().any(|label| record.labels.contains(label));
    selection.iter().any(|item| item.iter().all(in_group))
}

/// The log's query for a selection.
pub(crate) fn query(log: &Log, selection: &Selection) -> LabelQuery {
    let mut query = LabelQuery::default();
    for item in selection {
        query.item();
        for group in item {
            let labels = group.iter().map(|(kind, text)| Label { kind: *kind, text: text.as_bytes() });
            log.any_of(&mut query, labels);
        }
    }
    query
}

/// A batch to append.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) writes: Vec<(String, Expected, Vec<New>)>,
    pub(crate) conditions: Vec<(Selection, u64)>,
}

impl Draft {
    /// One record for one stream.
    pub(crate) fn one(stream: &str, expected: Expected, number: u64, body: &[u8]) -> Self {
        let new = New { id: id(number), labels: vec![(1, "plain".to_owned())], body: body.to_vec() };
        Self { writes: vec![(stream.to_owned(), expected, vec![new])], conditions: Vec::new() }
    }

    pub(crate) fn encode(&self, log: &Log) -> Batch {
        let mut batch = log.batch();
        for (stream, expected, records) in &self.writes {
            batch.write(stream.as_bytes(), *expected);
            for New { id, labels, body } in records {
                let labels = labels.iter().map(|(kind, text)| Label { kind: *kind, text: text.as_bytes() });
                // Two parts, as users give a header and a payload.
                let (first, second) = body.split_at(body.len() / 2);
                batch.record(*id, labels, &[first, second]);
            }
        }
        for (selection, after) in &self.conditions {
            batch.unless(query(log, selection), *after);
        }
        batch
    }
}
