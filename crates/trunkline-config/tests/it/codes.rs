//! Every code has a page, and every page is true: its bad example triggers the code and its good example does not.
//!
//! A page may hold `tsk NAME` blocks with other files, `env` blocks with variables, and a `tsk bad repeat=N` block whose
//! content counts N times.

use std::collections::BTreeSet;

use trunkline_config::{Evaluated, codes, explain};

use crate::pages::blocks;
use crate::world::Given;

fn checked(page: &str, kind: &str) -> Evaluated {
    let mut given = Given::default();
    let mut found = false;
    for (info, body) in blocks(page) {
        let words: Vec<&str> = info.split(' ').collect();
        match words.as_slice() {
            ["tsk", word, rest @ ..] if *word == kind => {
                let times = rest
                    .first()
                    .and_then(|word| word.strip_prefix("repeat="))
                    .map_or(1, |n| n.parse().unwrap());
                given.main = body.repeat(times);
                found = true;
            }
            ["tsk", "good" | "bad", ..] => {}
            ["tsk", name] => given.files = given.files.with(*name, body),
            ["env", word] if *word == kind => {
                let (name, value) = body.trim().split_once('=').unwrap();
                given.environment = given.environment.with(name, value);
            }
            ["env", _] | ["text"] => {}
            other => panic!("a block that no test reads: {other:?} in {page}"),
        }
    }
    assert!(found, "no {kind} example in {page}");
    // Only this code is about sections that nobody registered.
    if page.starts_with("# TL1209") { given.checked_strictly() } else { given.checked() }
}

/// Codes that no text in memory can trigger have tests of their own, below.
const WITHOUT_EXAMPLE: [&str; 2] = ["TL1001", "TL1112"];

#[test]
fn every_page_shows_its_mistake_and_its_cure() {
    for (code, page) in codes::PAGES {
        let code = code.as_str();
        assert!(page.starts_with(&format!("# {code}: ")), "the heading of {code}");
        for heading in ["\n## Example\n", "\n## What to do\n"] {
            assert!(page.contains(heading), "{code} has no {heading}");
        }
        if WITHOUT_EXAMPLE.contains(&code) {
            continue;
        }
        let bad = checked(page, "bad");
        assert!(
            bad.diagnostics.iter().any(|found| found.code.as_str() == code),
            "{code}: {:?}",
            bad.diagnostics
        );
        let good = checked(page, "good");
        assert!(good.diagnostics.is_empty(), "{code}: {:?}", good.diagnostics);
    }
}

#[test]
fn every_code_is_listed_once_and_every_file_is_listed() {
    let listed: BTreeSet<String> = codes::PAGES.iter().map(|(code, _)| code.as_str().to_owned()).collect();
    assert_eq!(listed.len(), codes::PAGES.len());
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors");
    let files =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    // Codes from TL2000 on belong to other crates.
    let ours = files
        .filter_map(|name| name.strip_suffix(".md").map(str::to_owned))
        .filter(|name| name.starts_with("TL1"));
    assert_eq!(ours.collect::<BTreeSet<_>>(), listed);
}

#[test]
fn explain_finds_pages_in_any_case() {
    assert!(explain("TL1002").unwrap().starts_with("# TL1002: "));
    assert_eq!(explain("tl1002"), explain("TL1002"));
    assert_eq!(explain("TL9999"), None);
    assert_eq!(explain(""), None);
}

#[test]
fn the_examples_of_the_reference_have_no_mistakes() {
    let page = include_str!("../../../../docs/reference/tsk.md");
    let examples: Vec<String> =
        blocks(page).into_iter().filter(|(info, _)| info == "tsk").map(|(_, body)| body).collect();
    assert!(!examples.is_empty());
    for example in examples {
        let checked = Given::new(example).checked();
        assert!(checked.diagnostics.is_empty(), "{:?}", checked.diagnostics);
    }
}
