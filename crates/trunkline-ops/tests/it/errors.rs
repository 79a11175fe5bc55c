//! An error says its code, its hints and how a process ends with it; a verdict is one.

use std::io;

use trunkline::config::{Code, FixedClock, MemoryEnvironment, MemoryFiles, World};
use trunkline::{
    Access, App, Append, Backends, CommandRequest, EventId, EventStore as _, Expected, MemoryStore, NewEvent,
    OpenStoreOptions, ReadError, Role,
};
use trunkline_ops::application::{load, load_with_tests};
use trunkline_ops::{Exit, OpsError, QueueError, Verdict, code_pages, explain};

use crate::world::with_file;

fn code(error: &OpsError) -> Option<&'static str> {
    error.code().map(Code::as_str)
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
    let find = |role, dsn| Backends::standard().find(role, Some(dsn), None, |_| None).unwrap_err();
    let queue = QueueError::from(find(Role::Messages, "kafka:x"));
    for error in [OpsError::from(find(Role::Events, "postgres://a")), queue.into()] {
        assert_eq!((code(&error), Exit::of(&error)), (Some("TL2110"), Exit::Usage));
        assert_eq!(error.hints().len(), 1);
    }
    assert_eq!(code(&Verdict::Rejected.into()), None);
}

#[tokio::test]
async fn what_goes_wrong_while_an_application_runs_has_a_code_whose_page_is_there() {
    let store = MemoryStore::new();
    let note = |id: u8| NewEvent::json("Noted", "{}").unwrap().id(EventId::from_bytes([id; 16]));
    let to = |stream: &str, expected| Append::to(stream.parse().unwrap(), expected);
    store.append(to("a-1", Expected::Any).event(note(1))).await.unwrap();
    let conflict = store.append(to("a-1", Expected::NoStream).event(note(2))).await.unwrap_err();
    let taken = store.append(to("b-1", Expected::Any).event(note(1))).await.unwrap_err();
    let app = with_file(App::builder().store(store), "").build().await.unwrap();
    let unknown = app.send(CommandRequest::new("Note", "{}")).await.unwrap_err();
    let folder = tempfile::tempdir().unwrap();
    let dsn = format!("log:{}", folder.path().join("none").display());
    let place = Backends::standard().find(Role::Events, Some(&dsn), None, |_| None).unwrap();
    let options = OpenStoreOptions { access: Access::Read, ..OpenStoreOptions::default() };
    let missing = Backends::standard().open_events(&place, options).await.unwrap_err().into();
    let full = io::Error::from(io::ErrorKind::StorageFull);
    let full = OpsError::File { what: "writing a".to_owned(), source: full };
    let damaged = ReadError::Damaged { what: "a byte".to_owned() };
    for (error, known) in [
        (missing, "TL3001"),
        (damaged.into(), "TL3003"),
        (full, "TL3004"),
        (conflict.into(), "TL3005"),
        (taken.into(), "TL3006"),
        (unknown.into(), "TL3007"),
    ] {
        let error: OpsError = error;
        assert_eq!(code(&error), Some(known), "{error}");
        let page = explain(known).unwrap().page;
        assert!(page.starts_with(&format!("# {known}: ")) && page.contains("\n## What to do\n"), "{page}");
    }
}

#[test]
fn every_code_that_an_error_has_is_explained() {
    assert!(code_pages().count() > 50);
    assert_eq!(explain("tl2110").unwrap().title, "a DSN that is not one");
    let error = explain("TL2199").unwrap_err();
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
