//! Text for people: on one line, within a width, safe for a terminal.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The text without anything that would move a terminal's cursor: line breaks and tabs become spaces, other
/// control characters are escaped.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => line.push(' '),
            c if c.is_control() => line.extend(c.escape_unicode()),
            c => line.push(c),
        }
    }
    line
}

/// The text, or as much of it as fits the width, with an ellipsis.
pub(crate) fn shorten(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut short = String::new();
    let mut room = width.saturating_sub(1);
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if wide > room {
            break;
        }
        room -= wide;
        short.push(c);
    }
    short.push('…');
    short
}

/// The lines of a text of which the first has one width and the others another; broken at spaces where there are some,
/// and nothing is lost but those.
pub(crate) fn wrap(text: &str, first: usize, width: usize) -> Vec<String> {
    let (mut lines, mut line) = (Vec::new(), String::new());
    let mut room = first.max(1);
    for word in text.split(' ') {
        let mut word = word;
        if !line.is_empty() && exceeds(word, room.checked_sub(line.width() + 1)) {
            lines.push(line.trim_end().to_owned());
            line.clear();
            room = width.max(1);
        } else if !line.is_empty() {
            line.push(' ');
        }
        while exceeds(word, room.checked_sub(line.width())) {
            let end = fitting(word, room.saturating_sub(line.width()));
            line.push_str(&word[..end]);
            word = &word[end..];
            if word.is_empty() {
                // A letter that is wider than the room.
                break;
            }
            lines.push(std::mem::take(&mut line));
            room = width.max(1);
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// Whether a word is wider than the room, if there is any; no more of it is looked at than that takes.
fn exceeds(word: &str, room: Option<usize>) -> bool {
    let Some(room) = room else { return true };
    let mut taken = 0;
    word.chars().any(|c| {
        taken += c.width().unwrap_or(0);
        taken > room
    })
}

/// Where the part of a word ends that fits the room; one letter at least.
fn fitting(word: &str, room: usize) -> usize {
    let mut taken = 0;
    for (at, c) in word.char_indices() {
        taken += c.width().unwrap_or(0);
        if taken > room && at > 0 {
            return at;
        }
    }
    word.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_wrapped_and_nothing_is_lost() {
        for (text, first, width, wanted) in [
            ("", 5, 5, &[""][..]),
            ("nobody is home", 20, 20, &["nobody is home"]),
            ("nobody is home", 9, 9, &["nobody is", "home"]),
            ("nobody is home", 6, 12, &["nobody", "is home"]),
            ("nobody  home", 8, 8, &["nobody", "home"]),
            ("abcdefgh ij", 3, 4, &["abc", "defg", "h ij"]),
            ("日本語", 4, 4, &["日本", "語"]),
            ("日本", 1, 1, &["日", "本"]),
        ] {
            assert_eq!(wrap(text, first, width), wanted, "{text}");
        }
    }

    #[test]
    fn a_word_without_an_end_is_wrapped_in_linear_time() {
        // A million lines: looked at as a whole for each of them, it would take for ever.
        let lines = wrap(&"x".repeat(8 << 20), 8, 8);
        assert_eq!(lines.len(), 1 << 20);
    }

    #[test]
    fn nothing_moves_the_cursor() {
        assert_eq!(one_line("a\n\tb\u{1b}[2Jc\u{9b}"), "a  b\\u{1b}[2Jc\\u{9b}");
    }

    #[test]
    fn a_text_is_shortened_to_its_width_on_the_screen() {
        assert_eq!(shorten("abcdef", 6), "abcdef");
        assert_eq!(shorten("abcdefg", 6), "abcde…");
        assert_eq!(shorten("日本語", 5), "日本…");
        assert_eq!(shorten("abc", 0), "…");
    }
}
