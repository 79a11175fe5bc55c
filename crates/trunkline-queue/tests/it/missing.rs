//! A segment that somebody removed is missed: whatever else is there of the queue shows that it was.

use std::collections::BTreeMap;
use std::sync::Arc;

use trunkline_log::disk::{Disk, MemoryDisk, OpenMode};
use trunkline_queue::{
    EmbeddedOptions, EmbeddedQueue, GivenUpPart, GroupName, GroupOptions, MessageQueue, NewMessage,
    OpenError, OperateQueue, Receive, TopicName,
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

/// The first segments of a queue, before its state.
fn old_segments(files: &Files) -> Vec<String> {
    let state = files.keys().find(|name| is(name, "state")).unwrap().replace("state", "seg");
    files.keys().filter(|name| is(name, "seg") && **name < state).cloned().collect()
}

/// What the state knows of messages in older segments it knows of their files too.
#[tokio::test]
async fn a_segment_before_the_state_is_missed_and_can_be_given_up() {
    let all = files(&queue(100).await);
    let old = old_segments(&all);
    assert!(old.len() > 5, "{old:?}");
    for gone in [&old[..1], &old[1..3], &old[..]] {
        let mut left = all.clone();
        left.retain(|name, _| !gone.contains(name));
        // The derived file may be there or not.
        left.remove(&gone[0].replace("seg", "index"));
        let damaged = disk(&left);
        let error = open(&damaged).unwrap_err();
        let OpenError::Missing { file, messages: Some(missing), .. } = &error else { panic!("{error}") };
        assert_eq!(*file, gone[0]);
        let text = error.to_string();
        for words in ["from a backup", "trunkline queue repair", "at most", ".state shows"] {
            assert!(text.contains(words), "{words}: {text}");
        }
        let (queue, repaired) = EmbeddedQueue::repair_on(Arc::new(damaged.clone()), options()).unwrap();
        let of = |part: &GivenUpPart| match part {
            GivenUpPart::Missing { file, .. } => file.clone(),
            part @ GivenUpPart::Damaged { .. } => panic!("{part:?}"),
        };
        let names: Vec<_> = repaired.parts.iter().map(of).collect();
        assert_eq!((&names[..], repaired.messages()), (gone, *missing));
        assert_eq!(queue.stats().await.unwrap().topics[0].messages, 100 - missing);
        queue.close().await;
        let queue = open(&damaged).unwrap();
        assert_eq!(queue.stats().await.unwrap().topics[0].messages, 100 - missing);
    }
}

/// Segments whose messages are all finished go, at any time after the state that no longer lists them.
#[tokio::test]
async fn a_segment_that_nobody_wants_any_more_is_not_missed() {
    let disk = queue(100).await;
    let group: GroupName = "mail".parse().unwrap();
    let queue = open(&disk).unwrap();
    queue.subscribe(topic(), group.clone(), GroupOptions::default()).await.unwrap();
    loop {
        let receive = Receive::new(topic(), group.clone()).max(7).now();
        let deliveries = queue.receive(receive).await.unwrap();
        if deliveries.is_empty() {
            break;
        }
        for delivery in &deliveries {
            queue.ack(&delivery.lease).await.unwrap();
        }
        // Whenever the process ends, the queue opens.
        let copy = self::disk(&files(&disk));
        drop(open(&copy).unwrap_or_else(|error| panic!("{error}")));
    }
}

#[tokio::test]
async fn a_file_of_another_queue_is_told_from_the_own_one() {
    let (all, other) = (files(&queue(100).await), files(&queue(100).await));
    let first = &old_segments(&all)[0];
    let state = all.keys().find(|name| is(name, "state")).unwrap();
    let last = all.keys().rfind(|name| is(name, "seg")).unwrap();
    for name in [first, state, last] {
        let mut mixed = all.clone();
        mixed.insert(name.clone(), other[name].clone());
        let error = open(&disk(&mixed)).unwrap_err();
        assert!(matches!(&error, OpenError::Corrupt { file, .. } if file == name), "{name}: {error}");
    }
    // Of the same queue, but not the one that it had.
    let mut mixed = all.clone();
    let mut header = all[first].clone();
    header[24] ^= 1;
    let crc = crc32(&header[..60]);
    header[60..64].copy_from_slice(&crc.to_le_bytes());
    mixed.insert(first.clone(), header);
    let error = open(&disk(&mixed)).unwrap_err();
    assert!(matches!(&error, OpenError::Corrupt { file, .. } if file == first), "{error}");
}

/// CRC-32 as the format has it, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let bit = |crc: u32, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), bit))
}
