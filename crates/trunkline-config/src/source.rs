//! Texts and places in them: which file, from where to where, and the line and column of that for people.

use std::fmt;

use crate::mask::Hidden;

/// Bytes between two remembered character counts: finding a column counts at most this many bytes again,
/// also in a file that is one very long line.
const BLOCK_BYTES: usize = 1024;

/// One text among [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

/// A place in a text, in bytes; `end` is exclusive.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The text.
    pub file: FileId,
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

impl Span {
    /// The place from `start` to `end` in `file`.
    pub fn new(file: FileId, start: usize, end: usize) -> Self {
        debug_assert!(start <= end, "a span does not run backwards: {start}..{end}");
        Self { file, start: start as u32, end: end as u32 }
    }

    /// The place from the beginning of `self` to the end of `last`, which is in the same file.
    #[must_use]
    pub fn to(self, last: Self) -> Self {
        Self { file: self.file, start: self.start, end: last.end.max(self.start) }
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}..{}", self.file.0, self.start, self.end)
    }
}

/// A span as people read it: lines and columns from 1, columns in characters, the end exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    /// Line of the first character.
    pub line: usize,
    /// Column of the first character.
    pub column: usize,
    /// Line of the place after the last character.
    pub end_line: usize,
    /// Column of the place after the last character.
    pub end_column: usize,
}

/// Every text that was read for one result, by [`FileId`].
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
    /// What is not to be shown of them, or of what was made of them.
    pub(crate) hidden: Hidden,
}

impl Sources {
    /// No texts yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a text in. A byte order mark is dropped; spans and columns count without it.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        let mut text = text.into();
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        let id = FileId(self.files.len() as u32);
        self.files.push(SourceFile::new(name.into(), text));
        id
    }

    /// The name a text was added under.
    pub fn name(&self, file: FileId) -> &str {
        &self.file(file).name
    }

    /// The names of all texts, in the order in which they were added.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| file.name.as_str())
    }

    /// A text.
    pub fn text(&self, file: FileId) -> &str {
        &self.file(file).text
    }

    /// What stands at a place.
    pub fn slice(&self, span: Span) -> &str {
        &self.text(span.file)[span.start as usize..span.end as usize]
    }

    /// Line and column of a place.
    pub fn locate(&self, span: Span) -> Location {
        let file = self.file(span.file);
        let (line, column) = file.line_and_column(span.start as usize);
        let (end_line, end_column) = file.line_and_column(span.end as usize);
        Location { line, column, end_line, end_column }
    }

    /// Byte offset at which a line begins, lines counted from 1; the text's end for a line after the last.
    pub(crate) fn line_start(&self, file: FileId, line: usize) -> usize {
        let file = self.file(file);
        file.line_starts.get(line.saturating_sub(1)).map_or(file.text.len(), |&start| start as usize)
    }

    fn file(&self, file: FileId) -> &SourceFile {
        &self.files[file.0 as usize]
    }
}

#[derive(Clone, Debug)]
struct SourceFile {
    name: String,
    text: String,
    line_starts: Vec<u32>,
    /// Characters before each block of [`BLOCK_BYTES`].
    chars_before_block: Vec<u32>,
}

impl SourceFile {
    fn new(name: String, text: String) -> Self {
        let newlines = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n');
        let line_starts = std::iter::once(0).chain(newlines.map(|(at, _)| at as u32 + 1)).collect();
        let mut chars_before_block = vec![0];
        let mut chars = 0;
        for block in text.as_bytes().chunks(BLOCK_BYTES) {
            chars += count_chars(block) as u32;
            chars_before_block.push(chars);
        }
        Self { name, text, line_starts, chars_before_block }
    }

    fn line_and_column(&self, offset: usize) -> (usize, usize) {
        let line = self.line_starts.partition_point(|&start| start as usize <= offset);
        let start = self.line_starts[line - 1] as usize;
        (line, self.chars_before(offset) - self.chars_before(start) + 1)
    }

    fn chars_before(&self, offset: usize) -> usize {
        let block = offset / BLOCK_BYTES;
        let rest = &self.text.as_bytes()[block * BLOCK_BYTES..offset];
        self.chars_before_block[block] as usize + count_chars(rest)
    }
}

/// Counts the bytes that begin a character.
fn count_chars(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte & 0xC0 != 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_not_bytes() {
        let mut sources = Sources::new();
        let file = sources.add("t.tsk", "\u{feff}å: 1\nb: \"ü\" x\n");
        let at = sources.text(file).find('x').unwrap();
        let location = sources.locate(Span::new(file, at, at + 1));
        assert_eq!(location, Location { line: 2, column: 8, end_line: 2, end_column: 9 });
    }

    #[test]
    fn columns_beyond_the_first_block_are_exact() {
        let mut sources = Sources::new();
        let text = "ö".repeat(3 * BLOCK_BYTES);
        let file = sources.add("t.tsk", text.clone());
        for chars in [0, 1, BLOCK_BYTES / 2, BLOCK_BYTES, 2 * BLOCK_BYTES + 7, 3 * BLOCK_BYTES] {
            let location = sources.locate(Span::new(file, chars * 2, text.len()));
            assert_eq!((location.line, location.column), (1, chars + 1));
        }
    }
}
