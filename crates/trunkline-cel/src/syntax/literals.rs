//! What numbers and texts in quotes stand for.

use crate::mistake::{Mistake, MistakeKind};
use crate::value::{Repr, Value};
use std::ops::Range;

/// The value of a number's letters, behind a minus or not. The range has both.
pub(super) fn number(text: &str, negative: bool, range: Range<usize>) -> Result<Value, Mistake> {
    let sign = if negative { "-" } else { "" };
    let (digits, radix) = text.strip_prefix("0x").map_or((text, 10), |digits| (digits, 16));
    if let Some(digits) = digits.strip_suffix(['u', 'U'])
        && is_integer(digits, radix)
    {
        let message = format!("there are no unsigned integers, such as `{text}`");
        let help = format!("write `{}`", &text[..text.len() - 1]);
        return Err(Mistake::new(MistakeKind::Unsupported, range, message).help(help));
    }
    if is_integer(digits, radix) {
        let size = u64::from_str_radix(digits, radix).ok();
        let value =
            size.and_then(
                |size| {
                    if negative { 0_i64.checked_sub_unsigned(size) } else { i64::try_from(size).ok() }
                },
            );
        return value.map(Value::from).ok_or_else(|| {
            let message = format!("the integer {sign}{text} does not fit 64 bits");
            Mistake::new(MistakeKind::Constant, range, message)
        });
    }
    // Rust reads more than CEL, such as `1_0`, `1.` or `inf`; of what begins like a number, this is what is left.
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    match text.parse::<f64>() {
        Ok(number) if plain && number.is_finite() => {
            Ok(Value(Repr::Double(if negative { -number } else { number })))
        }
        Ok(_) if plain => {
            let message = format!("the number {sign}{text} is too large");
            Err(Mistake::new(MistakeKind::Constant, range, message))
        }
        _ => Err(Mistake::new(MistakeKind::Syntax, range, format!("`{sign}{text}` is not a number"))),
    }
}

fn is_integer(digits: &str, radix: u32) -> bool {
    !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix))
}

/// The value of a text with its quotes and prefixes, which begins at this byte.
pub(super) fn quoted(text: &str, start: usize) -> Result<Value, Vec<Mistake>> {
    let prefix = text.find(['"', '\'']).unwrap_or(0);
    let (raw, bytes) = (text[..prefix].contains(['r', 'R']), text[..prefix].contains(['b', 'B']));
    let marked = &text[prefix..];
    let mark =
        if marked.len() >= 6 && (marked.starts_with("'''") || marked.starts_with("\"\"\"")) { 3 } else { 1 };
    let content = &marked[mark..marked.len() - mark];
    if raw || !content.contains('\\') {
        return Ok(if bytes { Value(Repr::Bytes(content.as_bytes().into())) } else { Value::from(content) });
    }
    let unescaped = Unescaped::of(content, bytes, start + prefix + mark);
    if !unescaped.mistakes.is_empty() {
        return Err(unescaped.mistakes);
    }
    Ok(match String::from_utf8(unescaped.out) {
        Ok(text) if !bytes => Value::from(text),
        Ok(text) => Value(Repr::Bytes(text.into_bytes().into())),
        Err(error) => Value(Repr::Bytes(error.into_bytes().into())),
    })
}

struct Unescaped {
    out: Vec<u8>,
    mistakes: Vec<Mistake>,
}

impl Unescaped {
    fn of(content: &str, bytes: bool, start: usize) -> Unescaped {
        let mut unescaped = Unescaped { out: Vec::with_capacity(content.len()), mistakes: Vec::new() };
        let mut rest = content;
        while let Some(at) = rest.find('\\') {
            unescaped.out.extend_from_slice(&rest.as_bytes()[..at]);
            rest = &rest[at..];
            let length = if let Some((code, length)) = escape(rest, bytes) {
                unescaped.push(code, bytes);
                length
            } else {
                let letter = rest[1..].chars().next().unwrap_or(' ');
                let length = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
                let from = start + content.len() - rest.len();
                let message = format!("`\\{letter}` is not an escape, or not a whole one");
                let mistake = Mistake::new(MistakeKind::Syntax, from..from + length, message);
                let help =
                    "a backslash is written `\\\\`; in a text that begins with r' it stands for itself";
                unescaped.mistakes.push(mistake.help(help));
                length
            };
            rest = &rest[length..];
        }
        unescaped.out.extend_from_slice(rest.as_bytes());
        unescaped
    }

    fn push(&mut self, code: char, bytes: bool) {
        if bytes {
            // No escape of bytes has more than eight bits.
            self.out.push(code as u8);
        } else {
            self.out.extend_from_slice(code.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}

/// The character that the escape at the beginning stands for, or the byte of that number, and the escape's length.
fn escape(text: &str, bytes: bool) -> Option<(char, usize)> {
    let (skipped, digits, radix) = match text.as_bytes().get(1)? {
        b'a' => return Some(('\u{7}', 2)),
        b'b' => return Some(('\u{8}', 2)),
        b'f' => return Some(('\u{c}', 2)),
        b'n' => return Some(('\n', 2)),
        b'r' => return Some(('\r', 2)),
        b't' => return Some(('\t', 2)),
        b'v' => return Some(('\u{b}', 2)),
        plain @ (b'"' | b'\'' | b'\\' | b'?' | b'`') => return Some((char::from(*plain), 2)),
        b'x' | b'X' => (2, 2, 16),
        b'u' if !bytes => (2, 4, 16),
        b'U' if !bytes => (2, 8, 16),
        b'0'..=b'3' => (1, 3, 8),
        _ => return None,
    };
    let digits = text.get(skipped..skipped + digits)?;
    if !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    let code = u32::from_str_radix(digits, radix).ok()?;
    Some((char::from_u32(code)?, skipped + digits.len()))
}
