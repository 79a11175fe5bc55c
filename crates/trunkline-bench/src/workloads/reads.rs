//! Reads, and opening, on a data set that every engine was given.

mod cold;
mod measure;
mod opening;

pub(super) use measure::{Reader, read_stream, read_tag, read_type, replay, replay_json};

use super::{Session, Workload};
use crate::engines::{Name, Store};
use crate::events::DataSet;
use crate::failure::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::random::Random;
use crate::say::say;
use crate::scratch::Scratch;

/// How many events are loaded in a commit.
const LOADED_AT_ONCE: u64 = 1000;

/// What is said while loading, each so many events.
const SAY_EVERY: u64 = 1_000_000;

const READS: [Workload; 6] = [
    Workload::Replay,
    Workload::ReplayJson,
    Workload::ReadStream,
    Workload::ReadType,
    Workload::ReadTag,
    Workload::Open,
];

pub(super) fn run(session: &mut Session, workloads: &[Workload]) -> Result<()> {
    if !READS.iter().any(|read| workloads.contains(read)) {
        return Ok(());
    }
    let events = session.scale.events;
    let set = DataSet::of(events);
    let mut lanes: Vec<(Name, Reader)> = Vec::new();
    for name in session.stores() {
        session.scratch.subfolder(&folder(name))?;
        let mut store = session.open(name, &folder(name))?;
        load(&mut *store, name, &set, 0..events, &session.rounds.interrupt)?;
        lanes.push((name, Reader { name, store, events, random: Random::new(3) }));
    }
    let (rounds, streams) = (session.rounds.clone(), session.scale.streams_a_round);
    let results = &mut session.results;
    if workloads.contains(&Workload::Replay) {
        rounds.interleave("replay", &mut lanes, results, replay)?;
    }
    if workloads.contains(&Workload::ReplayJson) {
        rounds.interleave("replay-json", &mut lanes, results, replay_json)?;
    }
    if workloads.contains(&Workload::ReadStream) {
        let near = |reader: &mut Reader| read_stream(reader, streams, DataSet::any_order);
        rounds.interleave("read-stream-warm", &mut lanes, results, near)?;
        let scattered = |reader: &mut Reader| read_stream(reader, streams, DataSet::any_account);
        rounds.interleave("read-stream-scattered-warm", &mut lanes, results, scattered)?;
    }
    if workloads.contains(&Workload::ReadType) {
        rounds.interleave("read-type", &mut lanes, results, read_type)?;
    }
    if workloads.contains(&Workload::ReadTag) {
        rounds.interleave("read-tag", &mut lanes, results, |reader| read_tag(reader, streams))?;
    }
    let mut closed = Vec::new();
    for (name, Reader { mut store, .. }) in lanes {
        let index_bytes = store.index_bytes()?;
        store.close()?;
        closed.push((name, index_bytes));
    }
    if workloads.contains(&Workload::ReadStream) {
        cold::run(session)?;
    }
    if workloads.contains(&Workload::Open) {
        opening::run(session, &closed)?;
    }
    for (name, _) in closed {
        Scratch::remove(&session.scratch.path().join(folder(name)))?;
    }
    Ok(())
}

fn folder(name: Name) -> String {
    format!("events-{}", name.as_str())
}

/// Gives a store the events with these numbers.
pub(super) fn load(
    store: &mut dyn Store,
    name: Name,
    set: &DataSet,
    numbers: std::ops::Range<u64>,
    interrupt: &Interrupt,
) -> Result<()> {
    let begun = std::time::Instant::now();
    let mut next = numbers.start;
    while next < numbers.end {
        interrupt.check()?;
        let end = (next + LOADED_AT_ONCE).min(numbers.end);
        store.load(set.commit(next..end))?;
        next = end;
        if next.is_multiple_of(SAY_EVERY) || next == numbers.end {
            let seconds = begun.elapsed().as_secs_f64();
            say(&format!("loading  {}  {next} events after {seconds:.1} s", name.as_str()));
        }
    }
    Ok(())
}

/// Fails when an engine did not give what was stored.
fn expect(engine: Name, what: &'static str, expected: u64, found: u64) -> Result<()> {
    if expected == found {
        Ok(())
    } else {
        Err(Failure::Wrong { engine: engine.as_str(), what, expected, found })
    }
}
