//! Lines of a file: counted, without their ends, bounded.

use std::io::{self, BufRead, Read as _};

/// The longest line that is read: the largest data there can be, as base64, with room for all the rest.
pub(super) const LINE_BYTES_MAX: usize = 32 << 20;

/// What the text of a file in UTF-8 may begin with, without meaning.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads lines that hold more than white space.
#[derive(Debug)]
pub(super) struct Lines<R> {
    input: R,
    bytes_max: usize,
    /// The number of the line that was read last; the first is 1.
    number: u64,
    /// How many bytes were read.
    bytes: u64,
}

/// A line with something on it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RawLine {
    /// The line as it stands in the file, without its end.
    Whole(Vec<u8>),
    /// The line is longer than lines may be, and was not kept.
    TooLong,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R, bytes_max: usize) -> Self {
        Self { input, bytes_max, number: 0, bytes: 0 }
    }

    /// How many bytes were read so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The number of the last line that was read, blank ones included.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The next line that isn't blank, or nothing at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<RawLine>> {
        loop {
            let mut line = Vec::new();
            let limit = self.bytes_max as u64 + 2;
            let read = (&mut self.input).take(limit).read_until(b'\n', &mut line)?;
            if read == 0 {
                return Ok(None);
            }
            self.bytes += read as u64;
            self.number += 1;
            if self.number == 1 && line.starts_with(BYTE_ORDER_MARK) {
                line.drain(..BYTE_ORDER_MARK.len());
            }
            let cut_off = line.last() != Some(&b'\n') && read as u64 == limit;
            if cut_off {
                self.bytes += skip_line(&mut self.input)?;
            }
            while matches!(line.last(), Some(b'\n' | b'\r')) {
                line.pop();
            }
            if cut_off || line.len() > self.bytes_max {
                return Ok(Some(RawLine::TooLong));
            }
            if !line.trim_ascii().is_empty() {
                return Ok(Some(RawLine::Whole(line)));
            }
        }
    }
}

/// Passes over the rest of a line and says how long it was.
fn skip_line(input: &mut impl BufRead) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        let buffer = match input.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let end = buffer.iter().position(|&byte| byte == b'\n');
        let length = end.map_or(buffer.len(), |at| at + 1);
        input.consume(length);
        skipped += length as u64;
        if end.is_some() || length == 0 {
            return Ok(skipped);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, bytes_max: usize, wanted: &[(u64, Option<&str>)]) {
        let mut lines = Lines::new(io::BufReader::with_capacity(3, text.as_bytes()), bytes_max);
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            let line = match line {
                RawLine::Whole(bytes) => Some(String::from_utf8(bytes).unwrap()),
                RawLine::TooLong => None,
            };
            found.push((lines.number(), line));
        }
        let wanted: Vec<_> = wanted.iter().map(|(number, line)| (*number, line.map(str::to_owned))).collect();
        assert_eq!(found, wanted);
        assert_eq!(lines.bytes(), text.len() as u64);
    }

    #[test]
    fn blank_lines_are_counted_and_passed_over() {
        check("a\n\n \t\r\nb", 9, &[(1, Some("a")), (4, Some("b"))]);
        check("", 9, &[]);
        check("\n\n", 9, &[]);
    }

    #[test]
    fn line_ends_of_either_kind_and_a_byte_order_mark_are_no_part_of_a_line() {
        check("\u{feff}a\r\nb\n\u{feff}c\r", 9, &[(1, Some("a")), (2, Some("b")), (3, Some("\u{feff}c"))]);
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_whole() {
        let long = "x".repeat(50);
        check(&format!("ab\n{long}\r\ncd\n"), 4, &[(1, Some("ab")), (2, None), (3, Some("cd"))]);
        check(&long, 4, &[(1, None)]);
        check("abcd\r\nabcde\r\nabcdef\n", 4, &[(1, Some("abcd")), (2, None), (3, None)]);
    }
}
