//! How much is not finished, as it is counted for whoever waits for rest.

use std::time::Duration;

use super::Fixture;
use super::sample::{
    EXACT, REST, ack, ask, assert_left, assert_unfinished, group, message, publish, publish_all, subscribe,
    topic,
};

/// A message is kept until all groups have finished it, and due or delayed in each group until it has.
pub async fn what_is_not_finished_is_counted(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    let later = message("m5").after(Duration::from_secs(3_600));
    publish_all(&*queue, vec![message("m1"), message("m2"), message("m3"), message("m4"), later]).await;
    assert_left(&*queue, [5, 4, 1]).await;
    let held = queue.receive(ask("mail").now().max(3)).await.expect("the group is subscribed");
    assert_left(&*queue, [5, 4, 1]).await;
    queue.reject(&held[0].lease, "never".to_owned()).await.expect("the lease is good");
    queue.retry(&held[1].lease, REST, "later".to_owned()).await.expect("the lease is good");
    ack(&*queue, &held[2]).await;
    assert_unfinished(&*queue, Some("orders"), [4, 1, 2], 1).await;
    fixture.pass(REST).await;
    assert_left(&*queue, [4, 2, 1]).await;
}

/// What was published is counted from then on, however often it is asked.
pub async fn what_was_published_is_counted_at_once(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    for number in 1..=50 {
        publish(&*queue, &[&format!("m{number}")]).await;
        assert_left(&*queue, [number, number, 0]).await;
    }
}

/// A topic's count is its own, the queue's is that of all topics, and a topic that isn't there has nothing.
pub async fn a_topic_is_counted_or_all_are(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    assert_unfinished(&*queue, Some("payments"), [0, 0, 0], 0).await;
    publish(&*queue, &["m1", "m2"]).await;
    let payment = vec![message("m1")];
    queue.publish(topic("payments"), payment).await.expect("a sound queue takes messages");
    assert_left(&*queue, [2, 2, 0]).await;
    assert_unfinished(&*queue, Some("payments"), [1, 0, 0], 0).await;
    assert_unfinished(&*queue, None, [3, 2, 0], 0).await;
}

/// A message is kept once, and is due in each subscribed group; for a group that isn't any more it is only kept.
pub async fn only_subscribed_groups_have_something_due(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    subscribe(&*queue, "stock").await;
    let later = message("m2").after(Duration::from_secs(3_600));
    publish_all(&*queue, vec![message("m1"), later]).await;
    assert_left(&*queue, [2, 2, 2]).await;
    queue.unsubscribe(topic("orders"), group("stock")).await.expect("the group is there");
    assert_left(&*queue, [2, 1, 1]).await;
    queue.unsubscribe(topic("orders"), group("mail")).await.expect("the group is there");
    assert_left(&*queue, [2, 0, 0]).await;
    subscribe(&*queue, "mail").await;
    assert_left(&*queue, [2, 1, 1]).await;
}

/// The longest backlog is that of the group that has the most left, subscribed or not, without what is dead or held;
/// without a group it is what waits for a first one, and of a queue that of the topic that has the most.
pub async fn the_longest_backlog_is_told(fixture: Fixture) {
    let queue = fixture.queue();
    let longest = async |name: Option<&str>, wanted: u64| {
        let ask = async || queue.unfinished(name.map(topic)).await.expect("a sound queue can count").longest;
        let mut found = ask().await;
        assert!(found >= wanted, "{found} is less than {wanted}");
        let exact = async {
            while found != wanted {
                tokio::task::yield_now().await;
                found = ask().await;
            }
        };
        assert!(tokio::time::timeout(EXACT, exact).await.is_ok(), "the longest is not {wanted}");
    };
    publish(&*queue, &["m1", "m2", "m3"]).await;
    longest(Some("orders"), 3).await;
    subscribe(&*queue, "mail").await;
    subscribe(&*queue, "stock").await;
    let later = message("m4").after(Duration::from_secs(3_600));
    publish_all(&*queue, vec![later]).await;
    let held = queue.receive(ask("mail").now().max(3)).await.expect("the group is subscribed");
    ack(&*queue, &held[0]).await;
    queue.reject(&held[1].lease, "never".to_owned()).await.expect("the lease is good");
    longest(Some("orders"), 4).await;
    queue.unsubscribe(topic("orders"), group("stock")).await.expect("the group is there");
    longest(Some("orders"), 4).await;
    queue.unsubscribe(topic("orders"), group("mail")).await.expect("the group is there");
    subscribe(&*queue, "stock").await;
    for held in queue.receive(ask("stock").now().max(3)).await.expect("the group is subscribed") {
        queue.reject(&held.lease, "never".to_owned()).await.expect("the lease is good");
    }
    longest(Some("orders"), 2).await;
    let payment = vec![message("m1")];
    queue.publish(topic("payments"), payment).await.expect("a sound queue takes messages");
    longest(Some("payments"), 1).await;
    longest(None, 2).await;
    longest(Some("returns"), 0).await;
}
