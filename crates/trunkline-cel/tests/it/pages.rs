//! Tests as pages: tables of expressions and exactly what comes of each, in `tests/pages/*.md` and in the reference.
//!
//! A table is one whose header names a column `expression` or `template`, and a column `gives`; other columns are for
//! readers. A block `json` before it has the variables as one object. What comes is the value as JSON; or the message
//! of an error, behind `fails`, with the field it names and the bytes it concerns; or each mistake, behind `refused`.
//! With `UPDATE_PAGES=1` the pages are rewritten with what comes now, to be read before it is committed.

use std::path::{Path, PathBuf};

use trunkline_cel::{EvaluateError, Expression, Mistake, Scope, Template, Value, Variables};

fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages: Vec<PathBuf> =
        std::fs::read_dir(root.join("tests/pages")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(pages.len() >= 5, "the pages are missing: {pages:?}");
    pages.push(root.join("../../docs/reference/expressions.md"));
    pages.sort();
    pages
}

#[test]
fn every_page_is_true() {
    let update = std::env::var_os("UPDATE_PAGES").is_some();
    for page in pages() {
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

#[test]
fn every_function_has_an_example_in_the_reference() {
    let page = include_str!("../../../../docs/reference/expressions.md");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    for source in include_str!("../../src/functions.rs").lines().chain(
        include_str!("../../src/lower/call.rs")
            .lines()
            .filter(|line| line.trim_start().starts_with("(\"") && !line.contains("=>")),
    ) {
        let line = source.trim_start();
        let Some(rest) = line.strip_prefix("function(\"").or_else(|| line.strip_prefix("(\"")) else {
            continue;
        };
        let name = rest.split('"').next().unwrap_or_default();
        assert!(rows.iter().any(|row| row.contains(&format!("{name}("))), "`{name}` has no example");
    }
}

/// A page with every outcome as it is now.
fn rewrite(page: &str) -> String {
    let mut out = String::new();
    let mut variables = String::new();
    let mut block: Option<String> = None;
    // The columns of the text and of the outcome, and whether the text is a template.
    let mut table: Option<(usize, usize, bool)> = None;
    for line in page.lines() {
        let mut written = line.to_owned();
        if let Some(fence) = line.strip_prefix("```") {
            match block.take() {
                Some(text) if !text.is_empty() => variables = text,
                None if fence == "json" => block = Some(String::new()),
                _ => {}
            }
        } else if let Some(text) = &mut block {
            text.push_str(line);
        } else if line.starts_with('|') {
            let mut cells = cells(line);
            let is_rule = cells.iter().all(|cell| cell.chars().all(|char| char == '-'));
            match table {
                None => {
                    let column = |name: &str| cells.iter().position(|cell| cell == name);
                    let template = column("template");
                    table = column("expression")
                        .or(template)
                        .zip(column("gives"))
                        .map(|(from, to)| (from, to, template.is_some()));
                }
                Some((from, to, template)) if !is_rule => {
                    let source = unquoted(&cells[from]);
                    cells[to] = outcome(&source, &variables, template);
                    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
                    written = format!("| {} |", cells.join(" | ")).replace("|  |", "| |");
                }
                Some(_) => {}
            }
        } else {
            table = None;
        }
        out.push_str(&written);
        out.push('\n');
    }
    out
}

fn cells(row: &str) -> Vec<String> {
    let inner = row.trim().trim_start_matches('|').trim_end_matches('|');
    let mut cells = vec![String::new()];
    let mut escaped = false;
    for char in inner.chars() {
        match char {
            '|' if escaped => {
                let cell = cells.last_mut().unwrap();
                cell.pop();
                cell.push('|');
            }
            '|' => cells.push(String::new()),
            _ => cells.last_mut().unwrap().push(char),
        }
        escaped = char == '\\' && !escaped;
    }
    cells.iter().map(|cell| cell.trim().to_owned()).collect()
}

/// Code without its backticks.
fn unquoted(cell: &str) -> String {
    let ticks = cell.chars().take_while(|&char| char == '`').count();
    if ticks == cell.len() {
        return String::new();
    }
    let inner = cell.strip_suffix(&"`".repeat(ticks)).and_then(|cell| cell.get(ticks..)).unwrap_or(cell);
    if ticks > 1 { inner.trim().to_owned() } else { inner.to_owned() }
}

fn quoted(text: &str) -> String {
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}

fn outcome(source: &str, variables: &str, template: bool) -> String {
    let object = Value::from_json(if variables.is_empty() { "{}" } else { variables }.to_owned()).unwrap();
    let names: Vec<(String, Value)> = object.fields().unwrap().collect();
    let scope = Scope::new(names.iter().map(|(name, _)| name.clone()))
        .fields("meta", ["id", "actor", "occurred_at", "correlation_id"]);
    let mut variables = Variables::new();
    for (name, value) in names {
        variables.set(name, value);
    }
    if template {
        match Template::compile(source, &scope) {
            Ok(template) => match template.evaluate(&variables) {
                Ok(text) => quoted(&text),
                Err(error) => failed(&error),
            },
            Err(mistakes) => refused(&mistakes),
        }
    } else {
        match Expression::compile(source, &scope) {
            Ok(expression) => match expression.evaluate(&variables) {
                Ok(value) => quoted(std::str::from_utf8(&value.to_json()).unwrap()),
                Err(error) => failed(&error),
            },
            Err(mistakes) => refused(&mistakes),
        }
    }
}

fn failed(error: &EvaluateError) -> String {
    let EvaluateError { message, field, range, .. } = error;
    let field = field.as_ref().map(|field| format!("{field} ")).unwrap_or_default();
    format!("fails: {message} ({field}at {}-{})", range.start, range.end)
}

fn refused(mistakes: &[Mistake]) -> String {
    let lines: Vec<String> = mistakes
        .iter()
        .map(|mistake| {
            let help = mistake.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
            format!(
                "refused: {}{help} ({:?} at {}-{})",
                mistake.message, mistake.kind, mistake.range.start, mistake.range.end
            )
        })
        .collect();
    lines.join("<br>")
}
