//! The edges between the workspace's crates are exactly those of the table in `ARCHITECTURE.md`.
//!
//! The table's header is `| crate | may use | promise |`; the first cell of a row is a crate's name in backticks, the
//! second a comma-separated list of such names, or `—`. A crate's layer is the length of its longest way down through
//! the table. Tests may use crates of their own layer and below; what they use is not written down.

use std::collections::{BTreeMap, BTreeSet};

use super::Problem;
use super::metadata::{Crate, Edge, EdgeKind};
use crate::repository::File;

/// The crate that re-exports what programs use: examples in the documentation of what it re-exports are written as
/// programs write them.
const FRONT_DOOR: &str = "trunkline";

const PAGE: &str = "ARCHITECTURE.md";
const HEADER: [&str; 3] = ["crate", "may use", "promise"];
/// Not part of the product: it may use no crate of ours, and so needs no row.
const WITHOUT_ROW: &str = "xtask";

/// One crate's line in the table.
#[derive(Debug)]
struct Row {
    line: usize,
    may_use: BTreeSet<String>,
}

type Table = BTreeMap<String, Row>;

pub(super) fn check(files: &[File], crates: &[Crate]) -> Vec<Problem> {
    let page = files.iter().find(|file| file.path == PAGE).map_or("", |file| &file.text);
    let (table, mut problems) = parse(page);
    if table.is_empty() && problems.is_empty() {
        let what = format!("there is no table headed `| {} |`", HEADER.join(" | "));
        return vec![Problem::new(PAGE, 1, what, "write it, with one row per crate")];
    }
    let names: BTreeSet<&str> = crates.iter().map(|member| member.name.as_str()).collect();
    problems.extend(table.iter().flat_map(|(name, row)| check_row(name, row, &names)));
    let layers = layers(&table);
    problems.extend(table.keys().filter(|name| !layers.contains_key(name.as_str())).map(|name| {
        let what = format!("`{name}` is in, or above, a circle of crates");
        Problem::new(PAGE, table[name].line, what, "let dependencies point one way")
    }));
    for member in crates {
        let manifest = files.iter().find(|file| file.path == member.manifest).map_or("", |file| &file.text);
        problems.extend(check_crate(member, manifest, &table, &layers));
    }
    problems
}

fn check_row(name: &str, row: &Row, names: &BTreeSet<&str>) -> Vec<Problem> {
    let unknown = std::iter::once(name)
        .chain(row.may_use.iter().map(String::as_str))
        .filter(|name| !names.contains(name));
    unknown
        .map(|name| {
            let remedy = "remove it from the table, or add the crate";
            Problem::new(PAGE, row.line, format!("the workspace has no crate `{name}`"), remedy)
        })
        .collect()
}

fn check_crate(
    member: &Crate,
    manifest: &str,
    table: &Table,
    layers: &BTreeMap<&str, usize>,
) -> Vec<Problem> {
    let name = &member.name;
    let nothing = BTreeSet::new();
    let may_use = match table.get(name) {
        Some(row) => &row.may_use,
        None if name == WITHOUT_ROW => &nothing,
        None => {
            let line = line_of(manifest, "package", "name");
            let remedy = format!("add a row for it to the table in {PAGE}");
            return vec![Problem::new(&member.manifest, line, format!("`{name}` has no layer"), remedy)];
        }
    };
    let mut problems = Vec::new();
    for Edge { to, kind } in &member.edges {
        let line = line_of(manifest, kind.section(), to);
        if *kind != EdgeKind::Dev {
            if !may_use.contains(to) {
                let remedy = format!("do without it, or let the table in {PAGE} say so, and why");
                let what = format!("`{name}` may not use `{to}`");
                problems.push(Problem::new(&member.manifest, line, what, remedy));
            }
        } else if to != name && to != FRONT_DOOR && layers.get(to.as_str()) > layers.get(name.as_str()) {
            let what = format!("the tests of `{name}` may not use `{to}`, which is of a higher layer");
            problems.push(Problem::new(&member.manifest, line, what, "move the test to the higher crate"));
        }
    }
    let is_used = |to: &str| member.edges.iter().any(|edge| edge.to == to && edge.kind != EdgeKind::Dev);
    for to in may_use.iter().filter(|to| !is_used(to)) {
        let line = table.get(name).map_or(1, |row| row.line);
        let what = format!("`{name}` does not use `{to}`");
        problems.push(Problem::new(PAGE, line, what, "remove it from the row"));
    }
    problems
}

/// The table's rows by crate, and what is wrong with how they are written.
fn parse(page: &str) -> (Table, Vec<Problem>) {
    let mut table = Table::new();
    let mut problems = Vec::new();
    let numbered = (1..).zip(page.lines());
    let rows = numbered
        .skip_while(|(_, text)| cells(text) != HEADER)
        .skip(2)
        .take_while(|(_, text)| text.trim_start().starts_with('|'));
    for (line, text) in rows {
        match parse_row(text) {
            Ok((name, may_use)) => {
                if table.insert(name.clone(), Row { line, may_use }).is_some() {
                    let what = format!("`{name}` has a second row");
                    problems.push(Problem::new(PAGE, line, what, "keep one"));
                }
            }
            Err(what) => {
                let remedy = "write a crate's name in backticks, then such names with commas, or `—`";
                problems.push(Problem::new(PAGE, line, what, remedy));
            }
        }
    }
    (table, problems)
}

fn parse_row(text: &str) -> Result<(String, BTreeSet<String>), String> {
    let cells = cells(text);
    let [name, may_use, _promise] = cells.as_slice() else {
        return Err(format!("the row has {} cells, not {}", cells.len(), HEADER.len()));
    };
    let quoted = |text: &str| {
        let name = text.trim().strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
        name.map(str::to_owned).ok_or_else(|| format!("`{}` is not a name in backticks", text.trim()))
    };
    let may_use =
        if *may_use == "—" { Ok(BTreeSet::new()) } else { may_use.split(',').map(quoted).collect() };
    Ok((quoted(name)?, may_use?))
}

/// The cells of a table's row; none where the line is not one.
fn cells(text: &str) -> Vec<&str> {
    let inner = text.trim().strip_prefix('|').and_then(|rest| rest.strip_suffix('|'));
    inner.map(|inner| inner.split('|').map(str::trim).collect()).unwrap_or_default()
}

/// Each crate's layer, lowest 0; crates that lead into a circle have none.
fn layers(table: &Table) -> BTreeMap<&str, usize> {
    let mut layers = BTreeMap::new();
    // Each round settles at least one crate, unless what is left goes in circles.
    for _ in table {
        for (name, row) in table {
            let below: Option<Vec<usize>> = row
                .may_use
                .iter()
                .filter(|used| table.contains_key(*used))
                .map(|used| layers.get(used.as_str()).copied())
                .collect();
            if let Some(below) = below {
                layers.insert(name.as_str(), below.into_iter().max().map_or(0, |highest| highest + 1));
            }
        }
    }
    layers
}

/// The line in a manifest where `section` names `key`, or the first.
fn line_of(manifest: &str, section: &str, key: &str) -> usize {
    let mut inside = false;
    for (line, text) in (1..).zip(manifest.lines().map(str::trim)) {
        if let Some(header) = text.strip_prefix('[') {
            let header = header.trim_end_matches(']');
            inside = header == section || header.ends_with(&format!(".{section}"));
            if header == format!("{section}.{key}") {
                return line;
            }
        } else if inside && text.strip_prefix(key).is_some_and(|rest| rest.starts_with([' ', '=', '.'])) {
            return line;
        }
    }
    1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::lines;

    const TABLE: &str = "\
# T

| crate | may use | promise |
|---|---|---|
| `low` | — | nothing below |
| `mid` | `low` | x |
| `high` | `low`, `mid` | y |

| `other` | table | z |
";

    /// The members of the workspace that [`TABLE`] describes.
    fn crates() -> Vec<Crate> {
        let normal = |to: &str| Edge { to: to.to_owned(), kind: EdgeKind::Normal };
        let member = |name: &str, edges| Crate {
            name: name.to_owned(),
            manifest: format!("crates/{name}/Cargo.toml"),
            edges,
        };
        vec![
            member("high", vec![normal("low"), normal("mid")]),
            member("low", vec![]),
            member("mid", vec![normal("low")]),
            member("xtask", vec![]),
        ]
    }

    fn add(crates: &mut [Crate], from: &str, to: &str, kind: EdgeKind) {
        let member = crates.iter_mut().find(|member| member.name == from).unwrap();
        member.edges.push(Edge { to: to.to_owned(), kind });
    }

    fn check_page(page: &str, crates: &[Crate]) -> Vec<String> {
        let manifest = "[package]\nname = \"low\"\n\n[dependencies]\nmid.workspace = true\n\n\
                        [dev-dependencies]\nlow-down = \"1\"\nmid = { workspace = true }\n";
        lines(&check(&[File::new(PAGE, page), File::new("crates/low/Cargo.toml", manifest)], crates))
    }

    #[test]
    fn edges_as_in_the_table_are_fine() {
        assert_eq!(check_page(TABLE, &crates()), Vec::<String>::new());
    }

    #[test]
    fn a_page_without_the_table_is_reported() {
        let expected = ["ARCHITECTURE.md:1: there is no table headed `| crate | may use | promise |`; \
              write it, with one row per crate"];
        assert_eq!(check_page("| crate | promise |\n|---|---|\n", &crates()), expected);
        assert_eq!(lines(&check(&[], &crates())), expected);
    }

    #[test]
    fn an_edge_upwards_is_reported_at_its_line() {
        for kind in [EdgeKind::Normal, EdgeKind::Build] {
            let mut crates = crates();
            add(&mut crates, "low", "mid", kind);
            let line = if kind == EdgeKind::Normal { 5 } else { 1 };
            assert_eq!(
                check_page(TABLE, &crates),
                [format!(
                    "crates/low/Cargo.toml:{line}: `low` may not use `mid`; \
                     do without it, or let the table in ARCHITECTURE.md say so, and why"
                )]
            );
        }
    }

    #[test]
    fn xtask_may_use_nothing_of_ours() {
        let mut crates = crates();
        add(&mut crates, "xtask", "low", EdgeKind::Normal);
        let found = check_page(TABLE, &crates);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("`xtask` may not use `low`"), "{found:?}");
    }

    #[test]
    fn an_edge_that_nobody_uses_is_reported() {
        let mut crates = crates();
        crates[0].edges.retain(|edge| edge.to != "low");
        add(&mut crates, "high", "low", EdgeKind::Dev);
        assert_eq!(
            check_page(TABLE, &crates),
            ["ARCHITECTURE.md:7: `high` does not use `low`; remove it from the row"]
        );
    }

    #[test]
    fn tests_may_use_their_own_layer_and_below() {
        let mut crates = crates();
        for (from, to) in [("mid", "mid"), ("high", "mid"), ("mid", "low")] {
            add(&mut crates, from, to, EdgeKind::Dev);
        }
        assert_eq!(check_page(TABLE, &crates), Vec::<String>::new());
    }

    #[test]
    fn examples_of_the_documentation_may_use_the_front_door() {
        let mut crates = crates();
        add(&mut crates, "low", FRONT_DOOR, EdgeKind::Dev);
        assert_eq!(check_page(TABLE, &crates), Vec::<String>::new());
    }

    #[test]
    fn a_test_that_uses_a_higher_layer_is_reported() {
        let mut crates = crates();
        add(&mut crates, "low", "mid", EdgeKind::Dev);
        assert_eq!(
            check_page(TABLE, &crates),
            ["crates/low/Cargo.toml:9: the tests of `low` may not use `mid`, which is of a higher layer; \
              move the test to the higher crate"]
        );
    }

    #[test]
    fn a_row_without_a_crate_is_reported() {
        let mut crates = crates();
        crates.retain(|member| member.name != "high");
        let page = TABLE.replace("`mid` | `low`", "`mid` | `low`, `gone`");
        assert_eq!(
            check_page(&page, &crates),
            [
                "ARCHITECTURE.md:7: the workspace has no crate `high`; remove it from the table, or add the crate",
                "ARCHITECTURE.md:6: the workspace has no crate `gone`; remove it from the table, or add the crate",
                "ARCHITECTURE.md:6: `mid` does not use `gone`; remove it from the row",
            ]
        );
    }

    #[test]
    fn a_crate_without_a_row_is_reported() {
        let page = TABLE.replace("| `high` | `low`, `mid` | y |\n", "");
        assert_eq!(
            check_page(&page, &crates()),
            [
                "crates/high/Cargo.toml:1: `high` has no layer; add a row for it to the table in ARCHITECTURE.md"
            ]
        );
    }

    #[test]
    fn a_circle_is_reported() {
        let mut crates = crates();
        add(&mut crates, "low", "mid", EdgeKind::Normal);
        let found = check_page(&TABLE.replace("`low` | —", "`low` | `mid`"), &crates);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[1].contains("`low` is in, or above, a circle of crates"), "{found:?}");
    }

    #[test]
    fn rows_that_cannot_be_read_are_reported() {
        let page = TABLE.replace("`mid` | `low`", "`mid` | low");
        let found = check_page(&page, &crates());
        assert_eq!(
            found[0],
            "ARCHITECTURE.md:6: `low` is not a name in backticks; \
             write a crate's name in backticks, then such names with commas, or `—`"
        );
        let found = check_page(&TABLE.replace("| x |", "|"), &crates());
        assert!(found[0].starts_with("ARCHITECTURE.md:6: the row has 2 cells, not 3; "), "{found:?}");
        let found = check_page(&TABLE.replace("`mid` | `low` | x |", "`low` | — | x |"), &crates());
        assert!(found[0].starts_with("ARCHITECTURE.md:6: `low` has a second row; "), "{found:?}");
    }
}
