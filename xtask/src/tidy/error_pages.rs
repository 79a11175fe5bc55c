//! Every error code has a page that explains it, and every page a code that is still in use.
//!
//! A code is `TL` and four digits. Tests may name codes that nobody has, so their lines don't count.

use std::collections::BTreeMap;

use super::Problem;
use crate::repository::File;
use crate::rust_source::{code_only, test_lines_begin};

const PAGES: &str = "docs/errors/";

pub(super) fn check(files: &[File]) -> Vec<Problem> {
    let used = codes_in_use(files);
    let pages: BTreeMap<&str, &File> =
        files.iter().filter_map(|file| Some((page_name(&file.path)?, file))).collect();
    let mut problems = Vec::new();
    for (code, (path, line)) in &used {
        if !pages.contains_key(code.as_str()) {
            let remedy = format!("write {PAGES}{code}.md: what happened, why, and what to do");
            problems.push(Problem::new(path, *line, format!("{code} has no page"), remedy));
        }
    }
    for (name, file) in pages {
        if !is_code(name) {
            let remedy = "name it after the code, `TL` and four digits";
            problems.push(Problem::new(&file.path, 1, "the page's name is not an error code", remedy));
        } else if !used.contains_key(name) {
            let remedy = "remove the page, or use the code where the error is made";
            problems.push(Problem::new(&file.path, 1, format!("no source mentions {name}"), remedy));
        }
    }
    problems
}

/// Each code with the first place that mentions it.
fn codes_in_use(files: &[File]) -> BTreeMap<String, (&str, usize)> {
    let mut used = BTreeMap::new();
    for file in files.iter().filter(|file| is_source(file)) {
        let tests_begin = test_lines_begin(&file.path, &code_only(&file.text));
        for (line, text) in (1..).zip(file.text.lines().take(tests_begin)) {
            for code in codes(text) {
                used.entry(code.to_owned()).or_insert((file.path.as_str(), line));
            }
        }
    }
    used
}

fn is_source(file: &File) -> bool {
    let mut parts = file.path.split('/');
    file.is_rust() && parts.next() == Some("crates") && parts.any(|part| part == "src")
}

/// The name of a page among the error pages; their overview is none.
fn page_name(path: &str) -> Option<&str> {
    path.strip_prefix(PAGES)?.strip_suffix(".md").filter(|name| *name != "README")
}

fn codes(text: &str) -> impl Iterator<Item = &str> {
    text.split(|char: char| !(char.is_alphanumeric() || char == '_')).filter(|word| is_code(word))
}

fn is_code(word: &str) -> bool {
    word.strip_prefix("TL")
        .is_some_and(|digits| digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::lines;

    #[test]
    fn a_code_without_a_page_is_reported_once() {
        let source = File::new("crates/a/src/x/y.rs", "//! X.\nf(\"TL0042\");\ng(\"TL0042\");\n");
        assert_eq!(
            lines(&check(&[source])),
            ["crates/a/src/x/y.rs:2: TL0042 has no page; \
                 write docs/errors/TL0042.md: what happened, why, and what to do"]
        );
    }

    #[test]
    fn a_page_that_no_source_mentions_is_reported() {
        let page = File::new("docs/errors/TL0007.md", "# TL0007\n");
        let source = File::new("crates/a/src/x.rs", "//! X.\nf(TL00071, XTL0007);\n");
        assert_eq!(
            lines(&check(&[page, source])),
            ["docs/errors/TL0007.md:1: no source mentions TL0007; \
                 remove the page, or use the code where the error is made"]
        );
    }

    #[test]
    fn a_page_that_is_not_a_code_is_reported() {
        let page = File::new("docs/errors/TL7.md", "# TL7\n");
        assert_eq!(
            lines(&check(&[page])),
            ["docs/errors/TL7.md:1: the page's name is not an error code; \
                 name it after the code, `TL` and four digits"]
        );
    }

    #[test]
    fn a_code_with_its_page_is_fine() {
        let files = [
            File::new("crates/a/src/x.rs", "//! X.\nf(\"TL0042: bad\");\n"),
            File::new("docs/errors/TL0042.md", "# TL0042\n"),
            File::new("docs/errors/README.md", "# Errors\n"),
        ];
        assert_eq!(lines(&check(&files)), Vec::<String>::new());
    }

    #[test]
    fn codes_in_tests_and_elsewhere_do_not_count() {
        let files = [
            File::new("crates/a/src/x.rs", "//! X.\n#[cfg(test)]\nmod tests {\n    f(\"TL9999\");\n}\n"),
            File::new("crates/a/tests/it/main.rs", "f(\"TL9999\");\n"),
            File::new("docs/explanation.md", "TL9999\n"),
        ];
        assert_eq!(lines(&check(&files)), Vec::<String>::new());
    }
}
