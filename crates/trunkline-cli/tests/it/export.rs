//! `export`.

use crate::folder::{Folder, cloud_events, files};

#[test]
fn an_export_has_every_event_in_order() {
    let folder = Folder::with_events(&cloud_events(5, 2));
    let ran = folder.run("export --store log:a");
    let positions: Vec<_> = ran.json().iter().map(|event| event["position"].clone()).collect();
    assert_eq!(positions, [1, 2, 3, 4, 5]);
    assert_eq!(ran.stderr, "exported 5 events, up to position 5\n");
    let ran = folder.run("export --store log:a --after 4 -q");
    assert_eq!((ran.json().len(), ran.stderr.as_str()), (1, ""));
}

#[test]
fn a_file_appears_once_it_is_whole() {
    let folder = Folder::with_events(&cloud_events(5, 2));
    let wanted = folder.run("export --store log:a -q").stdout;
    folder.check(
        "export --store log:a --output out.jsonl",
        "exported 5 events, up to position 5, to out.jsonl",
    );
    assert_eq!(folder.text("out.jsonl"), wanted);
    folder.check(
        "export --store log:a --output out.jsonl --after 3 --format json",
        r#"{"events":2,"position":5,"output":"out.jsonl"}"#,
    );
    assert_eq!(folder.text("out.jsonl").lines().count(), 2);
    let ran = folder.run("export --store log:a --output none/out.jsonl");
    assert_eq!(ran.exit, 4, "{ran:?}");
    assert!(ran.stderr.starts_with("error: writing none/out.jsonl: "), "{ran:?}");
    let left: Vec<_> =
        files(&folder.path("")).into_iter().filter(|path| !path.starts_with(folder.path("a"))).collect();
    assert_eq!(left, [folder.path("events.jsonl"), folder.path("out.jsonl")], "nothing temporary is left");
}

#[test]
fn an_export_is_imported_through_a_pipe() {
    let folder = Folder::with_events(&cloud_events(50, 3));
    let exported = folder.run("export --store log:a -q").stdout;
    let ran = folder.run_with("import - --store log:b -q", exported.as_bytes());
    assert_eq!(ran.outcome(), "50 new, 0 already there\n");
    assert_eq!(folder.run("export --store log:b -q").stdout, exported);
}
