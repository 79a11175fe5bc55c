//! Walking over records without an index: frame by frame, each checked.

use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::ReadError;
use crate::frame;
use crate::head::Head;
use crate::record::Fields;
use crate::segment::{self, Segment};

/// Calls `each` with every record from one position to another: where in its segment it begins, and its fields.
///
/// The positions must be in the segments; that they aren't found is damage.
pub(crate) fn walk(
    segments: &[Arc<Segment>],
    first: u64,
    last: u64,
    each: impl FnMut(u64, Fields<'_>),
) -> Result<(), ReadError> {
    let start = segments.partition_point(|segment| segment.header.first_position <= first).saturating_sub(1);
    follow(segments, start, Frames::new(&segments[start]), first..=last, each)
}

/// The same for the records that come after a frame which is known to end there.
pub(crate) fn walk_on(
    segments: &[Arc<Segment>],
    after: &Head,
    last: u64,
    each: impl FnMut(u64, Fields<'_>),
) -> Result<(), ReadError> {
    let start = after.segment as usize - 1;
    let frames = Frames {
        segment: &segments[start],
        offset: after.end,
        next_position: after.position + 1,
        chain: after.chain,
    };
    follow(segments, start, frames, after.position + 1..=last, each)
}

fn follow<'a>(
    segments: &'a [Arc<Segment>],
    start: usize,
    mut frames: Frames<'a>,
    positions: RangeInclusive<u64>,
    mut each: impl FnMut(u64, Fields<'_>),
) -> Result<(), ReadError> {
    let (first, last) = (*positions.start(), *positions.end());
    let mut number = start;
    loop {
        let next = segments.get(number + 1).filter(|next| next.header.first_position <= last);
        let until = next.map_or(last, |next| next.header.first_position - 1);
        while frames.next_position() <= until {
            frames.next_frame(first, |offset, record| {
                if positions.contains(&record.position()) {
                    each(offset, record);
                }
            })?;
        }
        let Some(next) = next else { return Ok(()) };
        frames = Frames::new(next);
        number += 1;
    }
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
        segment.file.will_read(0, segment.header.capacity);
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
