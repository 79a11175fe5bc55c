//! Names, events and appends for the tests, and the two things that are done with an append.

use std::time::Duration;

use trunkline_core::{Append, Appended, CommandId, EventType, Expected, NewEvent, Position, StreamName, Tag};

use crate::{AppendError, EventStore, StreamsRead};

/// How long a test waits for what is promised to come at once; long, for busy machines.
const SOON: Duration = Duration::from_secs(30);

/// A stream's name.
pub(super) fn stream(name: &str) -> StreamName {
    StreamName::system(name).expect("the suite's streams have names")
}

/// An event type.
pub(super) fn kind(name: &str) -> EventType {
    EventType::system(name).expect("the suite's event types have names")
}

/// A tag.
pub(super) fn tag(text: &str) -> Tag {
    Tag::system(text).expect("the suite's tags are tags")
}

/// A command's id.
pub(super) fn command(text: &str) -> CommandId {
    CommandId::new(text).expect("the suite's command ids are ids")
}

/// An event of a type, with little in it.
pub(super) fn event(event_type: &str) -> NewEvent {
    NewEvent::new(kind(event_type), r#"{"a": 1}"#)
}

/// An append to a stream, without events yet.
pub(super) fn to(name: &str, expected: Expected) -> Append {
    Append::to(stream(name), expected)
}

/// An append of one event to a stream, whatever its version.
pub(super) fn one(name: &str) -> Append {
    several(name, 1)
}

/// An append of events to a stream, whatever its version.
pub(super) fn several(name: &str, count: usize) -> Append {
    to(name, Expected::Any).with_events((0..count).map(|_| event("Happened")))
}

/// What an append that must succeed came to.
pub(super) async fn append(store: &dyn EventStore, append: Append) -> Appended {
    let described = brief(&append);
    match store.append(append).await {
        Ok(appended) => appended,
        Err(error) => panic!("this append should have succeeded: {error:?}\n{described}"),
    }
}

/// Asserts that an append is refused with this error and leaves no trace.
pub(super) async fn assert_refused(store: &dyn EventStore, append: Append, wanted: &AppendError) {
    let error = refuse(store, append).await;
    assert_eq!(facts(&error), facts(wanted), "the append was refused for another reason");
}

/// The error of an append that must be refused and leave no trace.
pub(super) async fn refuse(store: &dyn EventStore, append: Append) -> AppendError {
    let described = brief(&append);
    let before = (head(store).await, streams(store).await);
    let error = match store.append(append).await {
        Ok(appended) => panic!("this append should have been refused: {appended:?}\n{described}"),
        Err(error) => error,
    };
    assert_eq!(before, (head(store).await, streams(store).await), "a refused append left a trace: {error:?}");
    error
}

/// The facts of an error, to be compared: everything but the reason in words.
pub(super) fn facts(error: &AppendError) -> String {
    match error {
        AppendError::Invalid { .. } => "Invalid".to_owned(),
        AppendError::TooLarge { bytes, bytes_max, .. } => format!("TooLarge: {bytes} of {bytes_max}"),
        error => format!("{error:?}"),
    }
}

/// The head.
pub(super) async fn head(store: &dyn EventStore) -> Position {
    store.head().await.expect("a sound store has a head")
}

/// All streams.
pub(super) async fn streams(store: &dyn EventStore) -> Vec<crate::StreamInfo> {
    list(store, StreamsRead::default()).await
}

/// Some streams.
pub(super) async fn list(store: &dyn EventStore, read: StreamsRead) -> Vec<crate::StreamInfo> {
    use futures::TryStreamExt;
    store.streams(read).try_collect().await.expect("the streams of a sound store can be listed")
}

/// What a future yields that must not take long.
pub(super) async fn soon<T>(future: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(SOON, future).await;
    done.unwrap_or_else(|_| panic!("this should have come at once, and didn't in {SOON:?}"))
}

/// Whether long samples were asked for.
pub(super) fn slow() -> bool {
    std::env::var_os("TRUNKLINE_SLOW").is_some_and(|value| value != "0")
}

/// An append in few words: a batch may be large.
fn brief(append: &Append) -> String {
    let writes: Vec<_> = append
        .writes
        .iter()
        .map(|write| format!("{} events to {} ({})", write.events.len(), write.stream, write.expected))
        .collect();
    format!("{}; command {:?}; conditions {:?}", writes.join(", "), append.command, append.conditions)
}
