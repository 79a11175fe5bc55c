//! Damage to a message is met where the message is wanted: it is put aside for operators, and holds up no other. Damage
//! to what the state rests on is an error, until somebody orders to go on without it.

use std::sync::Arc;

use trunkline_log::disk::{CrashChoice, Disk, Fault, FaultKind, MemoryDisk, OpenMode};
use trunkline_queue::{
    BulkDecision, DeadLetterDecision, DeadLetterFilter, DeadLettersRead, EmbeddedOptions, EmbeddedQueue,
    GivenUpPart, GroupName, GroupOptions, MessageQueue, NewMessage, OpenError, OperateError, OperateQueue,
    OperateQueueExt as _, Peek, Receive, TopicName,
};

/// Segments as small as they may be, so that a short script makes many of them.
fn options() -> EmbeddedOptions {
    EmbeddedOptions { segment_bytes: 1, ..EmbeddedOptions::default() }
}

fn open(disk: &MemoryDisk) -> Result<EmbeddedQueue, OpenError> {
    EmbeddedQueue::open_on(Arc::new(disk.clone()), options())
}

fn names() -> (TopicName, GroupName) {
    ("orders".parse().unwrap(), "mail".parse().unwrap())
}

/// A closed queue with so many messages that wait, `m0` and on.
async fn queue(messages: u32) -> MemoryDisk {
    queue_with(messages, options()).await
}

async fn queue_with(messages: u32, options: EmbeddedOptions) -> MemoryDisk {
    let disk = MemoryDisk::new();
    let queue = EmbeddedQueue::open_on(Arc::new(disk.clone()), options).unwrap();
    let (topic, group) = names();
    queue.subscribe(topic.clone(), group, GroupOptions::default()).await.unwrap();
    for number in 0..messages {
        let id = format!("m{number}").parse().unwrap();
        queue.publish(topic.clone(), vec![NewMessage::new("Ping", vec![7; 400]).id(id)]).await.unwrap();
    }
    queue.close().await;
    disk
}

/// Flips a bit of the message's id, in the one segment that has it; the segment's name.
fn flip(disk: &MemoryDisk, id: &str) -> String {
    // The id stands behind its length.
    let wanted: Vec<u8> = [&[id.len() as u8], id.as_bytes()].concat();
    for name in disk.list("").unwrap().into_iter().filter(|name| name.rsplit('.').next() == Some("seg")) {
        let bytes = disk.bytes(&name);
        if let Some(at) = bytes.windows(wanted.len()).position(|window| window == wanted) {
            let file = disk.open(&name, OpenMode::Write).unwrap();
            file.write_at(at as u64 + 1, &[bytes[at + 1] ^ 1]).unwrap();
            return name;
        }
    }
    panic!("no segment has {id}");
}

async fn receive(queue: &EmbeddedQueue) -> Vec<String> {
    let (topic, group) = names();
    let deliveries = queue.receive(Receive::new(topic, group).max(1_000).now()).await.unwrap();
    deliveries.into_iter().map(|delivery| delivery.message.id.to_string()).collect()
}

#[tokio::test]
async fn a_damaged_message_is_a_dead_letter_with_its_place_and_holds_up_no_other() {
    let disk = queue(60).await;
    let segment = flip(&disk, "m5");
    let queue = open(&disk).unwrap();
    let (topic, group) = names();
    // Who looks sees it among the others.
    let peeked = queue.peek(Peek { max: 1_000, ..Peek::new(topic.clone()) }).await.unwrap();
    assert_eq!(peeked.len(), 60);
    let damaged: Vec<_> = peeked.iter().filter_map(|peeked| peeked.damaged.as_deref()).collect();
    assert!(matches!(damaged[..], [what] if what.starts_with(&format!("{segment} at byte "))), "{damaged:?}");
    // Whoever receives it first gets the others, also one by one.
    let mut came = Vec::new();
    for _ in 0..7 {
        let deliveries = queue.receive(Receive::new(topic.clone(), group.clone())).await.unwrap();
        came.extend(deliveries.into_iter().map(|delivery| delivery.message.id.to_string()));
    }
    came.extend(receive(&queue).await);
    let others = (0..60).filter(|number| *number != 5);
    assert_eq!(came, others.map(|number| format!("m{number}")).collect::<Vec<_>>());
    let stats = queue.stats().await.unwrap().topics.remove(0).groups.remove(0);
    assert_eq!((stats.dead, stats.died), (1, 1));
    let letters = queue.dead_letters(DeadLettersRead::default()).await.unwrap();
    let [letter] = &letters[..] else { panic!("{letters:?}") };
    assert_eq!(letter.damaged.as_deref(), Some(damaged[0]));
    assert!(letter.error().contains(damaged[0]), "{}", letter.error());
    assert_eq!(queue.given_up(topic.clone(), group.clone(), None, 10).await.unwrap(), letters);
    // It can't come back, and it can be removed.
    let replay = queue.decide(letter.id.clone(), DeadLetterDecision::Replay, "ada".to_owned()).await;
    assert!(matches!(replay, Err(OperateError::Damaged { .. })), "{replay:?}");
    queue.decide(letter.id.clone(), DeadLetterDecision::Discard, "ada".to_owned()).await.unwrap();
    assert_eq!(queue.dead_letters(DeadLettersRead::default()).await.unwrap(), []);
    queue.close().await;
    let queue = open(&disk).unwrap();
    assert_eq!(queue.stats().await.unwrap().topics[0].messages, 59);
}

#[tokio::test]
async fn replaying_all_replays_all_but_what_is_damaged() {
    let disk = queue(60).await;
    flip(&disk, "m5");
    let queue = open(&disk).unwrap();
    let (topic, group) = names();
    for delivery in queue.receive(Receive::new(topic, group).max(10).now()).await.unwrap() {
        queue.reject(&delivery.lease, "no".to_owned()).await.unwrap();
    }
    let mut replayed = 0;
    let mut said = |_| replayed += 1;
    let all = DeadLetterFilter::default();
    let done = queue.decide_all(all, BulkDecision::Replay, "ada", None, &mut said).await;
    assert!(matches!(done, Err(OperateError::Damaged { .. })), "{done:?}");
    assert_eq!((replayed, queue.dead_letters(DeadLettersRead::default()).await.unwrap().len()), (9, 1));
}

/// In the segments since the state, where changes are read too.
#[tokio::test]
async fn damage_to_what_the_state_rests_on_is_refused_until_it_is_repaired() {
    let disk = queue(3).await;
    let segment = flip(&disk, "m1");
    let error = open(&disk).unwrap_err();
    assert!(matches!(&error, OpenError::Corrupt { file, .. } if *file == segment), "{error}");
    let (queue, repaired) = EmbeddedQueue::repair_on(Arc::new(disk.clone()), options()).unwrap();
    let [GivenUpPart::Damaged { file, saved: 0, messages: 1, .. }] = &repaired.parts[..] else {
        panic!("{repaired:?}")
    };
    assert_eq!((file, repaired.messages()), (&segment, 1));
    queue.close().await;
    // From then on it opens as ever, and has room for more.
    let queue = open(&disk).unwrap();
    assert_eq!(receive(&queue).await, ["m0", "m2"]);
    let published = queue.publish(names().0, vec![NewMessage::new("Ping", "")]).await.unwrap();
    assert_eq!((published.len(), queue.stats().await.unwrap().topics[0].messages), (1, 3));
}

/// Messages of one publish share a frame, and each has a checksum of its own.
#[tokio::test]
async fn a_repair_saves_the_messages_beside_a_damaged_one() {
    let disk = queue(0).await;
    let queue = open(&disk).unwrap();
    let batch = ["n0", "n1", "n2"].map(|id| NewMessage::new("Ping", "{}").id(id.parse().unwrap()));
    queue.publish(names().0, batch.to_vec()).await.unwrap();
    queue.publish(names().0, vec![NewMessage::new("Ping", "").id("n3".parse().unwrap())]).await.unwrap();
    queue.close().await;
    flip(&disk, "n1");
    assert!(open(&disk).is_err());
    let (queue, repaired) = EmbeddedQueue::repair_on(Arc::new(disk.clone()), options()).unwrap();
    assert!(
        matches!(repaired.parts[..], [GivenUpPart::Damaged { saved: 2, messages: 1, .. }]),
        "{repaired:?}"
    );
    assert_eq!(receive(&queue).await, ["n0", "n2", "n3"]);
}

/// A disk with the same files, all of them synced.
fn copy(disk: &MemoryDisk) -> MemoryDisk {
    let copy = MemoryDisk::new();
    for name in disk.list("").unwrap() {
        let file = copy.create(&name).unwrap();
        file.write_at(0, &disk.bytes(&name)).unwrap();
        file.sync().unwrap();
    }
    copy.sync_dir("").unwrap();
    copy
}

/// What a repair has gone on without is not met again: neither after a power cut, nor where the disk fails it.
#[tokio::test]
async fn once_it_is_repaired_a_queue_opens_whatever_becomes_of_the_disk() {
    // In a segment before the state whose index is gone, and in one since.
    for (messages, id, index) in [(60, "m5", Some("0000000001.index")), (3, "m1", None)] {
        let damaged = queue(messages).await;
        flip(&damaged, id);
        if let Some(index) = index {
            damaged.remove(index).unwrap();
        }
        assert!(open(&damaged).is_err());
        for at in 0.. {
            let disk = copy(&damaged);
            let before = disk.operations();
            disk.inject(Some(Fault { at: before + at, kind: FaultKind::Error }));
            let repaired = EmbeddedQueue::repair_on(Arc::new(disk.clone()), options());
            let is_done = repaired.is_ok();
            // Its last sync is not needed.
            disk.inject(Some(Fault { at: disk.operations(), kind: FaultKind::Stop }));
            let all = disk.operations() - before;
            drop(repaired);
            disk.inject(None);
            disk.crash(&mut CrashChoice::LoseAll);
            if is_done {
                let queue = open(&disk).unwrap_or_else(|error| panic!("failed at operation {at}: {error}"));
                assert_eq!(receive(&queue).await.len() as u32, messages - 1, "failed at operation {at}");
            } else {
                // It is done with the next one.
                EmbeddedQueue::repair_on(Arc::new(disk.clone()), options()).unwrap();
            }
            if at > all {
                break;
            }
        }
    }
}

/// Topics and groups have the numbers in whose order they begin: where one may be lost, a later one would get its number,
/// and its messages.
#[tokio::test]
async fn a_repair_that_would_mix_up_topics_is_refused() {
    let (stock, group): (TopicName, _) = ("stock".parse().unwrap(), names().1);
    let new = |id: &str| vec![NewMessage::new("Ping", "").id(id.parse().unwrap())];
    let disk = queue(3).await;
    let queue = open(&disk).unwrap();
    queue.subscribe(stock.clone(), group.clone(), GroupOptions::default()).await.unwrap();
    queue.publish(stock.clone(), new("s1")).await.unwrap();
    queue.close().await;
    // Where the first topic begins.
    let damaged = copy(&disk);
    flip(&damaged, "orders");
    let (before, segment) = (copy(&damaged), "0000000001.seg");
    let error = EmbeddedQueue::repair_on(Arc::new(damaged.clone()), options()).unwrap_err();
    assert!(matches!(&error, OpenError::Renumbered { file, .. } if file == segment), "{error}");
    let together = "store, queue and checkpoints aside and restore all of them from a backup";
    for words in [segment, together, "--reconcile`", "what was relayed since is lost", "folder is removed"] {
        assert!(error.to_string().contains(words), "{words}: {error}");
    }
    let lists = [&before, &damaged].map(|disk| {
        let names = disk.list("").unwrap().into_iter().filter(|name| name != "lock");
        names.map(|name| (disk.bytes(&name), name)).collect::<Vec<_>>()
    });
    assert_eq!(lists[0], lists[1], "a file is not what it was");
    // In a frame that can't be read to its end there may have been one.
    let second = frames(&disk)[1] as u64;
    let damaged = copy(&disk);
    damaged.flip_bit(segment, second + 24, 6);
    let error = EmbeddedQueue::repair_on(Arc::new(damaged), options()).unwrap_err();
    assert!(matches!(error, OpenError::Renumbered { .. }), "{error}");
    // Where no topic begins, a later one is what it was.
    let damaged = copy(&disk);
    damaged.flip_bit(segment, second, 0);
    let (queue, repaired) = EmbeddedQueue::repair_on(Arc::new(damaged), options()).unwrap();
    assert_eq!((repaired.messages(), receive(&queue).await.len()), (0, 3));
    flip(&disk, "m1");
    let (queue, repaired) = EmbeddedQueue::repair_on(Arc::new(disk), options()).unwrap();
    assert_eq!((repaired.messages(), receive(&queue).await), (1, vec!["m0".to_owned(), "m2".to_owned()]));
    let deliveries = queue.receive(Receive::new(stock, group).now()).await.unwrap();
    assert_eq!(deliveries[0].message.id.as_str(), "s1");
}

/// Whether a repair says that others would be taken for what the disk's frame of this number has: the file says why.
fn is_refused_without_frame(disk: &MemoryDisk, number: usize) -> bool {
    let segment = "0000000001.seg";
    let at = frames(disk)[number] as u64;
    // The frame is not whole any more, and its records can still be read.
    disk.flip_bit(segment, at + 4, 0);
    match EmbeddedQueue::repair_on(Arc::new(disk.clone()), options()) {
        Err(OpenError::Renumbered { file, offset, .. }) => (file.as_str(), offset) == (segment, at),
        Err(error) => panic!("{error}"),
        Ok(_) => false,
    }
}

/// Where the frames of the first segment begin.
fn frames(disk: &MemoryDisk) -> Vec<usize> {
    let bytes = disk.bytes("0000000001.seg");
    (0..bytes.len() - 4).filter(|at| bytes[*at..].starts_with(b"FRM1")).collect()
}

/// What has lost its name, or is gone, by a change that is lost is still there of that name for a repair, and what began
/// under the name again is another all the same.
#[tokio::test]
async fn a_repair_that_takes_a_name_for_what_had_it_before_is_refused() {
    // Such that no state has what is lost.
    let open_with_large_segments = |disk: &MemoryDisk| {
        EmbeddedQueue::open_on(Arc::new(disk.clone()), EmbeddedOptions::default()).unwrap()
    };
    let (topic, group) = names();
    let subscribe = async |queue: &EmbeddedQueue| {
        queue.subscribe(topic.clone(), group.clone(), GroupOptions::default()).await.unwrap();
    };
    let new = |id: &str| vec![NewMessage::new("Ping", "").id(id.parse().unwrap())];
    let disk = queue_with(3, EmbeddedOptions::default()).await;
    let orders = open_with_large_segments(&disk);
    orders.rename_topic(topic.clone(), "sales".parse().unwrap()).await.unwrap();
    let renamed = frames(&disk).len() - 1;
    orders.publish(topic.clone(), new("n0")).await.unwrap();
    orders.close().await;
    assert!(is_refused_without_frame(&disk, renamed), "a topic was renamed");

    // Another group keeps the messages.
    let disk = queue_with(3, EmbeddedOptions::default()).await;
    let orders = open_with_large_segments(&disk);
    let stock = "stock".parse().unwrap();
    orders.subscribe(topic.clone(), stock, GroupOptions::default()).await.unwrap();
    orders.unsubscribe(topic.clone(), group.clone()).await.unwrap();
    orders.purge(topic.clone(), Some(group.clone())).await.unwrap();
    let forgotten = frames(&disk).len() - 1;
    subscribe(&orders).await;
    orders.publish(topic.clone(), new("n0")).await.unwrap();
    assert_eq!(receive(&orders).await.last().unwrap(), "n0");
    orders.close().await;
    assert!(is_refused_without_frame(&disk, forgotten), "a group was forgotten");
}

/// What is whole is not given up since the topic or the group that it is of is lost: a backup may have that.
#[tokio::test]
async fn a_repair_without_a_topic_or_a_group_of_what_is_whole_is_refused() {
    let disk = queue(3).await;
    flip(&disk, "orders");
    let error = EmbeddedQueue::repair_on(Arc::new(disk), options()).unwrap_err();
    assert!(matches!(error, OpenError::Renumbered { .. }), "{error}");
    let disk = queue(1).await;
    let queue = open(&disk).unwrap();
    let (topic, group): (_, GroupName) = (names().0, "stock".parse().unwrap());
    queue.subscribe(topic.clone(), group.clone(), GroupOptions::default()).await.unwrap();
    let deliveries = queue.receive(Receive::new(topic, group).now()).await.unwrap();
    queue.ack(&deliveries[0].lease).await.unwrap();
    queue.close().await;
    flip(&disk, "stock");
    let error = EmbeddedQueue::repair_on(Arc::new(disk), options()).unwrap_err();
    assert!(matches!(error, OpenError::Renumbered { .. }), "{error}");
}

/// A topic that is lost, of which there is nothing else, is lost.
#[tokio::test]
async fn a_repair_goes_on_without_a_topic_that_has_nothing() {
    let disk = queue(0).await;
    flip(&disk, "orders");
    let (queue, repaired) = EmbeddedQueue::repair_on(Arc::new(disk), options()).unwrap();
    assert_eq!((repaired.messages(), queue.stats().await.unwrap().topics.len()), (0, 0));
}

#[tokio::test]
async fn a_repair_of_a_sound_queue_gives_nothing_up() {
    let disk = queue(60).await;
    let before = disk.list("").unwrap();
    let (queue, repaired) = EmbeddedQueue::repair_on(Arc::new(disk.clone()), options()).unwrap();
    assert_eq!(repaired.parts, []);
    let stats = queue.stats().await.unwrap();
    assert_eq!(stats.topics[0].groups[0].waiting, 60);
    queue.close().await;
    assert_eq!(disk.list("").unwrap(), before);
}

/// What a dead letter holds lies before the place that its partition has come to; a repair writes a state of that.
#[tokio::test]
async fn a_repair_keeps_what_is_held() {
    let disk = MemoryDisk::new();
    let queue = open(&disk).unwrap();
    let (topic, group) = names();
    let ordered = GroupOptions { ordered: Some(1), ..GroupOptions::default() };
    queue.subscribe(topic.clone(), group.clone(), ordered).await.unwrap();
    let publish = async |queue: &EmbeddedQueue, id: &str, key: &str| {
        let new = NewMessage::new("Ping", "").id(id.parse().unwrap()).key(key);
        queue.publish(topic.clone(), vec![new]).await.unwrap();
    };
    for (id, key) in [("m1", "a"), ("m2", "a"), ("m3", "b")] {
        publish(&queue, id, key).await;
    }
    let one = Receive::new(topic.clone(), group).now();
    let dead = queue.receive(one.clone()).await.unwrap().remove(0);
    queue.reject(&dead.lease, "no".to_owned()).await.unwrap();
    let next = queue.receive(one).await.unwrap().remove(0);
    assert_eq!(next.message.id.as_str(), "m3");
    queue.ack(&next.lease).await.unwrap();
    publish(&queue, "n1", "b").await;
    publish(&queue, "n2", "b").await;
    queue.close().await;
    flip(&disk, "n1");
    let (queue, repaired) = EmbeddedQueue::repair_on(Arc::new(disk.clone()), options()).unwrap();
    assert_eq!(repaired.parts.len(), 1);
    queue.close().await;
    let queue = open(&disk).unwrap();
    let stats = queue.stats().await.unwrap().topics.remove(0).groups.remove(0);
    assert_eq!((stats.held, stats.waiting, stats.dead), (1, 1, 1));
}
