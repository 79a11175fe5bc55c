//! What becomes of each workload as a store grows.
//!
//! One engine after the other, because three stores of 20 million events at once are more than a disk should have to
//! spare. What the append workloads add at one size stays in the store for the next.

use std::time::Duration;

use super::Session;
use super::append::{SHAPES, STREAMS, timed};
use super::reads::{Reader, load, read_stream, read_tag, read_type, replay, replay_json};
use crate::engines::{Name, Writer};
use crate::events::DataSet;
use crate::failure::Result;
use crate::probe;
use crate::random::Random;
use crate::results::{Results, Unit};
use crate::rounds::{Figure, Rounds};
use crate::scratch::Scratch;
use crate::statistics::float;

/// Few and short rounds: what they append stays.
const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_millis(500);

pub(super) fn run(session: &mut Session) -> Result<()> {
    let mut all = Results::default();
    for name in session.stores() {
        let folder = session.scratch.subfolder(&format!("growth-{}", name.as_str()))?;
        grow(session, name, &mut all)?;
        Scratch::remove(&folder)?;
    }
    // By workload, so that the engines of one stand together.
    for workload in all.workloads() {
        let of_workload = all.0.iter().filter(|one| one.workload == workload);
        session.results.0.extend(of_workload.cloned());
    }
    Ok(())
}

fn grow(session: &Session, name: Name, results: &mut Results) -> Result<()> {
    let folder = format!("growth-{}", name.as_str());
    let streams = session.scale.streams_a_round;
    let rounds = Rounds { count: ROUNDS, length: ROUND, ..session.rounds.clone() };
    let mut loaded = 0;
    for (step, events) in session.scale.growth.iter().copied().enumerate() {
        let at = |workload: &str| format!("{workload}@{}M", events / 1_000_000);
        let mut store = session.open(name, &folder)?;
        load(&mut *store, name, &DataSet::of(events), loaded..events, &rounds.interrupt)?;
        loaded = events;
        let reader = Reader { name, store, events, random: Random::new(5) };
        let mut lanes = [(name, reader)];
        rounds.interleave(&at("replay"), &mut lanes, results, replay)?;
        rounds.interleave(&at("replay-json"), &mut lanes, results, replay_json)?;
        let near = |reader: &mut Reader| read_stream(reader, streams, DataSet::any_order);
        rounds.interleave(&at("read-stream-warm"), &mut lanes, results, near)?;
        let scattered = |reader: &mut Reader| read_stream(reader, streams, DataSet::any_account);
        rounds.interleave(&at("read-stream-scattered-warm"), &mut lanes, results, scattered)?;
        rounds.interleave(&at("read-type"), &mut lanes, results, read_type)?;
        rounds.interleave(&at("read-tag"), &mut lanes, results, |reader| read_tag(reader, streams))?;
        let [(_, reader)] = &mut lanes;
        let index_bytes = reader.store.index_bytes()?;
        results.add(&at("index-bytes"), name, &[float(index_bytes) / float(events)], Unit::BytesPerEvent);
        for (series, shape) in SHAPES.iter().enumerate() {
            let series = (1 + step * SHAPES.len() + series) as u64;
            let mut writers = Writer::several(shape.writers, STREAMS, series);
            rounds.interleave(&at(shape.name), &mut lanes, results, |reader| {
                Ok(vec![timed(&rounds, |round| reader.store.append(&mut writers, shape.batch, round))?])
            })?;
        }
        let [(_, reader)] = lanes;
        reader.store.close()?;
        let mut probes = [(name, ())];
        rounds.interleave(&at("open"), &mut probes, results, |()| {
            let opened = probe::open(name, &session.scratch.path().join(&folder))?;
            let memory = float(opened.anonymous_bytes) / float(1 << 20);
            Ok(vec![
                Figure { name: "time", value: opened.ms, unit: Unit::Milliseconds },
                Figure { name: "memory", value: memory, unit: Unit::Mebibytes },
            ])
        })?;
    }
    Ok(())
}
