//! How an append is recognised that was stored before.

use bytes::Bytes;
use trunkline_core::{Append, Appended, Expected, Metadata, NewEvent, Position, Query, Timestamp, Version};

use super::Fixture;
use super::sample::{append, assert_refused, command, event, head, kind, one, several, stream, tag, to};
use super::seen::everything;
use crate::{AppendError, EventStore};

/// The same events again, however late, are answered with what they came to, and stored once.
pub async fn a_repeat_answers_with_the_first_result_whatever_came_since(fixture: Fixture) {
    let store = fixture.store();
    append(&*store, one("cart-1")).await;
    let batch = to("order-1", Expected::NoStream)
        .event(event("A"))
        .event(event("B"))
        .and_to(stream("cart-1"), Expected::At(Version::FIRST))
        .event(event("C"));
    let first = append(&*store, batch.clone()).await;
    assert!(!first.repeated, "{first:?}");
    assert_repeats(&*store, batch.clone(), &first).await;
    for name in ["order-1", "cart-1", "order-2", "order-1"] {
        append(&*store, several(name, 2)).await;
        assert_repeats(&*store, batch.clone(), &first).await;
    }
}

/// A repeat is one by its ids, streams, types and data, whatever else it says and expects.
pub async fn a_repeat_is_one_whatever_it_expects(fixture: Fixture) {
    let store = fixture.store();
    let given = event("Happened");
    let first = append(&*store, to("order-1", Expected::NoStream).event(given.clone())).await;
    append(&*store, one("order-2").for_command(command("7"))).await;
    for expected in [Expected::Any, Expected::NoStream, Expected::Exists, Expected::At(Version::new(9))] {
        let again = to("order-1", expected).event(given.clone());
        assert_repeats(&*store, again.clone(), &first).await;
        assert_repeats(&*store, again.clone().for_command(command("7")), &first).await;
        assert_repeats(&*store, again.unless("nothing", Query::all(), Position::START), &first).await;
    }
}

/// A part of what was stored, or what was stored apart, or in another order, is stored already.
pub async fn what_is_stored_already_is_a_repeat_however_it_is_put_together(fixture: Fixture) {
    let store = fixture.store();
    let events: Vec<_> = (0..5).map(|_| event("Happened")).collect();
    let other = event("Happened");
    let mut positions =
        vec![append(&*store, to("order-1", Expected::Any).with_events(events[..3].to_vec())).await];
    positions.push(append(&*store, to("order-2", Expected::Any).event(other.clone())).await);
    positions.push(append(&*store, to("order-1", Expected::Any).with_events(events[3..].to_vec())).await);
    let seen = everything(&*store).await;
    let place = |given: &NewEvent| {
        let event = seen.iter().find(|event| event.event_id == given.event_id).expect("it was stored");
        (event.version, event.position)
    };
    let pick = |numbers: &[usize]| numbers.iter().map(|&number| events[number].clone()).collect::<Vec<_>>();
    for numbers in [&[1][..], &[0, 1], &[2, 0], &[4, 1, 3], &[0, 1, 2, 3, 4], &[4, 3, 2, 1, 0]] {
        let highest = numbers.iter().map(|&number| place(&events[number])).max().expect("there are some");
        let wanted = Appended { versions: vec![highest.0], position: highest.1, repeated: true };
        assert_repeats(&*store, to("order-1", Expected::Any).with_events(pick(numbers)), &wanted).await;
        let both = to("order-2", Expected::Any).event(other.clone());
        let both = both.and_to(stream("order-1"), Expected::Any).with_events(pick(numbers));
        let wanted = Appended {
            versions: vec![Version::FIRST, highest.0],
            position: highest.1.max(place(&other).1),
            repeated: true,
        };
        assert_repeats(&*store, both, &wanted).await;
    }
}

/// Under the ids of stored events, others are not passed off as repeats, and nothing is stored of them.
pub async fn an_id_with_another_type_or_other_data_is_no_repeat(fixture: Fixture) {
    let store = fixture.store();
    let given: Vec<_> = (0..3).map(|_| event("Happened")).collect();
    let batch = |events: &[NewEvent]| to("order-1", Expected::Any).with_events(events.to_vec());
    append(&*store, batch(&given)).await;
    let position = everything(&*store).await[1].position;
    let reused = AppendError::EventIdReused { event_id: given[1].event_id, position };
    let same = |data: &'static [u8]| NewEvent { data: Bytes::from_static(data), ..given[1].clone() };
    let typed = NewEvent { event_type: kind("Undone"), ..given[1].clone() };
    for other in [same(br#"{"a": 2}"#), same(br#"{"a": 1.0}"#), same(b"\xff"), same(b""), typed] {
        assert_refused(&*store, batch(std::slice::from_ref(&other)), &reused).await;
        let third = NewEvent { data: Bytes::from_static(b"3"), ..given[2].clone() };
        assert_refused(&*store, batch(&[given[0].clone(), other, third]), &reused).await;
    }
}

/// White space between tokens and the order of fields say nothing, nor does what stands beside type and data.
pub async fn a_repeat_is_one_however_its_json_is_written(fixture: Fixture) {
    let store = fixture.store();
    let with = |data: &'static [u8]| NewEvent { data: Bytes::from_static(data), ..event("Happened") };
    let json = with(br#"{"a":{"b":[1,2]},"c":"x"}"#);
    let bytes = with(b"\xff{");
    let batch =
        |events: [&NewEvent; 2]| to("order-1", Expected::Any).with_events(events.map(NewEvent::clone));
    let first = append(&*store, batch([&json, &bytes])).await;
    for data in [&b"{ \"c\": \"x\",\n\"a\": {\"b\": [1, 2]} }"[..], br#"{"a":{"b":[1,2]},"c":"x"}"#] {
        let again = NewEvent { data: data.to_vec().into(), ..json.clone() };
        assert_repeats(&*store, batch([&again, &bytes]), &first).await;
        let described =
            again.tag(tag("k:v")).metadata(Metadata::parse(r#"{"n":1}"#).expect("it is an object"));
        let described = NewEvent { schema_version: 2, ..described.occurred_at(Timestamp::from_micros(1)) };
        assert_repeats(&*store, batch([&described, &bytes]), &first).await;
    }
}

/// A batch that is stored in part is neither new nor a repeat.
pub async fn a_batch_that_is_stored_in_part_is_refused(fixture: Fixture) {
    let store = fixture.store();
    let (early, late) = (event("Happened"), event("Happened"));
    let first = append(&*store, to("order-1", Expected::Any).event(early.clone())).await.position;
    let second = append(&*store, to("order-1", Expected::Any).event(late.clone())).await.position;
    let taken = |event: &NewEvent, position| AppendError::EventIdTaken { event_id: event.event_id, position };
    let batch = |events: [NewEvent; 3]| to("order-1", Expected::Any).with_events(events);
    let in_order = batch([early.clone(), late.clone(), event("Happened")]);
    assert_refused(&*store, in_order, &taken(&early, first)).await;
    let turned = batch([event("Happened"), late.clone(), early.clone()]);
    assert_refused(&*store, turned, &taken(&late, second)).await;
    let apart = to("order-1", Expected::Any).event(late.clone());
    let apart = apart.and_to(stream("order-2"), Expected::Any).event(event("Happened"));
    assert_refused(&*store, apart, &taken(&late, second)).await;
}

/// An id that is stored in another stream is another event's.
pub async fn an_id_that_is_stored_in_another_stream_is_taken(fixture: Fixture) {
    let store = fixture.store();
    let (here, there) = (event("Happened"), event("Happened"));
    let position = append(&*store, to("order-1", Expected::Any).event(here.clone())).await.position;
    append(&*store, to("order-2", Expected::Any).event(there.clone())).await;
    let taken = AppendError::EventIdTaken { event_id: here.event_id, position };
    assert_refused(&*store, to("order-2", Expected::Any).event(here.clone()), &taken).await;
    assert_refused(&*store, to("order-3", Expected::NoStream).event(here.clone()), &taken).await;
    let swapped = to("order-2", Expected::Any).event(here);
    let swapped = swapped.and_to(stream("order-1"), Expected::Any).event(there);
    assert_refused(&*store, swapped, &taken).await;
}

async fn assert_repeats(store: &dyn EventStore, again: Append, first: &Appended) {
    let before = (head(store).await, everything(store).await);
    let appended = append(store, again).await;
    assert!(appended.repeated, "{appended:?}");
    assert_eq!((&appended.versions, appended.position), (&first.versions, first.position));
    assert_eq!(before, (head(store).await, everything(store).await), "a repeat added something");
}
