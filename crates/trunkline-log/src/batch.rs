//! What an append asks for: records for streams, with expectations and conditions, encoded by its caller.

use std::ops::Range;

use crate::AppendError;
use crate::frame;
use crate::key::{Hasher13, Key};
use crate::record::{self, Label};

/// The largest batch, in bytes of encoded records: 64 MiB of events with what frames them.
pub const BATCH_BYTES_MAX: usize = 80 << 20;

/// What a write expects of its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Anything.
    Any,
    /// At least one record.
    Exists,
    /// Exactly this version; 0 is a stream without records.
    At(u64),
}

impl Expected {
    pub(crate) fn holds_for(self, found: u64) -> bool {
        match self {
            Self::Any => true,
            Self::Exists => found > 0,
            Self::At(version) => found == version,
        }
    }
}

/// A selection of records: those that match at least one item.
#[derive(Clone, Debug, Default)]
pub struct LabelQuery {
    pub(crate) items: Vec<Item>,
}

/// One way to match: every group must.
#[derive(Clone, Debug, Default)]
pub(crate) struct Item {
    pub(crate) groups: Vec<Group>,
}

/// Labels of which a record must have at least one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    pub(crate) labels: Vec<(Key, u8, Box<[u8]>)>,
}

impl LabelQuery {
    /// Begins another item: records that match it are selected too. Without groups it matches all.
    pub fn item(&mut self) {
        self.items.push(Item::default());
    }

    /// Demands one of these labels in the last item, which is begun if there is none.
    pub(crate) fn any_of<'a>(&mut self, hasher: Hasher13, labels: impl IntoIterator<Item = Label<'a>>) {
        if self.items.is_empty() {
            self.item();
        }
        let labels = labels.into_iter().map(|label| {
            (hasher.label(label.kind, label.text), label.kind, label.text.to_vec().into_boxed_slice())
        });
        let group = Group { labels: labels.collect() };
        self.items.last_mut().expect("begun above").groups.push(group);
    }

    /// The keys of all labels.
    pub(crate) fn keys(&self) -> impl Iterator<Item = Key> {
        let groups = self.items.iter().flat_map(|item| &item.groups);
        groups.flat_map(|group| &group.labels).map(|(key, ..)| *key)
    }

    /// Whether there is an item that every record matches.
    pub(crate) fn is_all(&self) -> bool {
        self.items.iter().any(|item| item.groups.is_empty())
    }

    /// Whether the record matches.
    pub(crate) fn matches(&self, record: record::Fields<'_>) -> bool {
        self.items.iter().any(|item| {
            item.groups
                .iter()
                .all(|group| group.labels.iter().any(|(_, kind, text)| record.has_label(*kind, text)))
        })
    }
}

/// What of a record tells whether it is a repeat: its labels, in their order, and its body.
#[derive(Debug)]
pub struct Told<'a> {
    /// The labels.
    pub labels: Vec<Label<'a>>,
    /// The body.
    pub body: &'a [u8],
}

/// Whether a record that is given is the one that is stored under its id.
pub type Same = fn(given: &Told<'_>, stored: &Told<'_>) -> bool;

/// A batch to append: all of it, or nothing.
///
/// Its records are encoded where it is built, so that the log's one writer only gives them their places.
#[derive(Debug)]
pub struct Batch {
    hasher: Hasher13,
    /// The encoded records, after room for the header of a frame, so that they can become one as they are.
    pub(crate) bytes: Vec<u8>,
    pub(crate) records: Vec<NewRecord>,
    pub(crate) keys: Vec<Key>,
    pub(crate) writes: Vec<Write>,
    pub(crate) conditions: Vec<Condition>,
    too_long: Option<record::TooLong>,
    /// What tells a repeat from another record under the same id; without it the id alone does.
    pub(crate) same: Option<Same>,
    /// The kinds of the last labels in each place and where in the bytes they stand, with their keys: records of
    /// a batch tend to have labels in common.
    last_labels: Vec<((u8, Range<usize>), Key)>,
}

#[derive(Debug)]
pub(crate) struct NewRecord {
    /// Where in the batch's bytes.
    pub(crate) bytes: Range<usize>,
    pub(crate) id: [u8; 16],
    /// Where in the batch's keys; the first is the id's.
    pub(crate) keys: Range<usize>,
}

#[derive(Debug)]
pub(crate) struct Write {
    pub(crate) stream: Box<[u8]>,
    pub(crate) key: Key,
    pub(crate) expected: Expected,
    /// Where in the batch's records.
    pub(crate) records: Range<usize>,
}

#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) query: LabelQuery,
    pub(crate) after: u64,
}

impl Batch {
    pub(crate) fn new(hasher: Hasher13) -> Self {
        Self {
            hasher,
            bytes: Vec::new(),
            records: Vec::new(),
            keys: Vec::new(),
            writes: Vec::new(),
            conditions: Vec::new(),
            too_long: None,
            same: None,
            last_labels: Vec::new(),
        }
    }

    /// Makes room for so many records with so many labels, and so many bytes of streams' names, labels and bodies. The
    /// name of a stream is counted with each of its records.
    pub fn reserve(&mut self, records: usize, labels: usize, bytes: usize) {
        self.records.reserve(records);
        self.keys.reserve(records + labels);
        let headers = records * record::HEADER_LEN + labels * record::LABEL_HEADER_LEN;
        // With what a frame has besides its records.
        self.bytes.reserve(frame::HEADER_LEN + headers + bytes + frame::ALIGN);
    }

    /// Goes on with the records of a stream. A stream is named once in a batch.
    pub fn write(&mut self, stream: &[u8], expected: Expected) {
        let start = self.records.len();
        self.writes.push(Write {
            stream: stream.into(),
            key: self.hasher.stream(stream),
            expected,
            records: start..start,
        });
    }

    /// Adds a record to the stream named last. The body is given in parts that are stored back to back.
    ///
    /// The ids of a batch have to differ: they are compared with those in the log, not with each other.
    ///
    /// # Panics
    ///
    /// When no stream was named.
    pub fn record<'a>(
        &mut self,
        id: [u8; 16],
        labels: impl Iterator<Item = Label<'a>> + Clone,
        body: &[&[u8]],
    ) {
        let write = self.writes.last_mut().expect("a record belongs to a stream");
        if self.bytes.is_empty() {
            self.bytes.resize(frame::HEADER_LEN, 0);
        }
        let (bytes, keys) = (self.bytes.len(), self.keys.len());
        self.keys.push(self.hasher.id(&id));
        let mut at = bytes + record::HEADER_LEN + write.stream.len();
        for (number, label) in labels.clone().enumerate() {
            let start = at + record::LABEL_HEADER_LEN;
            at = start + label.text.len();
            let this = (label.kind, start..at);
            if let Some(((kind, range), key)) = self.last_labels.get_mut(number) {
                if *kind != label.kind || self.bytes[range.clone()] != *label.text {
                    *key = self.hasher.label(label.kind, label.text);
                }
                (*kind, *range) = this;
            } else {
                self.last_labels.push((this, self.hasher.label(label.kind, label.text)));
            }
            self.keys.push(self.last_labels[number].1);
        }
        let encoded = record::encode(&mut self.bytes, &id, &write.stream, labels, body);
        if let Err(too_long) = encoded {
            self.too_long.get_or_insert(too_long);
            // Nothing was encoded, so there is nothing that the next record could have in common with it.
            self.last_labels.clear();
        }
        self.records.push(NewRecord { bytes: bytes..self.bytes.len(), id, keys: keys..self.keys.len() });
        write.records.end = self.records.len();
    }

    /// Refuses the batch as no repeat when a record is stored under its id and is not the same. It is asked only when all
    /// of the batch is stored, on the log's one writer.
    pub fn told_apart_by(&mut self, same: Same) {
        self.same = Some(same);
    }

    /// The record of this number, as it was encoded.
    pub(crate) fn fields(&self, number: usize) -> record::Fields<'_> {
        record::Fields::of(&self.bytes[self.records[number].bytes.clone()])
    }

    /// Fails the batch when a record after position `after` matches the query.
    pub fn unless(&mut self, query: LabelQuery, after: u64) {
        self.conditions.push(Condition { query, after });
    }

    /// How many bytes its records have.
    pub fn len(&self) -> usize {
        self.bytes.len().saturating_sub(frame::HEADER_LEN)
    }

    /// Whether it has no records.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Refuses what no frame could hold.
    pub(crate) fn check(&self) -> Result<(), AppendError> {
        let too_large = |record::TooLong { what, bytes, bytes_max }| {
            Err(AppendError::TooLarge { what, bytes, bytes_max })
        };
        if let Some(too_long) = self.too_long {
            return too_large(too_long);
        }
        if self.len() > BATCH_BYTES_MAX {
            let bytes_max = BATCH_BYTES_MAX;
            return too_large(record::TooLong { what: "batch", bytes: self.len(), bytes_max });
        }
        Ok(())
    }
}

/// What an append came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The version of each write's newest record.
    pub versions: Vec<u64>,
    /// The position of the batch's newest record.
    pub position: u64,
    /// Whether an earlier batch had stored the records.
    pub repeated: bool,
}
