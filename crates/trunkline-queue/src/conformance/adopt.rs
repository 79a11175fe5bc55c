//! Groups whose messages become another's, and topics that get another name.

use std::time::Duration;

use super::Fixture;
use super::hold::{drain, held, keyed};
use super::sample::{
    REST, ack, ask, counts, due, group, id, kill, letters, message, one, operating, publish, publish_all,
    subscribe, topic,
};
use crate::{
    Adopted, Adoption, DeadLetterDecision, GroupOptions, MessageQueue, OnDead, OperateError, SettleError,
};

async fn adopt(queue: &dyn MessageQueue, from: &str, to: &str, name: &str) -> Adopted {
    let adoption =
        Adoption { topic: topic("orders"), from: group(from), to: group(to), name: name.to_owned() };
    operating(queue).adopt(adoption).await.expect("the group is there")
}

/// Where the other group isn't there, it begins as the one was: with what waits, with attempts and times, with dead letters.
pub async fn an_adopted_group_goes_on_under_another_name(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "post").await;
    publish(&*queue, &["m1"]).await;
    kill(&*queue, "post", "broken").await;
    publish(&*queue, &["m2"]).await;
    let failed = one(&*queue, "post").await;
    queue.retry(&failed.lease, REST, "later".to_owned()).await.expect("the lease is good");
    publish(&*queue, &["m3"]).await;
    let [dead] = &*letters(&*queue).await else { panic!("one message died") };
    assert_eq!(adopt(&*queue, "post", "mail", "post").await, Adopted { messages: 2, dead: 1 });
    assert_eq!(counts(&*queue, "mail").await, [1, 0, 1, 1]);
    let gone = operating(&*queue).purge(topic("orders"), Some(group("post"))).await;
    assert!(matches!(gone, Err(OperateError::NoGroup { .. })), "{gone:?}");
    let [adopted] = &*letters(&*queue).await else { panic!("it is dead still") };
    assert_eq!((&adopted.id, &adopted.group, &adopted.tries), (&dead.id, &group("mail"), &dead.tries));
    assert_eq!(one(&*queue, "mail").await.message.id, id("m3"));
    fixture.pass(REST).await;
    let again = one(&*queue, "mail").await;
    assert_eq!((again.message.id, again.attempt, again.last_error.as_deref()), (id("m2"), 2, Some("later")));
}

/// What both groups have, the other keeps as it has it; the rest comes to it, and nothing twice.
pub async fn what_both_groups_have_is_there_once(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "post").await;
    publish(&*queue, &["m1"]).await;
    kill(&*queue, "post", "broken").await;
    publish(&*queue, &["m2"]).await;
    subscribe(&*queue, "mail").await;
    publish_all(&*queue, vec![message("m3"), message("m4").after(Duration::from_secs(3600))]).await;
    // The other group is done with the second, and has tried the first.
    for delivery in due(&*queue, "mail").await {
        let settled = match delivery.message.id.as_str() {
            "m1" => queue.retry(&delivery.lease, REST, "later".to_owned()).await,
            "m2" => queue.ack(&delivery.lease).await,
            _ => queue.reject(&delivery.lease, "never".to_owned()).await,
        };
        settled.expect("the lease is good");
    }
    assert_eq!(adopt(&*queue, "post", "mail", "post").await, Adopted { messages: 3, dead: 1 });
    assert_eq!(counts(&*queue, "mail").await, [1, 0, 2, 1]);
    let dead: Vec<_> = letters(&*queue).await.into_iter().map(|letter| letter.message.id).collect();
    assert_eq!(dead, [id("m3")], "the first is tried again by the other group");
    // At least once, as always: nothing tells a message that was handled from one that was missed.
    let second = one(&*queue, "mail").await;
    assert_eq!(second.message.id, id("m2"));
    ack(&*queue, &second).await;
    fixture.pass(REST).await;
    let first = one(&*queue, "mail").await;
    assert_eq!((first.message.id.clone(), first.attempt), (id("m1"), 2));
    ack(&*queue, &first).await;
    assert_eq!(counts(&*queue, "mail").await, [0, 0, 1, 1]);
}

/// The leases of a group that is gone are lost, and what they held comes to the other group.
pub async fn what_was_held_comes_to_the_other_group(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "post").await;
    publish(&*queue, &["m1"]).await;
    let held = queue.receive(ask("post").now().visibility(REST)).await.expect("the group is subscribed");
    assert_eq!(adopt(&*queue, "post", "mail", "post").await, Adopted { messages: 1, dead: 0 });
    let lost = queue.ack(&held[0].lease).await;
    assert!(matches!(lost, Err(SettleError::Lost { .. })), "{lost:?}");
    fixture.pass(REST).await;
    let again = one(&*queue, "mail").await;
    assert_eq!((again.message.id, again.attempt), (id("m1"), 2));
}

/// Subscribes groups that are ordered in one partition.
async fn subscribe_both(queue: &dyn MessageQueue, on_dead: OnDead) {
    for name in ["post", "mail"] {
        let options = GroupOptions { ordered: Some(1), on_dead };
        queue.subscribe(topic("orders"), group(name), options).await.expect("these are its options");
    }
}

/// Decides about the dead letter that a group has of a message; how many messages that has released.
async fn decide(queue: &dyn MessageQueue, name: &str, message: &str, decision: DeadLetterDecision) -> u64 {
    let mut letters = letters(queue).await.into_iter();
    let letter = letters.find(|letter| letter.group == group(name) && letter.message.id == id(message));
    let letter = letter.expect("it is dead").id;
    let decided = operating(queue).decide(letter, decision, "ada".to_owned()).await;
    decided.expect("it is dead").released
}

fn edit(new: &str) -> DeadLetterDecision {
    DeadLetterDecision::Edit(Box::new(keyed(new, "a")))
}

/// Dead letters of both groups hold their key together, also where one has the place in the order that another has.
pub async fn a_key_that_both_groups_hold_is_held_until_all_is_decided(mut fixture: Fixture) {
    let mut queue = fixture.queue();
    subscribe_both(&*queue, OnDead::Hold).await;
    publish_all(&*queue, ["m1", "m2", "m3"].map(|id| keyed(id, "a")).to_vec()).await;
    kill(&*queue, "mail", "never").await;
    kill(&*queue, "post", "broken").await;
    // In the place of the first, which the other group has still.
    decide(&*queue, "post", "m1", edit("e1")).await;
    assert_eq!(kill(&*queue, "post", "again").await.message.id, id("e1"));
    publish_all(&*queue, vec![keyed("m4", "a"), keyed("b1", "b")]).await;
    assert_eq!(adopt(&*queue, "post", "mail", "post").await, Adopted { messages: 4, dead: 1 });
    for reopen in [false, true] {
        if reopen {
            drop(queue);
            queue = fixture.reopen().await;
        }
        assert_eq!(held(&*queue).await, 3);
    }
    assert_eq!(drain(&*queue).await, ["b1"]);
    assert_eq!(decide(&*queue, "mail", "e1", DeadLetterDecision::Discard).await, 0);
    assert_eq!((drain(&*queue).await, held(&*queue).await), (Vec::new(), 3));
    assert_eq!(decide(&*queue, "mail", "m1", DeadLetterDecision::Discard).await, 3);
    assert_eq!(drain(&*queue).await, ["m2", "m3", "m4"]);
}

/// Edited messages of both groups come where the old one was, each of them, also where that is one place.
pub async fn edited_messages_of_both_groups_keep_their_place(mut fixture: Fixture) {
    let mut queue = fixture.queue();
    for (round, on_dead, reopen) in
        [(1, OnDead::Pass, false), (2, OnDead::Hold, false), (3, OnDead::Hold, true)]
    {
        let of_round = |name: &str| format!("{name}-{round}");
        subscribe_both(&*queue, OnDead::Pass).await;
        let all = ["m0", "m1", "m2"].map(|name| keyed(&of_round(name), "a"));
        publish_all(&*queue, all.to_vec()).await;
        for (name, new) in [("post", "e1"), ("mail", "e2")] {
            kill(&*queue, name, "never").await;
            kill(&*queue, name, "never").await;
            decide(&*queue, name, &of_round("m1"), edit(&of_round(new))).await;
        }
        subscribe_both(&*queue, on_dead).await;
        adopt(&*queue, "post", "mail", "post").await;
        if reopen {
            drop(queue);
            queue = fixture.reopen().await;
        }
        let holds = on_dead == OnDead::Hold;
        if holds {
            assert_eq!((drain(&*queue).await, held(&*queue).await), (Vec::new(), 3));
        }
        let released = decide(&*queue, "mail", &of_round("m0"), DeadLetterDecision::Discard).await;
        assert_eq!(released, if holds { 3 } else { 0 });
        assert_eq!(drain(&*queue).await, ["e1", "e2", "m2"].map(of_round));
    }
}

/// Messages that were there say whose they were, as dead letters and replayed too; later ones don't.
pub async fn adopted_messages_say_whose_they_were(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "post").await;
    publish(&*queue, &["m1"]).await;
    kill(&*queue, "post", "broken").await;
    publish(&*queue, &["m2"]).await;
    adopt(&*queue, "post", "mail", "post").await;
    publish(&*queue, &["m3"]).await;
    // The consumer has another name again, and the group is the same.
    assert_eq!(adopt(&*queue, "mail", "mail", "mail").await, Adopted::default());
    assert_eq!(adopt(&*queue, "mail", "mail", "mail").await, Adopted::default());
    publish(&*queue, &["m4"]).await;
    adopt(&*queue, "mail", "mail", "mail").await;
    let [dead] = &*letters(&*queue).await else { panic!("one message died") };
    assert_eq!(dead.former, ["post", "mail"]);
    let decision = DeadLetterDecision::Replay;
    operating(&*queue).decide(dead.id.clone(), decision, "ada".to_owned()).await.expect("it is dead");
    let mut said = Vec::new();
    for delivery in due(&*queue, "mail").await {
        said.push((delivery.message.id.to_string(), delivery.former.join(" ")));
    }
    said.sort_unstable();
    let wanted = [("m1", "post mail"), ("m2", "post mail"), ("m3", "mail"), ("m4", "")];
    assert_eq!(said, wanted.map(|(id, former)| (id.to_owned(), former.to_owned())));
}

/// What was adopted, and whose it was, is known after reopening.
pub async fn adoptions_survive_reopening(mut fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "post").await;
    publish(&*queue, &["m1"]).await;
    adopt(&*queue, "post", "mail", "post").await;
    operating(&*queue).rename_topic(topic("orders"), topic("trades")).await.expect("the name is free");
    drop(queue);
    let queue = fixture.reopen().await;
    operating(&*queue).rename_topic(topic("trades"), topic("orders")).await.expect("the name is free");
    publish(&*queue, &["m2"]).await;
    for delivery in due(&*queue, "mail").await {
        let wanted: &[&str] = if delivery.message.id == id("m1") { &["post"] } else { &[] };
        assert_eq!(delivery.former, wanted, "{}", delivery.message.id);
    }
    assert_eq!(counts(&*queue, "mail").await, [0, 2, 0, 0]);
}

/// A topic with another name has all it had; a name that is taken is refused.
pub async fn a_topic_gets_another_name(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    publish(&*queue, &["m1"]).await;
    kill(&*queue, "mail", "broken").await;
    publish(&*queue, &["m2"]).await;
    operating(&*queue).rename_topic(topic("orders"), topic("trades")).await.expect("the name is free");
    let gone = operating(&*queue).rename_topic(topic("orders"), topic("stock")).await;
    assert!(matches!(gone, Err(OperateError::NoTopic { .. })), "{gone:?}");
    let [dead] = &*letters(&*queue).await else { panic!("it is dead still") };
    assert_eq!(dead.message.topic, topic("trades"));
    let receive = crate::Receive::new(topic("trades"), group("mail")).now();
    let delivery = queue.receive(receive).await.expect("the group is there").remove(0);
    assert_eq!((&delivery.message.id, &delivery.message.topic), (&id("m2"), &topic("trades")));
    ack(&*queue, &delivery).await;
    publish(&*queue, &["m1"]).await;
    let taken = operating(&*queue).rename_topic(topic("trades"), topic("orders")).await;
    assert!(matches!(taken, Err(OperateError::TopicTaken { .. })), "{taken:?}");
}
