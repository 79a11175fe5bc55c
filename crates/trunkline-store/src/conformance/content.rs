//! That an event is read back as it was given.

use bytes::Bytes;
use trunkline_core::limits::{
    COMMAND_ID_BYTES_MAX, EVENT_TYPE_BYTES_MAX, METADATA_BYTES_MAX, STREAM_NAME_BYTES_MAX, TAG_BYTES_MAX,
    TAGS_MAX,
};
use trunkline_core::{Append, EventId, Expected, Metadata, NewEvent, Query, QueryItem, Timestamp};

use super::Fixture;
use super::sample::{append, command, event, kind, stream, tag, to};
use super::seen::{Seen, collect, everything, everything_in};
use crate::{AllRead, EventStore};

/// Id, type, schema version, data and metadata to the byte, and tags in their order.
pub async fn events_are_read_back_as_they_were_given(fixture: Fixture) {
    let store = fixture.store();
    let metadata = "{ \"actor\" : \"ada\",\n\"n\":1.50, \"actor\":\"eve\" }";
    let given = NewEvent {
        event_id: EventId::from_bytes([0xff; 16]),
        event_type: kind("OrderCreated"),
        schema_version: u32::MAX,
        data: Bytes::from_static(b" {\"b\": 1.0,  \"a\":1e3}\n"),
        metadata: Metadata::parse(metadata).expect("metadata may repeat a name and be spaced as it likes"),
        tags: vec![tag("z:1"), tag("a:2"), tag("m:"), tag("a:2")],
        occurred_at: Some(Timestamp::from_micros(-1)),
        recorded_at: None,
    };
    let nil = event("Happened").id(EventId::from_bytes([0; 16]));
    append(&*store, to("order-1", Expected::Any).event(given.clone()).event(nil.clone())).await;
    for seen in [everything(&*store).await, everything_in(&*store, "order-1").await] {
        assert_as_given(&seen[0], "order-1", &given);
        assert_as_given(&seen[1], "order-1", &nil);
    }
}

/// Data is any bytes: none, what isn't JSON, what isn't text.
pub async fn data_is_any_bytes(fixture: Fixture) {
    let store = fixture.store();
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    let zeros = vec![0; 10_000];
    for data in [&b""[..], b"\0", b"plain text", b"\xff\xfe", b"{", &every_byte, &zeros] {
        let given = NewEvent::new(kind("Happened"), data.to_vec());
        append(&*store, to("order-1", Expected::Any).event(given.clone())).await;
        let seen = everything_in(&*store, "order-1").await.pop().expect("an event was appended");
        assert_as_given(&seen, "order-1", &given);
    }
}

/// Names are any printable text, distinct where one byte differs, and may be Trunkline's own.
pub async fn names_are_any_printable_text(fixture: Fixture) {
    let store = fixture.store();
    let names = [
        "bestellung-größe",
        "注文-一",
        "order-👩‍👩‍👧",
        "ORDER-1",
        "order-1",
        "order-1 ",
        "order--",
        "order-1-2",
        "order-e\u{301}",
        "order-\u{e9}",
        "order-'; DROP TABLE events; --",
        "order-%_\\*?/..",
        "$saga.order-1",
    ];
    let mut given = Vec::new();
    for name in names {
        let event = event(name).tag(tag(&format!("{name}:{name}"))).tag(tag("key::: "));
        append(&*store, to(name, Expected::NoStream).event(event.clone())).await;
        given.push(event);
    }
    let all = everything(&*store).await;
    for ((name, given), seen) in names.iter().zip(&given).zip(&all) {
        assert_as_given(seen, name, given);
        assert_eq!(everything_in(&*store, name).await, std::slice::from_ref(seen), "the stream {name:?}");
        let item = QueryItem::default().event_type(given.event_type.clone()).tag(given.tags[0].clone());
        assert_eq!(
            matching(&*store, item).await,
            std::slice::from_ref(seen),
            "the type and the tag of {name:?}"
        );
    }
}

/// An event whose time isn't given occurred when it was recorded, and one whose time is given, then.
pub async fn an_event_without_its_time_gets_that_of_its_recording(fixture: Fixture) {
    let store = fixture.store();
    let (early, late) = (Timestamp::from_micros(i64::MIN), Timestamp::from_micros(i64::MAX));
    let batch = to("order-1", Expected::Any)
        .event(event("Happened"))
        .event(event("Happened").occurred_at(early))
        .event(event("Happened").occurred_at(late));
    append(&*store, batch).await;
    let seen = everything(&*store).await;
    assert_eq!(seen[0].occurred_at, seen[0].recorded_at);
    assert_eq!((seen[1].occurred_at, seen[2].occurred_at), (early, late));
    assert_eq!(seen, everything(&*store).await, "the time of recording stays what it is");
}

/// The time of recording of an event that is copied from another store is kept.
pub async fn a_given_time_of_recording_is_kept(fixture: Fixture) {
    let store = fixture.store();
    let then = Timestamp::from_micros(1_291_192_000_123_456);
    let before = Timestamp::from_micros(1_291_192_000_000_001);
    let copied = NewEvent { recorded_at: Some(then), ..event("Happened") };
    let dated = NewEvent { recorded_at: Some(then), ..event("Happened").occurred_at(before) };
    append(&*store, to("order-1", Expected::Any).event(copied).event(dated).event(event("Happened"))).await;
    let seen = everything(&*store).await;
    assert_eq!((seen[0].recorded_at, seen[0].occurred_at), (then, then));
    assert_eq!((seen[1].recorded_at, seen[1].occurred_at), (then, before));
    assert_ne!(seen[2].recorded_at, then);
}

/// The longest names, the most tags and the largest metadata are stored and found.
pub async fn the_longest_names_and_the_most_tags_fit(fixture: Fixture) {
    let store = fixture.store();
    let name = format!("order-{}", "x".repeat(STREAM_NAME_BYTES_MAX - "order-".len()));
    let metadata = format!("{{\"a\":\"{}\"}}", "x".repeat(METADATA_BYTES_MAX - "{\"a\":\"\"}".len()));
    let tags = (0..TAGS_MAX).map(|number| tag(&format!("{number:0>width$}:", width = TAG_BYTES_MAX - 1)));
    let given = NewEvent {
        tags: tags.collect(),
        metadata: Metadata::parse(metadata).expect("metadata of the largest size is allowed"),
        ..event(&"T".repeat(EVENT_TYPE_BYTES_MAX))
    };
    let id = command(&"c".repeat(COMMAND_ID_BYTES_MAX));
    append(&*store, to(&name, Expected::NoStream).event(given.clone()).for_command(id.clone())).await;
    let stored = NewEvent { tags: [given.tags.clone(), vec![id.tag()]].concat(), ..given };
    let seen = everything_in(&*store, &name).await;
    assert_as_given(&seen[0], &name, &stored);
    let all_tags =
        QueryItem { tags: stored.tags, event_types: vec![stored.event_type], ..QueryItem::default() };
    assert_eq!(matching(&*store, all_tags).await, seen);
    let other = format!("{}y", &name[..name.len() - 1]);
    assert_eq!(collect(store.read_stream(&stream(&other), crate::StreamRead::default())).await, []);
}

/// Data of the largest size that the store is configured for is stored.
pub async fn data_of_the_largest_size_fits(fixture: Fixture) {
    let store = fixture.store();
    let data: Vec<u8> = (0..fixture.limits().event_data_bytes_max).map(|at| (at % 251) as u8).collect();
    let given = NewEvent::new(kind("Happened"), data);
    append(&*store, to("order-1", Expected::Any).event(given.clone())).await;
    let seen = everything(&*store).await;
    assert!(seen[0].data == given.data, "{} of {} bytes came back", seen[0].data.len(), given.data.len());
}

/// A batch of almost the largest size, and one of many events, is stored whole.
pub async fn the_largest_batches_fit(fixture: Fixture) {
    use trunkline_core::limits::{BATCH_BYTES_MAX, BATCH_EVENTS_MAX};

    let store = fixture.store();
    let data = Bytes::from(vec![7; fixture.limits().event_data_bytes_max.min(1 << 20)]);
    let count = BATCH_BYTES_MAX / (data.len() + 1000);
    let batch = to("large-1", Expected::NoStream)
        .with_events((0..count).map(|_| NewEvent::new(kind("Happened"), data.clone())));
    append(&*store, batch).await;
    let seen = everything_in(&*store, "large-1").await;
    assert_eq!(seen.len(), count);
    assert!(seen.iter().all(|event| event.data == data), "each event has its data");

    let count = if super::sample::slow() { BATCH_EVENTS_MAX } else { BATCH_EVENTS_MAX / 10 };
    let batch: Append = super::sample::several("many-1", count);
    let ids: Vec<_> = batch.events().map(|event| event.event_id).collect();
    append(&*store, batch).await;
    let seen: Vec<_> = everything_in(&*store, "many-1").await.iter().map(|event| event.event_id).collect();
    assert!(seen == ids, "each of the many events is there, in order");
}

async fn matching(store: &dyn EventStore, item: QueryItem) -> Vec<Seen> {
    collect(store.read_all(AllRead::default().matching(Query::from(item)))).await
}

/// Asserts that an event is what was given, in everything that was given.
#[track_caller]
fn assert_as_given(seen: &Seen, stream: &str, given: &NewEvent) {
    assert_eq!(seen.stream, stream);
    assert_eq!(seen.event_id, given.event_id);
    assert_eq!(seen.event_type, given.event_type.as_str());
    assert_eq!(seen.schema_version, given.schema_version);
    assert_eq!(seen.data, given.data);
    assert_eq!(seen.metadata, given.metadata.as_bytes());
    assert_eq!(seen.tags, given.tags.iter().map(|tag| tag.as_str().to_owned()).collect::<Vec<_>>());
    if let Some(time) = given.occurred_at {
        assert_eq!(seen.occurred_at, time);
    }
}
