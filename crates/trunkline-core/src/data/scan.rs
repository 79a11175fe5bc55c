//! Where the tokens of a JSON text end. The grammar is that of RFC 8259, and so that of `serde_json`.
//!
//! Places go in and come out, so that they stay in registers: it has to be as quick as reading without keeping anything.
//! Whoever goes over a text asks for white space, keys and scalars where they may stand, and looks after brackets and
//! commas. The text is UTF-8; that is not looked at again.

/// A number without an exponent is no larger than a double holds if it has no more letters.
const DIGITS_PLAIN_MAX: usize = 300;

/// A text is no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not JSON")]
pub struct NotJson;

/// Behind the white space that begins here.
///
/// ```
/// use trunkline_core::data::scan::space;
/// assert_eq!(space(b"[ \n 1]", 1), 4);
/// ```
#[inline]
#[must_use]
pub fn space(json: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\t' | b'\r') = json.get(at) {
        at += 1;
    }
    at
}

/// The key that begins here, with its quotes, and where its value begins; sets `has_escapes` if it has some.
///
/// ```
/// use trunkline_core::data::scan::key;
/// let mut has_escapes = false;
/// assert_eq!(key(br#"{"a": 1}"#, 1, &mut has_escapes), Ok((&br#""a""#[..], 6)));
/// assert!(!has_escapes);
/// ```
#[inline]
pub fn key<'a>(json: &'a [u8], start: usize, has_escapes: &mut bool) -> Result<(&'a [u8], usize), NotJson> {
    if json.get(start) != Some(&b'"') {
        return Err(NotJson);
    }
    let end = string(json, start + 1, has_escapes)?;
    let colon = space(json, end);
    if json.get(colon) != Some(&b':') {
        return Err(NotJson);
    }
    Ok((&json[start..end], space(json, colon + 1)))
}

/// Behind the value that begins here and is neither a list nor an object.
///
/// ```
/// use trunkline_core::data::scan::{NotJson, scalar};
/// assert_eq!(scalar(b"[-1.5e3]", 1), Ok(7));
/// assert_eq!(scalar(b"[nil]", 1), Err(NotJson));
/// ```
#[inline]
pub fn scalar(json: &[u8], at: usize) -> Result<usize, NotJson> {
    scalar_noting(json, at, &mut false)
}

/// As [`scalar`]; sets `is_odd` if it has escapes, an exponent or many digits, and so has to be looked at again by whoever
/// has to hold it.
#[inline]
pub(super) fn scalar_noting(json: &[u8], at: usize, is_odd: &mut bool) -> Result<usize, NotJson> {
    match json.get(at) {
        Some(b'"') => string(json, at + 1, is_odd),
        Some(b'-' | b'0'..=b'9') => {
            let end = number(json, at, is_odd)?;
            *is_odd |= end - at > DIGITS_PLAIN_MAX;
            Ok(end)
        }
        Some(b't') => word(json, at, b"true"),
        Some(b'f') => word(json, at, b"false"),
        Some(b'n') => word(json, at, b"null"),
        _ => Err(NotJson),
    }
}

fn word(json: &[u8], at: usize, word: &[u8]) -> Result<usize, NotJson> {
    if json[at..].starts_with(word) { Ok(at + word.len()) } else { Err(NotJson) }
}

/// Behind the last quote of a string, from behind its first.
#[inline]
fn string(json: &[u8], mut at: usize, has_escapes: &mut bool) -> Result<usize, NotJson> {
    loop {
        at += plain(&json[at..]);
        match json.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => {
                *has_escapes = true;
                at = escape(json, at + 1)?;
            }
            _ => return Err(NotJson),
        }
    }
}

/// Behind an escape, from behind its `\`.
#[cold]
fn escape(json: &[u8], at: usize) -> Result<usize, NotJson> {
    match json.get(at) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 1),
        Some(b'u') => {
            let digits = json.get(at + 1..at + 5).ok_or(NotJson)?;
            if digits.iter().all(u8::is_ascii_hexdigit) { Ok(at + 5) } else { Err(NotJson) }
        }
        _ => Err(NotJson),
    }
}

fn number(json: &[u8], mut at: usize, has_exponent: &mut bool) -> Result<usize, NotJson> {
    at += usize::from(json.get(at) == Some(&b'-'));
    at = if json.get(at) == Some(&b'0') { at + 1 } else { digits(json, at)? };
    if json.get(at) == Some(&b'.') {
        at = digits(json, at + 1)?;
    }
    if matches!(json.get(at), Some(b'e' | b'E')) {
        *has_exponent = true;
        at += 1;
        at += usize::from(matches!(json.get(at), Some(b'+' | b'-')));
        at = digits(json, at)?;
    }
    Ok(at)
}

/// Behind at least one digit.
#[inline]
fn digits(json: &[u8], start: usize) -> Result<usize, NotJson> {
    let mut at = start;
    while let Some(b'0'..=b'9') = json.get(at) {
        at += 1;
    }
    if at > start { Ok(at) } else { Err(NotJson) }
}

/// How many bytes of a string stand before the first one that ends it, escapes, or must not be there.
#[inline]
fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    let mut at = 0;
    // Eight bytes at a time: a byte of `word` less than N leaves its high bit in `word - N * ONES`, if that of the byte
    // isn't set; what a borrow adds stands after a byte that is found already.
    while let Some(word) = bytes[at..].first_chunk::<8>() {
        let word = u64::from_le_bytes(*word);
        let less = |word: u64, than: u64| word.wrapping_sub(ONES * than) & !word;
        let quote = less(word ^ (ONES * u64::from(b'"')), 1);
        let escape = less(word ^ (ONES * u64::from(b'\\')), 1);
        let found = (less(word, 0x20) | quote | escape) & HIGH;
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let rest = bytes[at..].iter();
    at + rest.take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20)).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::IgnoredAny;

    use super::plain;
    use crate::data::{InvalidData, check};

    /// Something that a JSON text may have, or that looks like it.
    fn piece() -> impl Strategy<Value = String> {
        prop_oneof![
            3 => prop::sample::select(vec!["{", "}", "[", "]", ",", ":", " ", "\n", "\"a\"", "\"\"", "\"b\":", "null", "true"])
                .prop_map(str::to_owned),
            1 => r"-?[0-9]{0,3}(\.[0-9]{0,2})?([eE][+-]?[0-9]{0,2})?",
            1 => "\"[a-z \\\\\"/u0-9\u{1}\u{7f}é]{0,12}\"",
            1 => prop::sample::select(vec!["nul", "falsey", "+1", "01", "-", "1.", ".5", "'a'", "\\", "\t", "\u{c}", "é"])
                .prop_map(str::to_owned),
        ]
    }

    proptest! {
        #[test]
        fn what_is_json_is_said_as_serde_says_it(pieces in prop::collection::vec(piece(), 0..8)) {
            let text = pieces.concat();
            let is_json = serde_json::from_str::<IgnoredAny>(&text).is_ok();
            prop_assert_eq!(check(text.as_bytes()) != Err(InvalidData::NotJson), is_json, "{}", text);
        }

        /// Whatever stands around it, and wherever in a word of eight bytes.
        #[test]
        fn a_string_ends_where_it_does(start in "[a-zé]{0,20}", stop in "[\"\\\\\u{0}\u{1f}]", rest in "[a-z\"]{0,20}") {
            prop_assert_eq!(plain(format!("{start}{stop}{rest}").as_bytes()), start.len());
        }
    }
}
