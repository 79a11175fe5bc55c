//! What a sealed segment has, in short: what opening needs of its messages, so that it need not read them.
//!
//! An index says nothing that its segment doesn't; it is not synced, and one that is missing or damaged is made
//! anew from the segment. After a repair it is synced: its segment can't be read without it.

use std::io;
use std::num::NonZeroU32;
use std::sync::Arc;

use trunkline_log::disk::{Disk, DiskFile, OpenMode};

use super::codec::{Decoder, Encoder, Malformed};
use super::frame::Header;
use super::journal::read_all;
use super::record::{Framed, Place};
use crate::engine::{Addressed, Entry, IdHash};

const MAGIC: [u8; 8] = *b"TRKLQIX1";

/// A message in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Indexed {
    pub(crate) framed: Framed,
    pub(crate) body: Place,
    pub(crate) id: IdHash,
    pub(crate) key: u32,
    pub(crate) enqueued_at: i64,
    pub(crate) due: Option<i64>,
}

impl Indexed {
    /// Its entry in the state.
    pub(crate) fn entry(&self) -> Entry<Place> {
        let direct = self.due.is_some() || self.framed.to.is_some();
        Entry::new(self.body, self.id, self.key, self.enqueued_at, direct)
    }
}

/// An index that is being made.
#[derive(Debug, Default)]
pub(crate) struct Index {
    encoder: Encoder,
    count: u64,
    offset: u32,
    enqueued_at: i64,
}

/// The name of a segment's index.
pub(crate) fn index_name(segment: u32) -> String {
    format!("{segment:010}.index")
}

/// The number in an index's name.
pub(crate) fn index_number(name: &str) -> Option<u32> {
    name.strip_suffix(".index")?.parse().ok()
}

impl Index {
    /// Adds a message that stands after those that are there.
    pub(crate) fn add(&mut self, message: &Indexed) {
        let Indexed { framed, body, id, key, enqueued_at, due } = message;
        let into = &mut self.encoder;
        into.number(u64::from(framed.topic));
        into.number(framed.place);
        let flags =
            u8::from(framed.moved) | u8::from(framed.to.is_some()) << 1 | u8::from(due.is_some()) << 2;
        into.fixed(&[flags]);
        if let Some(to) = framed.to {
            into.number(to.group.into());
            into.number(to.action);
        }
        if let Some(due) = due {
            into.signed(*due);
        }
        into.number(u64::from(body.offset - self.offset));
        into.number(body.len.into());
        for part in id {
            into.fixed(&part.to_le_bytes());
        }
        into.fixed(&key.to_le_bytes());
        into.signed(enqueued_at.wrapping_sub(self.enqueued_at));
        (self.offset, self.enqueued_at) = (body.offset, *enqueued_at);
        self.count += 1;
    }

    /// Writes the index of a segment whose frames end there, if that can be.
    pub(crate) fn write(&self, disk: &dyn Disk, header: &Header, end: u64) {
        if let Err(error) = self.try_write(disk, header, end) {
            tracing::warn!(%error, segment = header.number, "a segment has no index; opening will read all of it");
        }
    }

    /// The same, so that it lasts: of a damaged segment, which can't be read without it. Its name is not synced.
    pub(crate) fn write_synced(&self, disk: &dyn Disk, header: &Header, end: u64) -> io::Result<()> {
        self.try_write(disk, header, end)?.sync()
    }

    fn try_write(&self, disk: &dyn Disk, header: &Header, end: u64) -> io::Result<Arc<dyn DiskFile>> {
        let mut whole = Encoder(Vec::with_capacity(self.encoder.0.len() + 64));
        whole.fixed(&MAGIC);
        whole.fixed(&header.segment);
        whole.number(end);
        whole.number(self.count);
        whole.fixed(&self.encoder.0);
        let crc = crc32fast::hash(&whole.0);
        whole.fixed(&crc.to_le_bytes());
        let file = disk.create(&index_name(header.number))?;
        file.write_at(0, &whole.0)?;
        Ok(file)
    }
}

/// Where a segment's frames end and what its index says of them, if it has one that is whole; what is known of
/// the end has to be so.
pub(crate) fn load(disk: &dyn Disk, header: &Header, known_end: Option<u64>) -> Option<(u64, Vec<u8>)> {
    let bytes =
        disk.open(&index_name(header.number), OpenMode::Read).and_then(|file| read_all(&*file)).ok()?;
    let (whole, crc) = bytes.split_last_chunk()?;
    if crc32fast::hash(whole) != u32::from_le_bytes(*crc) {
        return None;
    }
    let mut decoder = Decoder(whole);
    let of_it = decoder.array() == Ok(MAGIC) && decoder.array() == Ok(header.segment);
    let end = decoder.number().ok()?;
    if !of_it || known_end.is_some_and(|known| known != end) {
        return None;
    }
    Some((end, decoder.0.to_vec()))
}

/// Reads the messages of a segment's index, and hands each to `each`.
pub(crate) fn read(
    bytes: &[u8],
    segment: NonZeroU32,
    mut each: impl FnMut(&Indexed) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    let mut decoder = Decoder(bytes);
    let (mut offset, mut enqueued_at) = (0_u32, 0_i64);
    for _ in 0..decoder.number()? {
        let (topic, place) = (decoder.small()?, decoder.number()?);
        let [flags] = decoder.array()?;
        let to = if flags & 2 == 0 {
            None
        } else {
            Some(Addressed { group: decoder.small()?, action: decoder.number()? })
        };
        let due = if flags & 4 == 0 { None } else { Some(decoder.signed()?) };
        let step: u32 = decoder.small()?;
        offset = offset.checked_add(step).ok_or(Malformed("an offset is too large"))?;
        let body = Place { segment, offset, len: decoder.small()? };
        let id = [(); 3].map(|()| decoder.array().map(u32::from_le_bytes));
        let [Ok(first), Ok(second), Ok(third)] = id else { return Err(Malformed("it ends too early")) };
        let key = u32::from_le_bytes(decoder.array()?);
        enqueued_at = enqueued_at.wrapping_add(decoder.signed()?);
        let framed = Framed { topic, place, to, moved: flags & 1 == 1 };
        each(&Indexed { framed, body, id: [first, second, third], key, enqueued_at, due })?;
    }
    decoder.end()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use trunkline_log::disk::MemoryDisk;

    use super::*;

    fn indexed() -> impl Strategy<Value = Indexed> {
        let to = prop::option::of((any::<u32>(), any::<u64>()));
        let framed = (any::<u32>(), any::<u64>(), to, any::<bool>());
        let time = any::<i64>();
        let rest =
            (0..1_u32 << 20, any::<u32>(), any::<IdHash>(), any::<u32>(), time, prop::option::of(time));
        (framed, rest).prop_map(|((topic, place, to, moved), (offset, len, id, key, enqueued_at, due))| {
            let to = to.map(|(group, action)| Addressed { group, action });
            let framed = Framed { topic, place, to, moved };
            let body = Place { segment: NonZeroU32::MIN, offset, len };
            Indexed { framed, body, id, key, enqueued_at, due }
        })
    }

    proptest! {
        #[test]
        fn what_an_index_is_given_is_read_back(mut messages in prop::collection::vec(indexed(), 0..20)) {
            messages.sort_by_key(|message| message.body.offset);
            let header = Header { queue: [1; 16], segment: [2; 16], number: 1, previous_end: 0, old: false };
            let (disk, mut index) = (MemoryDisk::new(), Index::default());
            for message in &messages {
                index.add(message);
            }
            index.write(&disk, &header, 77);
            prop_assert!(load(&disk, &header, Some(78)).is_none(), "it is of a segment that ends elsewhere");
            let other = Header { segment: [3; 16], ..header };
            prop_assert!(load(&disk, &other, None).is_none(), "it is of another segment");
            prop_assert!(load(&disk, &header, None).is_some());
            let (_, bytes) = load(&disk, &header, Some(77)).unwrap();
            let mut found = Vec::new();
            let read = read(&bytes, NonZeroU32::MIN, |message| {
                found.push(message.clone());
                Ok(())
            });
            prop_assert_eq!(read, Ok(()));
            prop_assert_eq!(found, messages);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _ = read(&bytes, NonZeroU32::MIN, |_| Ok(()));
        }
    }
}
