//! What a store refuses before it judges anything.

use bytes::Bytes;
use trunkline_core::limits::{BATCH_BYTES_MAX, BATCH_EVENTS_MAX, TAGS_MAX};
use trunkline_core::{Append, Expected, NewEvent};

use super::Fixture;
use super::sample::{append, assert_refused, event, kind, one, refuse, several, stream, tag, to};
use crate::{AppendError, EventStore};

/// An append stores at least one event.
pub async fn an_append_without_events_is_invalid(fixture: Fixture) {
    assert_invalid(&*fixture.store(), Append::default()).await;
}

/// Who names a stream writes to it.
pub async fn a_write_without_events_is_invalid(fixture: Fixture) {
    let store = fixture.store();
    assert_invalid(&*store, to("order-1", Expected::Any)).await;
    assert_invalid(&*store, one("order-1").and_to(stream("order-2"), Expected::Any)).await;
    let first = to("order-1", Expected::Any).and_to(stream("order-2"), Expected::Any);
    assert_invalid(&*store, first.event(event("Happened"))).await;
}

/// A batch writes to each stream once.
pub async fn a_stream_named_twice_is_invalid(fixture: Fixture) {
    let twice = one("order-1").and_to(stream("order-1"), Expected::Any).event(event("Happened"));
    assert_invalid(&*fixture.store(), twice).await;
}

/// A batch has each event once, in whichever stream.
pub async fn an_event_id_named_twice_is_invalid(fixture: Fixture) {
    let store = fixture.store();
    let twin = event("Happened");
    let twice = to("order-1", Expected::Any).event(twin.clone()).event(twin.clone());
    assert_invalid(&*store, twice).await;
    let apart = to("order-1", Expected::Any).event(twin.clone());
    let apart = apart.and_to(stream("order-2"), Expected::Any).event(twin.clone());
    assert_invalid(&*store, apart).await;
    // Not even when it is stored already and the batch could be a repeat.
    append(&*store, to("order-1", Expected::Any).event(twin.clone())).await;
    assert_invalid(&*store, to("order-1", Expected::Any).event(twin.clone()).event(twin)).await;
}

/// Schema versions begin at 1.
pub async fn a_schema_version_of_zero_is_invalid(fixture: Fixture) {
    let zero = NewEvent { schema_version: 0, ..event("Happened") };
    let batch = to("order-1", Expected::Any).event(event("Happened")).event(zero);
    assert_invalid(&*fixture.store(), batch).await;
}

/// An event has a bounded number of tags.
pub async fn too_many_tags_are_invalid(fixture: Fixture) {
    let store = fixture.store();
    let tags = |count: usize| (0..count).map(|number| tag(&format!("number:{number}"))).collect();
    let most = NewEvent { tags: tags(TAGS_MAX), ..event("Happened") };
    let more = NewEvent { tags: tags(TAGS_MAX + 1), ..event("Happened") };
    assert_invalid(&*store, to("order-1", Expected::Any).event(more)).await;
    append(&*store, to("order-1", Expected::Any).event(most)).await;
}

/// A batch has a bounded number of events.
pub async fn too_many_events_are_invalid(fixture: Fixture) {
    assert_invalid(&*fixture.store(), several("order-1", BATCH_EVENTS_MAX + 1)).await;
}

/// Data above the store's limit is refused, and the error says how much it may be.
pub async fn too_large_data_is_refused(fixture: Fixture) {
    let store = fixture.store();
    let bytes_max = fixture.limits().event_data_bytes_max;
    let large = NewEvent::new(kind("Happened"), vec![0; bytes_max + 1]);
    let batch = to("order-1", Expected::Any).event(event("Happened")).event(large);
    let wanted = AppendError::TooLarge { what: "event data", bytes: bytes_max + 1, bytes_max };
    assert_refused(&*store, batch, &wanted).await;
}

/// A batch above the limit is refused, though each of its events is within its own.
pub async fn a_too_large_batch_is_refused(fixture: Fixture) {
    let store = fixture.store();
    let data = Bytes::from(vec![0; fixture.limits().event_data_bytes_max]);
    let events = (0..=BATCH_BYTES_MAX / data.len()).map(|_| NewEvent::new(kind("Happened"), data.clone()));
    let error = refuse(&*store, to("order-1", Expected::Any).with_events(events)).await;
    assert!(matches!(error, AppendError::TooLarge { bytes_max: BATCH_BYTES_MAX, .. }), "{error:?}");
}

async fn assert_invalid(store: &dyn EventStore, append: Append) {
    let error = refuse(store, append).await;
    assert!(matches!(error, AppendError::Invalid { .. }), "{error:?}");
}
