//! Keys of an ordered group that a dead letter holds, and what releases them.

use std::time::Duration;

use super::Fixture;
use super::sample::{
    REST, VISIBILITY, ack, ask, counts, due, group, id, ids, kill, letters, message, one, operating,
    publish_all, stats, subscribe_ordered, topic,
};
use crate::{
    DeadLetterDecision, DecisionRecord, GroupOptions, MessageQueue, MessageState, NewMessage, OnDead, Peek,
};

pub(super) fn keyed(id: &str, key: &str) -> NewMessage {
    message(id).key(key)
}

/// Subscribes `mail`, ordered in one partition, so that keys share it.
async fn subscribe(queue: &dyn MessageQueue, on_dead: OnDead) -> bool {
    let options = GroupOptions { ordered: Some(1), on_dead };
    queue.subscribe(topic("orders"), group("mail"), options).await.expect("these are the group's options")
}

/// Takes and acknowledges messages one by one until none is due; their ids in that order.
pub(super) async fn drain(queue: &dyn MessageQueue) -> Vec<String> {
    let mut drained = Vec::new();
    loop {
        let deliveries = due(queue, "mail").await;
        let Some(delivery) = deliveries.first() else { return drained };
        assert_eq!(deliveries.len(), 1, "one at a time of a partition");
        drained.push(delivery.message.id.to_string());
        ack(queue, delivery).await;
    }
}

/// How many messages are held in `orders`.
pub(super) async fn held(queue: &dyn MessageQueue) -> u64 {
    queue.unfinished(Some(topic("orders"))).await.expect("a sound queue can count").held
}

/// What comes after a dead letter under its key is held, also what is published later; its partition goes on.
pub async fn a_dead_letter_holds_its_key_and_frees_its_partition(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, OnDead::Hold).await;
    publish_all(&*queue, vec![keyed("m1", "a"), keyed("m2", "a"), keyed("m3", "b"), message("m4")]).await;
    assert_eq!(held(&*queue).await, 0);
    kill(&*queue, "mail", "never").await;
    assert_eq!(held(&*queue).await, 1);
    assert_eq!(drain(&*queue).await, ["m3", "m4"]);
    publish_all(&*queue, vec![keyed("m5", "a"), keyed("m6", "b")]).await;
    assert_eq!(drain(&*queue).await, ["m6"]);
    let left = queue.unfinished(None).await.expect("a sound queue can count");
    assert_eq!((left.kept, left.due, left.delayed, left.held), (3, 0, 0, 2));
    assert!(left.is_at_rest(), "nothing moves before somebody decides");
}

/// So it is when the queue gives the message up itself, since nobody said a word.
pub async fn a_message_without_a_word_holds_its_key_in_the_end(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, OnDead::Hold).await;
    publish_all(&*queue, vec![keyed("m1", "a"), keyed("m2", "a")]).await;
    let ask = || ask("mail").now().max_attempts(1);
    assert_eq!(queue.receive(ask()).await.expect("it is subscribed").len(), 1);
    fixture.pass(VISIBILITY).await;
    assert_eq!(ids(&queue.receive(ask()).await.expect("it is subscribed")), [""; 0]);
    assert_eq!(held(&*queue).await, 1);
}

/// A group may be told to pass dead letters by.
pub async fn a_dead_letter_that_is_passed_by_holds_nothing(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, OnDead::Pass).await;
    publish_all(&*queue, vec![keyed("m1", "a"), keyed("m2", "a")]).await;
    kill(&*queue, "mail", "never").await;
    assert_eq!(held(&*queue).await, 0);
    assert_eq!(drain(&*queue).await, ["m2"]);
}

/// What becomes of such keys may be changed for a group that is there, and holds for the dead letters that it has.
pub async fn whether_dead_letters_hold_may_be_changed(mut fixture: Fixture) {
    let queue = fixture.queue();
    assert!(subscribe(&*queue, OnDead::Pass).await);
    publish_all(&*queue, ["m1", "m2", "m3", "m4"].map(|id| keyed(id, "a")).to_vec()).await;
    kill(&*queue, "mail", "never").await;
    assert!(!subscribe(&*queue, OnDead::Hold).await);
    assert_eq!((ids(&due(&*queue, "mail").await), held(&*queue).await), (Vec::new(), 3));
    assert!(!subscribe(&*queue, OnDead::Pass).await);
    let delivery = one(&*queue, "mail").await;
    assert_eq!((delivery.message.id.clone(), held(&*queue).await), (id("m2"), 0));
    ack(&*queue, &delivery).await;
    assert!(!subscribe(&*queue, OnDead::Hold).await);
    drop(queue);
    let queue = fixture.reopen().await;
    assert_eq!((drain(&*queue).await, held(&*queue).await), (Vec::new(), 2));
}

/// A saga is told of its message's dead letter, and what it then sends is not held behind that.
pub async fn a_dead_letter_that_a_saga_is_told_of_holds_nothing(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, OnDead::Hold).await;
    let of_saga = |id| keyed(id, "a").system_header("$saga", "order-1");
    publish_all(&*queue, vec![of_saga("m1"), of_saga("m2"), keyed("m3", "a")]).await;
    kill(&*queue, "mail", "never").await;
    assert_eq!(drain(&*queue).await, ["m2", "m3"]);
}

/// A dead letter that has been kept for long enough holds nothing more.
pub async fn a_lapsed_dead_letter_holds_nothing(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, OnDead::Hold).await;
    publish_all(&*queue, vec![keyed("m1", "a"), keyed("m2", "a")]).await;
    kill(&*queue, "mail", "never").await;
    assert_eq!(held(&*queue).await, 1);
    if fixture.time_is_free() {
        fixture.pass(fixture.keep().dead_letter_age + Duration::from_secs(1)).await;
        assert_eq!(drain(&*queue).await, ["m2"]);
    }
}

/// What is held is so after a reopening, and no message of the partition that was passed over is lost.
pub async fn what_is_held_survives_reopening(mut fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, OnDead::Hold).await;
    publish_all(&*queue, vec![keyed("m1", "a"), keyed("m2", "a"), keyed("m3", "b"), keyed("m4", "a")]).await;
    kill(&*queue, "mail", "never").await;
    ack(&*queue, &one(&*queue, "mail").await).await;
    drop(queue);
    let queue = fixture.reopen().await;
    assert_eq!((drain(&*queue).await, held(&*queue).await), (Vec::new(), 2));
    publish_all(&*queue, vec![keyed("m5", "a"), keyed("m6", "b")]).await;
    assert_eq!(drain(&*queue).await, ["m6"]);
    subscribe(&*queue, OnDead::Pass).await;
    assert_eq!(drain(&*queue).await, ["m2", "m4", "m5"]);
}

/// Makes `m1` a dead letter that holds `m2`, `m3` and `m4`, with `b1` of another key behind them.
async fn held_queue(queue: &dyn MessageQueue) {
    subscribe(queue, OnDead::Hold).await;
    let held = ["m1", "m2", "m3", "m4"].map(|id| keyed(id, "a"));
    publish_all(queue, held.into_iter().chain([keyed("b1", "b")]).collect()).await;
    kill(queue, "mail", "never").await;
    assert_eq!(drain(queue).await, ["b1"]);
}

async fn decide(queue: &dyn MessageQueue, decision: DeadLetterDecision) -> DecisionRecord {
    let letter = letters(queue).await.remove(0).id;
    let decided = operating(queue).decide(letter, decision, "ada".to_owned()).await;
    decided.expect("the dead letter is there")
}

/// A replayed message comes first, holds its partition like any other, and holds its key again when it dies again.
pub async fn a_replayed_message_comes_before_what_it_held(mut fixture: Fixture) {
    let queue = fixture.queue();
    held_queue(&*queue).await;
    publish_all(&*queue, vec![keyed("m5", "a")]).await;
    assert_eq!(decide(&*queue, DeadLetterDecision::Replay).await.released, 4);
    assert_eq!(kill(&*queue, "mail", "again").await.message.id, id("m1"));
    assert_eq!((drain(&*queue).await, held(&*queue).await), (Vec::new(), 4));
    assert_eq!(decide(&*queue, DeadLetterDecision::Replay).await.released, 4);
    drop(queue);
    let queue = fixture.reopen().await;
    assert_eq!(drain(&*queue).await, ["m1", "m2", "m3", "m4", "m5"]);
}

/// An edited message takes the place of the old one in the order, again and again.
pub async fn an_edited_message_comes_before_what_the_old_one_held(mut fixture: Fixture) {
    let queue = fixture.queue();
    held_queue(&*queue).await;
    let edit = |id| DeadLetterDecision::Edit(Box::new(keyed(id, "a")));
    assert_eq!(decide(&*queue, edit("e1")).await.released, 3);
    assert_eq!(kill(&*queue, "mail", "again").await.message.id, id("e1"));
    assert_eq!((drain(&*queue).await, held(&*queue).await), (Vec::new(), 3));
    drop(queue);
    let queue = fixture.reopen().await;
    assert_eq!(held(&*queue).await, 3);
    decide(&*queue, edit("e2")).await;
    drop(queue);
    let queue = fixture.reopen().await;
    assert_eq!(drain(&*queue).await, ["e2", "m2", "m3", "m4"]);
}

/// What a discarded dead letter held goes on, in order, and the decision says how many those are.
pub async fn a_discarded_dead_letter_releases_what_it_held(fixture: Fixture) {
    let queue = fixture.queue();
    held_queue(&*queue).await;
    assert_eq!(decide(&*queue, DeadLetterDecision::Discard).await.released, 3);
    assert_eq!((counts(&*queue, "mail").await, stats(&*queue, "mail").await.held), ([3, 0, 0, 0], 0));
    assert_eq!(drain(&*queue).await, ["m2", "m3", "m4"]);
}

/// What a decision released is counted as of its moment, with what had become due by then, and is the same on record
/// after reopening, whoever had looked before.
pub async fn a_decision_counts_what_it_released_as_of_its_moment(mut fixture: Fixture) {
    let mut queue = fixture.queue();
    for looked in [false, true] {
        let of_round = |name: &str| format!("{name}-{looked}");
        subscribe(&*queue, OnDead::Hold).await;
        let late = keyed(&of_round("late"), "a").after(REST);
        publish_all(&*queue, vec![keyed(&of_round("m1"), "a"), keyed(&of_round("m2"), "a"), late]).await;
        kill(&*queue, "mail", "never").await;
        fixture.pass(REST).await;
        if looked {
            assert_eq!(held(&*queue).await, 2);
        }
        assert_eq!(decide(&*queue, DeadLetterDecision::Discard).await.released, 2);
        drop(queue);
        queue = fixture.reopen().await;
        let decisions = operating(&*queue).decisions(0, 10).await.expect("decisions can be read");
        assert_eq!(decisions.last().map(|decision| decision.released), Some(2));
        assert_eq!(drain(&*queue).await, ["m2", "late"].map(of_round));
    }
}

/// Held is a state of its own, which says by which dead letter.
pub async fn what_is_held_is_told_apart(fixture: Fixture) {
    let queue = fixture.queue();
    held_queue(&*queue).await;
    publish_all(&*queue, vec![keyed("late", "a").after(REST), keyed("b2", "b")]).await;
    assert_eq!((counts(&*queue, "mail").await, stats(&*queue, "mail").await.held), ([1, 0, 1, 1], 3));
    let dead_letter = letters(&*queue).await.remove(0).id;
    let peek = Peek { group: Some(group("mail")), ..Peek::new(topic("orders")) };
    let peeked = operating(&*queue).peek(peek).await.expect("the topic is there");
    let states = peeked.into_iter().map(|mut peeked| peeked.states.remove(0).1);
    let held = MessageState::Held { dead_letter };
    let mut states: Vec<MessageState> = states.collect();
    assert!(matches!(states.remove(4), MessageState::Delayed { .. }));
    assert_eq!(states, [MessageState::Dead, held.clone(), held.clone(), held, MessageState::Waiting]);
    fixture.pass(REST).await;
    assert_eq!((counts(&*queue, "mail").await, stats(&*queue, "mail").await.held), ([1, 0, 0, 1], 4));
}

/// A purge takes what is held with what waits, and leaves the dead letter.
pub async fn a_purge_takes_what_is_held(fixture: Fixture) {
    let queue = fixture.queue();
    held_queue(&*queue).await;
    publish_all(&*queue, vec![keyed("b2", "b")]).await;
    let purged = operating(&*queue).purge(topic("orders"), Some(group("mail"))).await;
    assert_eq!(purged.expect("the group is there"), 4);
    assert_eq!((counts(&*queue, "mail").await, stats(&*queue, "mail").await.held), ([0, 0, 0, 1], 0));
    publish_all(&*queue, vec![keyed("m5", "a"), keyed("b3", "b")]).await;
    assert_eq!(drain(&*queue).await, ["b3"]);
    assert_eq!(decide(&*queue, DeadLetterDecision::Replay).await.released, 1);
    assert_eq!(drain(&*queue).await, ["m1", "m5"]);
}

/// What was held and is finished since is finished for good: neither a purge nor reopening takes it for waiting.
pub async fn what_was_held_is_finished_once(mut fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, OnDead::Hold).await;
    queue
        .subscribe(topic("orders"), group("stock"), GroupOptions::default())
        .await
        .expect("these are the group's options");
    publish_all(&*queue, vec![keyed("m1", "a"), keyed("m2", "a")]).await;
    kill(&*queue, "mail", "never").await;
    assert_eq!(decide(&*queue, DeadLetterDecision::Discard).await.released, 1);
    assert_eq!(drain(&*queue).await, ["m2"]);
    drop(queue);
    let queue = fixture.reopen().await;
    assert_eq!(drain(&*queue).await, [""; 0]);
    publish_all(&*queue, vec![keyed("m3", "b")]).await;
    let purged = operating(&*queue).purge(topic("orders"), Some(group("mail"))).await;
    assert_eq!(purged.expect("the group is there"), 1);
    assert_eq!(ids(&due(&*queue, "stock").await), ["m1", "m2", "m3"]);
}

/// In partitions of their own, keys are held one by one.
pub async fn each_key_is_held_by_its_own_dead_letters(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe_ordered(&*queue, "mail", 16).await;
    let all = (0..4).flat_map(|number| ["a", "b", "c"].map(|key| keyed(&format!("{key}{number}"), key)));
    publish_all(&*queue, all.collect()).await;
    let mut deliveries = due(&*queue, "mail").await;
    while let Some(delivery) = deliveries.pop() {
        if delivery.message.key.as_deref() == Some("c") {
            ack(&*queue, &delivery).await;
        } else {
            queue.reject(&delivery.lease, "never".to_owned()).await.expect("the lease is good");
        }
        if deliveries.is_empty() {
            deliveries = due(&*queue, "mail").await;
        }
    }
    assert_eq!(held(&*queue).await, 6);
    let letter = letters(&*queue).await.into_iter().find(|letter| letter.message.key.as_deref() == Some("b"));
    let letter = letter.expect("b0 is dead").id;
    let decided = operating(&*queue).decide(letter, DeadLetterDecision::Discard, "ada".to_owned()).await;
    assert_eq!(decided.expect("it is there").released, 3);
    assert_eq!(one(&*queue, "mail").await.message.id, id("b1"));
    assert_eq!(held(&*queue).await, 3);
}
