//! No spaces that nobody sees: trailing ones and tabs in Rust and Markdown.
//!
//! Markdown under a crate's `tests` is data, where every byte may be the point.

use super::Problem;
use crate::repository::File;

pub(super) fn check(file: &File) -> Vec<Problem> {
    let is_data = file.is_markdown() && file.path.split('/').any(|part| part == "tests");
    if is_data || !(file.is_rust() || file.is_markdown()) {
        return Vec::new();
    }
    let mut problems = Vec::new();
    for (line, text) in (1..).zip(file.text.split('\n')) {
        if text.ends_with(char::is_whitespace) {
            problems.push(Problem::new(&file.path, line, "trailing whitespace", "remove it"));
        } else if text.contains('\t') {
            problems.push(Problem::new(&file.path, line, "a tab", "write spaces, or `\\t` in a string"));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::lines;

    #[test]
    fn trailing_whitespace_and_tabs_are_reported() {
        let text = "fine\nspace \n\ttab\ncarriage\r\n";
        assert_eq!(
            lines(&check(&File::new("a.md", text))),
            [
                "a.md:2: trailing whitespace; remove it",
                "a.md:3: a tab; write spaces, or `\\t` in a string",
                "a.md:4: trailing whitespace; remove it",
            ]
        );
        assert_eq!(check(&File::new("a.rs", text)).len(), 3);
    }

    #[test]
    fn other_files_and_test_data_keep_theirs() {
        assert!(check(&File::new("Makefile", "all:\n\tcargo test \n")).is_empty());
        assert!(check(&File::new("crates/a/tests/pages/tabs.md", "a\tb \n")).is_empty());
    }
}
