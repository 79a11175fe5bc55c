//! Receiving: how many, when, and to whom.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use futures::poll;

use super::Fixture;
use super::sample::{VISIBILITY, ack, ask, due, ids, message, one, publish, publish_all, soon, subscribe};

/// Not more come than were asked for, and none twice.
pub async fn at_most_so_many_are_handed_out(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    publish(&*queue, &["m1", "m2", "m3", "m4", "m5"]).await;
    let mut all = Vec::new();
    loop {
        let deliveries = queue.receive(ask("mail").now().max(2)).await.expect("the group is subscribed");
        if deliveries.is_empty() {
            break;
        }
        assert!(deliveries.len() <= 2, "{:?}", ids(&deliveries));
        all.extend(deliveries);
    }
    assert_eq!(ids(&all), ["m1", "m2", "m3", "m4", "m5"]);
}

/// Every lease has a token of its own.
pub async fn tokens_are_never_the_same(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    publish(&*queue, &["m1", "m2"]).await;
    let mut tokens = BTreeSet::new();
    for _ in 0..3 {
        for delivery in due(&*queue, "mail").await {
            assert!(tokens.insert(delivery.lease.token), "{} came twice", delivery.lease.token);
            queue.retry(&delivery.lease, Duration::ZERO, String::new()).await.expect("the lease is good");
        }
    }
    assert_eq!(tokens.len(), 6);
}

/// Without waiting, nothing is an answer too.
pub async fn without_waiting_the_answer_comes_at_once(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    assert_eq!(ids(&soon(due(&*queue, "mail")).await), [""; 0]);
}

/// Who waits gets a message as soon as there is one.
pub async fn who_waits_is_woken_by_a_message(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    for round in 0..20 {
        let mut waiting = queue.receive(ask("mail"));
        assert!(poll!(&mut waiting).is_pending(), "there is nothing to hand out");
        publish(&*queue, &[&format!("m{round}")]).await;
        let deliveries = soon(waiting).await.expect("the group is subscribed");
        assert_eq!(ids(&deliveries), [format!("m{round}")]);
        ack(&*queue, &deliveries[0]).await;
    }
}

/// Of several who wait, each gets one of as many messages.
pub async fn each_who_waits_gets_a_message(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    for round in 0..10 {
        let mut waiting = Vec::new();
        for _ in 0..5 {
            let queue = Arc::clone(&queue);
            waiting.push(tokio::spawn(async move { queue.receive(ask("mail").max(1)).await }));
        }
        for number in 0..5 {
            publish(&*queue, &[&format!("m{round}-{number}")]).await;
        }
        let mut got = BTreeSet::new();
        for woken in soon(join_all(waiting)).await {
            let deliveries = woken.expect("waiting doesn't panic").expect("the group is subscribed");
            assert_eq!(deliveries.len(), 1);
            got.insert(deliveries[0].message.id.clone());
            ack(&*queue, &deliveries[0]).await;
        }
        assert_eq!(got.len(), 5, "{got:?}");
    }
}

/// Who waits gets a delayed message when it is due, also one that was published later.
pub async fn who_waits_is_woken_when_a_message_is_due(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    let mut waiting = queue.receive(ask("mail"));
    assert!(poll!(&mut waiting).is_pending(), "there is nothing to hand out");
    publish_all(&*queue, vec![message("later").after(Duration::from_secs(3))]).await;
    publish_all(&*queue, vec![message("sooner").after(Duration::from_secs(1))]).await;
    assert!(poll!(&mut waiting).is_pending(), "nothing is due");
    fixture.pass(Duration::from_secs(1)).await;
    let deliveries = soon(waiting).await.expect("the group is subscribed");
    assert_eq!(ids(&deliveries), ["sooner"]);
}

/// Who waits gets a message whose lease has ended, also one that was leased after the wait began.
pub async fn who_waits_is_woken_when_a_lease_ends(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    let mut waiting = queue.receive(ask("mail"));
    assert!(poll!(&mut waiting).is_pending(), "there is nothing to hand out");
    publish(&*queue, &["m1"]).await;
    // Whether this one gets it or the one who waits, one of both is left waiting.
    let taken = due(&*queue, "mail").await;
    if taken.is_empty() {
        let first = soon(waiting).await.expect("the group is subscribed");
        assert_eq!(ids(&first), ["m1"]);
        waiting = queue.receive(ask("mail"));
    }
    assert!(poll!(&mut waiting).is_pending(), "somebody has it");
    fixture.pass(VISIBILITY).await;
    let again = soon(waiting).await.expect("the group is subscribed");
    assert_eq!((ids(&again), again[0].attempt), (vec!["m1".to_owned()], 2));
}

/// A wait that is given up doesn't keep a message from others for longer than a lease.
pub async fn a_wait_that_is_given_up_loses_nothing(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    for round in 0..10 {
        let mut waiting = queue.receive(ask("mail").max_attempts(100));
        assert!(poll!(&mut waiting).is_pending(), "there is nothing to hand out");
        publish(&*queue, &[&format!("m{round}")]).await;
        drop(waiting);
        let mut deliveries = due(&*queue, "mail").await;
        if deliveries.is_empty() {
            fixture.pass(VISIBILITY).await;
            deliveries = soon(queue.receive(ask("mail"))).await.expect("the group is subscribed");
        }
        assert_eq!(ids(&deliveries), [format!("m{round}")]);
        ack(&*queue, &deliveries[0]).await;
    }
    assert_eq!(ids(&due(&*queue, "mail").await), [""; 0]);
    publish(&*queue, &["last"]).await;
    ack(&*queue, &one(&*queue, "mail").await).await;
}
