//! Reading single records of a segment, each of them verified.

use std::sync::Arc;

use bytes::Bytes;

use crate::ReadError;
use crate::index::{DamagedRun, Located, Table};
use crate::record::{self, Record};
use crate::segment::Segment;
use crate::shared::LookupError;

/// Reads records of one segment: what has to be asked of the file is asked once for all of them.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    segment: &'a Segment,
    map: Option<&'a Bytes>,
    /// The same, with a count of its holders of its own.
    apart: Option<Bytes>,
    /// The first position that is in a later segment.
    until: u64,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(segment: &'a Segment, until: u64) -> Result<Self, ReadError> {
        let map = segment.file.mapped().map_err(|error| ReadError::io(segment.name(), error))?;
        Ok(Self { segment, map, apart: None, until })
    }

    /// The same, but who holds its records is counted apart from who holds others of the segment.
    pub(crate) fn counted_apart(self) -> Self {
        Self { apart: self.map.map(|map| Bytes::from_owner(map.clone())), ..self }
    }

    /// Whether the record at this position is in this segment.
    pub(crate) fn holds(&self, position: u64) -> bool {
        (self.segment.header.first_position..self.until).contains(&position)
    }

    /// The record that a table says is there, with its checksum verified.
    #[inline]
    pub(crate) fn record(&self, table: &Table, at: Located) -> Result<Record, LookupError> {
        let record = match self.apart.as_ref().or(self.map) {
            Some(map) => mapped_record(map, at.offset),
            None => self.viewed_record(at.offset)?,
        };
        match record {
            Some(record) if record.position() == at.position => Ok(record),
            other => Err(self.wrong(table, at, other.is_some())),
        }
    }

    fn viewed_record(&self, offset: u64) -> Result<Option<Record>, ReadError> {
        let view = |len| {
            let viewed = self.segment.file.view(offset, len);
            viewed.map_err(|error| ReadError::io(self.segment.name(), error))
        };
        let Some(len) = record::len_of(&view(record::HEADER_LEN)?) else { return Ok(None) };
        if offset + len as u64 > self.segment.header.capacity {
            return Ok(None);
        }
        Ok(Record::parse(view(len)?))
    }

    /// Why the record that should be there isn't.
    #[cold]
    fn wrong(&self, table: &Table, at: Located, is_record: bool) -> LookupError {
        match table {
            // What the run says is wrong if there is another record there.
            Table::Run(run) if is_record => LookupError::Run(DamagedRun(Arc::clone(run))),
            Table::Run(_) | Table::Recent(_) => {
                let what = format!("the record at position {} is not as it was written", at.position);
                ReadError::Damaged { file: self.segment.name(), offset: at.offset, what }.into()
            }
        }
    }

    /// So many bytes from this offset on, as far as the file has them; none when it isn't mapped.
    #[inline]
    pub(crate) fn mapped(&self, offset: u64, len: usize) -> &'a [u8] {
        let Some(map) = self.map else { return &[] };
        let start = map.len().min(offset as usize);
        &map[start..map.len().min(start + len)]
    }
}

#[inline]
fn mapped_record(map: &Bytes, offset: u64) -> Option<Record> {
    let start = offset as usize;
    let rest = map.get(start..)?;
    let len = record::len_of(rest)?;
    record::check(rest.get(..len)?)?;
    Some(Record::verified(map.slice(start..start + len)))
}
