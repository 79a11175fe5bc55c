//! Places that hold something else, which no command writes over.

use std::fs;

use crate::folder::{Folder, cloud_events, files};

/// A store, its backup, and one of each other kind of thing.
fn furnished() -> Folder {
    let folder = Folder::with_events(&cloud_events(5, 2));
    for words in [
        "backup --store log:a --to backup",
        "queue publish t --type T --data 1 --queue embedded:queue",
        "init app.tsk",
    ] {
        let ran = folder.run(words);
        assert_eq!(ran.exit, 0, "{words}: {ran:?}");
    }
    folder
}

#[test]
fn targets_that_hold_something_are_refused_and_left_as_they_are() {
    let folder = furnished();
    let content = || {
        let mut files = files(&folder.path(""));
        files.sort();
        files.into_iter().map(|file| (fs::read(&file).unwrap(), file)).collect::<Vec<_>>()
    };
    let before = content();
    folder.write("bad.jsonl", "{}\n");
    for words in [
        "backup --store log:a --to a",
        "backup --store log:a --to queue",
        "backup --store log:a --to .",
        "backup --store log:a --to a/in",
        "restore --from backup --store log:queue",
        "restore --from backup --store log:.",
        "restore --from backup --store log:a/in",
        "export --store log:a --output a/head",
        "export --store log:a --output a/new.jsonl",
        "export --store log:a --output queue/lock",
        "export --store log:a --output backup/backup",
        "export --store log:a --output app.tsk",
        "export --store log:a --output a.sagas",
        "import --store log:a bad.jsonl --on-error skip --rejected a/00000000000000000001.seg",
        "import --store log:a bad.jsonl --on-error skip --rejected app.tsk",
        "append b-1 --type T --data 1 --store log:backup",
        "append b-1 --type T --data 1 --store log:queue",
        "queue publish t --type T --data 1 --queue embedded:a",
        "init a/app.tsk",
    ] {
        let ran = folder.run(&format!("{words} --format json"));
        assert_eq!(ran.exit, 1, "{words}: {ran:?}");
        assert!(ran.stderr.contains("TL3009"), "{words}: {ran:?}");
    }
    fs::remove_file(folder.path("bad.jsonl")).unwrap();
    assert!(before == content(), "something was changed");
    // What goes on with something is no other thing.
    for words in [
        "backup --store log:a --to backup",
        "export --store log:a --output out.jsonl",
        "export --store log:a --output out.jsonl",
        "restore --from backup --store log:new",
    ] {
        let ran = folder.run(words);
        assert_eq!(ran.exit, 0, "{words}: {ran:?}");
    }
}
