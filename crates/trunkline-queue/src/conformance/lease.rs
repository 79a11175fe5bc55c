//! Leases: what they keep, when they end, and what settles a message.

use std::time::Duration;

use super::Fixture;
use super::sample::{
    LESS, REST, VISIBILITY, ack, ask, assert_left, assert_unfinished, due, given_up, ids, one, publish, soon,
    subscribe,
};
use crate::{MessageQueue, SettleError};

/// Nobody else gets a message while its lease lasts.
pub async fn a_lease_keeps_a_message_from_others(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    publish(&*queue, &["m1"]).await;
    let delivery = one(&*queue, "mail").await;
    if fixture.time_is_free() {
        fixture.pass(VISIBILITY.saturating_sub(Duration::from_millis(1))).await;
        assert_eq!(ids(&due(&*queue, "mail").await), [""; 0]);
        fixture.pass(Duration::from_millis(1)).await;
    } else {
        assert_eq!(ids(&due(&*queue, "mail").await), [""; 0]);
        fixture.pass(VISIBILITY).await;
    }
    let again = soon(queue.receive(ask("mail"))).await.expect("the group is subscribed");
    assert_eq!((ids(&again), again[0].attempt), (vec!["m1".to_owned()], 2));
    assert_ne!(again[0].lease.token, delivery.lease.token);
}

/// A message that is never settled is handed out so often and then is a dead letter, which says who had it.
pub async fn a_message_without_a_word_is_a_dead_letter_in_the_end(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    publish(&*queue, &["m1"]).await;
    for attempt in 1..=2 {
        let deliveries = queue.receive(ask("mail").now().max_attempts(2)).await.expect("it is subscribed");
        assert_eq!(deliveries.iter().map(|delivery| delivery.attempt).collect::<Vec<_>>(), [attempt]);
        fixture.pass(VISIBILITY).await;
    }
    let deliveries = queue.receive(ask("mail").now().max_attempts(2)).await.expect("it is subscribed");
    assert_eq!(ids(&deliveries), [""; 0]);
    assert_left(&*queue, [1, 0, 0]).await;
    let letter = given_up(&*queue, "mail").await.remove(0);
    assert_eq!(letter.attempts, 2);
    assert!(letter.error().contains("suite"), "{}", letter.error());
}

/// An extended lease lasts from then on so long, and says until when.
pub async fn an_extended_lease_lasts_longer(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    publish(&*queue, &["m1"]).await;
    let delivery = one(&*queue, "mail").await;
    fixture.pass(REST).await;
    let until = queue.extend(&delivery.lease, VISIBILITY).await.expect("the lease is good");
    assert!(until > delivery.lease.until);
    fixture.pass(LESS).await;
    assert_eq!(ids(&due(&*queue, "mail").await), [""; 0]);
    fixture.pass(REST).await;
    assert_eq!(one(&*queue, "mail").await.attempt, 2);
    assert_lost(&*queue, &delivery.lease).await;
}

/// Being late is no harm as long as nobody else has the message.
pub async fn a_lease_is_good_until_another_has_the_message(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    publish(&*queue, &["m1"]).await;
    let delivery = one(&*queue, "mail").await;
    fixture.pass(VISIBILITY * 2).await;
    ack(&*queue, &delivery).await;
    assert_eq!(ids(&due(&*queue, "mail").await), [""; 0]);
    assert_left(&*queue, [0, 0, 0]).await;
}

/// Who comes too late changes nothing, whatever he wants.
pub async fn a_lost_lease_changes_nothing(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    publish(&*queue, &["m1"]).await;
    let late = one(&*queue, "mail").await;
    fixture.pass(VISIBILITY).await;
    let holder = one(&*queue, "mail").await;
    assert_lost(&*queue, &late.lease).await;
    assert_left(&*queue, [1, 1, 0]).await;
    ack(&*queue, &holder).await;
}

/// A settled message is settled: the same lease settles it no second time.
pub async fn a_message_is_settled_once(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    publish(&*queue, &["m1"]).await;
    let acked = one(&*queue, "mail").await;
    ack(&*queue, &acked).await;
    assert_lost(&*queue, &acked.lease).await;
    publish(&*queue, &["m2"]).await;
    let retried = one(&*queue, "mail").await;
    queue.retry(&retried.lease, LESS, "later".to_owned()).await.expect("the lease is good");
    assert_lost(&*queue, &retried.lease).await;
    fixture.pass(LESS).await;
    let rejected = one(&*queue, "mail").await;
    queue.reject(&rejected.lease, "never".to_owned()).await.expect("the lease is good");
    assert_lost(&*queue, &rejected.lease).await;
    assert_left(&*queue, [1, 0, 0]).await;
    assert_eq!(given_up(&*queue, "mail").await.len(), 1);
}

/// A message that is given back comes again after its delay, with its error and its next attempt.
pub async fn a_retried_message_comes_after_its_delay(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    publish(&*queue, &["m1"]).await;
    let delivery = one(&*queue, "mail").await;
    queue.retry(&delivery.lease, REST, "no answer".to_owned()).await.expect("the lease is good");
    assert_eq!(ids(&due(&*queue, "mail").await), [""; 0]);
    assert_unfinished(&*queue, Some("orders"), [1, 0, 1], 1).await;
    if fixture.time_is_free() {
        fixture.pass(REST.saturating_sub(Duration::from_millis(1))).await;
        assert_eq!(ids(&due(&*queue, "mail").await), [""; 0]);
        fixture.pass(Duration::from_millis(1)).await;
    } else {
        fixture.pass(REST).await;
    }
    let again = one(&*queue, "mail").await;
    assert_eq!((again.attempt, again.last_error.as_deref()), (2, Some("no answer")));
    queue.retry(&again.lease, Duration::ZERO, "none yet".to_owned()).await.expect("the lease is good");
    let again = one(&*queue, "mail").await;
    assert_eq!((again.attempt, again.last_error.as_deref()), (3, Some("none yet")));
}

/// A message that every group has finished is gone, and not before.
pub async fn what_all_groups_have_finished_is_removed(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    subscribe(&*queue, "stock").await;
    publish(&*queue, &["m1"]).await;
    ack(&*queue, &one(&*queue, "mail").await).await;
    assert_left(&*queue, [1, 1, 0]).await;
    ack(&*queue, &one(&*queue, "stock").await).await;
    assert_left(&*queue, [0, 0, 0]).await;
}

/// None of the four ways to settle works with this lease.
async fn assert_lost(queue: &dyn MessageQueue, lease: &crate::Lease) {
    let answers = [
        queue.ack(lease).await.err(),
        queue.extend(lease, VISIBILITY).await.err(),
        queue.retry(lease, Duration::ZERO, "late".to_owned()).await.err(),
        queue.reject(lease, "late".to_owned()).await.err(),
    ];
    for answer in answers {
        assert!(matches!(answer, Some(SettleError::Lost { .. })), "{answer:?}");
    }
}
