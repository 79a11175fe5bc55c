//! That a command has one outcome.

use trunkline_core::limits::TAGS_MAX;
use trunkline_core::{Expected, NewEvent, Query, QueryItem};

use super::Fixture;
use super::sample::{append, assert_refused, command, event, one, several, stream, tag, to};
use super::seen::{collect, everything};
use crate::{AllRead, AppendError};

/// A second append under a command's id is answered with where the first one's events begin.
pub async fn a_command_has_one_outcome(fixture: Fixture) {
    let store = fixture.store();
    append(&*store, one("order-1")).await;
    let outcome = several("order-1", 2).and_to(stream("cart-1"), Expected::Any).event(event("Happened"));
    append(&*store, outcome.for_command(command("7"))).await;
    append(&*store, one("order-1")).await;
    let handled = AppendError::AlreadyHandled { position: everything(&*store).await[1].position };
    for name in ["order-1", "order-2"] {
        assert_refused(&*store, one(name).for_command(command("7")), &handled).await;
    }
    append(&*store, one("order-1").for_command(command("77"))).await;
    append(&*store, one("order-1")).await;
}

/// Any event with the command's tag is an outcome, such as one that was copied from another store.
pub async fn an_event_that_was_given_the_tag_of_a_command_is_its_outcome(fixture: Fixture) {
    let store = fixture.store();
    append(&*store, one("order-1")).await;
    let copied = event("Happened").tag(tag("$command:7"));
    let position = append(&*store, to("order-1", Expected::Any).event(copied)).await.position;
    let handled = AppendError::AlreadyHandled { position };
    assert_refused(&*store, one("order-2").for_command(command("7")), &handled).await;
}

/// Every event of a command has its tag, once, after its own unless it was given with it, and is found by it; it is
/// not counted among its own.
pub async fn every_event_of_a_command_carries_its_tag(fixture: Fixture) {
    let store = fixture.store();
    append(&*store, one("order-1").for_command(command("other"))).await;
    let own: Vec<_> = (0..TAGS_MAX).map(|number| tag(&format!("number:{number}"))).collect();
    let given = [tag("$command:7"), tag("z:1")];
    let batch = to("order-1", Expected::Any)
        .event(NewEvent { tags: own.clone(), ..event("A") })
        .event(NewEvent { tags: given.to_vec(), ..event("B") })
        .event(NewEvent { tags: [&own[..], &[tag("$command:7")]].concat(), ..event("D") })
        .and_to(stream("cart-1"), Expected::Any)
        .event(event("C"));
    append(&*store, batch.for_command(command("7"))).await;
    let query = Query::from(QueryItem::default().tag(command("7").tag()));
    let seen = collect(store.read_all(AllRead::default().matching(query))).await;
    let tags: Vec<_> = seen.iter().map(|event| event.tags.clone()).collect();
    let texts = |tags: &[trunkline_core::Tag]| -> Vec<String> {
        tags.iter().map(|tag| tag.as_str().to_owned()).collect()
    };
    let full = [own, vec![command("7").tag()]].concat();
    assert_eq!(tags, [texts(&full), texts(&given), texts(&full), texts(&[command("7").tag()])]);
}
