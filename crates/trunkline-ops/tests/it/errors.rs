//! An error says its code, its hints and how a process ends with it; a verdict is one.

use trunkline::config::{FixedClock, MemoryEnvironment, MemoryFiles, World};
use trunkline::{Dsn, QueueDsn};
use trunkline_ops::application::{load, load_with_tests};
use trunkline_ops::{Exit, OpsError, Verdict, code_pages, explain};

fn code(error: &OpsError) -> Option<&'static str> {
    error.code().map(|code| code.as_str())
}

fn in_files(text: &str, tests: Option<&str>) -> Result<usize, OpsError> {
    let files = MemoryFiles::new().with("app.tsk", text);
    let files = tests.into_iter().fold(files, |files, text| files.with("app.test.tsk", text));
    let world = World { loader: &files, environment: &MemoryEnvironment::new(), clock: &FixedClock(0) };
    load_with_tests(world, "app.tsk").map(|file| file.definition.scenarios.len())
}

#[test]
fn a_mistake_in_a_file_and_a_dsn_that_is_none_have_codes() {
    let error = in_files("[commands.Note]\nstream: \"'a-1'\"\nemti: []\n", None).unwrap_err();
    assert_eq!((code(&error), Exit::of(&error)), (Some("TL1202"), Exit::Failed));
    assert!(error.message().starts_with("app.tsk has "), "{error}");
    for error in
        [Dsn::parse("postgres://a").unwrap_err().into(), QueueDsn::parse("kafka:x").unwrap_err().into()]
    {
        let error: OpsError = error;
        assert_eq!((code(&error), Exit::of(&error)), (Some("TL2110"), Exit::Usage));
        assert_eq!(error.hints().len(), 1);
    }
    assert_eq!(code(&Verdict::Rejected.into()), None);
}

#[test]
fn every_code_that_an_error_has_is_explained() {
    assert!(code_pages().count() > 50);
    assert_eq!(explain("tl2110").unwrap().title, "a DSN that is not one");
    let error = explain("TL2111").unwrap_err();
    assert_eq!(Exit::of(&error), Exit::NotFound);
    assert!(error.hints()[0].starts_with("did you mean TL"), "{:?}", error.hints());
}

#[test]
fn scenarios_beside_a_file_are_read_with_it() {
    let file = "[commands.Note]\nstream: \"'notes-1'\"\nemit: [{ type: \"Noted\", data: \"{}\" }]\n";
    let tests = "[scenarios.it_notes]\nwhen: { command: \"Note\", data: {} }\nthen: [{ type: \"Noted\" }]\n";
    assert_eq!(in_files(file, Some(tests)).unwrap(), 1);
    assert_eq!(in_files(file, None).unwrap(), 0);
    let world =
        World { loader: &MemoryFiles::new(), environment: &MemoryEnvironment::new(), clock: &FixedClock(0) };
    assert_eq!(Exit::of(&load(world, "none.tsk").unwrap_err()), Exit::NotFound);
}

#[test]
fn a_verdict_ends_a_process_with_the_code_of_what_it_found() {
    for (verdict, exit, hints) in [
        (Verdict::Damaged { count: 2 }, Exit::Corrupt, 1),
        (Verdict::Rejected, Exit::Failed, 0),
        (Verdict::Unwell { what: "1 stuck saga".to_owned(), remedied: false }, Exit::Failed, 1),
        (Verdict::Diverged { projections: vec!["notes".to_owned()] }, Exit::Failed, 2),
    ] {
        let error = OpsError::from(verdict.clone());
        assert_eq!((Exit::of(&error), error.hints().len()), (exit, hints), "{verdict}");
    }
}
