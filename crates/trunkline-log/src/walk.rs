//! Walking over records without an index: frame by frame, each checked.

use std::sync::Arc;

use crate::ReadError;
use crate::frame;
use crate::record::Fields;
use crate::segment::{self, Segment};

/// Calls `each` with every record from one position to another: its segment, where in it the record begins,
/// and its fields.
///
/// The positions must be in the segments; that they aren't found is damage.
pub(crate) fn walk(
    segments: &[Arc<Segment>],
    first: u64,
    last: u64,
    mut each: impl FnMut(&Arc<Segment>, u64, Fields<'_>),
) -> Result<(), ReadError> {
    let start = segments.partition_point(|segment| segment.header.first_position <= first).saturating_sub(1);
    for (number, segment) in segments.iter().enumerate().skip(start) {
        if segment.header.first_position > last {
            break;
        }
        let following = segments.get(number + 1).map(|next| next.header.first_position - 1);
        let until = following.unwrap_or(u64::MAX).min(last);
        let mut frames = Frames::new(segment);
        while frames.next_position() <= until {
            frames.next_frame(first, |offset, record| {
                if (first..=last).contains(&record.position()) {
                    each(segment, offset, record);
                }
            })?;
        }
    }
    Ok(())
}

/// The frames of a segment, one after the other.
#[derive(Debug)]
pub(crate) struct Frames<'a> {
    segment: &'a Segment,
    offset: u64,
    next_position: u64,
    chain: u32,
}

impl<'a> Frames<'a> {
    pub(crate) fn new(segment: &'a Segment) -> Self {
        Self {
            segment,
            offset: segment::HEADER_LEN as u64,
            next_position: segment.header.first_position,
            chain: segment.header.chain(),
        }
    }

    /// The position of the next frame's first record.
    pub(crate) fn next_position(&self) -> u64 {
        self.next_position
    }

    /// Where the next frame begins.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The chain checksum of the last frame.
    pub(crate) fn chain(&self) -> u32 {
        self.chain
    }

    /// Goes over the next frame. When it has a record from `first` on, its records are checked and given to
    /// `each`, with where in the segment they begin.
    pub(crate) fn next_frame(
        &mut self,
        first: u64,
        mut each: impl FnMut(u64, Fields<'_>),
    ) -> Result<(), ReadError> {
        let Self { segment, offset, .. } = *self;
        let damaged = |at: usize, what: &str| ReadError::Damaged {
            file: segment.name(),
            offset: offset + at as u64,
            what: what.to_owned(),
        };
        let view = |len| {
            if offset + len as u64 > segment.header.capacity {
                return Err(damaged(0, "a frame is missing"));
            }
            segment.file.view(offset, len).map_err(|error| ReadError::io(segment.name(), error))
        };
        let header = frame::Header::parse(&view(frame::HEADER_LEN)?, &segment.header.segment_id, offset)
            .ok_or_else(|| damaged(0, "there is no frame header here"))?;
        if header.chain_before != self.chain || header.first_position != self.next_position {
            return Err(damaged(0, "the frame doesn't follow from the one before it"));
        }
        let next_position = header.first_position + u64::from(header.count);
        if next_position > first && header.count > 0 {
            let bytes = view(header.frame_len())?;
            frame::check_body(&header, &bytes, &segment.header.segment_id, |at, record| {
                each(offset + at as u64, Fields::of(record));
            })
            .map_err(|bad| damaged(bad.at, bad.what))?;
        }
        self.offset += header.frame_len() as u64;
        self.next_position = next_position;
        self.chain = header.chain;
        Ok(())
    }
}
