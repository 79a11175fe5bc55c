//! Ordered groups: order by key, and what holds a partition.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Fixture;
use super::sample::{REST, VISIBILITY, ack, due, ids, message, publish_all, subscribe_ordered};
use crate::{Delivery, NewMessage};

fn keyed(id: &str, key: &str) -> NewMessage {
    message(id).key(key)
}

/// A key's messages come one after the other, each once the one before is settled; other keys go on.
pub async fn an_ordered_group_gets_a_key_in_order(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe_ordered(&*queue, "mail", 64).await;
    let keys = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let all = (0..5).flat_map(|number| keys.map(|key| keyed(&format!("{key}{number}"), key)));
    publish_all(&*queue, all.collect()).await;
    let mut seen: Vec<Vec<String>> = vec![Vec::new(); keys.len()];
    let mut left = 5 * keys.len();
    let mut widest = 0;
    while left > 0 {
        let deliveries = due(&*queue, "mail").await;
        assert!(!deliveries.is_empty(), "{left} are left, and none is handed out");
        assert_eq!(ids(&due(&*queue, "mail").await), [""; 0], "nothing comes before something is settled");
        widest = widest.max(deliveries.len());
        left -= deliveries.len();
        let held: BTreeSet<_> = deliveries.iter().map(|delivery| delivery.message.key.clone()).collect();
        assert_eq!(held.len(), deliveries.len(), "two of a key are handed out at a time");
        for delivery in &deliveries {
            let key = delivery.message.key.clone().expect("it was given a key");
            let place = keys.iter().position(|known| *known == key).expect("it is one of those");
            seen[place].push(delivery.message.id.to_string());
            ack(&*queue, delivery).await;
        }
    }
    assert!(widest > 1, "keys of several partitions should go on side by side");
    for (key, seen) in keys.iter().zip(seen) {
        assert_eq!(seen, (0..5).map(|number| format!("{key}{number}")).collect::<Vec<_>>());
    }
}

/// Keys that share a partition are in order together.
pub async fn a_partition_is_worked_on_by_one_at_a_time(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe_ordered(&*queue, "mail", 1).await;
    publish_all(&*queue, vec![keyed("m1", "a"), keyed("m2", "b"), message("m3")]).await;
    for wanted in ["m1", "m2", "m3"] {
        let delivery = only(due(&*queue, "mail").await);
        assert_eq!(delivery.message.id.as_str(), wanted);
        assert_eq!(ids(&due(&*queue, "mail").await), [""; 0]);
        ack(&*queue, &delivery).await;
    }
}

/// Nothing of the partition is handed out while a message of it waits for its retry, or its lease has ended.
pub async fn a_waiting_retry_holds_its_partition(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe_ordered(&*queue, "mail", 8).await;
    publish_all(&*queue, vec![keyed("m1", "a"), keyed("m2", "a")]).await;
    let delivery = only(due(&*queue, "mail").await);
    queue.retry(&delivery.lease, REST, "no".to_owned()).await.expect("the lease is good");
    assert_eq!(ids(&due(&*queue, "mail").await), [""; 0]);
    fixture.pass(REST).await;
    let delivery = only(due(&*queue, "mail").await);
    assert_eq!((delivery.message.id.as_str(), delivery.attempt), ("m1", 2));
    fixture.pass(VISIBILITY).await;
    let delivery = only(due(&*queue, "mail").await);
    assert_eq!((delivery.message.id.as_str(), delivery.attempt), ("m1", 3));
    ack(&*queue, &delivery).await;
    assert_eq!(only(due(&*queue, "mail").await).message.id.as_str(), "m2");
}

/// A message published with a delay is not waited for, and takes its turn when it is due.
pub async fn a_delayed_message_holds_nothing(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe_ordered(&*queue, "mail", 8).await;
    let late = keyed("m1", "a").after(Duration::from_secs(1));
    publish_all(&*queue, vec![late, keyed("m2", "a"), keyed("m3", "a")]).await;
    let delivery = only(due(&*queue, "mail").await);
    assert_eq!(delivery.message.id.as_str(), "m2");
    queue.extend(&delivery.lease, Duration::from_secs(60)).await.expect("the lease is good");
    fixture.pass(Duration::from_secs(1)).await;
    assert_eq!(ids(&due(&*queue, "mail").await), [""; 0], "one at a time");
    ack(&*queue, &delivery).await;
    for wanted in ["m1", "m3"] {
        let delivery = only(due(&*queue, "mail").await);
        assert_eq!(delivery.message.id.as_str(), wanted);
        ack(&*queue, &delivery).await;
    }
}

fn only(mut deliveries: Vec<Delivery>) -> Delivery {
    assert_eq!(deliveries.len(), 1, "exactly one should be handed out: {:?}", ids(&deliveries));
    deliveries.remove(0)
}
