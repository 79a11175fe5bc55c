//! Segments: the header of one, and one that is open.

use std::io;
use std::sync::Arc;

use bytes::Bytes;

use crate::bytes_at::{id_at, put, u32_at, u64_at};
use crate::disk::DiskFile;

/// Bytes before the first frame.
pub(crate) const HEADER_LEN: usize = 4096;

/// The version of the format that is written, and the only one that is read.
pub(crate) const FORMAT_VERSION: u32 = 1;

const MAGIC: [u8; 8] = *b"TKLSEG01";
const CRC_AT: usize = 100;

/// What stands at a segment's beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) store_id: [u8; 16],
    pub(crate) hash_key: [u8; 16],
    pub(crate) segment_id: [u8; 16],
    /// From 1.
    pub(crate) number: u64,
    pub(crate) first_position: u64,
    pub(crate) capacity: u64,
    pub(crate) previous_end: u64,
    pub(crate) previous_chain: u32,
}

/// Why a segment's header cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadHeader {
    /// It isn't one.
    Damaged,
    /// It is of a format that this version doesn't know.
    Version(u32),
}

impl Header {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![0; HEADER_LEN];
        put(&mut bytes, 0, &MAGIC);
        put(&mut bytes, 8, &FORMAT_VERSION.to_le_bytes());
        put(&mut bytes, 12, &(HEADER_LEN as u32).to_le_bytes());
        put(&mut bytes, 16, &self.store_id);
        put(&mut bytes, 32, &self.hash_key);
        put(&mut bytes, 48, &self.segment_id);
        put(&mut bytes, 64, &self.number.to_le_bytes());
        put(&mut bytes, 72, &self.first_position.to_le_bytes());
        put(&mut bytes, 80, &self.capacity.to_le_bytes());
        put(&mut bytes, 88, &self.previous_end.to_le_bytes());
        put(&mut bytes, 96, &self.previous_chain.to_le_bytes());
        let crc = crc32fast::hash(&bytes[..CRC_AT]);
        put(&mut bytes, CRC_AT, &crc.to_le_bytes());
        bytes
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, BadHeader> {
        let bytes = bytes.get(..CRC_AT + 4).ok_or(BadHeader::Damaged)?;
        if bytes[..8] != MAGIC || crc32fast::hash(&bytes[..CRC_AT]) != u32_at(bytes, CRC_AT) {
            return Err(BadHeader::Damaged);
        }
        match u32_at(bytes, 8) {
            FORMAT_VERSION => {}
            version => return Err(BadHeader::Version(version)),
        }
        Ok(Self {
            store_id: id_at(bytes, 16),
            hash_key: id_at(bytes, 32),
            segment_id: id_at(bytes, 48),
            number: u64_at(bytes, 64),
            first_position: u64_at(bytes, 72),
            capacity: u64_at(bytes, 80),
            previous_end: u64_at(bytes, 88),
            previous_chain: u32_at(bytes, 96),
        })
    }

    /// Where the chain of the segment's frames begins.
    pub(crate) fn chain(&self) -> u32 {
        u32_at(&self.encode(), CRC_AT)
    }
}

/// The file name of a segment.
pub(crate) fn file_name(number: u64) -> String {
    format!("{number:020}.seg")
}

/// The number of the segment with this file name.
pub(crate) fn number_of(file_name: &str) -> Option<u64> {
    file_name.strip_suffix(".seg").filter(|digits| digits.len() == 20)?.parse().ok()
}

/// A segment that is open.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) header: Header,
    pub(crate) file: Arc<dyn DiskFile>,
}

impl Segment {
    pub(crate) fn name(&self) -> String {
        file_name(self.header.number)
    }

    /// All bytes of the segment but those at its end that were never written and so are zeros.
    pub(crate) fn used_bytes(&self) -> io::Result<Bytes> {
        self.file.view(0, self.file.data_end()?.min(self.header.capacity) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            store_id: [1; 16],
            hash_key: [2; 16],
            segment_id: [3; 16],
            number: 4,
            first_position: 5,
            capacity: 6,
            previous_end: 7,
            previous_chain: 8,
        }
    }

    #[test]
    fn a_header_is_read_back() {
        assert_eq!(Header::parse(&header().encode()), Ok(header()));
    }

    #[test]
    fn a_damaged_header_and_another_version_are_refused() {
        let mut bytes = header().encode();
        bytes[70] ^= 1;
        assert_eq!(Header::parse(&bytes), Err(BadHeader::Damaged));
        assert_eq!(Header::parse(b"short"), Err(BadHeader::Damaged));
        let mut bytes = header().encode();
        put(&mut bytes, 8, &9_u32.to_le_bytes());
        let crc = crc32fast::hash(&bytes[..CRC_AT]);
        put(&mut bytes, CRC_AT, &crc.to_le_bytes());
        assert_eq!(Header::parse(&bytes), Err(BadHeader::Version(9)));
    }

    #[test]
    fn file_names_sort_as_their_numbers() {
        assert_eq!(number_of(&file_name(12)), Some(12));
        assert!(file_name(9) < file_name(10));
        assert_eq!(number_of("1.seg"), None);
        assert_eq!(number_of("00000000000000000001.tmp"), None);
    }
}
