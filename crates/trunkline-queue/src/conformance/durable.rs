//! What is there after a durable queue was closed and opened again.

use std::time::Duration;

use super::Fixture;
use super::sample::{
    LESS, REST, VISIBILITY, ack, ask, counts, due, group, id, ids, kill, letters, message, one, publish,
    publish_all, subscribe, subscribe_ordered, topic,
};
use crate::{Decision, Outcome, Published};

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

/// A lease holds across the reopening, for as long as it was given, and settles its message.
pub async fn leases_survive_reopening(mut fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    publish(&*queue, &["m1", "m2"]).await;
    let held = due(&*queue, "mail").await;
    drop(queue);
    let queue = fixture.reopen().await;
    assert_eq!(ids(&due(&*queue, "mail").await), [""; 0]);
    ack(&*queue, &held[0]).await;
    fixture.pass(VISIBILITY).await;
    let again = one(&*queue, "mail").await;
    assert_eq!((again.message.id.clone(), again.attempt), (held[1].message.id.clone(), 2));
    assert!(queue.ack(&held[1].lease).await.is_err(), "the message is leased again");
    assert_ne!(again.lease.token, held[1].lease.token);
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
    assert_eq!(counts(&*queue, "mail").await, [0, 0, 2, 0]);
    fixture.pass(REST).await;
    let again = one(&*queue, "mail").await;
    assert_eq!((again.attempt, again.last_error.as_deref()), (2, Some("no answer")));
    fixture.pass(LESS).await;
    assert_eq!(one(&*queue, "mail").await.message.id, id("m2"));
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
    queue.decide(before[0].id.clone(), Decision::Replay, "ada".to_owned()).await.expect("it is there");
    let new = Box::new(message("m4"));
    queue.decide(before[1].id.clone(), Decision::Edit(new), "ada".to_owned()).await.expect("it is there");
    let actions = queue.actions(0, 10).await.expect("decisions can be listed");
    drop(queue);
    let queue = fixture.reopen().await;
    assert_eq!(letters(&*queue).await, before[2..]);
    assert_eq!(queue.actions(0, 10).await.expect("decisions can be listed"), actions);
    let deliveries = due(&*queue, "mail").await;
    assert_eq!(ids(&deliveries), ["m1", "m4"]);
    for delivery in &deliveries {
        ack(&*queue, delivery).await;
    }
    drop(queue);
    let queue = fixture.reopen().await;
    let outcomes = queue.actions(0, 10).await.expect("decisions can be listed");
    assert!(outcomes.iter().all(|action| matches!(action.outcome, Outcome::Done { .. })), "{outcomes:?}");
    queue.decide(before[2].id.clone(), Decision::Replay, "ada".to_owned()).await.expect("it is there");
    kill(&*queue, "mail", "again").await;
    let again = letters(&*queue).await.remove(0);
    drop(queue);
    let queue = fixture.reopen().await;
    assert_eq!(letters(&*queue).await, [again], "and what had brought it back");
    kill_another(&*queue).await;
    let ids: Vec<_> = letters(&*queue).await.into_iter().map(|letter| letter.id).collect();
    assert!(ids.len() == 2 && ids[0] != ids[1] && !before.iter().any(|old| old.id == ids[1]), "{ids:?}");
}

async fn kill_another(queue: &dyn crate::MessageQueue) {
    publish(queue, &["m5"]).await;
    kill(queue, "mail", "m5").await;
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
