//! What a store has, against what is known of it.

use std::collections::BTreeMap;

use futures::TryStreamExt as _;
use trunkline_core::{Appended, Expected, Position, Query, QueryItem, RecordedEvent, Tag, Version, json};
use trunkline_store::{AllRead, EventStore, EventStoreExt as _, Maintain};

use super::load::{Key, Load, STORED, key_of};
use super::witness::Known;
use super::worker::TASKS;
use crate::random::Random;

/// So many streams, and so many batches of earlier runs, are looked at each time.
const SAMPLE: usize = 50;

/// Every event, read in one go.
pub(super) async fn everything(store: &dyn EventStore) -> Vec<RecordedEvent> {
    store.read_all(AllRead::default()).try_collect().await.unwrap()
}

/// Events with all that there is to them, as text of their own: their bytes are those of the mapped files, and what
/// becomes of these would not show.
pub(super) fn lines(events: &[RecordedEvent]) -> Vec<String> {
    events.iter().map(json::to_line).collect()
}

/// What was seen earlier is there, the same and in the same places.
#[track_caller]
pub(super) fn begins_with(lines: &[String], earlier: &[String]) {
    assert!(
        lines.len() >= earlier.len(),
        "of {} events that were seen, {} are left",
        earlier.len(),
        lines.len()
    );
    for (line, earlier) in lines.iter().zip(earlier) {
        assert_eq!(line, earlier);
    }
}

#[track_caller]
pub(super) fn is_clean(store: &dyn Maintain) {
    let report = store.verify(&mut |_, _| {}).unwrap();
    let count = report.problems.len();
    assert!(count == 0, "{count} problems, such as {:?}", report.problems.first());
}

/// Positions and versions have no holes, every batch is whole, those that were acknowledged are there as they were
/// acknowledged, and of those that were not, each task has one at most.
#[track_caller]
pub(super) fn is_as_known(events: &[RecordedEvent], known: &Known, seed: u64) {
    are_dense(events);
    let mut found: BTreeMap<(u32, u32), u32> = BTreeMap::new();
    let mut rest = events;
    while let Some(first) = rest.first() {
        assert_eq!(first.event_type(), STORED, "what was refused is stored: {first:?}");
        let key = key_of(first.event_id()).expect("every stored event is of a batch");
        let load = Load::of(seed, key);
        let batch = &rest[..load.events().count().min(rest.len())];
        let appended = is_whole(key, &load, batch);
        if let Some(acknowledged) = known.get(key) {
            assert_eq!(Appended { repeated: acknowledged.repeated, ..appended }, *acknowledged, "{key:?}");
        }
        let count = found.entry((key.run, key.task)).or_default();
        assert_eq!(key.number, *count, "a task's batches are stored in their order, each once: {key:?}");
        *count += 1;
        rest = &rest[batch.len()..];
    }
    let runs =
        found.keys().map(|(run, _)| *run).chain(known.iter().map(|(key, _)| key.run)).max().unwrap_or(0);
    for (run, task) in (1..=runs).flat_map(|run| (0..TASKS).map(move |task| (run, task))) {
        let stored = found.get(&(run, task)).copied().unwrap_or_default();
        let acknowledged = known.count(run, task);
        assert!(
            (acknowledged..=acknowledged + 1).contains(&stored),
            "run {run}, task {task}: {acknowledged} batches were acknowledged, {stored} are stored"
        );
    }
}

#[track_caller]
fn are_dense(events: &[RecordedEvent]) {
    let mut versions: BTreeMap<&str, u64> = BTreeMap::new();
    for (event, position) in events.iter().zip(1..) {
        assert_eq!(event.position(), Position::new(position));
        let version = versions.entry(event.stream()).or_default();
        *version += 1;
        assert_eq!(event.version(), Version::new(*version), "{} at position {position}", event.stream());
    }
}

/// The batch is there from its first event to its last, as it was appended; gives how that should be answered.
#[track_caller]
fn is_whole(key: Key, load: &Load, batch: &[RecordedEvent]) -> Appended {
    let wanted: Vec<_> = load
        .events()
        .map(|(stream, event)| (stream.as_str(), event.event_id, &event.data[..], event.tags[0].as_str()))
        .collect();
    let found: Vec<_> = batch
        .iter()
        .map(|event| {
            (event.stream(), event.event_id(), event.data(), event.tags().next().unwrap_or_default())
        })
        .collect();
    assert!(wanted == found, "{key:?} is not whole: {batch:?}");
    let version =
        |stream: &str| batch.iter().rfind(|event| event.stream() == stream).map(RecordedEvent::version);
    Appended {
        versions: load.writes.iter().map(|write| version(write.stream.as_str()).unwrap()).collect(),
        position: batch.last().map(RecordedEvent::position).unwrap(),
        repeated: false,
    }
}

/// The indexes find the events, too: those of a stream, and those with a tag.
pub(super) async fn is_found_by_stream_and_tag(
    store: &dyn EventStore,
    events: &[RecordedEvent],
    random: &mut Random,
) {
    for _ in 0..SAMPLE.min(events.len()) {
        let stream = events[random.below(events.len() as u64) as usize].stream_name();
        let found = store.stream_events(&stream).await.unwrap();
        let wanted: Vec<_> =
            events.iter().filter(|event| event.stream() == stream.as_str()).cloned().collect();
        assert!(found == wanted, "{stream}: {} events instead of {}", found.len(), wanted.len());
    }
    let tag = format!("task:{}", random.below(TASKS.into()));
    let item = QueryItem { tags: vec![Tag::new(&tag).unwrap()], ..QueryItem::default() };
    let found: Vec<_> =
        store.read_all(AllRead::default().matching(Query::from(item))).try_collect().await.unwrap();
    let wanted: Vec<_> = events.iter().filter(|event| event.tags().any(|has| has == tag)).cloned().collect();
    assert!(found == wanted, "{tag}: {} events instead of {}", found.len(), wanted.len());
}

/// What was acknowledged, by this run or an earlier one, is answered again as it was then.
pub(super) async fn repeats_answer_first_results(
    store: &dyn EventStore,
    known: &Known,
    run: u32,
    seed: u64,
    random: &mut Random,
) {
    let head = store.head().await.unwrap();
    let earlier = known.iter().filter(|(key, _)| key.run < run).count();
    for (key, first) in known.iter() {
        if key.run == run || random.below(earlier as u64) < SAMPLE as u64 {
            let again = store.append(Load::of(seed, key).append(|_| Expected::NoStream)).await.unwrap();
            assert_eq!(again, Appended { repeated: true, ..first.clone() }, "{key:?}");
        }
    }
    assert_eq!(store.head().await.unwrap(), head, "a repeat adds nothing");
}
