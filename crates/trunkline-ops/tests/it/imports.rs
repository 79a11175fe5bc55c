//! Events in and out: lines are imported, passed over, and exported again.

use trunkline::messages::Stopper;
use trunkline::{EventStore as _, MemoryStore, Position};
use trunkline_ops::export::{ExportForm, export, export_to_file};
use trunkline_ops::import::{ImportNews, ImportOptions, ImportProblem, OnBadLine, import};
use trunkline_ops::{Exit, OpsError};

const LINES: &str = r#"{"event_id":"00000000-0000-4000-8000-000000000001","stream":"lamp-a","event_type":"On","data":{"by":"ada"}}
{"stream":"lamp-a","event_type":"On","data":
{"event_id":"00000000-0000-4000-8000-000000000002","stream":"lamp-b","event_type":"On","data":{"by":"max"}}
"#;

fn options(folder: &tempfile::TempDir, on_bad_line: OnBadLine) -> ImportOptions {
    let rejected = folder.path().join("rejected.jsonl");
    ImportOptions { source: "lamps.jsonl".to_owned(), on_bad_line, rejected, batch: 1, streams: None }
}

#[tokio::test]
async fn a_bad_line_is_passed_over_and_kept_and_what_is_there_is_not_added_again() {
    let folder = tempfile::tempdir().unwrap();
    let (store, (_stopper, stop)) = (MemoryStore::new(), Stopper::new());
    let mut heard = Vec::new();
    let listener = |news: ImportNews<'_>| match news {
        ImportNews::Stored { bytes, events } => heard.push(format!("{events} after {bytes} bytes")),
        ImportNews::Rejected { before, line, .. } => heard.push(format!("line {line} after {before}")),
    };
    let options = options(&folder, OnBadLine::Skip);
    let report = import(&store, LINES.as_bytes(), options.clone(), &stop, listener).await.unwrap();
    assert_eq!((report.new, report.already_there, report.rejected), (2, 0, 1));
    assert_eq!(heard.len(), 4, "{heard:?}");
    assert_eq!(heard[1], "line 2 after 0");
    assert_eq!(heard[3], format!("2 after {} bytes", LINES.len()));
    let kept = std::fs::read_to_string(report.rejected_file.unwrap()).unwrap();
    assert_eq!(kept.trim_end(), LINES.lines().nth(1).unwrap());
    let again = import(&store, LINES.as_bytes(), options, &stop, |_| ()).await.unwrap();
    assert_eq!((again.new, again.already_there, again.rejected), (0, 2, 1));
}

#[tokio::test]
async fn an_import_that_ends_early_says_how_far_it_came() {
    let folder = tempfile::tempdir().unwrap();
    let (store, (stopper, stop)) = (MemoryStore::new(), Stopper::new());
    let options = options(&folder, OnBadLine::Stop);
    let error = import(&store, LINES.as_bytes(), options.clone(), &stop, |_| ()).await.unwrap_err();
    assert_eq!(Exit::of(&error), Exit::Failed);
    let OpsError::Import(error) = error else { panic!("{error}") };
    assert!(matches!(error.problem, ImportProblem::Line { line: 2, .. }), "{error}");
    assert_eq!((error.so_far.report.new, error.so_far.from_line, error.so_far.certain), (1, 2, true));
    stopper.stop();
    let error = import(&store, LINES.as_bytes(), options, &stop, |_| ()).await.unwrap_err();
    assert_eq!((Exit::of(&error), error.message()), (Exit::Interrupted, "interrupted".to_owned()));
}

#[tokio::test]
async fn an_export_is_imported_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (store, (_stopper, stop)) = (MemoryStore::new(), Stopper::new());
    let skip = options(&folder, OnBadLine::Skip);
    import(&store, LINES.as_bytes(), skip.clone(), &stop, |_| ()).await.unwrap();
    let file = folder.path().join("events.jsonl");
    let report = export_to_file(&store, Position::START, ExportForm::Native, &file, |_, _| ()).await.unwrap();
    assert_eq!((report.events, report.position), (2, Position::new(2)));
    let copy = MemoryStore::new();
    import(&copy, std::fs::File::open(&file).unwrap(), skip, &stop, |_| ()).await.unwrap();
    assert_eq!(copy.head().await.unwrap(), Position::new(2));
    let mut text = Vec::new();
    export(&copy, Position::START, ExportForm::Native, &mut text, |_, _| ()).await.unwrap();
    assert_eq!(text, std::fs::read(&file).unwrap());
}
