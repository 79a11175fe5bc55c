//! The power goes at each write and sync in turn, on a disk in memory; then the queue is opened again and asked.
//!
//! A script publishes three messages at a time, and receives, acknowledges, rejects and decides.
//! Afterwards whatever was acknowledged as an original must be there, a publish must be there whole or not at all,
//! and what no consumer ever acknowledged must still come.

use std::collections::BTreeSet;
use std::sync::Arc;

use trunkline_log::disk::{CrashChoice, Disk, Fault, FaultKind, MemoryDisk};
use trunkline_queue::{
    DeadLetterDecision, DeadLettersRead, EmbeddedOptions, EmbeddedQueue, GroupOptions, MessageQueue,
    NewMessage, OperateQueue, Peek, Published, Receive, StorageError, TopicName,
};

/// Segments as small as they may be, so that a short script makes many of them.
fn options() -> EmbeddedOptions {
    EmbeddedOptions { segment_bytes: 1, ..EmbeddedOptions::default() }
}

fn topic() -> TopicName {
    "orders".parse().unwrap()
}

fn batch(number: u32) -> Vec<NewMessage> {
    let one = |part| NewMessage::new("Ping", vec![7; 200]).id(format!("{number}-{part}").parse().unwrap());
    (0..3).map(one).collect()
}

/// What the script was told.
#[derive(Debug, Default)]
struct Told {
    published: BTreeSet<u32>,
    tried: BTreeSet<u32>,
    /// Whether it was answered or not, somebody asked for this message to be acknowledged or decided about.
    settled: BTreeSet<String>,
    decisions: u64,
    subscribed: bool,
}

/// Runs until the end, or until the queue fails.
async fn script(queue: &EmbeddedQueue) -> Told {
    let mut told = Told::default();
    let subscribed = queue.subscribe(topic(), "mail".parse().unwrap(), GroupOptions::default()).await;
    told.subscribed = subscribed.is_ok();
    for number in 0..14 {
        told.tried.insert(number);
        let Ok(published) = queue.publish(topic(), batch(number)).await else { break };
        assert_eq!(published, [Published::Stored; 3]);
        told.published.insert(number);
        let receive = Receive::new(topic(), "mail".parse().unwrap()).max(2).now();
        let Ok(deliveries) = queue.receive(receive).await else { break };
        for (index, delivery) in deliveries.iter().enumerate() {
            told.settled.insert(delivery.message.id.to_string());
            let done = if index == 0 {
                queue.ack(&delivery.lease).await
            } else {
                queue.reject(&delivery.lease, "never".to_owned()).await
            };
            if done.is_err() {
                return told;
            }
        }
        if number % 4 == 3 {
            let Ok(letters) = queue.dead_letters(DeadLettersRead::default()).await else { break };
            let decided =
                queue.decide(letters[0].id.clone(), DeadLetterDecision::Discard, "ada".to_owned()).await;
            if decided.is_err() {
                break;
            }
            told.decisions += 1;
        }
    }
    told
}

async fn assert_kept(queue: &EmbeddedQueue, told: &Told, context: &str) {
    let topic_is_there = queue.peek(Peek::new(topic())).await.is_ok();
    assert!(topic_is_there || told.published.is_empty(), "{context}: the topic is gone");
    let peek = Peek { group: Some("mail".parse().unwrap()), max: 1_000, ..Peek::new(topic()) };
    let waiting = queue.peek(peek).await;
    assert!(waiting.is_ok() || !told.subscribed, "{context}: the group is gone: {waiting:?}");
    let waiting: BTreeSet<String> =
        waiting.unwrap_or_default().iter().map(|peeked| peeked.message.id.to_string()).collect();
    for number in &told.published {
        for new in batch(*number) {
            let id = new.id.to_string();
            assert!(waiting.contains(&id) || told.settled.contains(&id), "{context}: {id} is lost");
        }
    }
    let decisions = queue.decisions(0, 1_000).await.unwrap().len() as u64;
    assert!(decisions >= told.decisions, "{context}: {decisions} of {} decisions", told.decisions);
    for number in &told.tried {
        let published = queue.publish(topic(), batch(*number)).await.unwrap();
        assert!(published.windows(2).all(|pair| pair[0] == pair[1]), "{context}: {number} is half there");
        let there = published[0] == Published::AlreadyThere;
        assert!(there || !told.published.contains(number), "{context}: {number} is lost");
    }
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

fn slow() -> bool {
    std::env::var_os("TRUNKLINE_SLOW").is_some_and(|value| value != "0")
}

/// How many operations on the disk the script comes to.
async fn operations() -> u64 {
    let disk = MemoryDisk::new();
    let queue = EmbeddedQueue::open_on(Arc::new(disk.clone()), options()).unwrap();
    let told = script(&queue).await;
    assert_eq!((told.published.len(), told.decisions), (14, 3));
    drop(queue);
    let count = |kind: &str| {
        disk.list("").unwrap().iter().filter(|name| name.rsplit('.').next() == Some(kind)).count()
    };
    assert!(count("seg") > 1 && count("state") > 0);
    disk.operations()
}

#[tokio::test]
async fn whenever_the_power_goes_what_was_acknowledged_is_there() {
    let all = operations().await;
    let seeds = if slow() { 40 } else { 3 };
    for at in 0..all {
        for seed in 0..seeds {
            let disk = MemoryDisk::new();
            disk.inject(Some(Fault { at, kind: FaultKind::Stop }));
            let told = match EmbeddedQueue::open_on(Arc::new(disk.clone()), options()) {
                Ok(queue) => script(&queue).await,
                Err(_) => Told::default(),
            };
            disk.inject(None);
            let mut random = Random(seed << 32 | at);
            let mut each = || random.next().is_multiple_of(2);
            disk.crash(&mut match seed {
                0 => CrashChoice::LoseAll,
                1 => CrashChoice::KeepAll,
                _ => CrashChoice::Each(&mut each),
            });
            let context = format!("stopped at operation {at}, seed {seed}");
            let queue = EmbeddedQueue::open_on(Arc::new(disk.clone()), options());
            let queue = queue.unwrap_or_else(|error| panic!("{context}: {error}"));
            assert_kept(&queue, &told, &context).await;
        }
    }
}

#[tokio::test]
async fn after_an_error_of_the_disk_the_queue_says_so_and_reopening_tells() {
    let all = operations().await;
    for at in 0..all {
        for kind in [FaultKind::Error, FaultKind::Short] {
            let disk = MemoryDisk::new();
            disk.inject(Some(Fault { at, kind }));
            let opened = EmbeddedQueue::open_on(Arc::new(disk.clone()), options());
            let told = match &opened {
                Ok(queue) => script(queue).await,
                Err(_) => Told::default(),
            };
            drop(opened);
            disk.inject(None);
            let context = format!("{kind:?} at operation {at}");
            let queue = EmbeddedQueue::open_on(Arc::new(disk.clone()), options());
            let queue = queue.unwrap_or_else(|error| panic!("{context}: {error}"));
            assert_kept(&queue, &told, &context).await;
        }
    }
}

/// A process is killed, the next one is opening when the power goes: whatever that leaves of names that were never
/// synced, it is not taken for a queue of which a segment is missing.
#[tokio::test]
async fn whenever_the_power_goes_while_a_killed_process_is_followed_the_queue_opens() {
    let (seeds, every) = if slow() { (3, 1) } else { (1, 3) };
    for at in (0..operations().await).step_by(every) {
        for seed in 0..2 * seeds {
            let kind = if seed % 2 == 0 { FaultKind::Stop } else { FaultKind::Error };
            // Each operation of the opening, until it is whole.
            for further in 0.. {
                let disk = MemoryDisk::new();
                disk.inject(Some(Fault { at, kind }));
                let told = match EmbeddedQueue::open_on(Arc::new(disk.clone()), options()) {
                    Ok(queue) => script(&queue).await,
                    Err(_) => Told::default(),
                };
                disk.kill();
                disk.inject(Some(Fault { at: disk.operations() + further, kind: FaultKind::Stop }));
                let opened = EmbeddedQueue::open_on(Arc::new(disk.clone()), options());
                let is_whole = opened.is_ok();
                drop(opened);
                disk.inject(None);
                let mut random = Random(seed << 48 | at << 16 | further);
                let mut each = || random.next().is_multiple_of(2);
                disk.crash(&mut CrashChoice::Each(&mut each));
                let context = format!("{kind:?} at operation {at}, stopped {further} later, seed {seed}");
                let queue = EmbeddedQueue::open_on(Arc::new(disk.clone()), options());
                let queue = queue.unwrap_or_else(|error| panic!("{context}: {error}"));
                assert_kept(&queue, &told, &context).await;
                if is_whole {
                    break;
                }
            }
        }
    }
}

/// The ids of the messages that are shown, oldest first.
async fn shown(queue: &EmbeddedQueue) -> Vec<String> {
    let peeked = queue.peek(Peek { max: 1_000, ..Peek::new(topic()) }).await.unwrap_or_default();
    peeked.iter().map(|peeked| peeked.message.id.to_string()).collect()
}

/// A process that ended, or whose sync failed, leaves frames that the medium doesn't have: what is shown of them
/// after reopening stays, since somebody may have acted on it, or was told that it is there already.
#[tokio::test]
async fn what_was_shown_after_reopening_is_there_when_the_power_goes() {
    let mut more = 0;
    for at in 0..operations().await {
        for kind in [FaultKind::Stop, FaultKind::Error] {
            let disk = MemoryDisk::new();
            disk.inject(Some(Fault { at, kind }));
            let opened = EmbeddedQueue::open_on(Arc::new(disk.clone()), options());
            let told = match &opened {
                Ok(queue) => script(queue).await,
                Err(_) => Told::default(),
            };
            drop(opened);
            disk.kill();
            let context = format!("{kind:?} at operation {at}");
            let queue = EmbeddedQueue::open_on(Arc::new(disk.clone()), options());
            let queue = queue.unwrap_or_else(|error| panic!("{context}: {error}"));
            let seen = shown(&queue).await;
            more += usize::from(seen.iter().any(|id| {
                let number = id.split('-').next().unwrap();
                !told.published.contains(&number.parse().unwrap())
            }));
            disk.inject(Some(Fault { at: disk.operations(), kind: FaultKind::Stop }));
            drop(queue);
            disk.crash(&mut CrashChoice::LoseAll);
            let queue = EmbeddedQueue::open_on(Arc::new(disk.clone()), options());
            let queue = queue.unwrap_or_else(|error| panic!("{context}: {error}"));
            assert_eq!(shown(&queue).await, seen, "{context}: what was shown is gone");
        }
    }
    assert!(more > 0, "in none of these runs was more shown than was acknowledged");
}

/// A full disk refuses messages, and nothing else; with room again it goes on without being reopened.
#[tokio::test]
async fn a_full_disk_refuses_messages_and_goes_on_when_there_is_room() {
    let disk = MemoryDisk::new();
    let queue = EmbeddedQueue::open_on(Arc::new(disk.clone()), options()).unwrap();
    queue.subscribe(topic(), "mail".parse().unwrap(), GroupOptions::default()).await.unwrap();
    queue.publish(topic(), batch(0)).await.unwrap();
    disk.inject(Some(Fault { at: disk.operations(), kind: FaultKind::Full }));
    let mut number = 1;
    let error = loop {
        // In a segment there still is room, because that was taken when the segment was made: but on this disk
        // every write fails now, so the first one that needs none is what is refused.
        match queue
            .publish(
                topic(),
                vec![NewMessage::new("Ping", vec![7; 8_000]).id(format!("x{number}").parse().unwrap())],
            )
            .await
        {
            Ok(_) => number += 1,
            Err(error) => break error,
        }
    };
    let trunkline_queue::PublishError::Storage(StorageError::NotStored { reason }) = &error else {
        panic!("a full disk is no other failure: {error:?}");
    };
    assert!(reason.contains("free some space"), "{reason}");
    disk.inject(None);
    let again = NewMessage::new("Ping", vec![7; 8_000]).id(format!("x{number}").parse().unwrap());
    assert_eq!(queue.publish(topic(), vec![again]).await.unwrap(), [Published::Stored]);
    let receive = Receive::new(topic(), "mail".parse().unwrap()).max(100).now();
    assert_eq!(queue.receive(receive).await.unwrap().len() as u32, 3 + number);
}

/// What is finished is given back, also where a message that stays stands between.
#[tokio::test]
async fn the_space_of_finished_messages_is_given_back() {
    let disk = MemoryDisk::new();
    let queue = EmbeddedQueue::open_on(Arc::new(disk.clone()), options()).unwrap();
    let group: trunkline_queue::GroupName = "mail".parse().unwrap();
    queue.subscribe(topic(), group.clone(), GroupOptions::default()).await.unwrap();
    let mut most = 0;
    for number in 0..600 {
        let mut new = batch(number);
        if number % 20 == 0 {
            new[1] = new[1].clone().after(std::time::Duration::from_secs(3_600));
        }
        queue.publish(topic(), new).await.unwrap();
        let receive = Receive::new(topic(), group.clone()).max(10).now();
        for delivery in queue.receive(receive).await.unwrap() {
            queue.ack(&delivery.lease).await.unwrap();
        }
        most = most.max(queue.stats().await.unwrap().stored_bytes);
    }
    // 600 × 3 messages of some 260 bytes were written, of which 30 stay.
    assert!(most < 120_000, "{most} bytes");
    drop(queue);
    let queue = EmbeddedQueue::open_on(Arc::new(disk), options()).unwrap();
    assert_eq!(queue.stats().await.unwrap().topics[0].groups[0].delayed, 30);
}

/// Damage to what was synced is not taken for a commit that was cut off.
#[tokio::test]
async fn damage_is_reported_with_its_place() {
    let disk = MemoryDisk::new();
    let queue = EmbeddedQueue::open_on(
        Arc::new(disk.clone()),
        EmbeddedOptions { segment_bytes: 64 << 10, ..options() },
    )
    .unwrap();
    for number in 0..5 {
        queue.publish(topic(), batch(number)).await.unwrap();
    }
    queue.close().await;
    drop(queue);
    let file = disk.open("0000000001.seg", trunkline_log::disk::OpenMode::Write).unwrap();
    let mut byte = [0];
    file.read_at(1_000, &mut byte).unwrap();
    file.write_at(1_000, &[byte[0] ^ 1]).unwrap();
    let error = EmbeddedQueue::open_on(Arc::new(disk), options()).unwrap_err().to_string();
    assert!(error.starts_with("0000000001.seg is damaged at byte "), "{error}");
}
