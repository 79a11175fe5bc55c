//! The patterns of `matches`: those of RE2, which CEL names, for a library that reads nearly the same.
//!
//! What differs is rewritten. In RE2 `\d`, `\w`, `\s` and `\b` are about ASCII, and within brackets `[`, `&` and `~`
//! stand for themselves, as `\<` and `\>` do everywhere, and all between `\Q` and `\E`. Both find a match in time that
//! grows with the text alone.

use crate::limits::PATTERN_BYTES_MAX;
use regex::{Regex, RegexBuilder};

/// The pattern, or why it is none.
pub(crate) fn compile(written: &str) -> Result<Regex, String> {
    RegexBuilder::new(&rewritten(written)).size_limit(PATTERN_BYTES_MAX).build().map_err(|error| match &error
    {
        regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
        // The last line of several says what is wrong.
        _ => error.to_string().lines().last().unwrap_or_default().replace("error: ", ""),
    })
}

fn rewritten(written: &str) -> String {
    let mut out = String::with_capacity(written.len());
    let mut rest = written;
    let mut inside = false;
    while let Some(char) = rest.chars().next() {
        let mut length = char.len_utf8();
        match char {
            '\\' if rest.starts_with("\\Q") => {
                let literal = rest[2..].split("\\E").next().unwrap_or_default();
                length = (2 + literal.len() + 2).min(rest.len());
                out.push_str(&regex::escape(literal));
            }
            '\\' => {
                let escaped = rest[1..].chars().next();
                length += escaped.map_or(0, char::len_utf8);
                out.push_str(ascii(escaped, inside).unwrap_or(&rest[..length]));
            }
            '[' if !inside => {
                inside = true;
                length = ["[^]", "[]", "[^"]
                    .iter()
                    .find(|open| rest.starts_with(**open))
                    .map_or(1, |open| open.len());
                // The first bracket that closes stands for itself.
                out.push_str(&rest[..length].replace(']', "\\]"));
            }
            '[' if rest.starts_with("[:") => {
                length = rest.find(":]").map_or(1, |end| end + 2);
                out.push_str(&rest[..length]);
            }
            ']' => {
                inside = false;
                out.push(']');
            }
            '[' | '&' | '~' if inside => out.extend(['\\', char]),
            _ => out.push(char),
        }
        rest = &rest[length..];
    }
    out
}

/// What stands for the letter behind a backslash.
fn ascii(letter: Option<char>, inside: bool) -> Option<&'static str> {
    Some(match letter? {
        'd' => "[0-9]",
        'D' => "[^0-9]",
        'w' => "[0-9A-Za-z_]",
        'W' => "[^0-9A-Za-z_]",
        's' => r"[\t\n\f\r ]",
        'S' => r"[^\t\n\f\r ]",
        'b' if !inside => r"(?-u:\b)",
        'B' if !inside => r"(?-u:\B)",
        // The library takes these for the edges of words.
        '<' => "<",
        '>' => ">",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_found(pattern: &str, text: &str) -> bool {
        compile(pattern).unwrap().is_match(text)
    }

    #[test]
    fn the_letters_behind_a_backslash_are_about_ascii() {
        for (pattern, text) in [
            (r"^\d$", "3"),
            (r"^\D$", "٣"),
            (r"^[\d.]+$", "3.14"),
            (r"^[^\d]$", "٣"),
            (r"^[\D]$", "٣"),
            (r"^\w+$", "a_B9"),
            (r"^\W$", "é"),
            (r"^\s+$", " \t\r\n\x0c"),
            (r"^\S$", "\u{a0}"),
            (r"^\S$", "\x0b"),
            (r"é\b", "éa"),
            (r"\Bé", "é"),
            (r"^\<[\>]$", "<>"),
            (r"^\Qa.\d\E\d$", r"a.\d3"),
            (r"^\Q[(", "[("),
            (r"^\\d$", r"\d"),
            (r"^[\\d]+$", r"\d"),
            (r"(?i)^É$", "é"),
            (r"^.$", "€"),
            (r"^\p{L}$", "é"),
        ] {
            assert!(is_found(pattern, text), "{pattern} {text:?}");
        }
        for (pattern, text) in [
            (r"\d", "٣"),
            (r"[\d]", "٣"),
            (r"\w", "é"),
            (r"[\w-]", "é"),
            (r"\s", "\u{a0}"),
            (r"\s", "\x0b"),
            (r"é\b", "é!"),
        ] {
            assert!(!is_found(pattern, text), "{pattern} {text:?}");
        }
    }

    #[test]
    fn signs_within_brackets_stand_for_themselves() {
        for (pattern, text) in [
            ("^[[]$", "["),
            ("^[a&&b]+$", "a&b"),
            ("^[~~]$", "~"),
            ("^[]a]+$", "]a"),
            ("^[^]a]$", "b"),
            ("^[a^]$", "^"),
            ("^[[:alpha:]&]+$", "a&"),
            (r"^[\]]$", "]"),
            ("^[a-c]$", "b"),
        ] {
            assert!(is_found(pattern, text), "{pattern} {text:?}");
        }
        assert!(!is_found("^[^]a]$", "]"));
        assert!(!is_found("^[a&&b]$", "c"));
    }

    #[test]
    fn what_is_no_pattern_says_why() {
        assert_eq!(compile("(").unwrap_err(), "unclosed group");
        assert_eq!(compile("[a").unwrap_err(), "unclosed character class");
        assert_eq!(compile("a{1000}{1000}{1000}").unwrap_err(), "it is too large");
        assert!(compile("\\").is_err());
    }
}
