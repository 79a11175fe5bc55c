//! A JSON text gone over once, without making anything of it.
//!
//! What is wrong with a text that is no JSON, and where, is asked of `serde_json`, which says it better. It takes the
//! same texts.

use trunkline_core::data::scan;
pub(crate) use trunkline_core::data::scan::NotJson;

/// A place in a JSON text.
#[derive(Clone, Debug)]
pub(crate) struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    /// The next byte that is no white space.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        self.at = scan::space(self.bytes(), self.at);
        self.bytes().get(self.at).copied()
    }

    /// Passes over the next byte that is no white space when it is this one; tells whether it was.
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// Passes over the next byte that is no white space, which must be this one.
    pub(crate) fn expect(&mut self, byte: u8) -> Result<(), NotJson> {
        if self.take(byte) { Ok(()) } else { Err(NotJson) }
    }

    /// After an element of a list or an object: whether another one follows; otherwise the `close` was passed over.
    pub(crate) fn more(&mut self, close: u8) -> Result<bool, NotJson> {
        if self.take(b',') {
            return Ok(true);
        }
        self.expect(close).map(|()| false)
    }

    /// Nothing but white space follows.
    pub(crate) fn end(mut self) -> Result<(), NotJson> {
        if self.peek().is_none() { Ok(()) } else { Err(NotJson) }
    }

    /// Where the next byte is that is no white space.
    pub(crate) fn place(&mut self) -> usize {
        self.peek();
        self.at
    }

    /// The text from a place to here.
    pub(crate) fn since(&self, place: usize) -> &'a str {
        &self.text[place..self.at]
    }

    /// Passes over a key with its colon, and returns it with its quotes.
    pub(crate) fn key(&mut self) -> Result<&'a str, NotJson> {
        let start = self.place();
        let (key, value) = scan::key(self.bytes(), start, &mut false)?;
        self.at = value;
        Ok(&self.text[start..start + key.len()])
    }

    /// Passes over a value.
    pub(crate) fn skip(&mut self) -> Result<(), NotJson> {
        // The brackets that are to be closed; without recursion, so that no text is too deep.
        let mut open: Vec<u8> = Vec::new();
        loop {
            let close = match self.peek().ok_or(NotJson)? {
                b'{' => b'}',
                b'[' => b']',
                _ => 0,
            };
            if close == 0 {
                self.at = scan::scalar(self.bytes(), self.at)?;
            } else {
                self.at += 1;
                if !self.take(close) {
                    if close == b'}' {
                        self.key()?;
                    }
                    open.push(close);
                    continue;
                }
            }
            loop {
                let Some(&close) = open.last() else { return Ok(()) };
                if self.more(close)? {
                    if close == b'}' {
                        self.key()?;
                    }
                    break;
                }
                open.pop();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::IgnoredAny;

    use super::*;

    fn is_taken(text: &str) -> bool {
        let mut scan = Scan::new(text);
        scan.skip().and_then(|()| scan.end()).is_ok()
    }

    /// By the same reader, as a value of which nothing is kept.
    fn is_json(text: &str) -> bool {
        serde_json::from_str::<IgnoredAny>(text).is_ok()
    }

    #[test]
    fn no_text_is_too_deep() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(is_taken(&deep));
        assert!(!is_taken(&deep[1..]));
    }

    /// Something that a JSON text may have, or that looks like it.
    fn piece() -> impl Strategy<Value = String> {
        prop_oneof![
            3 => prop::sample::select(vec!["{", "}", "[", "]", ",", ":", " ", "\n", "\"a\"", "\"\"", "\"a\":", "null", "true"])
                .prop_map(str::to_owned),
            1 => r"-?[0-9]{0,3}(\.[0-9]{0,2})?([eE][+-]?[0-9]{0,2})?",
            1 => "\"[a-z \\\\\"/u0-9\u{1}\u{7f}é]{0,12}\"",
            1 => prop::sample::select(vec!["nul", "falsey", "+1", "01", "-", "1.", ".5", "'a'", "\\", "\t", "\u{c}", "é"])
                .prop_map(str::to_owned),
        ]
    }

    proptest! {
        #[test]
        fn what_is_json_is_said_alike(pieces in prop::collection::vec(piece(), 0..8)) {
            let text = pieces.concat();
            prop_assert_eq!(is_taken(&text), is_json(&text), "{}", text);
        }
    }
}
