//! Dead letters, and what is decided about them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::join_all;

use super::Fixture;
use super::sample::{
    ack, counts, due, given_up, given_up_after, group, id, ids, kill, letters, message, one, operating,
    publish, publish_all, soon, subscribe, topic, topic_stats,
};
use crate::{
    BulkDecision, DeadLetterDecision, DeadLetterFilter, DeadLetterId, DeadLettersRead, DecisionKind,
    DecisionOutcome, DecisionRecord, MessageQueue, NewMessage, OperateError, OperateQueueExt as _,
};

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
            let page = operating(&*queue).dead_letters(read).await.expect("dead letters can be listed");
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
    let groups = operating(&*queue).dead_letter_groups(all).await.expect("dead letters can be listed");
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
    let action = decide(&*queue, &letter.id, DeadLetterDecision::Replay).await;
    assert_eq!((action.kind, &action.dead_letter, &*action.by), (DecisionKind::Replay, &letter.id, "ada"));
    assert_eq!((&action.message_id, &action.new_message_id), (&id("m1"), &None));
    assert_eq!(action.outcome, DecisionOutcome::Waiting);
    assert_eq!(letters(&*queue).await, []);
    assert_eq!(ids(&due(&*queue, "stock").await), [""; 0]);
    let again = one(&*queue, "mail").await;
    assert_eq!((again.message.id.clone(), again.attempt, again.last_error.clone()), (id("m1"), 1, None));
    ack(&*queue, &again).await;
    assert!(matches!(outcome(&*queue).await, DecisionOutcome::Done { .. }));
    assert_eq!(topic_stats(&*queue).await.messages, 0);
}

/// A replayed message that fails again is another dead letter, which the record names.
pub async fn a_replayed_message_can_die_again(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    publish(&*queue, &["m1"]).await;
    kill(&*queue, "mail", "refused").await;
    let first = letters(&*queue).await.remove(0);
    let action = decide(&*queue, &first.id, DeadLetterDecision::Replay).await;
    let killed = kill(&*queue, "mail", "refused again").await;
    let second = letters(&*queue).await.remove(0);
    assert_ne!(first.id, second.id);
    let number = Some(action.number);
    assert_eq!((first.decision, killed.decision, second.decision), (None, number, number));
    let named = match outcome(&*queue).await {
        DecisionOutcome::DeadAgain { dead_letter, .. } => dead_letter,
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
    let action = decide(&*queue, &letter.id, DeadLetterDecision::Edit(Box::new(new))).await;
    assert_eq!((action.kind, &action.new_message_id), (DecisionKind::Edit, &Some(id("m2"))));
    assert_eq!(letters(&*queue).await, []);
    let edited = one(&*queue, "mail").await;
    assert_eq!((edited.message.id.clone(), &*edited.message.payload), (id("m2"), &b"mended"[..]));
    assert_eq!((edited.message.edited_from.clone(), edited.attempt), (Some(id("m1")), 1));
    assert_eq!(ids(&due(&*queue, "stock").await), ["m1"]);
    ack(&*queue, &edited).await;
    assert!(matches!(outcome(&*queue).await, DecisionOutcome::Done { .. }));
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
        operating(&*queue)
            .decide(letter.id.clone(), DeadLetterDecision::Edit(Box::new(new)), "ada".to_owned())
            .await
    };
    let error = edit(NewMessage::new("", "")).await.expect_err("it has no type");
    assert!(matches!(error, OperateError::Message(_)), "{error:?}");
    let error = edit(message("m1")).await.expect_err("the id is the old one's");
    assert!(matches!(error, OperateError::IdTaken { .. }), "{error:?}");
    assert_eq!(letters(&*queue).await, std::slice::from_ref(&letter));
    assert_eq!(decisions(&*queue).await, []);
}

/// A discarded dead letter is gone, message and all.
pub async fn a_discarded_dead_letter_is_gone(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    publish(&*queue, &["m1"]).await;
    kill(&*queue, "mail", "refused").await;
    let letter = letters(&*queue).await.remove(0);
    let action = decide(&*queue, &letter.id, DeadLetterDecision::Discard).await;
    assert_eq!((action.kind, action.outcome), (DecisionKind::Discard, DecisionOutcome::Gone));
    assert_eq!(letters(&*queue).await, []);
    assert_eq!(topic_stats(&*queue).await.messages, 0);
    for id in [letter.id, DeadLetterId("no such".to_owned())] {
        let error = operating(&*queue).decide(id.clone(), DeadLetterDecision::Replay, "ada".to_owned()).await;
        assert!(matches!(error, Err(OperateError::NoDeadLetter { .. })), "{error:?}");
        let error = operating(&*queue).dead_letter(id).await;
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
        decide(&*queue, &letter.id, DeadLetterDecision::Discard).await;
    }
    let mut seen = Vec::new();
    let mut after = 0;
    loop {
        let page = operating(&*queue).decisions(after, 2).await.expect("decisions can be listed");
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
    let mut saying = |action: DecisionRecord| {
        said.lock().expect("nobody panics while it is held").push(action.message_id.to_string());
    };
    let replay = operating(&*queue).decide_all(
        filter,
        BulkDecision::Replay,
        "ada",
        Some((10.0, &*clock)),
        &mut saying,
    );
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

/// Of many who decide about a dead letter at once, one does, and it is on record once.
pub async fn a_dead_letter_is_decided_about_once(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    for number in 0..10 {
        publish(&*queue, &[&format!("m{number}")]).await;
        kill(&*queue, "mail", "refused").await;
        let letter = letters(&*queue).await.remove(0).id;
        let decide = |_| {
            let (queue, letter) = (Arc::clone(&queue), letter.clone());
            tokio::spawn(async move {
                operating(&*queue).decide(letter, DeadLetterDecision::Discard, "ada".to_owned()).await
            })
        };
        let decided = soon(join_all((0..4).map(decide))).await;
        let done = decided.into_iter().filter(|one| matches!(one, Ok(Ok(_)))).count();
        assert_eq!((done, decisions(&*queue).await.len()), (1, number + 1));
    }
}

/// What is given up again after a replay is there again for who follows, who may go on after what isn't there
/// any more.
pub async fn who_follows_given_up_messages_sees_them_die_again(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    publish(&*queue, &["m1"]).await;
    kill(&*queue, "mail", "refused").await;
    let first = given_up(&*queue, "mail").await.remove(0);
    assert_eq!(letters(&*queue).await, std::slice::from_ref(&first), "it is the same as operators see");
    decide(&*queue, &first.id, DeadLetterDecision::Replay).await;
    assert_eq!(given_up_after(&*queue, "mail", None).await, []);
    kill(&*queue, "mail", "refused again").await;
    let again = given_up_after(&*queue, "mail", Some(first.id.clone())).await;
    assert_eq!(again, letters(&*queue).await);
    assert_ne!(again[0].id, first.id);
}

/// Dead letters and decisions are there, and how the decisions come out is still noted.
pub async fn dead_letters_and_decisions_survive_reopening(mut fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    for name in ["m1", "m2", "m3"] {
        publish(&*queue, &[name]).await;
        kill(&*queue, "mail", name).await;
    }
    let before = letters(&*queue).await;
    operating(&*queue)
        .decide(before[0].id.clone(), DeadLetterDecision::Replay, "ada".to_owned())
        .await
        .expect("it is there");
    let new = Box::new(message("m4"));
    operating(&*queue)
        .decide(before[1].id.clone(), DeadLetterDecision::Edit(new), "ada".to_owned())
        .await
        .expect("it is there");
    let decisions = operating(&*queue).decisions(0, 10).await.expect("decisions can be listed");
    drop(queue);
    let queue = fixture.reopen().await;
    assert_eq!(letters(&*queue).await, before[2..]);
    assert_eq!(operating(&*queue).decisions(0, 10).await.expect("decisions can be listed"), decisions);
    let deliveries = due(&*queue, "mail").await;
    assert_eq!(ids(&deliveries), ["m1", "m4"]);
    for delivery in &deliveries {
        ack(&*queue, delivery).await;
    }
    drop(queue);
    let queue = fixture.reopen().await;
    let outcomes = operating(&*queue).decisions(0, 10).await.expect("decisions can be listed");
    assert!(
        outcomes.iter().all(|action| matches!(action.outcome, DecisionOutcome::Done { .. })),
        "{outcomes:?}"
    );
    operating(&*queue)
        .decide(before[2].id.clone(), DeadLetterDecision::Replay, "ada".to_owned())
        .await
        .expect("it is there");
    kill(&*queue, "mail", "again").await;
    let again = letters(&*queue).await.remove(0);
    drop(queue);
    let queue = fixture.reopen().await;
    assert_eq!(letters(&*queue).await, [again], "and what had brought it back");
    kill_another(&*queue).await;
    let ids: Vec<_> = letters(&*queue).await.into_iter().map(|letter| letter.id).collect();
    assert!(ids.len() == 2 && ids[0] != ids[1] && !before.iter().any(|old| old.id == ids[1]), "{ids:?}");
}

async fn kill_another(queue: &dyn MessageQueue) {
    publish(queue, &["m5"]).await;
    kill(queue, "mail", "m5").await;
}

async fn decide(queue: &dyn MessageQueue, id: &DeadLetterId, decision: DeadLetterDecision) -> DecisionRecord {
    let action =
        operating(queue).decide(id.clone(), decision, "ada".to_owned()).await.expect("it can be decided");
    assert_eq!(decisions(queue).await.pop(), Some(action.clone()), "it is on record");
    action
}

async fn decisions(queue: &dyn MessageQueue) -> Vec<DecisionRecord> {
    operating(queue).decisions(0, 1_000).await.expect("decisions can be listed")
}

/// How the last decision came out.
async fn outcome(queue: &dyn MessageQueue) -> DecisionOutcome {
    decisions(queue).await.pop().expect("there was a decision").outcome
}
