//! Code that must not stay: lints switched off, tests left out, unfinished ends, tests that sleep.

use super::Problem;
use crate::repository::File;
use crate::rust_source::{code_only, test_lines_begin};

/// What is banned everywhere, and what to do instead.
const ANYWHERE: &[(&str, &str)] = &[
    ("#[allow(", "write `#[expect(lint, reason = \"..\")]`, which complains once it is needless"),
    ("#![allow(", "write `#![expect(lint, reason = \"..\")]`, which complains once it is needless"),
    ("#[ignore", "assert today's answer with a `FIXME`, or make it a slow test behind `TRUNKLINE_SLOW`"),
    ("todo!(", "finish it, or return an error that says what is missing"),
    ("unimplemented!(", "finish it, or return an error that says what is missing"),
    ("dbg!(", "remove it"),
];

/// What is banned in tests only.
const IN_TESTS: &[&str] = &["thread::sleep", "time::sleep"];

pub(super) fn check(file: &File) -> Vec<Problem> {
    if !file.is_rust() {
        return Vec::new();
    }
    let code = code_only(&file.text);
    let tests_begin = test_lines_begin(&file.path, &code);
    let mut problems = Vec::new();
    for (index, text) in code.lines().enumerate() {
        for (banned, remedy) in ANYWHERE {
            if has_word(text, banned) {
                problems.push(Problem::new(
                    &file.path,
                    index + 1,
                    format!("`{banned}` is not used here"),
                    *remedy,
                ));
            }
        }
        if index >= tests_begin && sleeps(text) {
            problems.push(Problem::new(
                &file.path,
                index + 1,
                "a test sleeps",
                "wait on a condition, or move the clock",
            ));
        }
    }
    problems
}

fn sleeps(text: &str) -> bool {
    let imports = text.trim_start().starts_with("use ") && text.contains("sleep");
    imports || IN_TESTS.iter().any(|banned| has_word(text, banned))
}

/// Whether `needle` is there and is not the end of a longer name.
fn has_word(text: &str, needle: &str) -> bool {
    text.match_indices(needle)
        .any(|(at, _)| !text[..at].ends_with(|char: char| char.is_alphanumeric() || char == '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of the lines that are reported, and the problem of the first.
    fn check_text(path: &str, text: &str) -> (Vec<usize>, String) {
        let problems = check(&File::new(path, text));
        let first = problems.first().map(ToString::to_string).unwrap_or_default();
        (problems.iter().map(|problem| problem.line).collect(), first)
    }

    #[test]
    fn each_banned_piece_of_code_is_reported() {
        for (banned, remedy) in ANYWHERE {
            let (lines, first) = check_text("a.rs", &format!("//! A.\n    {banned}dead_code)]\n"));
            assert_eq!(lines, [2], "{banned}");
            assert_eq!(first, format!("a.rs:2: `{banned}` is not used here; {remedy}"));
        }
    }

    #[test]
    fn prose_strings_and_longer_names_are_not_code() {
        let text = "// todo!(x) and #[ignore]\nf(\"dbg!(x)\");\nmy_todo!(x);\n#[expect(a, reason = \"b\")]\n";
        assert_eq!(check_text("a.rs", text).0, Vec::<usize>::new());
        assert_eq!(check_text("a.md", "todo!(x)\n").0, Vec::<usize>::new());
    }

    #[test]
    fn a_test_that_sleeps_is_reported() {
        for sleep in
            ["std::thread::sleep(x);", "tokio::time::sleep(x).await;", "use tokio::time::{Instant, sleep};"]
        {
            let (lines, first) = check_text("crates/a/tests/it/b.rs", &format!("//! B.\n{sleep}\n"));
            assert_eq!(lines, [2], "{sleep}");
            assert_eq!(
                first,
                "crates/a/tests/it/b.rs:2: a test sleeps; wait on a condition, or move the clock"
            );
        }
        let inside = "fn f() { time::sleep(x) }\n#[cfg(test)]\nmod tests {\n    time::sleep(x)\n}\n";
        assert_eq!(check_text("crates/a/src/b.rs", inside).0, [4]);
    }

    #[test]
    fn a_clock_of_ones_own_may_sleep() {
        assert_eq!(check_text("crates/a/tests/it/b.rs", "clock.sleep(x);\n").0, Vec::<usize>::new());
    }
}
