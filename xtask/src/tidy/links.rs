//! Relative links in the documents point to files that exist.

use std::collections::BTreeSet;

use super::Problem;
use crate::repository::File;

const AT_THE_ROOT: &[&str] = &["ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md"];

/// `paths` are all files of the repository, also those that are not text.
pub(super) fn check(file: &File, paths: &BTreeSet<String>) -> Vec<Problem> {
    if !is_document(file) {
        return Vec::new();
    }
    let mut problems = Vec::new();
    for (line, target) in targets(&file.text) {
        let path = target.split(['#', '?']).next().unwrap_or_default();
        if path.is_empty() || has_scheme(&target) {
            continue;
        }
        match resolve(&file.path, path) {
            None => {
                let what = format!("the link `{target}` leaves the repository");
                problems.push(Problem::new(
                    &file.path,
                    line,
                    what,
                    "link to a file inside, relative to this one",
                ));
            }
            Some(resolved) if !exists(&resolved, paths) => {
                let what = format!("the link `{target}` points to nothing");
                let remedy = format!("create `{resolved}`, or correct the link");
                problems.push(Problem::new(&file.path, line, what, remedy));
            }
            Some(_) => {}
        }
    }
    problems
}

fn is_document(file: &File) -> bool {
    let path = file.path.as_str();
    let is_readme = path.split('/').next_back() == Some("README.md");
    is_readme || AT_THE_ROOT.contains(&path) || (path.starts_with("docs/") && file.is_markdown())
}

/// Where each link outside code leads, with its line.
fn targets(text: &str) -> Vec<(usize, String)> {
    let mut targets = Vec::new();
    let mut fence: Option<&str> = None;
    for (line, text) in (1..).zip(text.lines()) {
        let marks = ["```", "~~~"].into_iter().find(|marks| text.trim_start().starts_with(marks));
        match (fence, marks) {
            (None, Some(opened)) => fence = Some(opened),
            (Some(open), Some(marks)) if open == marks => fence = None,
            (Some(_), _) => {}
            (None, None) => targets.extend(targets_in(&without_code(text)).map(|target| (line, target))),
        }
    }
    targets
}

/// Inline links, and the target of a reference's definition.
fn targets_in(text: &str) -> impl Iterator<Item = String> {
    let inline = text.split("](").skip(1).map(|rest| first_word(&rest[..closing_bracket(rest)]));
    let defined = text
        .trim_start()
        .strip_prefix('[')
        .filter(|rest| !rest.starts_with('^'))
        .and_then(|rest| rest.split_once(']')?.1.strip_prefix(':'))
        .map(first_word);
    inline.chain(defined)
}

/// A link's target without the title that may follow it, nor the `<>` that may hold it.
fn first_word(text: &str) -> String {
    let word = text.split_whitespace().next().unwrap_or_default();
    word.trim_start_matches('<').trim_end_matches('>').to_owned()
}

/// Where the bracket that was open before `text` closes.
fn closing_bracket(text: &str) -> usize {
    let mut depth = 0;
    for (at, char) in text.char_indices() {
        match char {
            '(' => depth += 1,
            ')' if depth == 0 => return at,
            ')' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

/// The line with what stands between backticks taken out; a run of them ends at the next run as long.
fn without_code(text: &str) -> String {
    let mut prose = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('`') {
        let (before, opened) = rest.split_at(at);
        prose.push_str(before);
        let inside = opened.trim_start_matches('`');
        let run = &opened[..opened.len() - inside.len()];
        let closing =
            inside.match_indices(run).map(|(at, _)| at).find(|at| !inside[at + run.len()..].starts_with('`'));
        rest = closing.map_or(inside, |at| &inside[at + run.len()..]);
    }
    prose + rest
}

fn has_scheme(target: &str) -> bool {
    target.split_once(':').is_some_and(|(scheme, _)| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// The path from the root that `target` means in the document `from`; none when it leads outside.
fn resolve(from: &str, target: &str) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

fn exists(path: &str, paths: &BTreeSet<String>) -> bool {
    let inside = format!("{path}/");
    path.is_empty() || paths.contains(path) || paths.iter().any(|file| file.starts_with(&inside))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::lines;

    fn check_text(path: &str, text: &str) -> Vec<String> {
        let paths = ["README.md", "docs/errors/TL0001.md", "docs/guide.md", "crates/a/src/lib.rs"];
        lines(&check(&File::new(path, text), &paths.into_iter().map(str::to_owned).collect()))
    }

    #[test]
    fn a_link_to_nothing_is_reported() {
        assert_eq!(
            check_text("docs/guide.md", "# G\n\nSee [that](errors/TL0002.md#why).\n"),
            ["docs/guide.md:3: the link `errors/TL0002.md#why` points to nothing; \
                 create `docs/errors/TL0002.md`, or correct the link"]
        );
    }

    #[test]
    fn every_way_to_write_a_link_is_seen() {
        for text in [
            "[a](gone.md)",
            "![a](gone.md \"title\")",
            "[`a`](gone.md)",
            "[a](<gone.md>)",
            "[a]: gone.md",
            "(x [a](gone.md))",
            "` [a](gone.md)",
        ] {
            assert_eq!(check_text("README.md", text).len(), 1, "{text}");
        }
        assert_eq!(check_text("README.md", "[a](gone.md) and [b](lost(1).md)").len(), 2);
    }

    #[test]
    fn a_link_that_leaves_the_repository_is_reported() {
        for target in ["../x.md", "/docs/guide.md"] {
            assert_eq!(
                check_text("README.md", &format!("[a]({target})")),
                [format!(
                    "README.md:1: the link `{target}` leaves the repository; \
                     link to a file inside, relative to this one"
                )]
            );
        }
    }

    #[test]
    fn links_that_lead_somewhere_are_fine() {
        let text = "[a](../README.md#top) [b](errors) [c](errors/) [d](#here) [e](https://example.org/x)\n\
                    [f](mailto:a@example.org) [g](..)\n\n[^1]: note\n[h]: ../crates/a/src/lib.rs\n";
        assert_eq!(check_text("docs/guide.md", text), Vec::<String>::new());
    }

    #[test]
    fn code_holds_no_links() {
        let text = "`[a](gone.md)` ``b`[a](gone.md)``\n\n```text\n[a](gone.md)\n```\n\n~~~\n```\n[a](gone.md)\n~~~\n";
        assert_eq!(check_text("README.md", text), Vec::<String>::new());
    }

    #[test]
    fn other_files_are_not_asked() {
        assert_eq!(check_text("crates/a/tests/pages/x.md", "[a](gone.md)\n"), Vec::<String>::new());
    }
}
