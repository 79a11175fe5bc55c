//! The outline of data: names and kinds, all the way down, and of values no more than their signs and whether a text is
//! empty, which is what most rules for shapes ask.
//!
//! It is written while the bytes are gone over once, and nothing is made of them. What is not written as usual (a
//! name with an escape, a number with an exponent) has no outline, as what is no JSON has none: who needs to know
//! more of it reads it with care.

/// How deep data may be.
const DEPTH_MAX: u32 = 32;

/// How long a number may be; longer ones may be too large for anything.
const NUMBER_BYTES_MAX: usize = 20;

/// The marks of kinds. No name has such bytes, so a name ends where its value's mark stands.
mod mark {
    pub(super) const NULL: u8 = 1;
    pub(super) const BOOLEAN: u8 = 2;
    pub(super) const EMPTY: u8 = 3;
    pub(super) const STRING: u8 = 4;
    pub(super) const ARRAY: u8 = 5;
    pub(super) const OBJECT: u8 = 6;
    pub(super) const END: u8 = 7;
    /// Of numbers the first of three: negative, zero, positive.
    pub(super) const INTEGER: u8 = 8;
    /// A number with a fraction of nothing but zeros, which is an integer to some.
    pub(super) const WHOLE: u8 = 11;
    pub(super) const NUMBER: u8 = 14;
}

/// Adds the outline of data: the same bytes for data with the same names of the same kinds and signs in the same order, and
/// for no others. Items of a list count once for as many as are alike.
///
/// False where there is none, and then what was added means nothing.
pub(super) fn outline(data: &[u8], marks: &mut Vec<u8>) -> bool {
    let mut scan = Scan { data, at: 0, marks };
    scan.value(DEPTH_MAX).is_some() && {
        scan.space();
        scan.at == data.len()
    }
}

struct Scan<'a> {
    data: &'a [u8],
    at: usize,
    marks: &'a mut Vec<u8>,
}

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.data.get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn take(&mut self, text: &[u8]) -> Option<()> {
        self.data[self.at..].starts_with(text).then(|| self.at += text.len())
    }

    fn value(&mut self, depth: u32) -> Option<()> {
        self.space();
        let mark = match self.peek()? {
            b'"' => {
                let start = self.at;
                self.string()?;
                if self.at - start == 2 { mark::EMPTY } else { mark::STRING }
            }
            b'{' => return self.object(depth.checked_sub(1)?),
            b'[' => return self.array(depth.checked_sub(1)?),
            b't' => {
                self.take(b"true")?;
                mark::BOOLEAN
            }
            b'f' => {
                self.take(b"false")?;
                mark::BOOLEAN
            }
            b'n' => {
                self.take(b"null")?;
                mark::NULL
            }
            _ => self.number()?,
        };
        self.marks.push(mark);
        Some(())
    }

    fn object(&mut self, depth: u32) -> Option<()> {
        self.at += 1;
        self.marks.push(mark::OBJECT);
        self.space();
        if self.peek()? == b'}' {
            self.at += 1;
            self.marks.push(mark::END);
            return Some(());
        }
        loop {
            self.space();
            if self.peek()? != b'"' {
                return None;
            }
            let start = self.at + 1;
            if self.string()? == Written::WithEscapes {
                return None;
            }
            self.marks.extend_from_slice(&self.data[start..self.at - 1]);
            self.space();
            self.take(b":")?;
            self.value(depth)?;
            self.space();
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => break,
                _ => return None,
            }
        }
        self.at += 1;
        self.marks.push(mark::END);
        Some(())
    }

    fn array(&mut self, depth: u32) -> Option<()> {
        self.at += 1;
        self.marks.push(mark::ARRAY);
        self.space();
        if self.peek()? == b']' {
            self.at += 1;
            self.marks.push(mark::END);
            return Some(());
        }
        let mut before = self.marks.len()..self.marks.len();
        loop {
            let start = self.marks.len();
            self.value(depth)?;
            if self.marks[start..] == self.marks[before.clone()] {
                self.marks.truncate(start);
            } else {
                before = start..self.marks.len();
            }
            self.space();
            match self.peek()? {
                b',' => self.at += 1,
                b']' => break,
                _ => return None,
            }
        }
        self.at += 1;
        self.marks.push(mark::END);
        Some(())
    }

    /// Goes over a text, up to behind its last quote.
    fn string(&mut self) -> Option<Written> {
        self.at += 1;
        let start = self.at;
        let (mut written, mut is_ascii) = (Written::Plainly, true);
        loop {
            self.at += plain(&self.data[self.at..]);
            match self.peek()? {
                b'"' => break,
                b'\\' => {
                    written = Written::WithEscapes;
                    self.escape()?;
                }
                0x80.. => {
                    is_ascii = false;
                    self.at += 1;
                }
                ..0x20 => return None,
                _ => self.at += 1,
            }
        }
        if !is_ascii {
            std::str::from_utf8(&self.data[start..self.at]).ok()?;
        }
        self.at += 1;
        Some(written)
    }

    fn escape(&mut self) -> Option<()> {
        self.at += 2;
        match self.data.get(self.at - 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => match self.hex()? {
                // Two of them are one character, in this order alone.
                0xD800..0xDC00 => {
                    self.take(b"\\u")?;
                    (0xDC00..0xE000).contains(&self.hex()?).then_some(())
                }
                0xDC00..0xE000 => None,
                _ => Some(()),
            },
            _ => None,
        }
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.data.get(self.at..self.at + 4)?;
        self.at += 4;
        digits.iter().try_fold(0, |number, digit| Some(number * 16 + char::from(*digit).to_digit(16)?))
    }

    fn number(&mut self) -> Option<u8> {
        let start = self.at;
        let mut sign = if self.peek()? == b'-' { 0 } else { 2 };
        if self.peek()? == b'-' {
            self.at += 1;
        }
        match self.peek()? {
            // Whether -0 is an integer depends on who is asked.
            b'0' if self.at > start => return None,
            b'0' => {
                self.at += 1;
                sign = 1;
            }
            b'1'..=b'9' => self.digits(),
            _ => return None,
        }
        let mut mark = mark::INTEGER;
        if self.peek() == Some(b'.') {
            self.at += 1;
            let fraction = self.at;
            self.digits();
            let fraction = &self.data[fraction..self.at];
            mark = match fraction {
                [] => return None,
                digits if digits.iter().all(|digit| *digit == b'0') => mark::WHOLE,
                _ => {
                    // 0.5 begins with a zero and is none.
                    sign *= 2 / sign.max(1);
                    mark::NUMBER
                }
            };
        }
        let is_usual = !matches!(self.peek(), Some(b'e' | b'E')) && self.at - start <= NUMBER_BYTES_MAX;
        is_usual.then_some(mark + sign)
    }

    fn digits(&mut self) {
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
    }
}

/// How a text is written.
#[derive(PartialEq, Eq)]
enum Written {
    Plainly,
    WithEscapes,
}

/// How many bytes from the beginning on can be passed over in a text, eight at a time.
fn plain(data: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES * 0x80;
    // A byte of it is zero exactly where the high bit of the result is set, for bytes below 0x80.
    let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let mut passed = 0;
    for word in data.chunks_exact(8) {
        let word = u64::from_le_bytes(word.try_into().expect("it has eight bytes"));
        let quote = zero(word ^ (ONES * u64::from(b'"')));
        let escape = zero(word ^ (ONES * u64::from(b'\\')));
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        let stops = quote | escape | control | (word & HIGH);
        if stops != 0 {
            return passed + stops.trailing_zeros() as usize / 8;
        }
        passed += 8;
    }
    passed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(data: &str) -> Option<Vec<u8>> {
        let mut marks = Vec::new();
        outline(data.as_bytes(), &mut marks).then_some(marks)
    }

    #[test]
    fn data_has_one_outline_only_if_nothing_but_its_values_differs() {
        for (one, other) in [
            (r#"{"a":1,"b":"x"}"#, r#" { "a" : 20 , "b":"\ud83d\ude00 \"\u00e4\\ ä" } "#),
            (r#"{"a":[1,2,3]}"#, r#"{"a":[9,10]}"#),
            (r#"{"a":[{"b":1},{"b":2}],"c":true}"#, r#"{"a":[{"b":1}],"c":false}"#),
            ("1.50", "0.25"),
            ("-1.5", "-20.25"),
            ("1.0", "20.00"),
        ] {
            assert!(of(one).is_some() && of(one) == of(other), "{one} {other}");
        }
        let all: Vec<Vec<u8>> = [
            "{}",
            "[]",
            "1",
            "0",
            "-1",
            "1.0",
            "0.0",
            "-1.0",
            "1.5",
            "-1.5",
            "null",
            "true",
            r#""x""#,
            r#""""#,
            r#"{"a":1}"#,
            r#"{"a":1.0}"#,
            r#"{"b":1}"#,
            r#"{"a":1,"b":1}"#,
            r#"{"b":1,"a":1}"#,
            r#"{"a":{"b":1}}"#,
            r#"{"a":{},"b":1}"#,
            r#"{"":1}"#,
            r#"{"":{}}"#,
            "[1]",
            "[[]]",
            r#"[1,"x"]"#,
            r#"[1,"x",1]"#,
            r#"[{"b":1},{}]"#,
            r#"{"a":1,"a":1}"#,
            r#"{"a":null}"#,
        ]
        .map(|data| of(data).unwrap())
        .into();
        for (at, one) in all.iter().enumerate() {
            assert!(!all[at + 1..].contains(one), "{at}");
        }
    }

    #[test]
    fn what_is_not_written_as_usual_has_none() {
        let deep = "[".repeat(40) + &"]".repeat(40);
        for data in [
            "",
            " ",
            "nul",
            "{",
            "[",
            "[1,]",
            r#"{"a"}"#,
            r#"{"a":1,}"#,
            r#"{"a":1 "b":2}"#,
            "{} {}",
            "01",
            "-",
            "-0",
            "1.",
            ".5",
            "1e5",
            "1E5",
            "123456789012345678901",
            r#"{"\u0061":1}"#,
            r#""\x""#,
            r#""\u12g4""#,
            r#""\ud83d""#,
            r#""\ud83dx""#,
            r#""\ude00""#,
            "\"\n\"",
            "\"\u{1f}       \"",
            "\"abc",
            "\"abcdefgh\\",
            "tru",
            "truee",
            "{a:1}",
            &deep,
        ] {
            assert_eq!(of(data), None, "{data}");
        }
        assert!(!outline(b"\"\xff\"", &mut Vec::new()) && !outline(b"\"aaaaaaaaaa\xe4bc\"", &mut Vec::new()));
    }

    #[test]
    fn what_has_an_outline_is_json_and_what_is_usual_json_has_one() {
        let mut random = fastrand::Rng::with_seed(7);
        let parts = [
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"a\"",
            "\"b c\"",
            "1",
            "-3",
            "2.5",
            "1.0",
            "true",
            "null",
            " ",
            "\"\\n\"",
            "\"",
            "\\",
            "é",
            "\"é\"",
            "\\u0041",
            "0",
            "longer text than eight bytes",
            "\u{7f}",
            "\u{1}",
        ];
        let (mut some, mut none) = (0, 0);
        for _ in 0..200_000 {
            let text: String = (0..random.u8(1..9)).map(|_| parts[random.usize(..parts.len())]).collect();
            let json = serde_json::from_str::<serde_json::Value>(&text);
            if of(&text).is_some() {
                some += 1;
                assert!(json.is_ok(), "{text}");
            } else {
                none += 1;
                assert!(json.is_err() || text.contains(['\\', '-']), "{text}");
            }
        }
        assert!(some > 1_000 && none > 1_000, "{some} {none}");
    }
}
