//! How expected versions are judged.

use trunkline_core::{Expected, Version};

use super::Fixture;
use super::sample::{append, assert_refused, event, one, several, stream, to};
use crate::{AppendError, EventStore};

/// Who expects a version that the stream has passed is told which it has.
pub async fn a_stale_version_conflicts(fixture: Fixture) {
    let store = fixture.store();
    append(&*store, several("order-1", 3)).await;
    for stale in 0..3 {
        assert_conflict(&*store, "order-1", Expected::At(Version::new(stale)), 3).await;
    }
    let appended =
        append(&*store, to("order-1", Expected::At(Version::new(3))).event(event("Happened"))).await;
    assert_eq!(appended.versions, [Version::new(4)]);
    assert_conflict(&*store, "order-1", Expected::At(Version::new(3)), 4).await;
}

/// A version that the stream hasn't reached is not what it has.
pub async fn a_version_ahead_of_the_stream_conflicts(fixture: Fixture) {
    let store = fixture.store();
    append(&*store, several("order-1", 2)).await;
    assert_conflict(&*store, "order-1", Expected::At(Version::new(3)), 2).await;
    assert_conflict(&*store, "order-1", Expected::At(Version::MAX), 2).await;
    assert_conflict(&*store, "order-2", Expected::At(Version::FIRST), 0).await;
}

/// `NoStream` demands that the stream has no events, and so does version 0.
pub async fn no_stream_demands_an_empty_stream(fixture: Fixture) {
    let store = fixture.store();
    append(&*store, to("order-1", Expected::NoStream).event(event("Happened"))).await;
    append(&*store, to("order-2", Expected::At(Version::EMPTY)).event(event("Happened"))).await;
    assert_conflict(&*store, "order-1", Expected::NoStream, 1).await;
    assert_conflict(&*store, "order-2", Expected::At(Version::EMPTY), 1).await;
}

/// `Exists` demands at least one event.
pub async fn exists_demands_an_event(fixture: Fixture) {
    let store = fixture.store();
    append(&*store, one("order-1")).await;
    assert_conflict(&*store, "order-2", Expected::Exists, 0).await;
    for version in 2..4 {
        let appended = append(&*store, to("order-1", Expected::Exists).event(event("Happened"))).await;
        assert_eq!(appended.versions, [Version::new(version)]);
    }
}

/// `Any` demands nothing.
pub async fn any_version_will_do(fixture: Fixture) {
    let store = fixture.store();
    for version in 1..4 {
        assert_eq!(append(&*store, one("order-1")).await.versions, [Version::new(version)]);
    }
}

/// Each write has its own expectation, and the first that doesn't hold is reported.
pub async fn the_first_write_that_is_not_as_expected_is_reported(fixture: Fixture) {
    let store = fixture.store();
    append(&*store, several("order-1", 2)).await;
    append(&*store, several("order-2", 3)).await;
    let batch = |first, second, third| {
        to("order-1", first)
            .event(event("Happened"))
            .and_to(stream("order-2"), second)
            .event(event("Happened"))
            .and_to(stream("order-3"), third)
            .event(event("Happened"))
    };
    let at = |version| Expected::At(Version::new(version));
    for (first, second, third, name, expected, found) in [
        (at(1), at(1), at(1), "order-1", at(1), 2),
        (at(2), at(1), at(1), "order-2", at(1), 3),
        (at(2), at(3), at(1), "order-3", at(1), 0),
        (at(2), Expected::NoStream, Expected::Exists, "order-2", Expected::NoStream, 3),
    ] {
        assert_refused(&*store, batch(first, second, third), &conflict(name, expected, found)).await;
    }
    let appended = append(&*store, batch(at(2), at(3), Expected::NoStream)).await;
    assert_eq!(appended.versions, [Version::new(3), Version::new(4), Version::new(1)]);
}

async fn assert_conflict(store: &dyn EventStore, name: &str, expected: Expected, found: u64) {
    let wanted = conflict(name, expected, found);
    assert_refused(store, to(name, expected).event(event("Happened")), &wanted).await;
}

fn conflict(name: &str, expected: Expected, found: u64) -> AppendError {
    AppendError::Conflict { stream: stream(name), expected, found: Version::new(found) }
}
