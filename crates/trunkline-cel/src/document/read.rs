//! From bytes to a document, or to what is wrong with them and where.

use super::{DEPTH_UNKNOWN, Document, Kind, Part, Unheld, pair};
use crate::limits::{JSON_BYTES_MAX, VALUE_NESTING_MAX};
use bytes::Bytes;

/// Bytes that are not a JSON text this crate takes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} at byte {offset}")]
#[non_exhaustive]
pub struct JsonError {
    /// What is wrong there.
    pub message: String,
    /// The byte it is found at.
    pub offset: usize,
}

/// Objects of more fields are sorted to find names written twice; for fewer, comparing all pairs is quicker.
const PAIRS_FIELDS_MAX: usize = 16;

pub(crate) fn read(text: Bytes) -> Result<Document, JsonError> {
    if text.len() > JSON_BYTES_MAX {
        let message = format!("the text has {} bytes, and at most {JSON_BYTES_MAX} are read", text.len());
        return Err(JsonError { message, offset: JSON_BYTES_MAX });
    }
    if let Err(error) = std::str::from_utf8(&text) {
        return Err(JsonError { message: "not UTF-8".into(), offset: error.valid_up_to() });
    }
    let mut reader = Reader {
        bytes: &text,
        at: 0,
        parts: Vec::with_capacity(text.len() / 10 + 4),
        unescaped: Vec::new(),
        keys: Vec::new(),
        odd: false,
    };
    reader.skip_space();
    reader.value(0)?;
    reader.skip_space();
    if reader.at < text.len() {
        return Err(reader.error("the JSON text is over, but more follows"));
    }
    let Reader { parts, unescaped, odd, .. } = reader;
    Ok(Document { text, parts, unescaped, odd })
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    parts: Vec<Part>,
    unescaped: Vec<u8>,
    /// The keys of the objects that are open, one object's after the other's.
    keys: Vec<u32>,
    odd: bool,
}

impl Reader<'_> {
    fn error(&self, message: impl Into<String>) -> JsonError {
        JsonError { message: message.into(), offset: self.at }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn unexpected(&self, wanted: &str) -> JsonError {
        let rest = std::str::from_utf8(&self.bytes[self.at..]).unwrap_or_default();
        match rest.chars().next() {
            None => self.error(format!("{wanted} is missing where the text ends")),
            Some(found) => self.error(format!("{wanted} is missing before `{}`", found.escape_debug())),
        }
    }

    fn push(&mut self, kind: Kind, start: usize, payload: u64) {
        let (start, end) = (start as u32, self.at as u32);
        self.parts.push(Part { kind, depth: 0, start, end, payload });
    }

    /// Reads a value and gives its depth.
    fn value(&mut self, nesting: usize) -> Result<u8, JsonError> {
        let start = self.at;
        match self.peek() {
            Some(b'{' | b'[') if nesting == VALUE_NESTING_MAX => {
                self.deep()?;
                return Ok(DEPTH_UNKNOWN);
            }
            Some(b'{') => return self.object(nesting + 1),
            Some(b'[') => return self.list(nesting + 1),
            Some(b'"') => self.text()?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word("true", Kind::True)?,
            Some(b'f') => self.word("false", Kind::False)?,
            Some(b'n') => self.word("null", Kind::Null)?,
            _ => return Err(self.unexpected("a value")),
        }
        debug_assert!(self.at > start);
        Ok(0)
    }

    fn word(&mut self, word: &str, kind: Kind) -> Result<(), JsonError> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(self.unexpected("a value"));
        }
        let start = self.at;
        self.at += word.len();
        self.push(kind, start, 0);
        Ok(())
    }

    fn unheld(&mut self, why: Unheld, start: usize, payload: u64) {
        self.odd = true;
        self.push(Kind::Unheld(why), start, payload);
    }

    /// Reads a list or an object as one part, however deep, to know that it is JSON and where it ends.
    #[cold]
    fn deep(&mut self) -> Result<(), JsonError> {
        let (start, parts, unescaped) = (self.at, self.parts.len(), self.unescaped.len());
        let mut open: Vec<u8> = Vec::new();
        loop {
            match self.peek() {
                Some(bracket @ (b'{' | b'[')) => {
                    let close = if bracket == b'{' { b'}' } else { b']' };
                    self.at += 1;
                    self.skip_space();
                    if self.peek() == Some(close) {
                        self.at += 1;
                    } else {
                        open.push(close);
                        self.key(close)?;
                        continue;
                    }
                }
                // Neither a list nor an object, so that it goes no deeper.
                _ => _ = self.value(0)?,
            }
            // The value may be the last one of what holds it, and that the last one of what holds that.
            loop {
                let Some(&close) = open.last() else {
                    self.parts.truncate(parts);
                    self.unescaped.truncate(unescaped);
                    self.unheld(Unheld::Deep, start, 0);
                    return Ok(());
                };
                self.skip_space();
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        self.skip_space();
                        self.key(close)?;
                        break;
                    }
                    Some(found) if found == close => {
                        self.at += 1;
                        open.pop();
                    }
                    _ if close == b'}' => return Err(self.unexpected("`,` or `}`")),
                    _ => return Err(self.unexpected("`,` or `]`")),
                }
            }
            // What was read is counted together, so that it takes no more room than its text.
            self.parts.truncate(parts);
            self.unescaped.truncate(unescaped);
        }
    }

    /// Reads a key, if what ends so has some.
    fn key(&mut self, close: u8) -> Result<(), JsonError> {
        if close == b'}' { self.name_of_field() } else { Ok(()) }
    }

    /// Reads the name of a field up to its value.
    fn name_of_field(&mut self) -> Result<(), JsonError> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("a name in quotes"));
        }
        self.text()?;
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.unexpected("`:`"));
        }
        self.at += 1;
        self.skip_space();
        Ok(())
    }

    fn open(&mut self) -> usize {
        let index = self.parts.len();
        let start = self.at;
        self.push(Kind::Null, start, 0);
        self.at += 1;
        self.skip_space();
        index
    }

    fn close(&mut self, index: usize, kind: Kind, depth: u8, held: usize) -> u8 {
        let (end, next) = (self.at as u32, self.parts.len());
        let part = &mut self.parts[index];
        part.kind = kind;
        part.depth = depth.saturating_add(1);
        part.end = end;
        part.payload = pair(held, next);
        depth.saturating_add(1)
    }

    fn list(&mut self, nesting: usize) -> Result<u8, JsonError> {
        let index = self.open();
        let (mut depth, mut held) = (0, 0);
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(self.close(index, Kind::List, 0, 0));
        }
        loop {
            depth = depth.max(self.value(nesting)?);
            held += 1;
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(self.unexpected("`,` or `]`")),
            }
            self.skip_space();
        }
        self.at += 1;
        Ok(self.close(index, Kind::List, depth, held))
    }

    fn object(&mut self, nesting: usize) -> Result<u8, JsonError> {
        let index = self.open();
        let mut depth = 0;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(self.close(index, Kind::Object, 0, 0));
        }
        let first = self.keys.len();
        loop {
            self.keys.push(self.parts.len() as u32);
            self.name_of_field()?;
            depth = depth.max(self.value(nesting)?);
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Err(self.unexpected("`,` or `}`")),
            }
            self.skip_space();
        }
        self.at += 1;
        let held = self.keys.len() - first - self.replace_repeated(first);
        self.keys.truncate(first);
        Ok(self.close(index, Kind::Object, depth, held))
    }

    /// Marks the keys from `first` on that are written again later, and counts them.
    fn replace_repeated(&mut self, first: usize) -> usize {
        let keys = &self.keys[first..];
        let mut replaced: Vec<u32> = Vec::new();
        if keys.len() <= PAIRS_FIELDS_MAX {
            for (at, &key) in keys.iter().enumerate() {
                let name = self.name(key);
                if keys[at + 1..].iter().any(|&later| self.name(later) == name) {
                    replaced.push(key);
                }
            }
        } else {
            let mut sorted = keys.to_vec();
            sorted.sort_by(|&left, &right| self.name(left).cmp(self.name(right)).then(left.cmp(&right)));
            let repeated = sorted.windows(2).filter(|pair| self.name(pair[0]) == self.name(pair[1]));
            replaced.extend(repeated.map(|pair| pair[0]));
        }
        self.odd |= !replaced.is_empty();
        for &key in &replaced {
            self.parts[key as usize].kind = Kind::Replaced;
        }
        replaced.len()
    }

    fn name(&self, key: u32) -> &[u8] {
        let part = &self.parts[key as usize];
        if matches!(part.kind, Kind::Escaped | Kind::Unheld(_)) {
            let (start, length) = ((part.payload >> 32) as usize, part.payload as u32 as usize);
            return &self.unescaped[start..start + length];
        }
        &self.bytes[part.start as usize + 1..part.end as usize - 1]
    }

    fn number(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        let negative = self.peek() == Some(b'-');
        self.at += usize::from(negative);
        let first = self.at;
        // Counted down from zero, since there is one more negative integer than positive ones.
        let mut negated = Some(0_i64);
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            negated = negated
                .and_then(|number| number.checked_mul(10))
                .and_then(|number| number.checked_sub(i64::from(digit - b'0')));
            self.at += 1;
        }
        if self.at == first {
            return Err(self.unexpected("a digit"));
        }
        if self.bytes[first] == b'0' && self.at > first + 1 {
            self.at = first;
            return Err(self.error("a number does not begin with a needless 0"));
        }
        if !matches!(self.peek(), Some(b'.' | b'e' | b'E')) {
            let number = negated.and_then(|n| if negative { Some(n) } else { n.checked_neg() });
            match number {
                Some(number) => self.push(Kind::Int, start, number.cast_unsigned()),
                None => self.unheld(Unheld::Integer, start, 0),
            }
            return Ok(());
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        let text = std::str::from_utf8(&self.bytes[start..self.at]).unwrap_or_default();
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => self.push(Kind::Double, start, number.to_bits()),
            _ => self.unheld(Unheld::Number, start, 0),
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let first = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == first { Err(self.unexpected("a digit")) } else { Ok(()) }
    }

    fn text(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        let rest = &self.bytes[start + 1..];
        match rest.iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < b' ') {
            Some(at) if rest[at] == b'"' => {
                self.at = start + at + 2;
                self.push(Kind::Plain, start, 0);
                Ok(())
            }
            Some(at) => {
                self.at = start + 1 + at;
                self.escaped(start)
            }
            None => Err(self.error("the text is not closed")),
        }
    }

    /// Reads on a text from its first escape.
    fn escaped(&mut self, start: usize) -> Result<(), JsonError> {
        let from = self.unescaped.len();
        let mut whole = true;
        let mut plain = start + 1;
        loop {
            let Some(byte) = self.peek() else {
                self.at = start;
                return Err(self.error("the text is not closed"));
            };
            match byte {
                b'"' | b'\\' => {
                    self.unescaped.extend_from_slice(&self.bytes[plain..self.at]);
                    self.at += 1;
                    if byte == b'"' {
                        break;
                    }
                    let code = self.escape()?;
                    if let Some(char) = char::from_u32(code) {
                        self.unescaped.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
                    } else {
                        whole = false;
                        let bits = |shift: u32| 0x80 | (code >> shift & 0x3f) as u8;
                        self.unescaped.extend_from_slice(&[0xe0 | (code >> 12) as u8, bits(6), bits(0)]);
                    }
                    plain = self.at;
                }
                0..b' ' => return Err(self.error("a control character in a text must be escaped")),
                _ => self.at += 1,
            }
        }
        let length = self.unescaped.len() - from;
        if whole {
            self.push(Kind::Escaped, start, pair(from, length));
        } else {
            self.unheld(Unheld::Text, start, pair(from, length));
        }
        Ok(())
    }

    /// Reads what follows a `\`: a character's code, or half of a surrogate pair.
    fn escape(&mut self) -> Result<u32, JsonError> {
        let Some(letter) = self.peek() else { return Err(self.unexpected("an escape")) };
        let char = match letter {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.at += 1;
                return self.unicode();
            }
            _ => return Err(self.error("there is no such escape")),
        };
        self.at += 1;
        Ok(u32::from(char))
    }

    fn unicode(&mut self) -> Result<u32, JsonError> {
        let first = self.hex()?;
        if !(0xd800..0xdc00).contains(&first) || !self.bytes[self.at..].starts_with(b"\\u") {
            return Ok(first);
        }
        let after_first = self.at;
        self.at += 2;
        let second = self.hex()?;
        if (0xdc00..0xe000).contains(&second) {
            return Ok(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00));
        }
        // The second is a character of its own.
        self.at = after_first;
        Ok(first)
    }

    fn hex(&mut self) -> Result<u32, JsonError> {
        let digits = self.bytes.get(self.at..self.at + 4).and_then(|four| std::str::from_utf8(four).ok());
        let valid = digits.filter(|four| four.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let Some(code) = valid.and_then(|four| u32::from_str_radix(four, 16).ok()) else {
            return Err(self.error("`\\u` needs four hexadecimal digits"));
        };
        self.at += 4;
        Ok(code)
    }
}
