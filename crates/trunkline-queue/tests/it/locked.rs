//! One owner at a time, whatever becomes of the file `lock`.
#![cfg(unix)]

use std::fs;

use trunkline_queue::{EmbeddedOptions, EmbeddedQueue, OpenError};

#[tokio::test]
async fn a_lock_file_that_is_removed_or_replaced_lets_no_second_owner_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue");
    let open = || EmbeddedQueue::open(&path, EmbeddedOptions::default());
    let queue = open().unwrap();
    fs::remove_file(path.join("lock")).unwrap();
    assert!(matches!(open(), Err(OpenError::InUse { .. })));
    fs::create_dir(path.join("lock")).unwrap();
    assert!(matches!(open(), Err(OpenError::InUse { .. })));
    fs::remove_dir(path.join("lock")).unwrap();
    let moved = folder.path().join("moved");
    fs::create_dir(&moved).unwrap();
    for file in fs::read_dir(&path).unwrap().map(Result::unwrap) {
        fs::hard_link(file.path(), moved.join(file.file_name())).unwrap();
    }
    let elsewhere = EmbeddedQueue::open(&moved, EmbeddedOptions::default());
    assert!(matches!(elsewhere, Err(OpenError::InUse { .. })), "the segment is locked in any folder");
    queue.close().await;
    assert!(open().is_ok());
}

#[test]
fn a_queue_is_made_in_no_folder_that_holds_something_else() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("00000000000000000001.seg"), b"TKLSEG01").unwrap();
    for path in [folder.path().to_owned(), folder.path().join("within")] {
        let opened = EmbeddedQueue::open(&path, EmbeddedOptions::default());
        assert!(matches!(opened, Err(OpenError::Occupied { .. })), "{}", path.display());
    }
}
