//! Upcast, then evolve: the same state as of a copy in which every event has its present shape already.
//!
//! Chains and histories are random, of few names, so that steps meet; what fails must fail on the way to the
//! present shape, never behind it.

use std::fmt::Write as _;
use std::sync::Arc;

use trunkline::history::{HistoryError, Until, follow};
use trunkline::{
    Append, ApplicationFile, EventStore, EventStoreExt as _, Expected, MemoryStore, NewEvent, Registered,
    StreamName,
};
use trunkline_ops::migrate::{MigrateError, Migration};

use crate::world::read;

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

fn name(random: &mut fastrand::Rng) -> &'static str {
    NAMES[random.usize(..NAMES.len())]
}

fn step(random: &mut fastrand::Rng) -> String {
    let (one, other) = (name(random), name(random));
    match random.u8(..8) {
        0 => format!("{{ rename: {{ {one}: \"{other}\" }} }}"),
        1 => format!("{{ add: {{ {one}: {} }} }}", random.u8(..)),
        2 => format!("{{ remove: \"{one}\" }}"),
        3 => format!("{{ move: {{ {one}: \"in.{other}\" }} }}"),
        4 => format!("{{ compute: {{ {one}: \"default(event.data.{other}, 3)\" }} }}"),
        5 => format!("{{ compute: {{ \"in.{one}\": \"size(event.data)\" }} }}"),
        6 => format!("{{ drop: \"default(event.data.{one}, 0) == 1\" }}"),
        _ => format!("{{ add: {{ \"in.{one}\": [1, 2.50] }} }}"),
    }
}

/// A file of three types; those of `First` end at its last version or as others.
fn file(random: &mut fastrand::Rng) -> (ApplicationFile, u32) {
    let versions = random.u32(1..5);
    let mut links: Vec<String> = (1..versions)
        .map(|from| {
            let steps: Vec<String> = (0..random.u8(..4)).map(|_| step(random)).collect();
            format!("{{ from: {from}, steps: [{}] }}", steps.join(", "))
        })
        .collect();
    match random.u8(..4) {
        0 => links.push(format!("{{ from: {versions}, steps: [{{ type: \"Second\" }}] }}")),
        1 => links.push(format!(
            "{{ from: {versions}, steps: [{{ split: [{{ type: \"Second\" }}, {{ type: \"Third\", when: \"has(event.data.a)\", data: \"{{'x': event.data.a}}\" }}] }}] }}"
        )),
        _ => {}
    }
    let mut text = format!("[events.First]\nversion: {versions}\nupcast: [\n{}\n]\n", links.join("\n"));
    let second = step(random);
    write!(text, "[events.Second]\nversion: 2\nupcast: [{{ from: 1, steps: [{second}] }}]\n").unwrap();
    text.push_str("[aggregates.thing]\non {\n");
    for kind in ["First", "Second", "Third"] {
        // Order counts, and so does each event.
        writeln!(
            text,
            "{kind}: \"put(state, 'seen', default(state.seen, []) + [[event.type, event.data]])\""
        )
        .unwrap();
    }
    text.push_str("}\n");
    let file = read(&text, &Registered::default());
    let mistakes: Vec<&str> = file.mistakes().map(|found| &*found.message).collect();
    assert!(mistakes.is_empty(), "{mistakes:?} in {text}");
    (file, versions)
}

fn event(random: &mut fastrand::Rng, versions: u32) -> NewEvent {
    let (kind, version) = match random.u8(..6) {
        0 => ("Second", random.u32(1..3)),
        1 => ("Third", random.u32(1..9)),
        _ => ("First", random.u32(1..=versions)),
    };
    let mut data = serde_json::Map::new();
    for _ in 0..random.u8(..4) {
        data.insert(name(random).to_owned(), random.u8(..3).into());
    }
    let event = NewEvent::new(kind.parse().unwrap(), serde_json::to_vec(&data).unwrap());
    NewEvent { schema_version: version, ..event }
}

/// The migrated copy; none when an event doesn't reach its present shape.
async fn migrated(file: &ApplicationFile, from: &MemoryStore) -> Option<MemoryStore> {
    let to = MemoryStore::new();
    match Migration::new(&file.definition).run(from, &to, |_| {}).await {
        Ok(_) => Some(to),
        Err(MigrateError::Stopped { .. }) => None,
        Err(other) => panic!("{other}"),
    }
}

/// The state, or that there is none.
async fn state(file: &ApplicationFile, store: &MemoryStore, stream: &StreamName) -> Option<String> {
    let store: Arc<dyn EventStore> = Arc::new(store.clone());
    match follow(&file.definition, &store, stream, Until::Now).await {
        Ok(history) => Some(history.state.get().to_owned()),
        Err(HistoryError::NoEvents { .. }) => Some("{}".to_owned()),
        Err(HistoryError::Upcast(_)) => None,
        Err(other) => panic!("it fails behind the upcast: {other}"),
    }
}

#[tokio::test]
async fn upcasting_then_evolving_is_evolving_the_migrated_copy() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let stream: StreamName = "thing-1".parse().unwrap();
    let mut compared = 0;
    for _ in 0..300 {
        let (file, versions) = file(&mut random);
        for _ in 0..4 {
            let store = MemoryStore::new();
            for _ in 0..random.u8(1..6) {
                let append = Append::to(stream.clone(), Expected::Any).event(event(&mut random, versions));
                store.append(append).await.unwrap();
            }
            let upcast = state(&file, &store, &stream).await;
            let copy = migrated(&file, &store).await;
            assert_eq!(upcast.is_none(), copy.is_none(), "seed {seed}");
            let (Some(upcast), Some(copy)) = (upcast, copy) else { continue };
            assert_eq!(state(&file, &copy, &stream).await, Some(upcast), "seed {seed}");
            let again = migrated(&file, &copy).await.expect("it has arrived");
            let shapes = async |store: &MemoryStore| {
                let events = store.stream_events(&stream).await.unwrap();
                let shape = |event: &trunkline::RecordedEvent| {
                    (event.event_type().to_owned(), event.schema_version(), event.data_bytes())
                };
                events.iter().map(shape).collect::<Vec<_>>()
            };
            assert_eq!(
                shapes(&again).await,
                shapes(&copy).await,
                "a migrated copy is not migrated further, seed {seed}"
            );
            compared += 1;
        }
    }
    assert!(compared > 300, "most histories arrive: {compared} of 1200");
}
