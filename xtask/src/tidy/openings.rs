//! Every source file opens by saying what it is for.

use super::Problem;
use crate::repository::File;

pub(super) fn check(file: &File) -> Vec<Problem> {
    if !file.is_rust() || file.text.starts_with("//!") {
        return Vec::new();
    }
    vec![Problem::new(
        &file.path,
        1,
        "the file does not open with `//!`",
        "say in its first line what the file is for",
    )]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::lines;

    #[test]
    fn a_file_that_does_not_say_what_it_is_for_is_reported() {
        let expected =
            ["a.rs:1: the file does not open with `//!`; say in its first line what the file is for"];
        assert_eq!(lines(&check(&File::new("a.rs", "use std::fmt;\n//! Late.\n"))), expected);
        assert_eq!(lines(&check(&File::new("a.rs", ""))), expected);
    }

    #[test]
    fn a_file_that_does_is_fine_and_other_languages_are_not_asked() {
        assert!(check(&File::new("a.rs", "//! What it is for.\n")).is_empty());
        assert!(check(&File::new("a.toml", "x = 1\n")).is_empty());
    }
}
