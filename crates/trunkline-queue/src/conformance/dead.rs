//! Dead letters, and what is decided about them.

use std::sync::Mutex;
use std::time::Duration;

use super::Fixture;
use super::sample::{
    ack, counts, due, group, id, ids, kill, letters, message, one, publish, publish_all, subscribe, topic,
    topic_stats,
};
use crate::{
    Action, BulkDecision, DeadLetterFilter, DeadLetterId, DeadLettersRead, Decision, DecisionKind,
    MessageQueue, MessageQueueExt as _, NewMessage, OperateError, Outcome,
};
use trunkline_core::{EventId, Position};

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
    let letter = letters(&*queue).await.remove(0);
    assert_eq!((&letter.group, &letter.message), (&group("mail"), &second.message));
    assert_eq!((letter.attempts, letter.error()), (2, "refused"));
    assert_eq!(letter.message.cause.map(|cause| cause.event_id), Some(cause));
    let tries: Vec<_> = letter.tries.iter().map(|one| (one.attempt, &*one.consumer, &*one.error)).collect();
    assert_eq!(tries, [(1, "suite", "no answer"), (2, "suite", "refused")]);
    assert!(
        letter.tries.iter().all(|one| one.started_at <= one.failed_at && one.failed_at <= letter.died_at)
    );
    assert_eq!(queue.dead_letter(letter.id.clone()).await.expect("it is there"), letter);
    assert_eq!(ids(&due(&*queue, "mail").await), [""; 0], "it is not handed out");
    assert_eq!(topic_stats(&*queue).await.messages, 1, "and it is kept");
}

/// Dead letters are listed as they died, filtered, and page by page.
pub async fn dead_letters_are_listed_filtered_and_paged(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    for (number, error) in
        ["timeout after 3 s", "refused", "timeout after 4 s", "timeout after 5 s"].iter().enumerate()
    {
        publish_all(
            &*queue,
            vec![NewMessage { message_type: format!("T{}", number % 2), ..message(&format!("m{number}")) }],
        )
        .await;
        kill(&*queue, "mail", error).await;
    }
    let list = async |filter: DeadLetterFilter| {
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let read = DeadLettersRead { filter: filter.clone(), after, max: 2 };
            let page = queue.dead_letters(read).await.expect("dead letters can be listed");
            assert!(page.len() <= 2);
            after = page.last().map(|letter| letter.id.clone());
            if after.is_none() {
                return all;
            }
            all.extend(page.into_iter().map(|letter| letter.message.id.to_string()));
        }
    };
    let all = DeadLetterFilter::default();
    assert_eq!(list(all.clone()).await, ["m0", "m1", "m2", "m3"]);
    let alike = DeadLetterFilter { error_like: Some("timeout after 99 s".to_owned()), ..all.clone() };
    assert_eq!(list(alike).await, ["m0", "m2", "m3"]);
    let kind = DeadLetterFilter { message_type: Some("T1".to_owned()), ..all.clone() };
    assert_eq!(list(kind).await, ["m1", "m3"]);
    let other = DeadLetterFilter { group: Some(group("stock")), ..all.clone() };
    assert_eq!(list(other).await, [""; 0]);
    let other = DeadLetterFilter { topic: Some(topic("payments")), ..all.clone() };
    assert_eq!(list(other).await, [""; 0]);
    let groups = queue.dead_letter_groups(all).await.expect("dead letters can be listed");
    let groups: Vec<_> = groups.iter().map(|group| (&*group.likeness, group.count)).collect();
    assert_eq!(groups, [("timeout after … s", 3), ("refused", 1)]);
}

/// A replayed message comes back to its group alone, as for the first time, and how it went is on record.
pub async fn a_replayed_message_comes_back(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    subscribe(&*queue, "stock").await;
    publish(&*queue, &["m1"]).await;
    kill(&*queue, "mail", "refused").await;
    ack(&*queue, &one(&*queue, "stock").await).await;
    let letter = letters(&*queue).await.remove(0);
    let action = decide(&*queue, &letter.id, Decision::Replay).await;
    assert_eq!((action.kind, &action.dead_letter, &*action.by), (DecisionKind::Replay, &letter.id, "ada"));
    assert_eq!((&action.message_id, &action.new_message_id), (&id("m1"), &None));
    assert_eq!(action.outcome, Outcome::Waiting);
    assert_eq!(letters(&*queue).await, []);
    assert_eq!(ids(&due(&*queue, "stock").await), [""; 0]);
    let again = one(&*queue, "mail").await;
    assert_eq!((again.message.id.clone(), again.attempt, again.last_error.clone()), (id("m1"), 1, None));
    ack(&*queue, &again).await;
    assert!(matches!(outcome(&*queue).await, Outcome::Done { .. }));
    assert_eq!(topic_stats(&*queue).await.messages, 0);
}

/// A replayed message that fails again is another dead letter, which the record names.
pub async fn a_replayed_message_can_die_again(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    publish(&*queue, &["m1"]).await;
    kill(&*queue, "mail", "refused").await;
    let first = letters(&*queue).await.remove(0);
    let action = decide(&*queue, &first.id, Decision::Replay).await;
    let killed = kill(&*queue, "mail", "refused again").await;
    let second = letters(&*queue).await.remove(0);
    assert_ne!(first.id, second.id);
    let number = Some(action.number);
    assert_eq!((first.decision, killed.decision, second.decision), (None, number, number));
    let named = match outcome(&*queue).await {
        Outcome::DeadAgain { dead_letter, .. } => dead_letter,
        outcome => panic!("it died again: {outcome:?}"),
    };
    assert_eq!((named, second.attempts), (second.id, 1));
}

/// An edited message is a new one, linked to the old, for the group that gave the old one up.
pub async fn an_edited_message_takes_the_place_of_the_old(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    subscribe(&*queue, "stock").await;
    publish(&*queue, &["m1"]).await;
    kill(&*queue, "mail", "bad data").await;
    let letter = letters(&*queue).await.remove(0);
    let new = NewMessage::new("Ping", "mended").id(id("m2")).key("order-1");
    let action = decide(&*queue, &letter.id, Decision::Edit(Box::new(new))).await;
    assert_eq!((action.kind, &action.new_message_id), (DecisionKind::Edit, &Some(id("m2"))));
    assert_eq!(letters(&*queue).await, []);
    let edited = one(&*queue, "mail").await;
    assert_eq!((edited.message.id.clone(), &*edited.message.payload), (id("m2"), &b"mended"[..]));
    assert_eq!((edited.message.edited_from.clone(), edited.attempt), (Some(id("m1")), 1));
    assert_eq!(ids(&due(&*queue, "stock").await), ["m1"]);
    ack(&*queue, &edited).await;
    assert!(matches!(outcome(&*queue).await, Outcome::Done { .. }));
    // Nor does a group that begins later get what is for another.
    subscribe(&*queue, "later").await;
    assert_eq!(ids(&due(&*queue, "later").await), ["m1"]);
}

/// An edited message that no queue takes, or whose id is taken, leaves the dead letter as it is.
pub async fn a_bad_edit_changes_nothing(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    publish(&*queue, &["m1"]).await;
    kill(&*queue, "mail", "bad data").await;
    let letter = letters(&*queue).await.remove(0);
    let edit = async |new: NewMessage| {
        queue.decide(letter.id.clone(), Decision::Edit(Box::new(new)), "ada".to_owned()).await
    };
    let error = edit(NewMessage::new("", "")).await.expect_err("it has no type");
    assert!(matches!(error, OperateError::Message(_)), "{error:?}");
    let error = edit(message("m1")).await.expect_err("the id is the old one's");
    assert!(matches!(error, OperateError::IdTaken { .. }), "{error:?}");
    assert_eq!(letters(&*queue).await, std::slice::from_ref(&letter));
    assert_eq!(actions(&*queue).await, []);
}

/// A discarded dead letter is gone, message and all.
pub async fn a_discarded_dead_letter_is_gone(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    publish(&*queue, &["m1"]).await;
    kill(&*queue, "mail", "refused").await;
    let letter = letters(&*queue).await.remove(0);
    let action = decide(&*queue, &letter.id, Decision::Discard).await;
    assert_eq!((action.kind, action.outcome), (DecisionKind::Discard, Outcome::Gone));
    assert_eq!(letters(&*queue).await, []);
    assert_eq!(topic_stats(&*queue).await.messages, 0);
    for id in [letter.id, DeadLetterId("no such".to_owned())] {
        let error = queue.decide(id.clone(), Decision::Replay, "ada".to_owned()).await;
        assert!(matches!(error, Err(OperateError::NoDeadLetter { .. })), "{error:?}");
        let error = queue.dead_letter(id).await;
        assert!(matches!(error, Err(OperateError::NoDeadLetter { .. })), "{error:?}");
    }
}

/// Every decision is on record, in order, page by page.
pub async fn every_decision_is_on_record(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    for number in 0..5 {
        publish(&*queue, &[&format!("m{number}")]).await;
        kill(&*queue, "mail", "refused").await;
        let letter = letters(&*queue).await.remove(0);
        decide(&*queue, &letter.id, Decision::Discard).await;
    }
    let mut seen = Vec::new();
    let mut after = 0;
    loop {
        let page = queue.actions(after, 2).await.expect("decisions can be listed");
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 2 && page.windows(2).all(|pair| pair[0].number < pair[1].number));
        after = last.number;
        seen.extend(page.into_iter().map(|action| action.message_id.to_string()));
    }
    assert_eq!(seen, ["m0", "m1", "m2", "m3", "m4"]);
}

/// A filtered group of dead letters can be replayed as one, at a pace.
pub async fn dead_letters_are_replayed_together_at_a_pace(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    for number in 0..6 {
        publish(&*queue, &[&format!("m{number}")]).await;
        kill(&*queue, "mail", if number < 4 { "timeout" } else { "refused" }).await;
    }
    let filter = DeadLetterFilter { error_like: Some("timeout".to_owned()), ..DeadLetterFilter::default() };
    let clock = fixture.clock();
    let said = Mutex::new(Vec::new());
    let count = || said.lock().expect("nobody panics while it is held").len();
    let mut saying = |action: Action| {
        said.lock().expect("nobody panics while it is held").push(action.message_id.to_string());
    };
    let replay = queue.decide_all(filter, BulkDecision::Replay, "ada", Some((10.0, &*clock)), &mut saying);
    let started = clock.now();
    let time = async {
        for number in 1..4 {
            while count() < number {
                tokio::task::yield_now().await;
            }
            assert!(!fixture.time_is_free() || count() == number, "no time has passed");
            fixture.pass(Duration::from_millis(100)).await;
        }
    };
    let (done, ()) = futures::join!(replay, time);
    assert_eq!(done.expect("they can be replayed"), 4);
    assert_eq!(*said.lock().expect("nobody panicked"), ["m0", "m1", "m2", "m3"]);
    assert!(clock.now().as_micros() - started.as_micros() >= 300_000, "four at ten a second take 300 ms");
    assert_eq!(counts(&*queue, "mail").await, [4, 0, 0, 2]);
}

async fn decide(queue: &dyn MessageQueue, id: &DeadLetterId, decision: Decision) -> Action {
    let action = queue.decide(id.clone(), decision, "ada".to_owned()).await.expect("it can be decided");
    assert_eq!(actions(queue).await.pop(), Some(action.clone()), "it is on record");
    action
}

async fn actions(queue: &dyn MessageQueue) -> Vec<Action> {
    queue.actions(0, 1_000).await.expect("decisions can be listed")
}

/// How the last decision came out.
async fn outcome(queue: &dyn MessageQueue) -> Outcome {
    actions(queue).await.pop().expect("there was a decision").outcome
}
