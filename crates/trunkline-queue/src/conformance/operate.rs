//! What operators look at, and what they order.

use std::time::Duration;

use super::Fixture;
use super::sample::{
    REST, ack, ask, counts, due, group, id, ids, kill, message, one, operating, publish, publish_all, stats,
    subscribe, topic, topic_stats,
};
use crate::{MessageState, NewMessage, OperateError, Peek};

/// A message that a group has not finished is exactly one of waiting, leased, delayed and dead.
pub async fn every_unfinished_message_is_counted_once(fixture: Fixture) {
    let queue = fixture.queue();
    let topics = operating(&*queue).stats().await.expect("an empty queue has numbers").topics;
    assert_eq!(topics, [], "topics appear on first use");
    subscribe(&*queue, "mail").await;
    let later = message("m6").after(Duration::from_secs(3600));
    publish_all(
        &*queue,
        vec![message("m1"), message("m2"), message("m3"), message("m4"), message("m5"), later],
    )
    .await;
    assert_eq!(counts(&*queue, "mail").await, [5, 0, 1, 0]);
    let mut held = queue.receive(ask("mail").now().max(4)).await.expect("the group is subscribed");
    assert_eq!(counts(&*queue, "mail").await, [1, 4, 1, 0]);
    let lease = |delivery: Option<crate::Delivery>| delivery.expect("four were handed out").lease;
    queue.reject(&lease(held.pop()), "never".to_owned()).await.expect("the lease is good");
    queue.retry(&lease(held.pop()), REST, "later".to_owned()).await.expect("the lease is good");
    queue.ack(&lease(held.pop())).await.expect("the lease is good");
    assert_eq!(counts(&*queue, "mail").await, [1, 1, 2, 1]);
    fixture.pass(REST).await;
    assert_eq!(counts(&*queue, "mail").await[0], 2);
    let numbers = stats(&*queue, "mail").await;
    assert_eq!((numbers.delivered, numbers.acked, numbers.retried, numbers.died), (4, 1, 1, 1));
    let topic = topic_stats(&*queue).await;
    assert_eq!((topic.messages, topic.published, topic.unread, topic.dropped), (5, 6, false, 0));
    assert!(topic.bytes > 0);
}

/// Of the delayed messages, that whose time comes first is named, with its attempts.
pub async fn the_next_delayed_message_is_named(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    let (hour, day) = (Duration::from_secs(3600), Duration::from_secs(24 * 3600));
    publish(&*queue, &["m1"]).await;
    assert_eq!(stats(&*queue, "mail").await.next_due, None);
    publish_all(&*queue, vec![message("m2").after(day)]).await;
    let next = stats(&*queue, "mail").await.next_due.expect("a message is delayed");
    let peeked = operating(&*queue).peek(Peek::new(topic("orders"))).await.expect("the topic is there");
    assert_eq!((Some(next.at), next.attempts), (peeked[1].message.not_before, 0));
    let delivery = one(&*queue, "mail").await;
    queue.retry(&delivery.lease, hour, "later".to_owned()).await.expect("the lease is good");
    let sooner = stats(&*queue, "mail").await.next_due.expect("two messages are delayed");
    assert!(sooner.at < next.at && sooner.attempts == 1, "{sooner:?}");
}

/// The age is that of the oldest message that is not finished or dead, and rates are those of the last minute.
pub async fn age_and_rates_are_told(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    assert_eq!(stats(&*queue, "mail").await.oldest_age, None);
    publish(&*queue, &["m1"]).await;
    fixture.pass(REST).await;
    publish(&*queue, &["m2"]).await;
    let age = stats(&*queue, "mail").await.oldest_age.expect("a message waits");
    assert!(age >= REST && age < Duration::from_secs(60), "{age:?}");
    let deliveries = due(&*queue, "mail").await;
    ack(&*queue, &deliveries[0]).await;
    let younger = stats(&*queue, "mail").await.oldest_age.expect("a message is leased");
    assert!(younger < age, "{younger:?}");
    let numbers = stats(&*queue, "mail").await;
    let about = |rate: f64, count: f64| (rate * 60.0 - count).abs() < 0.5;
    assert!(about(numbers.deliver_rate, 2.0), "{numbers:?}");
    assert!(about(numbers.ack_rate, 1.0), "{numbers:?}");
    assert!(about(topic_stats(&*queue).await.publish_rate, 2.0));
    if fixture.time_is_free() {
        fixture.pass(Duration::from_secs(61)).await;
        assert!(about(stats(&*queue, "mail").await.deliver_rate, 0.0));
    }
}

/// Looking at messages leases none, says what each group has them as, and goes on after a place.
pub async fn a_look_leases_nothing(fixture: Fixture) {
    let queue = fixture.queue();
    publish(&*queue, &["m1", "m2", "m3"]).await;
    let all = operating(&*queue).peek(Peek::new(topic("orders"))).await.expect("the topic is there");
    assert_eq!(all.iter().map(|peeked| peeked.message.id.as_str()).collect::<Vec<_>>(), ["m1", "m2", "m3"]);
    assert!(all.windows(2).all(|pair| pair[0].place < pair[1].place));
    subscribe(&*queue, "mail").await;
    subscribe(&*queue, "stock").await;
    let first = queue.receive(ask("mail").now().max(1)).await.expect("the group is subscribed");
    queue.reject(&first[0].lease, "never".to_owned()).await.expect("the lease is good");
    let held = queue.receive(ask("mail").now().max(1)).await.expect("the group is subscribed");
    let peeked = operating(&*queue).peek(Peek::new(topic("orders"))).await.expect("the topic is there");
    let mail: Vec<&MessageState> = peeked
        .iter()
        .flat_map(|peeked| peeked.states.iter().filter(|(name, _)| *name == group("mail")))
        .map(|(_, state)| state)
        .collect();
    assert_eq!((mail[0], mail[2]), (&MessageState::Dead, &MessageState::Waiting));
    assert!(
        matches!(mail[1], MessageState::Leased { consumer, attempt: 1, .. } if consumer == "suite"),
        "{mail:?}"
    );
    ack(&*queue, &held[0]).await;
    let one_group = Peek { group: Some(group("mail")), max: 1, ..Peek::new(topic("orders")) };
    let first = operating(&*queue).peek(one_group.clone()).await.expect("the group is there");
    let next = operating(&*queue)
        .peek(Peek { after: Some(first[0].place), ..one_group })
        .await
        .expect("the group is there");
    assert_eq!((first[0].message.id.clone(), next[0].message.id.clone()), (id("m1"), id("m3")));
    assert_eq!(due(&*queue, "stock").await.len(), 3);
}

/// Delayed messages can be had now: one, or all of a group.
pub async fn delayed_messages_can_be_made_due(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    let hour = Duration::from_secs(3600);
    publish_all(&*queue, ["m1", "m2", "m3"].map(|id| message(id).after(hour)).to_vec()).await;
    let now = operating(&*queue).retry_now(topic("orders"), group("mail"), Some(id("m2"))).await;
    assert_eq!(now.expect("it is delayed"), 1);
    let delivery = one(&*queue, "mail").await;
    assert_eq!(delivery.message.id, id("m2"));
    queue.retry(&delivery.lease, hour, "later".to_owned()).await.expect("the lease is good");
    let now = operating(&*queue).retry_now(topic("orders"), group("mail"), None).await;
    assert_eq!(now.expect("three are delayed"), 3);
    assert_eq!(ids(&due(&*queue, "mail").await), ["m1", "m2", "m3"]);
    for unknown in ["m1", "m4"] {
        let error = operating(&*queue).retry_now(topic("orders"), group("mail"), Some(id(unknown))).await;
        assert!(matches!(error, Err(OperateError::NoMessage { .. })), "{error:?}");
    }
    assert_eq!(
        operating(&*queue).retry_now(topic("orders"), group("mail"), None).await.expect("it is there"),
        0
    );
}

/// A purged group has neither waiting nor delayed messages; what consumers hold and dead letters stay.
pub async fn a_purge_leaves_what_is_held_and_what_is_dead(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    subscribe(&*queue, "stock").await;
    publish(&*queue, &["m1"]).await;
    kill(&*queue, "mail", "never").await;
    publish(&*queue, &["m2"]).await;
    let held = one(&*queue, "mail").await;
    let later = message("m4").after(REST);
    publish_all(&*queue, vec![message("m3"), later]).await;
    let purged =
        operating(&*queue).purge(topic("orders"), Some(group("mail"))).await.expect("the group is there");
    assert_eq!(purged, 2);
    assert_eq!(counts(&*queue, "mail").await, [0, 1, 0, 1]);
    assert_eq!(counts(&*queue, "stock").await, [3, 0, 1, 0]);
    ack(&*queue, &held).await;
    publish(&*queue, &["m5"]).await;
    assert_eq!(one(&*queue, "mail").await.message.id, id("m5"));
    operating(&*queue).purge(topic("orders"), None).await.expect("the topic is there");
    assert_eq!(counts(&*queue, "mail").await, [0, 1, 0, 1]);
    assert_eq!(counts(&*queue, "stock").await, [0, 0, 0, 0]);
    assert_eq!(topic_stats(&*queue).await.messages, 2);
}

/// What isn't there is an error that says so.
pub async fn what_is_not_there_is_refused(fixture: Fixture) {
    let queue = fixture.queue();
    let no_topic = |error: &OperateError| matches!(error, OperateError::NoTopic { .. });
    let error = operating(&*queue).peek(Peek::new(topic("orders"))).await.expect_err("there is no topic");
    assert!(no_topic(&error), "{error:?}");
    let error = operating(&*queue).purge(topic("orders"), None).await.expect_err("there is no topic");
    assert!(no_topic(&error), "{error:?}");
    let error = operating(&*queue)
        .retry_now(topic("orders"), group("mail"), None)
        .await
        .expect_err("there is no topic");
    assert!(no_topic(&error), "{error:?}");
    publish(&*queue, &["m1"]).await;
    let no_group = |error: &OperateError| matches!(error, OperateError::NoGroup { .. });
    let peek = Peek { group: Some(group("mail")), ..Peek::new(topic("orders")) };
    let error = operating(&*queue).peek(peek).await.expect_err("there is no group");
    assert!(no_group(&error), "{error:?}");
    let error =
        operating(&*queue).purge(topic("orders"), Some(group("mail"))).await.expect_err("there is no group");
    assert!(no_group(&error), "{error:?}");
    let error = operating(&*queue)
        .retry_now(topic("orders"), group("mail"), None)
        .await
        .expect_err("there is no group");
    assert!(no_group(&error), "{error:?}");
}

/// A topic without a group keeps only so much, for so long, and says what it dropped.
pub async fn a_topic_without_a_group_is_bounded_and_flagged(fixture: Fixture) {
    let queue = fixture.queue();
    let keep = fixture.keep();
    let size = 64 << 10;
    let count = (keep.unread_bytes / size + 3).min(64);
    for number in 0..count {
        let new = NewMessage::new("Ping", vec![0; size as usize]).id(id(&format!("m{number}")));
        publish_all(&*queue, vec![new]).await;
    }
    let stats = topic_stats(&*queue).await;
    assert!(stats.unread);
    assert!(stats.bytes <= keep.unread_bytes + 2 * size, "{} of {}", stats.bytes, keep.unread_bytes);
    assert_eq!((stats.messages + stats.dropped, stats.published), (count, count));
    if count * size > keep.unread_bytes {
        assert!(stats.dropped > 0, "{count} messages of {size} bytes are more than {}", keep.unread_bytes);
    }
    if fixture.time_is_free() {
        fixture.pass(keep.unread_age + Duration::from_secs(1)).await;
        publish(&*queue, &["new"]).await;
        assert_eq!(topic_stats(&*queue).await.messages, 1);
    }
    subscribe(&*queue, "mail").await;
    assert!(!topic_stats(&*queue).await.unread);
}

/// A group that is purged after its subscription has ended is gone, and begins anew.
pub async fn a_purged_group_is_forgotten(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    publish(&*queue, &["m1", "m2"]).await;
    queue.unsubscribe(topic("orders"), group("mail")).await.expect("the group is there");
    let purged =
        operating(&*queue).purge(topic("orders"), Some(group("mail"))).await.expect("the group is there");
    assert_eq!(purged, 2);
    let stats = topic_stats(&*queue).await;
    assert_eq!((stats.groups.len(), stats.messages, stats.unread), (0, 0, true));
    assert!(subscribe(&*queue, "mail").await, "the group is new");
}
