//! Copies of a queue that are taken while it is worked with.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use trunkline_queue::{
    EmbeddedOptions, EmbeddedQueue, GroupOptions, MessageQueue, NewMessage, OpenError, Receive, TopicName,
    copy_queue,
};

fn topic() -> TopicName {
    "orders".parse().unwrap()
}

/// Segments as small as they may be, so that they come and go quickly.
fn open(path: &Path) -> EmbeddedQueue {
    let options = EmbeddedOptions { segment_bytes: 1, ..EmbeddedOptions::default() };
    EmbeddedQueue::open(path, options).unwrap()
}

/// The ids of all messages that a queue hands out.
async fn waiting(queue: &EmbeddedQueue) -> BTreeSet<String> {
    let receive = Receive::new(topic(), "mail".parse().unwrap()).max(100_000).now();
    let received = queue.receive(receive).await.unwrap();
    received.into_iter().map(|delivery| delivery.message.id.as_str().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_has_all_that_was_published_before_it_was_begun_and_was_not_finished() {
    let folder = tempfile::tempdir().unwrap();
    let (path, to) = (folder.path().join("queue"), folder.path().join("copy"));
    let queue = open(&path);
    queue.subscribe(topic(), "mail".parse().unwrap(), GroupOptions::default()).await.unwrap();
    // All but every fourth are acknowledged at once.
    let (published, done) = (Arc::new(Mutex::new(BTreeSet::new())), Arc::new(AtomicBool::new(false)));
    let worker = {
        let (queue, published, done) = (queue.clone(), Arc::clone(&published), Arc::clone(&done));
        tokio::spawn(async move {
            for number in 0..400_u32 {
                let id = number.to_string();
                let message = NewMessage::new("Ping", vec![7; 400]).id(id.parse().unwrap());
                queue.publish(topic(), vec![message]).await.unwrap();
                if number % 4 == 0 {
                    published.lock().unwrap().insert(id);
                    continue;
                }
                let receive = Receive::new(topic(), "mail".parse().unwrap()).max(100);
                for delivery in queue.receive(receive).await.unwrap() {
                    let kept = delivery.message.id.as_str().parse::<u32>().unwrap() % 4 == 0;
                    if !kept {
                        queue.ack(&delivery.lease).await.unwrap();
                    }
                }
            }
            done.store(true, Ordering::SeqCst);
        })
    };
    let mut copies = 0;
    while !done.load(Ordering::SeqCst) {
        let before = published.lock().unwrap().clone();
        let taken = copy_queue(&path, &to).unwrap();
        assert!(taken.segments > 0);
        let copy = open(&to);
        // What was leased in the queue's process is handed out again by the copy's.
        let found = waiting(&copy).await;
        assert!(found.is_superset(&before), "missing: {:?}", before.difference(&found).collect::<Vec<_>>());
        copy.close().await;
        copies += 1;
        tokio::task::yield_now().await;
    }
    worker.await.unwrap();
    assert!(copies > 0);
    queue.close().await;
}

/// Damage that the queue lives with is in the copy, and the copy lives with it.
#[tokio::test]
async fn a_copy_of_a_queue_with_a_damaged_message_opens_as_the_queue_does() {
    let folder = tempfile::tempdir().unwrap();
    let (path, to) = (folder.path().join("queue"), folder.path().join("copy"));
    let queue = open(&path);
    queue.subscribe(topic(), "mail".parse().unwrap(), GroupOptions::default()).await.unwrap();
    for number in 0..60 {
        let message = NewMessage::new("Ping", vec![7; 400]).id(number.to_string().parse().unwrap());
        queue.publish(topic(), vec![message]).await.unwrap();
    }
    queue.close().await;
    let first = path.join("0000000001.seg");
    let mut bytes = std::fs::read(&first).unwrap();
    // In the first message's payload.
    let at = bytes.windows(400).position(|window| window == [7; 400]).unwrap();
    bytes[at] ^= 1;
    std::fs::write(&first, bytes).unwrap();
    let queue = open(&path);
    copy_queue(&path, &to).unwrap();
    let copy = open(&to);
    let (wanted, found) = (waiting(&queue).await, waiting(&copy).await);
    assert_eq!((wanted.len(), &found), (59, &wanted));
    copy.close().await;
    queue.close().await;
}

#[test]
fn where_no_queue_is_there_is_nothing_to_copy() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    let error = copy_queue(&folder.path().join("empty"), &folder.path().join("copy")).unwrap_err();
    assert!(matches!(error, OpenError::NotFound { .. }), "{error:?}");
}
