//! A JSON text with an index of its parts: read once, nothing copied.
//!
//! The parts lie in one list in the order of the text, a container before what it holds, and each knows its place in
//! the text. A value is a document and the number of a part, so that passing a part on copies neither it nor what it
//! holds, and writing it is copying its bytes.
//!
//! What is JSON, and yet no value of the language, such as an integer beyond 64 bits, is a part like any other: it can be
//! passed on, and only an expression that works with it fails. What nobody works with stops nobody.

mod read;

pub use read::JsonError;
pub(crate) use read::read;

use bytes::Bytes;

/// A text that was found to be JSON.
#[derive(Debug)]
pub(crate) struct Document {
    text: Bytes,
    parts: Vec<Part>,
    /// The texts that are written with escapes, without them. Halves of surrogate pairs are three bytes each, as if they
    /// were characters: it is no UTF-8 there, and so no other text's.
    unescaped: Vec<u8>,
    /// Whether there is something that event data must not have, or might not.
    odd: bool,
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
    /// No value of the language.
    Unheld(Unheld),
}

/// Why a part is no value of the language, though it is JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unheld {
    /// An integer beyond 64 bits.
    Integer,
    /// A number beyond doubles.
    Number,
    /// A text with half of a surrogate pair; it stands in `unescaped`.
    Text,
    /// A list or an object deeper in the text than values nest.
    Deep,
}

/// The depth of what is read as one part however deep it is, and of all that holds it.
const DEPTH_UNKNOWN: u8 = u8::MAX;

impl Unheld {
    /// As it is called in messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Integer => "an integer that does not fit 64 bits",
            Self::Number => "a number that does not fit a double",
            Self::Text => "text with half of a surrogate pair",
            Self::Deep => "nested deeper than values can be",
        }
    }
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

    /// How deep a part nests, as far as passing it on has to know: what is deeper than values nest is never taken apart,
    /// and counts nothing.
    pub(crate) fn depth(&self, part: u32) -> usize {
        match self.parts[part as usize].depth {
            DEPTH_UNKNOWN => 0,
            depth => usize::from(depth),
        }
    }

    /// Whether the text has something that event data must not have, or might not.
    pub(crate) fn is_odd(&self) -> bool {
        self.odd
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
        if matches!(part.kind, Kind::Escaped | Kind::Unheld(_)) {
            let (start, length) = ((part.payload >> 32) as usize, part.payload as u32 as usize);
            return &self.unescaped[start..start + length];
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
    pub(crate) fn field(&self, object: u32, name: &[u8]) -> Option<u32> {
        let (mut key, end) = (object + 1, self.next(object));
        while key < end {
            if self.kind(key) != Kind::Replaced && self.text_bytes(key) == name {
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
