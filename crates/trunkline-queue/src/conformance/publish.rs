//! Publishing: what is kept, once, and when it is handed out.

use std::collections::BTreeSet;
use std::time::Duration;

use trunkline_core::{EventId, Position, Timestamp};

use super::Fixture;
use super::sample::{
    ack, ask, assert_left, assert_unfinished, due, id, ids, message, one, publish, publish_all, subscribe,
    topic,
};
use crate::limits::{DELAY_MAX, KEY_BYTES_MAX, MESSAGE_ID_BYTES_MAX, PAYLOAD_BYTES_MAX, TYPE_BYTES_MAX};
use crate::{NewMessage, PublishError, Published};

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// A message comes as it was given, with the time of its publishing.
pub async fn a_message_is_handed_out_as_it_was_published(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    let payload: Vec<u8> = (0..=255).collect();
    let event_id = EventId::from_cloudevent("/shop", "1");
    let mut new = NewMessage::new("Kind: ü", payload).id(id("m 1/ü")).key("order-1");
    new = new.header("traceparent", "00-1").header("ü", "").cause(event_id, Position::FIRST);
    let before = fixture.clock().now();
    publish_all(&*queue, vec![new.clone()]).await;
    let delivery = one(&*queue, "mail").await;
    let kept = delivery.message;
    assert_eq!(kept.topic, topic("orders"));
    assert_eq!((&kept.id, &kept.key, &kept.message_type), (&new.id, &new.key, &new.message_type));
    assert_eq!((&kept.payload, &kept.headers, kept.cause), (&new.payload, &new.headers, new.cause));
    assert_eq!((kept.not_before, kept.edited_from), (None, None));
    // A server's clock may differ by a little.
    let late = kept.enqueued_at.as_micros() - before.as_micros();
    assert!((-1_000_000..60_000_000).contains(&late), "published {late} µs after it was");
    assert_eq!((delivery.attempt, delivery.last_error), (1, None));
}

/// The largest message that is allowed fits.
pub async fn a_message_of_the_largest_size_fits(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    let new = NewMessage::new("t".repeat(TYPE_BYTES_MAX), vec![7; PAYLOAD_BYTES_MAX]);
    let new = new.id(id(&"i".repeat(MESSAGE_ID_BYTES_MAX))).key("k".repeat(KEY_BYTES_MAX));
    publish_all(&*queue, vec![new.clone()]).await;
    let kept = one(&*queue, "mail").await.message;
    assert!(kept.payload == new.payload, "the payload differs");
    assert_eq!((kept.id, kept.key, kept.message_type), (new.id, new.key, new.message_type));
}

/// A topic is there once something was published to it, and not before.
pub async fn a_topic_appears_on_first_use(fixture: Fixture) {
    let queue = fixture.queue();
    assert_unfinished(&*queue, None, [0, 0, 0], 0).await;
    publish(&*queue, &["m1"]).await;
    assert_left(&*queue, [1, 0, 0]).await;
}

/// A message is stored once, while it is kept and when it has been finished, also within one call.
pub async fn a_message_published_again_is_already_there(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    let twice = || queue.publish(topic("orders"), vec![message("m1"), message("m1")]);
    let published = twice().await.expect("a sound queue takes messages");
    assert_eq!(published, [Published::Stored, Published::AlreadyThere]);
    let again = [Published::AlreadyThere; 2];
    assert_eq!(twice().await.expect("a sound queue takes messages"), again);
    let delivery = one(&*queue, "mail").await;
    assert_eq!(twice().await.expect("a sound queue takes messages"), again);
    ack(&*queue, &delivery).await;
    assert_eq!(twice().await.expect("a sound queue takes messages"), again);
    assert_eq!(ids(&due(&*queue, "mail").await), [""; 0]);
}

/// The same id in another topic is another message.
pub async fn an_id_belongs_to_its_topic(fixture: Fixture) {
    let queue = fixture.queue();
    publish(&*queue, &["m1"]).await;
    let published = queue.publish(topic("payments"), vec![message("m1")]).await;
    assert_eq!(published.expect("a sound queue takes messages"), [Published::Stored]);
}

/// Of several messages, each gets its answer in its place.
pub async fn the_answers_are_in_the_order_of_the_messages(fixture: Fixture) {
    let queue = fixture.queue();
    publish(&*queue, &["m2", "m4"]).await;
    let messages = ["m1", "m2", "m3", "m4", "m5"].map(message).to_vec();
    let published = queue.publish(topic("orders"), messages).await.expect("a sound queue takes messages");
    let (new, old) = (Published::Stored, Published::AlreadyThere);
    assert_eq!(published, [new, old, new, old, new]);
    let nothing = queue.publish(topic("orders"), Vec::new()).await.expect("nothing is no mistake");
    assert_eq!(nothing, []);
}

/// One message that is refused keeps all of its call from being stored.
pub async fn a_refused_publish_stores_nothing(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    let long = NewMessage::new("Ping", vec![0; PAYLOAD_BYTES_MAX + 1]);
    let error = queue.publish(topic("orders"), vec![message("m1"), long]).await.expect_err("it is too large");
    assert!(matches!(error, PublishError::TooLarge { .. }), "{error:?}");
    let empty = NewMessage::new("", "");
    let error = queue.publish(topic("orders"), vec![message("m2"), empty]).await.expect_err("it has no type");
    assert!(matches!(error, PublishError::Invalid { .. }), "{error:?}");
    assert_eq!(ids(&due(&*queue, "mail").await), [""; 0]);
}

/// A delayed message comes when its time has come, to the millisecond.
pub async fn a_delayed_message_is_handed_out_in_its_time(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    let delay = Duration::from_millis(1_001);
    let at = Timestamp::from_micros(fixture.clock().now().as_micros() + 1_001_000);
    publish_all(&*queue, vec![message("after").after(delay), message("at").at(at), message("now")]).await;
    assert_eq!(ids(&due(&*queue, "mail").await), ["now"]);
    if fixture.time_is_free() {
        fixture.pass(Duration::from_secs(1)).await;
        assert_eq!(ids(&due(&*queue, "mail").await), [""; 0]);
        fixture.pass(Duration::from_millis(1)).await;
    } else {
        fixture.pass(delay).await;
    }
    let deliveries = due(&*queue, "mail").await;
    assert_eq!(ids(&deliveries), ["after", "at"]);
    for delivery in deliveries {
        let kept = delivery.message;
        let wait = kept.not_before.expect("it was delayed").as_micros() - kept.enqueued_at.as_micros();
        assert!((900_000..=1_001_000).contains(&wait), "{wait}");
    }
}

/// Many messages that are due at one moment all wait from then on, and come once each.
pub async fn many_messages_due_at_once_come_once_each(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    let at = Timestamp::from_micros(fixture.clock().now().as_micros() + 1_001_000);
    let many = (0..2_500).map(|number| message(&format!("m{number}")).at(at));
    publish_all(&*queue, many.collect()).await;
    publish_all(&*queue, vec![message("later").after(Duration::from_secs(3_600))]).await;
    fixture.pass(Duration::from_millis(1_001)).await;
    assert_left(&*queue, [2_501, 2_500, 1]).await;
    let mut came = BTreeSet::new();
    while came.len() < 2_500 {
        let ask = ask("mail").now().max(700).visibility(Duration::from_secs(3_600));
        let deliveries = queue.receive(ask).await.expect("the group is subscribed");
        assert!(!deliveries.is_empty(), "{} came, and others are due", came.len());
        for delivery in deliveries {
            assert!(came.insert(delivery.message.id.to_string()), "{} came twice", delivery.message.id);
        }
        assert_left(&*queue, [2_501, 2_500, 1]).await;
    }
    assert!(!came.contains("later"));
    assert_eq!(ids(&due(&*queue, "mail").await), [""; 0]);
}

/// A moment that has passed, or no delay at all, delays nothing.
pub async fn a_moment_that_has_passed_is_now(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    let past = Timestamp::from_micros(fixture.clock().now().as_micros() - 5_000_000);
    publish_all(&*queue, vec![message("m1").at(past), message("m2").after(Duration::ZERO)]).await;
    let deliveries = queue.receive(ask("mail").now()).await.expect("the group is subscribed");
    assert_eq!(ids(&deliveries), ["m1", "m2"]);
}

/// However long a delay is, it is kept.
pub async fn a_delay_of_many_years_is_kept(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    publish_all(&*queue, vec![message("m1").after(100 * YEAR)]).await;
    assert_unfinished(&*queue, Some("orders"), [1, 0, 1], 0).await;
    if fixture.time_is_free() {
        fixture.pass(99 * YEAR).await;
        assert_eq!(ids(&due(&*queue, "mail").await), [""; 0]);
        fixture.pass(YEAR).await;
        assert_eq!(one(&*queue, "mail").await.message.id, id("m1"));
    }
}

/// A delay that can't be kept is refused.
pub async fn a_delay_that_no_time_has_is_refused(fixture: Fixture) {
    let queue = fixture.queue();
    subscribe(&*queue, "mail").await;
    let late = message("m2").after(DELAY_MAX + Duration::from_millis(1));
    let error = queue.publish(topic("orders"), vec![message("m1"), late]).await.expect_err("it is too long");
    assert!(matches!(&error, PublishError::Invalid { id, .. } if id.as_str() == "m2"), "{error:?}");
    assert_left(&*queue, [0, 0, 0]).await;
}
