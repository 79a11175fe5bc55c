//! A segment that somebody removed is missed: whatever else is there of the queue shows that it was.

use std::collections::BTreeMap;
use std::sync::Arc;

use trunkline_log::disk::{Disk, MemoryDisk, OpenMode};
use trunkline_queue::{
    EmbeddedOptions, EmbeddedQueue, MessageQueue, NewMessage, OpenError, OperateQueue, TopicName,
};

/// Segments as small as they may be, so that a short script makes many of them.
fn options() -> EmbeddedOptions {
    EmbeddedOptions { segment_bytes: 1, ..EmbeddedOptions::default() }
}

fn open(disk: &MemoryDisk) -> Result<EmbeddedQueue, OpenError> {
    EmbeddedQueue::open_on(Arc::new(disk.clone()), options())
}

fn topic() -> TopicName {
    "orders".parse().unwrap()
}

/// A queue with so many messages that wait, closed.
async fn queue(messages: u32) -> MemoryDisk {
    let disk = MemoryDisk::new();
    let queue = open(&disk).unwrap();
    for _ in 0..messages {
        queue.publish(topic(), vec![NewMessage::new("Ping", vec![7; 400])]).await.unwrap();
    }
    queue.close().await;
    disk
}

type Files = BTreeMap<String, Vec<u8>>;

fn files(disk: &MemoryDisk) -> Files {
    let file = |name: String| {
        let bytes = disk.bytes(&name);
        (name, bytes)
    };
    disk.list("").unwrap().into_iter().map(file).collect()
}

/// A disk with these files.
fn disk(files: &Files) -> MemoryDisk {
    let disk = MemoryDisk::new();
    for (name, bytes) in files {
        disk.create(name).unwrap().write_at(0, bytes).unwrap();
    }
    disk
}

fn is(name: &str, kind: &str) -> bool {
    name.rsplit('.').next() == Some(kind)
}

/// The queue of these files is refused, since this file is missing, as this one shows; and left alone.
#[track_caller]
fn is_missed(files: &Files, missing: &str, witness: &str) {
    for create in [true, false] {
        let disk = disk(files);
        let opened = EmbeddedQueue::open_on(Arc::new(disk.clone()), EmbeddedOptions { create, ..options() });
        let error = opened.err().unwrap_or_else(|| panic!("{missing} is not missed"));
        assert!(matches!(&error, OpenError::Missing { .. }), "{error}");
        let text = error.to_string();
        for words in [missing, witness, "from a backup", "remove the folder", &disk.name()] {
            assert!(text.contains(words), "{words}: {text}");
        }
        let lock = |files: &Files| {
            let others = files.clone().into_iter().filter(|(name, _)| name != "lock");
            others.collect::<Files>()
        };
        assert_eq!(lock(&self::files(&disk)), lock(files), "a file is not what it was");
    }
}

#[tokio::test]
async fn the_only_segment_is_missed() {
    let mut left = files(&queue(1).await);
    left.remove("0000000001.seg").unwrap();
    assert_eq!(left.keys().collect::<Vec<_>>(), ["numbers"]);
    is_missed(&left, "0000000001.seg", "numbers");
}

#[tokio::test]
async fn the_only_segment_of_a_folder_is_missed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue");
    let queue = EmbeddedQueue::open(&path, EmbeddedOptions::default()).unwrap();
    queue.publish(topic(), vec![NewMessage::new("Ping", "{}")]).await.unwrap();
    queue.close().await;
    let (segment, aside) = (path.join("0000000001.seg"), folder.path().join("aside"));
    std::fs::rename(&segment, &aside).unwrap();
    let error = EmbeddedQueue::open(&path, EmbeddedOptions::default()).unwrap_err();
    assert!(matches!(error, OpenError::Missing { .. }), "{error}");
    // Both remedies work.
    std::fs::rename(&aside, &segment).unwrap();
    EmbeddedQueue::open(&path, EmbeddedOptions::default()).unwrap().close().await;
    std::fs::remove_dir_all(&path).unwrap();
    EmbeddedQueue::open(&path, EmbeddedOptions::default()).unwrap().close().await;
}

#[tokio::test]
async fn each_file_of_a_queue_shows_alone_that_there_was_one() {
    let mut left = files(&queue(100).await);
    left.retain(|name, _| !is(name, "seg"));
    let state = left.keys().find(|name| is(name, "state")).unwrap().clone();
    let last = left.keys().rfind(|name| is(name, "index")).unwrap().clone();
    let next = |name: &str| {
        let number: u32 = name.split('.').next().unwrap().parse().unwrap();
        format!("{:010}.seg", number + 1)
    };
    is_missed(&left, &next(&last), &last);
    for (name, bytes) in &left {
        let alone = Files::from([(name.clone(), bytes.clone())]);
        match name.as_str() {
            "lock" => drop(open(&disk(&alone)).unwrap()),
            "numbers" => is_missed(&alone, "0000000001.seg", "numbers"),
            _ if *name == state => is_missed(&alone, &name.replace("state", "seg"), name),
            _ => is_missed(&alone, &next(name), name),
        }
    }
}

#[tokio::test]
async fn the_last_segment_of_several_is_missed() {
    let all = files(&queue(100).await);
    let mut left = all.clone();
    let segments: Vec<String> = all.keys().filter(|name| is(name, "seg")).cloned().collect();
    let [.., before, last] = &segments[..] else { panic!("{segments:?}") };
    left.remove(last).unwrap();
    let index = before.replace("seg", "index");
    is_missed(&left, last, &index);
    // Without the index it may have been the last one; the state knows better, while it is of one that is gone.
    left.retain(|name, _| !is(name, "index"));
    let state = left.keys().find(|name| is(name, "state")).unwrap().clone();
    let first_gone = state.replace("state", "seg");
    left.retain(|name, _| !is(name, "seg") || *name < first_gone);
    is_missed(&left, &first_gone, &state);
}

#[tokio::test]
async fn a_segment_between_others_is_missed() {
    let mut left = files(&queue(100).await);
    let state = left.keys().find(|name| is(name, "state")).unwrap().clone();
    let needed = state.replace("state", "seg");
    left.remove(&needed).unwrap();
    is_missed(&left, &needed, &state);
}

/// Files that a queue leaves when its first segment never was there, or that belong to another one.
#[tokio::test]
async fn what_shows_nothing_is_in_nobodys_way() {
    let begun = Files::from([
        ("lock".to_owned(), b"process 1".to_vec()),
        ("segment.tmp".to_owned(), vec![0; 100]),
        ("numbers.tmp".to_owned(), vec![0; 100]),
    ]);
    open(&disk(&begun)).unwrap().close().await;
    // An index of the same name, of a queue that was here before.
    let (mut new, old) = (files(&queue(1).await), files(&queue(100).await));
    new.insert("0000000001.index".to_owned(), old["0000000001.index"].clone());
    new.insert("0000000002.index".to_owned(), old["0000000002.index"].clone());
    let disk = disk(&new);
    let queue = open(&disk).unwrap();
    assert_eq!(queue.stats().await.unwrap().topics[0].messages, 1);
}

#[tokio::test]
async fn where_nothing_is_no_queue_is_made_unless_asked_for() {
    let opened = |disk: &MemoryDisk| {
        EmbeddedQueue::open_on(Arc::new(disk.clone()), EmbeddedOptions { create: false, ..options() })
    };
    let empty = MemoryDisk::new();
    let error = opened(&empty).unwrap_err();
    assert!(matches!(error, OpenError::NotFound { .. }), "{error}");
    assert!(empty.list("").unwrap().is_empty());
    let disk = queue(1).await;
    drop(opened(&disk).unwrap());
    assert!(disk.open("0000000001.seg", OpenMode::Read).is_ok());
}
