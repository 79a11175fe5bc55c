//! What older versions wrote is still read, with the meaning it had.
//!
//! `tests/golden/v1` is a queue as it was written when states listed no segments and leases outlived their process:
//! `mail` is ordered in 4 partitions, has acknowledged `a1`, given up `a2`, `a3`, `s1` and `s2`, holds `b1` until a
//! time in the next year, and has 12 messages of key `z`; `stock` holds `a1`, and `a2` was replayed there.

use std::fs;
use std::path::Path;
use std::time::Duration;

use trunkline_queue::{DeadLettersRead, EmbeddedOptions, EmbeddedQueue, Keep, OperateQueue, Peek};

/// A copy of the queue, since opening one writes to it.
fn copy() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1");
    for file in fs::read_dir(golden).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
    }
    folder
}

fn options() -> EmbeddedOptions {
    let keep = Keep { dead_letter_age: Duration::MAX, ..Keep::default() };
    EmbeddedOptions { keep, segment_bytes: 1, ..EmbeddedOptions::default() }
}

#[tokio::test]
async fn a_queue_of_an_older_version_is_read_and_goes_on_in_this_one() {
    let folder = copy();
    for round in 0..2 {
        let queue = EmbeddedQueue::open(folder.path(), options()).unwrap();
        let stats = queue.stats().await.unwrap();
        let orders = &stats.topics[0];
        assert_eq!((orders.messages, orders.published), (20, 20), "round {round}");
        let dead: Vec<_> = orders.groups.iter().map(|group| (group.group.as_str(), group.dead)).collect();
        assert_eq!(dead, [("mail", 4), ("stock", 0)]);
        let peeked = queue.peek(Peek { max: 100, ..Peek::new("orders".parse().unwrap()) }).await.unwrap();
        assert_eq!(peeked.len(), 20);
        assert!(peeked.iter().all(|peeked| peeked.damaged.is_none()));
        let letters = queue.dead_letters(DeadLettersRead::default()).await.unwrap();
        let letters: Vec<_> = letters.iter().map(|letter| letter.message.id.as_str()).collect();
        assert_eq!(letters, ["s1", "a2", "s2", "a3"]);
        assert_eq!(queue.decisions(0, 10).await.unwrap().len(), 1);
        queue.close().await;
    }
    // An older version refuses what it doesn't know by its first bytes.
    let names = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name());
    let names = names.filter_map(|name| name.into_string().ok());
    let last = names.filter(|name| name.rsplit('.').next() == Some("seg")).max();
    let bytes = fs::read(folder.path().join(last.unwrap())).unwrap();
    assert_eq!(&bytes[..8], b"TRKLQSG2");
}
