//! What groups give up: what is recorded of it, in which order, and for how long.

use std::time::Duration;

use trunkline_core::{EventId, Position};

use super::Fixture;
use super::sample::{
    VISIBILITY, ask, assert_left, due, given_up, given_up_after, group, ids, kill, message, one, publish,
    publish_all, subscribe, topic,
};
use crate::DeadLetter;

/// A rejected message is a dead letter that says all there is to know.
pub async fn a_dead_letter_has_its_history(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    let cause = EventId::from_cloudevent("/shop", "1");
    let new = message("m1").header("a", "b").cause(cause, Position::FIRST);
    publish_all(&*queue, vec![new.clone()]).await;
    let first = one(&*queue, "mail").await;
    queue.retry(&first.lease, Duration::ZERO, "no answer".to_owned()).await.expect("the lease is good");
    let second = kill(&*queue, "mail", "refused").await;
    let letter = given_up(&*queue, "mail").await.remove(0);
    assert_eq!((&letter.group, &letter.message), (&group("mail"), &second.message));
    assert_eq!((letter.attempts, letter.error()), (2, "refused"));
    assert_eq!(letter.message.cause.map(|cause| cause.event_id), Some(cause));
    let tries: Vec<_> = letter.tries.iter().map(|one| (one.attempt, &*one.consumer, &*one.error)).collect();
    assert_eq!(tries, [(1, "suite", "no answer"), (2, "suite", "refused")]);
    assert!(
        letter.tries.iter().all(|one| one.started_at <= one.failed_at && one.failed_at <= letter.died_at)
    );
    assert_eq!(ids(&due(&*queue, "mail").await), [""; 0], "it is not handed out");
    assert_left(&*queue, [1, 0, 0]).await;
}

/// What a group gave up comes in the order in which it died, also what was given up without a word, and nothing
/// of other groups and topics.
pub async fn given_up_messages_come_in_the_order_in_which_they_died(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    subscribe(&*queue, "stock").await;
    publish(&*queue, &["m1", "m2", "m3", "m4", "m5"]).await;
    assert_eq!(given_up(&*queue, "mail").await, []);
    let held = due(&*queue, "mail").await;
    for number in [3, 1, 4] {
        queue.reject(&held[number].lease, "never".to_owned()).await.expect("the lease is good");
    }
    kill_all(&fixture, "stock").await;
    fixture.pass(VISIBILITY).await;
    let silent = queue.receive(ask("mail").now().max_attempts(1)).await.expect("the group is subscribed");
    assert_eq!(ids(&silent), [""; 0], "their last leases have run out");
    let dead = given_up(&*queue, "mail").await;
    let order = [3, 1, 4].map(|number| held[number].message.id.to_string());
    assert_eq!(message_ids(&dead[..3]), order);
    assert_eq!(dead.len(), 5, "and the two that nobody settled: {:?}", message_ids(&dead));
    assert!(dead.iter().all(|letter| letter.group == group("mail")));
    let after = given_up_after(&*queue, "mail", Some(dead[1].id.clone())).await;
    assert_eq!(after, dead[2..]);
    for (of, name) in [("payments", "mail"), ("orders", "other")] {
        let none = queue.given_up(topic(of), group(name), None, 10).await;
        assert_eq!(none.expect("what isn't there has none"), []);
    }
}

/// A dead letter is kept for so long; who goes on after one that has lapsed misses none.
pub async fn a_dead_letter_lapses_in_the_end(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    publish(&*queue, &["m1"]).await;
    kill(&*queue, "mail", "never").await;
    let first = given_up(&*queue, "mail").await.remove(0);
    assert_left(&*queue, [1, 0, 0]).await;
    if fixture.time_is_free() {
        fixture.pass(fixture.keep().dead_letter_age.saturating_sub(Duration::from_secs(1))).await;
        assert_eq!(given_up(&*queue, "mail").await, std::slice::from_ref(&first));
        publish(&*queue, &["m2"]).await;
        kill(&*queue, "mail", "never").await;
        fixture.pass(Duration::from_secs(2)).await;
        assert_eq!(message_ids(&given_up(&*queue, "mail").await), ["m2"]);
        assert_eq!(message_ids(&given_up_after(&*queue, "mail", Some(first.id)).await), ["m2"]);
        assert_left(&*queue, [1, 0, 0]).await;
    }
}

/// Gives up everything that is due.
async fn kill_all(fixture: &Fixture, name: &str) {
    let queue = fixture.queue();
    for delivery in due(&*queue, name).await {
        queue.reject(&delivery.lease, "never".to_owned()).await.expect("the lease is good");
    }
}

fn message_ids(letters: &[DeadLetter]) -> Vec<String> {
    letters.iter().map(|letter| letter.message.id.to_string()).collect()
}
