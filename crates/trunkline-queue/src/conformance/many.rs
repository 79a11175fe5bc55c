//! Many at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use futures::future::join_all;

use super::Fixture;
use super::sample::{
    VISIBILITY, ack, ask, given_up, given_up_after, id, message, publish_all, slow, soon, subscribe,
    subscribe_ordered, topic,
};
use crate::{DeadLetter, Delivery, MessageQueue, Published};

/// Of many who publish the same message, exactly one stores it.
pub async fn of_many_that_publish_the_same_exactly_one_stores_it(fixture: Fixture) {
    let queue = fixture.queue();
    for round in 0..20 {
        let publish = |_| {
            let queue = Arc::clone(&queue);
            tokio::spawn(async move {
                let published = queue.publish(topic("orders"), vec![message(&format!("m{round}"))]).await;
                published.expect("a sound queue takes messages")[0]
            })
        };
        let all = soon(join_all((0..8).map(publish))).await;
        let stored = all.into_iter().filter(|one| matches!(one, Ok(Published::Stored))).count();
        assert_eq!(stored, 1);
    }
}

/// Among many publishers and many consumers, each message is handed out, and to one consumer at a time.
pub async fn every_message_comes_once_to_many_consumers(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    let each: usize = if slow() { 5_000 } else { 200 };
    let publishers = (0..4).map(|publisher| {
        let queue = Arc::clone(&queue);
        tokio::spawn(async move {
            for number in 0..each {
                let new = vec![message(&format!("{publisher}-{number}"))];
                queue.publish(topic("orders"), new).await.expect("a sound queue takes messages");
            }
        })
    });
    let publishers: Vec<_> = publishers.collect();
    let seen = Arc::new(Mutex::new(BTreeMap::new()));
    let consumers: Vec<_> = (0..4)
        .map(|_| {
            let (queue, seen) = (Arc::clone(&queue), Arc::clone(&seen));
            tokio::spawn(async move {
                let ask = ask("mail").max(7).visibility(VISIBILITY * 100);
                while let Ok(deliveries) = queue.receive(ask.clone()).await {
                    for delivery in deliveries {
                        note(&seen, &delivery);
                        ack(&*queue, &delivery).await;
                    }
                }
            })
        })
        .collect();
    soon_long(join_all(publishers)).await;
    soon_long(async {
        while !is_at_rest(&*queue).await {
            tokio::task::yield_now().await;
        }
    })
    .await;
    queue.unsubscribe(topic("orders"), super::sample::group("mail")).await.expect("the group is there");
    for consumer in consumers {
        soon(consumer).await.expect("consumers don't panic");
    }
    let seen = seen.lock().expect("nobody panicked");
    assert_eq!(seen.len(), 4 * each);
    assert!(seen.values().all(|times| *times == 1), "a message came twice");
}

/// Among many consumers of an ordered group, each key is seen in order.
pub async fn many_consumers_see_each_key_in_order(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe_ordered(&*queue, "mail", 16).await;
    let count = if slow() { 2_000 } else { 60 };
    let keys = 5;
    for number in 0..count {
        let messages = (0..keys).map(|key| message(&format!("{key}-{number}")).key(format!("k{key}")));
        queue.publish(topic("orders"), messages.collect()).await.expect("a sound queue takes messages");
    }
    let seen: Arc<Mutex<BTreeMap<String, Vec<u64>>>> = Arc::default();
    let consume = |_| {
        let (queue, seen) = (Arc::clone(&queue), Arc::clone(&seen));
        tokio::spawn(async move {
            while !is_at_rest(&*queue).await {
                let ask = ask("mail").max(3).now().visibility(VISIBILITY * 100);
                for delivery in queue.receive(ask).await.expect("the group is subscribed") {
                    let (key, number) =
                        delivery.message.id.as_str().split_once('-').expect("ids are so made");
                    let number = number.parse().expect("and end with a number");
                    seen.lock().expect("nobody panics").entry(key.to_owned()).or_default().push(number);
                    ack(&*queue, &delivery).await;
                }
            }
        })
    };
    for done in soon_long(join_all((0..4).map(consume))).await {
        done.expect("consumers don't panic");
    }
    let seen = seen.lock().expect("nobody panicked");
    for numbers in seen.values() {
        assert_eq!(*numbers, (0..count).collect::<Vec<u64>>());
    }
    assert_eq!(seen.len(), keys);
}

/// Publishing beside each other loses nothing and doubles nothing.
pub async fn many_publishers_lose_nothing(fixture: Fixture) {
    let queue = fixture.queue();
    let publish = |publisher| {
        let queue = Arc::clone(&queue);
        tokio::spawn(async move {
            for number in 0..20 {
                let new = (0..5).map(|one| message(&format!("{publisher}-{number}-{one}"))).collect();
                let stored = queue.publish(topic("orders"), new).await.expect("a sound queue takes messages");
                assert_eq!(stored, [Published::Stored; 5]);
            }
        })
    };
    for done in soon_long(join_all((0..8).map(publish))).await {
        done.expect("publishers don't panic");
    }
    subscribe(&*queue, "mail").await;
    let all = queue.receive(ask("mail").now().max(1_000)).await.expect("the group is subscribed");
    let ids: BTreeSet<_> = all.iter().map(|delivery| delivery.message.id.clone()).collect();
    assert_eq!((all.len(), ids.len()), (800, 800));
    assert!(ids.contains(&id("7-19-4")));
}

/// Who follows what a group gives up, page by page, while consumers give up more, misses none and has none twice.
pub async fn who_follows_given_up_messages_misses_none(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    let count = if slow() { 5_000 } else { 200 };
    let messages = (0..count).map(|number| message(&format!("m{number}")));
    publish_all(&*queue, messages.collect()).await;
    let reject = |_| {
        let queue = Arc::clone(&queue);
        tokio::spawn(async move {
            loop {
                let deliveries = queue.receive(ask("mail").max(3).now().visibility(VISIBILITY * 100)).await;
                let deliveries = deliveries.expect("the group is subscribed");
                if deliveries.is_empty() {
                    return;
                }
                for delivery in deliveries {
                    queue.reject(&delivery.lease, "no".to_owned()).await.expect("the lease is good");
                }
            }
        })
    };
    let rejecting: Vec<_> = (0..4).map(reject).collect();
    let mut seen: Vec<DeadLetter> = Vec::new();
    soon_long(async {
        while seen.len() < count {
            let after = seen.last().map(|letter| letter.id.clone());
            seen.extend(given_up_after(&*queue, "mail", after).await);
            tokio::task::yield_now().await;
        }
    })
    .await;
    for done in soon_long(join_all(rejecting)).await {
        done.expect("consumers don't panic");
    }
    let ids: BTreeSet<_> = seen.iter().map(|letter| letter.message.id.clone()).collect();
    assert_eq!((seen.len(), ids.len()), (count, count));
    assert_eq!(given_up(&*queue, "mail").await, seen, "and in the same order");
}

/// Whether nothing is left to do in the whole queue.
async fn is_at_rest(queue: &dyn MessageQueue) -> bool {
    queue.unfinished(None).await.expect("a sound queue can count").is_at_rest()
}

fn note(seen: &Mutex<BTreeMap<String, u32>>, delivery: &Delivery) {
    let mut seen = seen.lock().expect("nobody panics while it is held");
    *seen.entry(delivery.message.id.to_string()).or_default() += 1;
}

/// Like `soon`, for what takes its time.
async fn soon_long<T>(future: impl Future<Output = T>) -> T {
    let limit = std::time::Duration::from_secs(if slow() { 3_600 } else { 120 });
    tokio::time::timeout(limit, future).await.expect("this should have come to an end")
}
