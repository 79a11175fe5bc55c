//! Rust source as the checks want it: code apart from comments and strings, tests apart from the rest.
//!
//! A word in a message or in prose is not a use of it, so checks on code first blank out both.

/// The text with every comment, and every string's and character's content, replaced by spaces.
/// Line breaks stay, so that line numbers do too.
pub(crate) fn code_only(text: &str) -> String {
    let mut scanner =
        Scanner { chars: text.chars().collect(), at: 0, code: String::with_capacity(text.len()) };
    while scanner.at < scanner.chars.len() {
        scanner.step();
    }
    scanner.code
}

/// Whether the line with this index belongs to tests: the whole file where its path says so, else what comes after
/// `#[cfg(test)]` on a module.
pub(crate) fn test_lines_begin(path: &str, code: &str) -> usize {
    if path.split('/').any(|part| part == "tests" || part == "tests.rs") {
        return 0;
    }
    let lines: Vec<&str> = code.lines().map(str::trim).collect();
    lines
        .windows(2)
        .position(|pair| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{'))
        .unwrap_or(lines.len())
}

struct Scanner {
    chars: Vec<char>,
    at: usize,
    code: String,
}

impl Scanner {
    fn step(&mut self) {
        match (self.peek(0), self.peek(1)) {
            (Some('/'), Some('/')) => self.blank_while(|scanner| scanner.peek(0) != Some('\n')),
            (Some('/'), Some('*')) => self.block_comment(),
            (Some('r'), Some('"' | '#')) if self.raw_prefix_may_start() => self.raw_string_or_name(),
            (Some('"'), _) => self.quoted('"'),
            (Some('\''), Some('\\')) => self.quoted('\''),
            (Some('\''), Some(_)) if self.peek(2) == Some('\'') => self.quoted('\''),
            _ => self.keep(),
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some('/'), Some('*')) => depth += 1,
                (Some('*'), Some('/')) => depth -= 1,
                (None, _) => return,
                _ => {
                    self.blank();
                    continue;
                }
            }
            self.blank();
            self.blank();
            if depth == 0 {
                return;
            }
        }
    }

    /// `r"` and `br"` open a raw string; the `r` that ends a longer word does not.
    fn raw_prefix_may_start(&self) -> bool {
        let is_word = |at: Option<usize>| {
            at.and_then(|at| self.chars.get(at)).is_some_and(|char| char.is_alphanumeric() || *char == '_')
        };
        match self.at.checked_sub(1).map(|at| self.chars[at]) {
            Some('b' | 'c') => !is_word(self.at.checked_sub(2)),
            _ => !is_word(self.at.checked_sub(1)),
        }
    }

    fn raw_string_or_name(&mut self) {
        self.keep();
        let mut hashes = 0;
        while self.peek(0) == Some('#') {
            hashes += 1;
            self.keep();
        }
        if self.peek(0) != Some('"') {
            return; // A raw name such as `r#type`.
        }
        self.keep();
        self.blank_while(|scanner| {
            scanner.peek(0) != Some('"') || (1..=hashes).any(|ahead| scanner.peek(ahead) != Some('#'))
        });
        self.keep();
    }

    fn quoted(&mut self, quote: char) {
        self.keep();
        while let Some(char) = self.peek(0) {
            if char == quote {
                break;
            }
            if char == '\\' {
                self.blank();
            }
            self.blank();
        }
        self.keep();
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn blank_while(&mut self, goes_on: impl Fn(&Self) -> bool) {
        while self.at < self.chars.len() && goes_on(self) {
            self.blank();
        }
    }

    fn blank(&mut self) {
        if let Some(char) = self.peek(0) {
            self.code.push(if char == '\n' { '\n' } else { ' ' });
            self.at += 1;
        }
    }

    fn keep(&mut self) {
        if let Some(char) = self.peek(0) {
            self.code.push(char);
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(code_only(text), expected);
        assert_eq!(code_only(text).lines().count(), text.lines().count());
    }

    #[test]
    fn comments_are_blanked() {
        check("a // b\nc", "a     \nc");
        check("a /* b /* c\n */ d */ e", "a          \n         e");
        check("/* never closed", "               ");
    }

    #[test]
    fn the_content_of_strings_is_blanked() {
        check(r#"f("a // b", c)"#, r#"f("      ", c)"#);
        check(r#""\"x" y"#, r#""   " y"#);
        check("r#\"a\"b\"# c", "r#\"   \"# c");
        check("br\"a\\\" c", "br\"  \" c");
        check("\"never closed", "\"            ");
    }

    #[test]
    fn names_that_end_in_r_open_no_raw_string() {
        check("for\"a\"b", "for\" \"b");
        check("r#type r#\"x\"#", "r#type r#\" \"#");
    }

    #[test]
    fn characters_are_not_lifetimes() {
        check("'\"' x \"y\"", "' ' x \" \"");
        check(r"'\'' x", "'  ' x");
        check("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)");
    }

    #[test]
    fn tests_begin_where_the_path_or_the_attribute_says() {
        let code = "fn f() {}\n#[cfg(test)]\nmod tests {\n}\n";
        assert_eq!(test_lines_begin("crates/a/src/x.rs", code), 1);
        assert_eq!(test_lines_begin("crates/a/tests/it/x.rs", code), 0);
        assert_eq!(test_lines_begin("crates/a/src/tests.rs", code), 0);
        assert_eq!(test_lines_begin("crates/a/src/x.rs", "#[cfg(test)]\nmod tests;\nfn f() {}\n"), 3);
    }
}
