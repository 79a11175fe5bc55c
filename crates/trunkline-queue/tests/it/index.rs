//! Indexes of segments make opening short, and are believed only where they are whole and the segment's own.

use std::collections::BTreeMap;
use std::sync::Arc;

use trunkline_log::disk::{Disk, MemoryDisk, OpenMode};
use trunkline_queue::{
    DeadLettersRead, EmbeddedOptions, EmbeddedQueue, GroupName, GroupOptions, MessageQueue, NewMessage,
    OperateQueue, Peek, Published, Receive, TopicName,
};

const MESSAGES: u32 = 400;

fn options() -> EmbeddedOptions {
    EmbeddedOptions { segment_bytes: 1, ..EmbeddedOptions::default() }
}

fn names() -> (TopicName, GroupName) {
    ("orders".parse().unwrap(), "mail".parse().unwrap())
}

fn message(number: u32) -> NewMessage {
    let new = NewMessage::new("Ping", vec![7; 200]).id(format!("message-{number:04}").parse().unwrap());
    if number.is_multiple_of(50) { new.after(std::time::Duration::from_secs(3_600)) } else { new }
}

/// A queue of many small segments, with messages in every state.
async fn queue() -> MemoryDisk {
    let disk = MemoryDisk::new();
    let queue = EmbeddedQueue::open_on(Arc::new(disk.clone()), options()).unwrap();
    let (topic, group) = names();
    queue.subscribe(topic.clone(), group.clone(), GroupOptions::default()).await.unwrap();
    for number in 0..MESSAGES {
        queue.publish(topic.clone(), vec![message(number)]).await.unwrap();
        if number % 3 == 0 {
            let receive = Receive::new(topic.clone(), group.clone()).max(1).now();
            for delivery in queue.receive(receive).await.unwrap() {
                match number % 4 {
                    0 => queue.reject(&delivery.lease, "never".to_owned()).await.unwrap(),
                    1 => {}
                    _ => queue.ack(&delivery.lease).await.unwrap(),
                }
            }
        }
    }
    queue.close().await;
    disk
}

fn read(disk: &MemoryDisk, name: &str) -> Vec<u8> {
    let file = disk.open(name, OpenMode::Read).unwrap();
    let mut bytes = vec![0; file.len().unwrap() as usize];
    file.read_at(0, &mut bytes).unwrap();
    bytes
}

/// A disk with the same files, but for some that have other bytes, or are gone.
fn copy(disk: &MemoryDisk, other: &BTreeMap<String, Option<Vec<u8>>>) -> MemoryDisk {
    let copy = MemoryDisk::new();
    for name in disk.list("").unwrap() {
        let bytes = other.get(&name).cloned().unwrap_or_else(|| Some(read(disk, &name)));
        if let Some(bytes) = bytes {
            copy.create(&name).unwrap().write_at(0, &bytes).unwrap();
        }
    }
    copy
}

fn indexes(disk: &MemoryDisk) -> Vec<String> {
    disk.list("").unwrap().into_iter().filter(|name| name.rsplit('.').next() == Some("index")).collect()
}

/// All that the queue tells.
async fn told(disk: &MemoryDisk) -> String {
    let queue = EmbeddedQueue::open_on(Arc::new(disk.clone()), options()).unwrap();
    let peeked = queue.peek(Peek { max: 1_000, ..Peek::new(names().0) }).await.unwrap();
    let letters = queue.dead_letters(DeadLettersRead::default()).await.unwrap();
    let topics = queue.stats().await.unwrap().topics;
    let numbers: Vec<_> = topics
        .iter()
        .flat_map(|topic| &topic.groups)
        .map(|group| (group.waiting, group.leased, group.delayed, group.dead))
        .collect();
    let all = (0..MESSAGES).map(message).collect();
    let published = queue.publish(names().0, all).await.unwrap();
    assert!(published.iter().all(|published| *published == Published::AlreadyThere), "{published:?}");
    format!("{peeked:?} {letters:?} {numbers:?} {} {}", topics[0].messages, topics[0].bytes)
}

#[tokio::test]
async fn an_index_that_is_gone_damaged_or_of_another_segment_is_made_anew() {
    let disk = queue().await;
    let indexes = indexes(&disk);
    assert!(indexes.len() > 10, "{indexes:?}");
    let all_gone = indexes.iter().map(|name| (name.clone(), None)).collect();
    let wanted = told(&copy(&disk, &all_gone)).await;
    assert_eq!(told(&copy(&disk, &BTreeMap::new())).await, wanted, "as they are");
    let first = read(&disk, &indexes[0]);
    for name in &indexes {
        let bytes = read(&disk, name);
        let flipped = |at: usize| {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            bytes
        };
        let last = bytes.len() - 1;
        for other in [
            flipped(0),
            flipped(20),
            flipped(last / 2),
            flipped(last),
            first.clone(),
            bytes[..last / 2].to_vec(),
            Vec::new(),
        ] {
            let other = copy(&disk, &[(name.clone(), Some(other))].into());
            assert_eq!(told(&other).await, wanted, "{name}");
            assert_eq!(read(&other, name), bytes, "it was not made anew");
        }
    }
}
