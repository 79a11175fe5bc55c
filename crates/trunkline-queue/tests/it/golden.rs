//! What older versions wrote is still read, with the meaning it had.
//!
//! `tests/golden/v1` is a queue as it was written when states listed no segments and leases outlived their process:
//! `mail` is ordered in 4 partitions, has acknowledged `a1`, given up `a2`, `a3`, `s1` and `s2`, holds `b1` until a
//! time in the next year, and has 12 messages of key `z`; `stock` holds `a1`, and `a2` was replayed there.

use std::fs;
use std::path::Path;
use std::time::Duration;

use trunkline_queue::{
    DeadLetterDecision, DeadLettersRead, EmbeddedOptions, EmbeddedQueue, GroupName, GroupOptions, Keep,
    MessageQueue, NewMessage, OnDead, OperateQueue, Peek, Receive, TopicName,
};

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

/// Leases of before ended with nothing but their time, and nothing was held behind a dead letter.
#[tokio::test]
async fn what_an_older_version_left_in_hand_or_dead_goes_by_the_rules_of_this_one() {
    let (topic, mail): (TopicName, GroupName) = ("orders".parse().unwrap(), "mail".parse().unwrap());
    let folder = copy();
    let queue = EmbeddedQueue::open(folder.path(), options()).unwrap();
    let receive = |group: &GroupName| Receive::new(topic.clone(), group.clone()).max(100).now();
    // Held by a process that is gone until a time in the next year.
    let stock = queue.receive(receive(&"stock".parse().unwrap())).await.unwrap();
    let again: Vec<_> = stock.iter().filter(|one| one.attempt == 2).collect();
    assert!(matches!(again[..], [one] if one.message.id.as_str() == "a1"), "{again:?}");
    let publish = async |queue: &EmbeddedQueue, ids: &[&str]| {
        let new = |id: &&str| NewMessage::new("Ping", "").id(id.parse().unwrap()).key(id[..1].to_owned());
        queue.publish(topic.clone(), ids.iter().map(new).collect()).await.unwrap();
    };
    let drain = async |queue: &EmbeddedQueue| {
        let mut drained = Vec::new();
        loop {
            let deliveries = queue.receive(receive(&mail)).await.unwrap();
            if deliveries.is_empty() {
                return drained;
            }
            for delivery in deliveries {
                queue.ack(&delivery.lease).await.unwrap();
                drained.push(delivery.message.id.to_string());
            }
        }
    };
    publish(&queue, &["a4"]).await;
    let drained = drain(&queue).await;
    assert!(["b1", "b2", "z12", "a4"].iter().all(|id| drained.contains(&(*id).to_owned())), "{drained:?}");
    // `s1` was a saga's, and `s2` was not.
    let hold = GroupOptions { ordered: Some(4), on_dead: OnDead::Hold };
    assert!(!queue.subscribe(topic.clone(), mail.clone(), hold).await.unwrap());
    publish(&queue, &["a5", "s3", "b3"]).await;
    queue.close().await;
    let queue = EmbeddedQueue::open(folder.path(), options()).unwrap();
    assert_eq!(drain(&queue).await, ["b3"]);
    let letters = queue.given_up(topic.clone(), mail.clone(), None, 10).await.unwrap();
    let discard = async |id: &str| {
        let letter = letters.iter().find(|letter| letter.message.id.as_str() == id).unwrap();
        let discard = DeadLetterDecision::Discard;
        queue.decide(letter.id.clone(), discard, "ada".to_owned()).await.unwrap().released
    };
    assert_eq!([discard("s1").await, discard("a2").await, discard("s2").await], [0, 0, 1]);
    assert_eq!(drain(&queue).await, ["s3"]);
    assert_eq!(discard("a3").await, 1);
    assert_eq!(drain(&queue).await, ["a5"]);
}
