//! A JSON text with an index of its parts: read once, nothing copied.
//!
//! The parts lie in one list in the order of the text, a container before what it holds, and each knows its place in
//! the text. A value is a document and the number of a part, so that passing a part on copies neither it nor what it
//! holds, and writing it is copying its bytes.

mod read;

pub use read::JsonError;
pub(crate) use read::read;

use bytes::Bytes;

/// A text that was found to be JSON.
#[derive(Debug)]
pub(crate) struct Document {
    text: Bytes,
    parts: Vec<Part>,
    /// The texts that are written with escapes, without them.
    unescaped: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    False,
    True,
    Int,
    Double,
    /// Stands in the text as it is.
    Plain,
    /// Stands in `unescaped`.
    Escaped,
    List,
    Object,
    /// A key whose field is written again further down, where it counts.
    Replaced,
}

#[derive(Debug, Clone, Copy)]
struct Part {
    kind: Kind,
    /// Levels of containers, this one included.
    depth: u8,
    start: u32,
    end: u32,
    /// The number's bits; of a text its place in `unescaped`; of a container how many it holds, and the part after it.
    payload: u64,
}

fn pair(high: usize, low: usize) -> u64 {
    (high as u64) << 32 | low as u64
}

impl Document {
    pub(crate) fn kind(&self, part: u32) -> Kind {
        self.parts[part as usize].kind
    }

    pub(crate) fn depth(&self, part: u32) -> usize {
        usize::from(self.parts[part as usize].depth)
    }

    /// The bytes of the part; of the whole with the white space around it.
    pub(crate) fn bytes(&self, part: u32) -> Bytes {
        if part == 0 {
            return self.text.clone();
        }
        let part = &self.parts[part as usize];
        self.text.slice(part.start as usize..part.end as usize)
    }

    pub(crate) fn raw(&self, part: u32) -> &[u8] {
        let part = &self.parts[part as usize];
        &self.text[part.start as usize..part.end as usize]
    }

    pub(crate) fn int(&self, part: u32) -> i64 {
        self.parts[part as usize].payload.cast_signed()
    }

    pub(crate) fn double(&self, part: u32) -> f64 {
        f64::from_bits(self.parts[part as usize].payload)
    }

    pub(crate) fn text(&self, part: u32) -> &str {
        std::str::from_utf8(self.text_bytes(part)).expect("the text was checked when it was read")
    }

    pub(crate) fn text_bytes(&self, part: u32) -> &[u8] {
        let part = &self.parts[part as usize];
        if part.kind == Kind::Escaped {
            let (start, length) = ((part.payload >> 32) as usize, part.payload as u32 as usize);
            return &self.unescaped.as_bytes()[start..start + length];
        }
        &self.text[part.start as usize + 1..part.end as usize - 1]
    }

    /// How many a list or an object holds.
    pub(crate) fn len(&self, part: u32) -> usize {
        (self.parts[part as usize].payload >> 32) as usize
    }

    /// The part after this one and all it holds.
    pub(crate) fn next(&self, part: u32) -> u32 {
        let found = &self.parts[part as usize];
        match found.kind {
            Kind::List | Kind::Object => found.payload as u32,
            _ => part + 1,
        }
    }

    /// The field's value; the last one where a name is written twice.
    pub(crate) fn field(&self, object: u32, name: &str) -> Option<u32> {
        let (mut key, end) = (object + 1, self.next(object));
        while key < end {
            if self.kind(key) != Kind::Replaced && self.text_bytes(key) == name.as_bytes() {
                return Some(key + 1);
            }
            key = self.next(key + 1);
        }
        None
    }

    /// The first key at or after `key` that counts, before `end`.
    pub(crate) fn live_key(&self, mut key: u32, end: u32) -> Option<u32> {
        while key < end {
            if self.kind(key) != Kind::Replaced {
                return Some(key);
            }
            key = self.next(key + 1);
        }
        None
    }
}
