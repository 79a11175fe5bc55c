//! What is there after a durable queue was closed and opened again.

use std::time::Duration;

use super::Fixture;
use super::sample::{
    LESS, REST, VISIBILITY, ack, ask, assert_unfinished, due, given_up, given_up_after, group, id, ids, kill,
    message, one, publish, publish_all, subscribe, subscribe_ordered, topic,
};
use crate::Published;

/// Messages, groups and what groups have finished are there.
pub async fn messages_and_groups_survive_reopening(mut fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    subscribe(&*queue, "stock").await;
    publish(&*queue, &["m1", "m2", "m3"]).await;
    let first = queue.receive(ask("mail").now().max(1)).await.expect("the group is subscribed");
    ack(&*queue, &first[0]).await;
    let finished = first[0].message.id.clone();
    queue.unsubscribe(topic("orders"), group("stock")).await.expect("the group is there");
    drop(queue);
    let queue = fixture.reopen().await;
    let rest = due(&*queue, "mail").await;
    assert_eq!(rest.len(), 2);
    assert!(rest.iter().all(|delivery| delivery.message.id != finished));
    assert!(queue.receive(ask("stock").now()).await.is_err(), "it was unsubscribed");
    assert!(!subscribe(&*queue, "stock").await);
    assert_eq!(ids(&due(&*queue, "stock").await), ["m1", "m2", "m3"]);
    let published = queue.publish(topic("orders"), vec![message("m1"), message("m4")]).await;
    assert_eq!(published.expect("it takes messages"), [Published::AlreadyThere, Published::Stored]);
}

/// A lease ends with the process that has the queue, as if its time were over, or lasts on where something else has it.
pub async fn leases_end_with_the_process_that_has_the_queue(mut fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    publish(&*queue, &["m1", "m2"]).await;
    let held = due(&*queue, "mail").await;
    drop(queue);
    let queue = fixture.reopen().await;
    if fixture.keeps_leases() {
        assert_eq!(ids(&due(&*queue, "mail").await), [""; 0]);
        ack(&*queue, &held[0]).await;
        fixture.pass(VISIBILITY).await;
    } else {
        // By a clock that stands still: how long the lease would have lasted does not matter.
        ack(&*queue, &held[0]).await;
    }
    let again = one(&*queue, "mail").await;
    assert_eq!((again.message.id.clone(), again.attempt), (held[1].message.id.clone(), 2));
    assert!(queue.ack(&held[1].lease).await.is_err(), "the message is leased again");
    assert_ne!(again.lease.token, held[1].lease.token);
}

/// A message whose process is gone each time that it has it is a dead letter in the end.
pub async fn attempts_of_processes_that_are_gone_count(mut fixture: Fixture) {
    let mut queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    publish(&*queue, &["m1"]).await;
    for attempt in 1..=3 {
        let deliveries = queue.receive(ask("mail").now().max_attempts(2)).await.expect("it is subscribed");
        let attempts: Vec<u32> = deliveries.iter().map(|delivery| delivery.attempt).collect();
        assert_eq!(attempts, if attempt < 3 { vec![attempt] } else { Vec::new() });
        drop(queue);
        queue = fixture.reopen().await;
        if fixture.keeps_leases() {
            fixture.pass(VISIBILITY).await;
        }
    }
    assert_eq!(given_up(&*queue, "mail").await[0].attempts, 2);
}

/// What was leased when the queue was reopened is handed out in its turn, and settled once.
pub async fn what_was_leased_is_settled_after_a_reopening_for_good(mut fixture: Fixture) {
    let queue = fixture.queue();
    subscribe_ordered(&*queue, "mail", 4).await;
    publish_all(&*queue, vec![message("m1").key("a"), message("m2").key("a")]).await;
    one(&*queue, "mail").await;
    drop(queue);
    let queue = fixture.reopen().await;
    if fixture.keeps_leases() {
        fixture.pass(VISIBILITY).await;
    }
    let again = one(&*queue, "mail").await;
    assert_eq!((again.message.id.clone(), again.attempt), (id("m1"), 2));
    ack(&*queue, &again).await;
    drop(queue);
    let queue = fixture.reopen().await;
    assert_eq!(one(&*queue, "mail").await.message.id, id("m2"));
}

/// Delays, attempts and errors are there.
pub async fn delays_and_attempts_survive_reopening(mut fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    publish_all(&*queue, vec![message("m1"), message("m2").after(VISIBILITY)]).await;
    let delivery = one(&*queue, "mail").await;
    queue.retry(&delivery.lease, REST, "no answer".to_owned()).await.expect("the lease is good");
    drop(queue);
    let queue = fixture.reopen().await;
    assert_unfinished(&*queue, Some("orders"), [2, 0, 2], 1).await;
    fixture.pass(REST).await;
    let again = one(&*queue, "mail").await;
    assert_eq!((again.attempt, again.last_error.as_deref()), (2, Some("no answer")));
    fixture.pass(LESS).await;
    assert_eq!(one(&*queue, "mail").await.message.id, id("m2"));
}

/// What was given up is there, as it was and in its order, and what is given up later comes after it.
pub async fn given_up_messages_survive_reopening(mut fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    for name in ["m1", "m2", "m3"] {
        publish(&*queue, &[name]).await;
        kill(&*queue, "mail", name).await;
    }
    let before = given_up(&*queue, "mail").await;
    drop(queue);
    let queue = fixture.reopen().await;
    assert_eq!(given_up(&*queue, "mail").await, before);
    publish(&*queue, &["m4"]).await;
    kill(&*queue, "mail", "m4").await;
    let later = given_up_after(&*queue, "mail", Some(before[2].id.clone())).await;
    let later: Vec<_> = later.into_iter().map(|letter| letter.message.id.to_string()).collect();
    assert_eq!(later, ["m4"]);
}

/// An ordered group goes on in order, and what held a partition still does.
pub async fn order_survives_reopening(mut fixture: Fixture) {
    let queue = fixture.queue();
    subscribe_ordered(&*queue, "mail", 4).await;
    publish_all(&*queue, ["m1", "m2", "m3", "m4"].map(|id| message(id).key("a")).to_vec()).await;
    ack(&*queue, &one(&*queue, "mail").await).await;
    let second = one(&*queue, "mail").await;
    queue.retry(&second.lease, REST, "no".to_owned()).await.expect("the lease is good");
    drop(queue);
    let queue = fixture.reopen().await;
    assert_eq!(ids(&due(&*queue, "mail").await), [""; 0]);
    fixture.pass(REST + Duration::from_millis(1)).await;
    for wanted in ["m2", "m3", "m4"] {
        let delivery = one(&*queue, "mail").await;
        assert_eq!(delivery.message.id, id(wanted));
        ack(&*queue, &delivery).await;
    }
}
