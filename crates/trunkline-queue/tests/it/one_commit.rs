//! Operations that share a commit: what one of them changes is so for the next, also for messages that are stored with it.

use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex};

use futures::poll;
use trunkline_core::Timestamp;
use trunkline_log::disk::MemoryDisk;
use trunkline_queue::{
    Adoption, Clock, DeadLetterDecision, DeadLettersRead, EmbeddedOptions, EmbeddedQueue, GroupName,
    GroupOptions, MessageQueue, NewMessage, OperateQueue, Receive, SystemClock, TopicName,
};

/// A clock that the queue's own thread waits for while it is stopped: what is asked of it meanwhile makes one commit.
#[derive(Clone, Debug, Default)]
struct StoppedClock(Arc<(Mutex<bool>, Condvar)>);

impl StoppedClock {
    fn set(&self, stopped: bool) {
        let (is_stopped, changed) = &*self.0;
        *is_stopped.lock().unwrap() = stopped;
        changed.notify_all();
    }
}

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        if std::thread::current().name() == Some("queue") {
            let (is_stopped, changed) = &*self.0;
            let stopped = is_stopped.lock().unwrap();
            drop(changed.wait_while(stopped, |stopped| *stopped).unwrap());
        }
        SystemClock.now()
    }

    fn wait_until(&self, time: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        SystemClock.wait_until(time)
    }
}

fn topic() -> TopicName {
    "orders".parse().unwrap()
}

fn group(name: &str) -> GroupName {
    name.parse().unwrap()
}

fn keyed(id: &str) -> NewMessage {
    NewMessage::new("Ping", "{}").id(id.parse().unwrap()).key("a")
}

/// Takes and acknowledges messages one by one until none is due; their ids in that order.
async fn drain(queue: &EmbeddedQueue, name: &str) -> Vec<String> {
    let mut drained = Vec::new();
    loop {
        let deliveries = queue.receive(Receive::new(topic(), group(name)).max(1).now()).await.unwrap();
        let Some(delivery) = deliveries.first() else { return drained };
        drained.push(delivery.message.id.to_string());
        queue.ack(&delivery.lease).await.unwrap();
    }
}

/// A message is edited, and in the same commit another group adopts what its group has.
async fn edit_and_adopt(options: GroupOptions, into_other: bool) -> (EmbeddedQueue, MemoryDisk) {
    let (disk, clock) = (MemoryDisk::new(), StoppedClock::default());
    let with = EmbeddedOptions { clock: Arc::new(clock.clone()), ..EmbeddedOptions::default() };
    let queue = EmbeddedQueue::open_on(Arc::new(disk.clone()), with).unwrap();
    queue.subscribe(topic(), group("post"), options).await.unwrap();
    queue.publish(topic(), vec![keyed("m1"), keyed("m2")]).await.unwrap();
    let dead = queue.receive(Receive::new(topic(), group("post")).max(1).now()).await.unwrap().remove(0);
    queue.reject(&dead.lease, "broken".to_owned()).await.unwrap();
    if into_other {
        queue.subscribe(topic(), group("mail"), options).await.unwrap();
        assert_eq!(drain(&queue, "mail").await, ["m1", "m2"]);
    }
    let letter = queue.dead_letters(DeadLettersRead::default()).await.unwrap().remove(0).id;
    let new = keyed("e1");
    let mut edit = queue.decide(letter, DeadLetterDecision::Edit(Box::new(new)), "ada".to_owned());
    // It looks at the dead letter first, which is answered before what is asked next.
    clock.set(true);
    assert!(poll!(&mut edit).is_pending());
    clock.set(false);
    queue.stats().await.unwrap();
    clock.set(true);
    assert!(poll!(&mut edit).is_pending());
    let adoption =
        Adoption { topic: topic(), from: group("post"), to: group("mail"), name: "post".to_owned() };
    let mut adopt = queue.adopt(adoption);
    assert!(poll!(&mut adopt).is_pending());
    clock.set(false);
    assert_eq!(edit.await.unwrap().new_message_id, Some("e1".parse().unwrap()));
    assert_eq!(adopt.await.unwrap().dead, 0, "the edit comes first");
    (queue, disk)
}

async fn reopened(queue: EmbeddedQueue, disk: &MemoryDisk) -> EmbeddedQueue {
    queue.close().await;
    EmbeddedQueue::open_on(Arc::new(disk.clone()), EmbeddedOptions::default()).unwrap()
}

#[tokio::test]
async fn a_message_that_is_edited_comes_to_the_group_that_adopts_it() {
    for reopen in [false, true] {
        for ordered in [None, Some(1)] {
            for into_other in [false, true] {
                let options = GroupOptions { ordered, ..GroupOptions::default() };
                let (mut queue, disk) = edit_and_adopt(options, into_other).await;
                if reopen {
                    queue = reopened(queue, &disk).await;
                }
                let mut came = drain(&queue, "mail").await;
                if ordered.is_none() {
                    came.sort_unstable();
                }
                let context = format!("reopened {reopen}, ordered {ordered:?}, into another {into_other}");
                assert_eq!(came, ["e1", "m2"], "{context}");
                let stats = queue.stats().await.unwrap().topics.remove(0);
                assert_eq!((stats.messages, stats.groups[0].held), (0, 0), "{context}");
            }
        }
    }
}
