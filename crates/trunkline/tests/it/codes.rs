//! Every code has a page, and every page is true: its bad example triggers the code and its good one does not.

use trunkline::{Registered, codes};

use crate::world::read_beside;

/// The first block of this kind on a page.
fn block<'a>(page: &'a str, kind: &str) -> &'a str {
    let (_, rest) =
        page.split_once(&format!("```tsk {kind}\n")).unwrap_or_else(|| panic!("no {kind} block: {page}"));
    rest.split_once("```").unwrap().0
}

#[test]
fn every_page_shows_its_mistake_and_its_cure() {
    let registered = Registered {
        command_handlers: ["doors.CloseHandler".to_owned()].into(),
        complete: true,
        ..Registered::default()
    };
    for (code, page) in codes::PAGES {
        let code = code.as_str();
        assert!(page.starts_with(&format!("# {code}: ")), "the heading of {code}");
        let lock = |kind: &str| {
            let (_, rest) = page.split_once(&format!("```json lock{kind}\n"))?;
            rest.split_once("```").map(|(lock, _)| lock)
        };
        let found = |kind| {
            let other = if kind == "good" { lock(" good") } else { None };
            let lock = other.or_else(|| lock("")).map(|lock| ("app.lock.json", lock));
            let file = read_beside(lock, block(page, kind), &registered);
            let codes: Vec<String> =
                file.evaluated.diagnostics.iter().map(|found| found.code.as_str().to_owned()).collect();
            let errors: Vec<String> = file.mistakes().map(|found| found.message.clone()).collect();
            (codes, errors)
        };
        let (bad, _) = found("bad");
        assert!(bad.iter().any(|found| found == code), "{code} is not among {bad:?}");
        let (good, errors) = found("good");
        assert!(!good.iter().any(|found| found == code) && errors.is_empty(), "{code}: {good:?} {errors:?}");
    }
}
