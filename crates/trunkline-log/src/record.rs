//! Records: their bytes, and the view of one that was read.

use std::ops::Range;

use bytes::Bytes;

use crate::batch::Told;
use crate::bytes_at::{id_at, put, u16_at, u32_at, u64_at};

/// Bytes before a record's stream name.
pub(crate) const HEADER_LEN: usize = 48;

/// Bytes before a label's text.
pub(crate) const LABEL_HEADER_LEN: usize = 4;

/// The largest record, in bytes. A batch may be one record, and the framing of a batch is a small part of it.
pub(crate) const RECORD_LEN_MAX: usize = 80 << 20;

/// Where the fields of a record stand.
mod at {
    pub(super) const CRC: usize = 0;
    pub(super) const LEN: usize = 4;
    pub(super) const POSITION: usize = 8;
    pub(super) const VERSION: usize = 16;
    pub(super) const ID: usize = 24;
    pub(super) const STREAM_LEN: usize = 40;
    pub(super) const LABELS: usize = 42;
    pub(super) const LABELS_LEN: usize = 44;
}

/// What a record can be found by besides its stream and id: a kind and a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Label<'a> {
    /// What sort of label it is; the log's user decides what the numbers mean.
    pub kind: u8,
    /// What it says.
    pub text: &'a [u8],
}

/// A record that was read, with the right checksum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    bytes: Bytes,
}

impl Record {
    /// The record in these bytes, if its checksum and its lengths are right.
    pub(crate) fn parse(bytes: Bytes) -> Option<Self> {
        check(&bytes)?;
        Some(Self { bytes })
    }

    /// The record in bytes that [`check`] has been asked about.
    pub(crate) fn verified(bytes: Bytes) -> Self {
        Self { bytes }
    }

    /// The record's place in the log, from 1.
    pub fn position(&self) -> u64 {
        self.fields().position()
    }

    /// The record's place in its stream, from 1.
    pub fn version(&self) -> u64 {
        self.fields().version()
    }

    /// The record's id.
    pub fn id(&self) -> [u8; 16] {
        self.fields().id()
    }

    /// Where in [`Record::bytes`] the stream's name stands.
    pub fn stream_range(&self) -> Range<usize> {
        self.fields().stream_range()
    }

    /// The name of its stream.
    pub fn stream(&self) -> &[u8] {
        self.fields().stream()
    }

    /// The labels, each with the place of its text in [`Record::bytes`].
    pub fn labels(&self) -> impl Iterator<Item = (Label<'_>, Range<usize>)> {
        self.fields().labels()
    }

    /// How many labels there are.
    pub fn label_count(&self) -> u16 {
        self.fields().label_count()
    }

    /// Where in [`Record::bytes`] the body stands.
    pub fn body_range(&self) -> Range<usize> {
        self.fields().body_start()..self.bytes.len()
    }

    /// The whole record as it stands in the log.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The same, for whoever keeps no more of the record than its bytes.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    pub(crate) fn fields(&self) -> Fields<'_> {
        Fields { bytes: &self.bytes }
    }
}

/// The fields of a record whose lengths are known to be right.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    bytes: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Of bytes that were checked, or just encoded.
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    pub(crate) fn position(self) -> u64 {
        u64_at(self.bytes, at::POSITION)
    }

    pub(crate) fn version(self) -> u64 {
        u64_at(self.bytes, at::VERSION)
    }

    pub(crate) fn id(self) -> [u8; 16] {
        id_at(self.bytes, at::ID)
    }

    fn stream_range(self) -> Range<usize> {
        HEADER_LEN..HEADER_LEN + usize::from(u16_at(self.bytes, at::STREAM_LEN))
    }

    pub(crate) fn stream(self) -> &'a [u8] {
        &self.bytes[self.stream_range()]
    }

    fn label_count(self) -> u16 {
        u16_at(self.bytes, at::LABELS)
    }

    pub(crate) fn labels(self) -> impl Iterator<Item = (Label<'a>, Range<usize>)> {
        let mut at = self.stream_range().end;
        let mut rest = self.bytes.get(at..).unwrap_or_default();
        (0..self.label_count()).map_while(move |_| {
            let (header, after) = rest.split_first_chunk::<LABEL_HEADER_LEN>()?;
            let (text, after) =
                after.split_at_checked(usize::from(u16::from_le_bytes([header[2], header[3]])))?;
            let start = at + LABEL_HEADER_LEN;
            (at, rest) = (start + text.len(), after);
            Some((Label { kind: header[0], text }, start..at))
        })
    }

    pub(crate) fn has_label(self, kind: u8, text: &[u8]) -> bool {
        self.labels().any(|(label, _)| label.kind == kind && label.text == text)
    }

    /// What tells whether this is another record's repeat.
    pub(crate) fn told(self) -> Told<'a> {
        let labels = self.labels().map(|(label, _)| label).collect();
        Told { labels, body: self.bytes.get(self.body_start()..).unwrap_or_default() }
    }

    fn body_start(self) -> usize {
        self.stream_range().end + u32_at(self.bytes, at::LABELS_LEN) as usize
    }
}

/// The length of the record that begins here, if there can be one of that length.
pub(crate) fn len_of(bytes: &[u8]) -> Option<usize> {
    if bytes.len() < HEADER_LEN {
        return None;
    }
    let len = u32_at(bytes, at::LEN) as usize;
    (HEADER_LEN..=RECORD_LEN_MAX).contains(&len).then_some(len)
}

/// The checksum of a whole record if it is right and everything in it fits.
pub(crate) fn check(bytes: &[u8]) -> Option<u32> {
    fits(bytes)?;
    let crc = u32_at(bytes, at::CRC);
    (crc32fast::hash(&bytes[at::LEN..]) == crc).then_some(crc)
}

/// Something if the record is as long as it says, and everything in it fits.
#[inline]
fn fits(bytes: &[u8]) -> Option<()> {
    if len_of(bytes)? != bytes.len() {
        return None;
    }
    let labels = HEADER_LEN + usize::from(u16_at(bytes, at::STREAM_LEN));
    let end = labels.checked_add(u32_at(bytes, at::LABELS_LEN) as usize)?;
    let mut rest = bytes.get(labels..end)?;
    for _ in 0..u16_at(bytes, at::LABELS) {
        let (header, after) = rest.split_first_chunk::<LABEL_HEADER_LEN>()?;
        rest = after.get(usize::from(u16::from_le_bytes([header[2], header[3]]))..)?;
    }
    rest.is_empty().then_some(())
}

/// What [`encode`] could not encode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong {
    pub(crate) what: &'static str,
    pub(crate) bytes: usize,
    pub(crate) bytes_max: usize,
}

/// Appends a record to the buffer; its position, version and checksum are filled in by [`finish`].
pub(crate) fn encode<'a>(
    buffer: &mut Vec<u8>,
    id: &[u8; 16],
    stream: &[u8],
    labels: impl Iterator<Item = Label<'a>> + Clone,
    body: &[&[u8]],
) -> Result<(), TooLong> {
    let (mut count, mut labels_len) = (0, 0);
    for label in labels.clone() {
        short(label.text.len(), "label")?;
        count += 1;
        labels_len += LABEL_HEADER_LEN + label.text.len();
    }
    let body_len: usize = body.iter().map(|part| part.len()).sum();
    let len = HEADER_LEN + stream.len() + labels_len + body_len;
    if len > RECORD_LEN_MAX {
        return Err(TooLong { what: "record", bytes: len, bytes_max: RECORD_LEN_MAX });
    }
    let mut header = [0; HEADER_LEN];
    put(&mut header, at::LEN, &(len as u32).to_le_bytes());
    put(&mut header, at::ID, id);
    put(&mut header, at::STREAM_LEN, &short(stream.len(), "stream name")?.to_le_bytes());
    put(&mut header, at::LABELS, &short(count, "list of labels")?.to_le_bytes());
    put(&mut header, at::LABELS_LEN, &(labels_len as u32).to_le_bytes());
    buffer.reserve(len);
    buffer.extend_from_slice(&header);
    buffer.extend_from_slice(stream);
    for label in labels {
        let [low, high] = (label.text.len() as u16).to_le_bytes();
        buffer.extend_from_slice(&[label.kind, 0, low, high]);
        buffer.extend_from_slice(label.text);
    }
    for part in body {
        buffer.extend_from_slice(part);
    }
    Ok(())
}

fn short(len: usize, what: &'static str) -> Result<u16, TooLong> {
    let bytes_max = usize::from(u16::MAX);
    u16::try_from(len).map_err(|_| TooLong { what, bytes: len, bytes_max })
}

/// Gives an encoded record its place and its checksum, and returns the checksum.
pub(crate) fn finish(record: &mut [u8], position: u64, version: u64) -> u32 {
    put(record, at::POSITION, &position.to_le_bytes());
    put(record, at::VERSION, &version.to_le_bytes());
    let crc = crc32fast::hash(&record[at::LEN..]);
    put(record, at::CRC, &crc.to_le_bytes());
    crc
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(stream: &[u8], labels: &[(u8, Vec<u8>)], body: &[u8]) -> Vec<u8> {
        let mut buffer = Vec::new();
        let labels = labels.iter().map(|(kind, text)| Label { kind: *kind, text });
        encode(&mut buffer, &[7; 16], stream, labels, &[body]).unwrap();
        finish(&mut buffer, 5, 2);
        buffer
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_read_back(
            stream in proptest::collection::vec(any::<u8>(), 0..40),
            labels in proptest::collection::vec((any::<u8>(), proptest::collection::vec(any::<u8>(), 0..9)), 0..5),
            body in proptest::collection::vec(any::<u8>(), 0..99),
        ) {
            let read = Record::parse(record(&stream, &labels, &body).into()).unwrap();
            prop_assert_eq!((read.position(), read.version(), read.id()), (5, 2, [7; 16]));
            prop_assert_eq!((read.stream(), &read.bytes()[read.body_range()]), (&stream[..], &body[..]));
            let found: Vec<_> = read.labels().map(|(label, _)| (label.kind, label.text.to_vec())).collect();
            prop_assert_eq!(found, labels);
        }

        #[test]
        fn a_flipped_bit_is_never_overlooked(at in 0_usize..61, bit in 0_u8..8) {
            let mut bytes = record(b"a-1", &[(1, b"x".to_vec())], b"hello");
            prop_assert_eq!(bytes.len(), 61);
            bytes[at] ^= 1 << bit;
            prop_assert!(Record::parse(bytes.into()).is_none());
        }

        #[test]
        fn any_bytes_are_refused_or_read_without_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if bytes.len() >= HEADER_LEN {
                // Right where only luck would have it, so that the lengths inside are reached too.
                let len = bytes.len() as u32;
                put(&mut bytes, at::LEN, &len.to_le_bytes());
                let crc = crc32fast::hash(&bytes[at::LEN..]);
                put(&mut bytes, at::CRC, &crc.to_le_bytes());
            }
            if let Some(record) = Record::parse(bytes.into()) {
                let labels = record.labels().count();
                prop_assert!(labels <= 200 && record.body_range().len() <= 200 && record.stream().len() <= 200);
            }
        }
    }
}
