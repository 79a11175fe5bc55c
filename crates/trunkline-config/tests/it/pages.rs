//! Tests as pages: each case of `tests/pages/*.md` is a heading, a source and exactly what comes of it.
//!
//! A case has a block `tsk` with the source, and may have blocks `tsk NAME` with other files and `env` with variables.
//! What comes of it stands in blocks: `json` is the tree, `report` the diagnostics a line each with their help,
//! `drawn` the diagnostics as people see them, `diagnostics` as programs do. A case without a `report` has no
//! diagnostics. With `UPDATE_PAGES=1` the pages are rewritten with what comes now, to be read before it is committed.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use trunkline_config::report::{Style, diagnostics_to_json, draw, tree_to_json};
use trunkline_config::{Diagnostic, Evaluated};

use crate::world::Given;

#[test]
fn every_page_is_true() {
    let update = std::env::var_os("UPDATE_PAGES").is_some();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pages");
    let mut pages: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    assert!(pages.len() >= 8, "the pages are missing: {pages:?}");
    for page in pages {
        let before = std::fs::read_to_string(&page).unwrap();
        let after = rewrite(&before);
        if update {
            std::fs::write(&page, after).unwrap();
            continue;
        }
        for (number, (left, right)) in before.lines().zip(after.lines()).enumerate() {
            assert_eq!(left, right, "{}:{}", page.display(), number + 1);
        }
        assert_eq!(before, after, "{}", page.display());
    }
}

/// A page with every outcome as it is now.
fn rewrite(page: &str) -> String {
    let mut out = String::new();
    for (index, case) in page.split("\n## ").enumerate() {
        if index == 0 {
            out.push_str(case);
            continue;
        }
        out.push_str("\n## ");
        out.push_str(&rewrite_case(case));
    }
    out
}

fn rewrite_case(case: &str) -> String {
    let blocks = blocks(case);
    let mut given = Given::default();
    for (info, body) in &blocks {
        match info.split_once(' ').unwrap_or((info, "")) {
            ("tsk", "") => given.main.clone_from(body),
            ("tsk", name) => given.files = given.files.with(name, body.as_str()),
            ("env", _) => {
                for line in body.lines() {
                    let (name, value) = line.split_once('=').unwrap();
                    given.environment = given.environment.with(name, value);
                }
            }
            _ => {}
        }
    }
    let checked = given.checked();
    let wanted = |name: &str| blocks.iter().any(|(info, _)| info == name);
    let mut out = String::new();
    let mut inside: Option<&str> = None;
    // What people wrote is kept; what comes of it is dropped here and written anew below.
    for line in case.lines() {
        let fence = line.strip_prefix("```");
        match (inside, fence) {
            (None, Some(info)) => inside = Some(info),
            (Some(info), Some(_)) => {
                inside = None;
                if is_outcome(info) {
                    continue;
                }
            }
            _ => {}
        }
        if !inside.is_some_and(is_outcome) {
            out.push_str(line);
            out.push('\n');
        }
    }
    let mut out = out.trim_end().to_owned();
    let mut outcome =
        |info: &str, body: &str| write!(out, "\n\n```{info}\n{}\n```", body.trim_end()).unwrap();
    if wanted("json") || !checked.has_errors() {
        outcome("json", &tree_to_json(&checked.root));
    }
    if !checked.diagnostics.is_empty() {
        outcome("report", &report(&checked));
    }
    if wanted("drawn") {
        outcome("drawn", &draw(&checked.diagnostics, &checked.sources, Style::default()));
    }
    if wanted("diagnostics") {
        let json = diagnostics_to_json(&checked.diagnostics, &checked.sources);
        outcome("diagnostics", &serde_json::to_string_pretty(&json).unwrap());
    }
    out.push('\n');
    out
}

fn is_outcome(info: &str) -> bool {
    matches!(info, "json" | "report" | "drawn" | "diagnostics")
}

fn report(checked: &Evaluated) -> String {
    let mut out = String::new();
    for found in &checked.diagnostics {
        let Diagnostic { code, severity, .. } = found;
        let at = checked.sources.locate(found.span());
        let name = checked.sources.name(found.span().file);
        let file = if name == "main.tsk" { String::new() } else { format!("{name} ") };
        let end = if at.end_line == at.line {
            format!("-{}", at.end_column)
        } else {
            format!(" to line {} col {}", at.end_line, at.end_column)
        };
        let place = format!("{file}line {} col {}{end}", at.line, at.column);
        writeln!(out, "{} {} {place}: {}", severity.as_str(), code.as_str(), found.message).unwrap();
        for label in found.labels.iter().filter(|label| !label.text.is_empty()) {
            let at = checked.sources.locate(label.span);
            writeln!(out, "  line {} col {}: {}", at.line, at.column, label.text).unwrap();
        }
        for (kind, text) in [("note", &found.note), ("fix", &found.fix)] {
            if let Some(text) = text {
                writeln!(out, "  {kind}: {text}").unwrap();
            }
        }
    }
    out
}

/// The fenced blocks of a text: what stands behind the fence, and the content.
pub(crate) fn blocks(text: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let body: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
        let body = if body.is_empty() { String::new() } else { body.join("\n") + "\n" };
        blocks.push((info.to_owned(), body));
    }
    blocks
}
