//! Groups: what each is handed, from when to when.

use std::sync::Arc;
use std::time::Duration;

use futures::poll;

use super::Fixture;
use super::sample::{
    ack, ask, due, group, ids, message, one, publish, publish_all, soon, subscribe, subscribe_ordered, topic,
};
use crate::{GroupOptions, OperateError, ReceiveError, SubscribeError};

/// Each group gets each message, and what one does is nothing to the others.
pub async fn every_group_gets_every_message(fixture: Fixture) {
    let queue = fixture.queue();
    assert!(subscribe(&*queue, "mail").await);
    assert!(subscribe(&*queue, "stock").await);
    publish(&*queue, &["m1", "m2"]).await;
    let mail = due(&*queue, "mail").await;
    assert_eq!(ids(&mail), ["m1", "m2"]);
    for delivery in &mail {
        ack(&*queue, delivery).await;
    }
    assert_eq!(ids(&due(&*queue, "stock").await), ["m1", "m2"]);
}

/// A group that begins gets what is kept already, also what has a delay.
pub async fn a_new_group_begins_at_the_oldest_message_kept(fixture: Fixture) {
    let queue = fixture.queue();
    let late = message("m3").after(Duration::from_secs(1));
    publish_all(&*queue, vec![message("m1"), message("m2"), late]).await;
    subscribe(&*queue, "mail").await;
    let mail = due(&*queue, "mail").await;
    assert_eq!(ids(&mail), ["m1", "m2"]);
    ack(&*queue, &mail[0]).await;
    subscribe(&*queue, "stock").await;
    assert_eq!(due(&*queue, "stock").await.len(), 1, "one was finished by all groups there were");
    fixture.pass(Duration::from_secs(1)).await;
    assert_eq!(ids(&due(&*queue, "mail").await), ["m3"]);
    assert_eq!(ids(&due(&*queue, "stock").await), ["m3"]);
}

/// Subscribing again is no mistake and changes nothing.
pub async fn subscribing_again_changes_nothing(fixture: Fixture) {
    let queue = fixture.queue();
    publish(&*queue, &["m1"]).await;
    assert!(subscribe(&*queue, "mail").await);
    let delivery = one(&*queue, "mail").await;
    assert!(!subscribe(&*queue, "mail").await);
    assert_eq!(ids(&due(&*queue, "mail").await), [""; 0]);
    ack(&*queue, &delivery).await;
}

/// What a group is, it stays.
pub async fn other_options_are_refused(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe_ordered(&*queue, "mail", 4).await;
    for ordered in [None, Some(5)] {
        let options = GroupOptions { ordered, ..GroupOptions::default() };
        let error = queue.subscribe(topic("orders"), group("mail"), options).await;
        let error = error.expect_err("the group is ordered in 4 partitions");
        assert!(matches!(error, SubscribeError::OtherOptions { .. }), "{error:?}");
    }
    assert!(!subscribe_ordered(&*queue, "mail", 4).await);
    let options = GroupOptions { ordered: Some(0), ..GroupOptions::default() };
    let error = queue.subscribe(topic("orders"), group("none"), options).await;
    assert!(matches!(error, Err(SubscribeError::Invalid { .. })), "{error:?}");
}

/// Messages wait for a group that is not subscribed, old ones and new ones, until it is again.
pub async fn a_group_goes_on_where_it_was(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    publish(&*queue, &["m1", "m2"]).await;
    let first = queue.receive(ask("mail").now().max(1)).await.expect("the group is subscribed");
    ack(&*queue, &first[0]).await;
    queue.unsubscribe(topic("orders"), group("mail")).await.expect("the group is there");
    publish(&*queue, &["m3"]).await;
    let error = queue.receive(ask("mail").now()).await.expect_err("the group is not subscribed");
    assert!(matches!(error, ReceiveError::NotSubscribed { .. }), "{error:?}");
    assert!(!subscribe(&*queue, "mail").await);
    let rest = due(&*queue, "mail").await;
    assert_eq!(rest.len(), 2, "{:?}", ids(&rest));
    let error = queue.unsubscribe(topic("orders"), group("other")).await.expect_err("it is unknown");
    assert!(matches!(error, OperateError::NoGroup { .. }), "{error:?}");
}

/// Who waits for messages when the subscription ends is told so.
pub async fn who_waits_is_told_that_the_subscription_ended(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    let mut waiting = Vec::new();
    for _ in 0..3 {
        let queue = Arc::clone(&queue);
        waiting.push(tokio::spawn(async move { queue.receive(ask("mail")).await }));
    }
    let mut begun = queue.receive(ask("mail"));
    assert!(poll!(&mut begun).is_pending(), "there is nothing to hand out");
    queue.unsubscribe(topic("orders"), group("mail")).await.expect("the group is there");
    waiting.push(tokio::spawn(std::future::ready(soon(begun).await)));
    for told in waiting {
        let told = soon(told).await.expect("waiting doesn't panic").expect_err("the subscription ended");
        assert!(matches!(told, ReceiveError::NotSubscribed { .. }), "{told:?}");
    }
}

/// Receiving without a subscription is refused, whether the topic is there or not.
pub async fn receiving_without_a_subscription_is_refused(fixture: Fixture) {
    let queue = fixture.queue();
    for _ in 0..2 {
        let error = soon(queue.receive(ask("mail"))).await.expect_err("nobody subscribed");
        assert!(matches!(error, ReceiveError::NotSubscribed { .. }), "{error:?}");
        queue.publish(topic("orders"), vec![message("m1")]).await.expect("a sound queue takes messages");
    }
}
