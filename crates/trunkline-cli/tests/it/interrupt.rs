//! Ctrl-C during an import.
#![cfg(unix)]

use std::io::Write as _;

use crate::folder::{Folder, cloud_events};

#[test]
fn an_interrupted_import_says_how_far_it_came_and_goes_on_when_run_again() {
    let folder = Folder::new();
    let mut import = folder.start("import - --store log:a --batch 2");
    assert_eq!(import.said(), "store log:a (--store)");
    let lines = cloud_events(5, 1);
    import.stdin.as_mut().unwrap().write_all(lines.as_bytes()).unwrap();
    // Once the second batch can be read, the import waits for the other half of the third.
    let ran = folder.run("tail --store log:a --after 0 --limit 4 -q");
    assert_eq!(ran.stdout.lines().count(), 4, "{ran:?}");
    import.interrupt();
    let stdin = import.stdin.take();
    assert_eq!(
        import.end().outcome(),
        "! error: interrupted\n\
         ! hint: 4 new, 0 already there; nothing from line 5 on was stored\n\
         ! hint: run the same again to go on: what is there is not added twice\n\
         exit code 130\n"
    );
    drop(stdin);
    let ran = folder.run_with("import - --store log:a -q", lines.as_bytes());
    assert_eq!(ran.outcome(), "1 new, 4 already there\n");
    folder.check("verify --store log:a", "clean: 5 events in 1 stream, 1 segment");
}
