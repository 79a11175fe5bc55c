//! Durable appends: each commit goes to one stream and is conditional on its version.

use std::time::Instant;

use super::{Session, Workload};
use crate::engines::disk::{Floor, Space};
use crate::engines::{self, Name, Store, Writer};
use crate::failure::Result;
use crate::results::Unit;
use crate::rounds::{Figure, Round, Rounds};
use crate::say::say;
use crate::scratch::Scratch;
use crate::statistics::float;

/// How many streams the writers of a workload share.
pub(super) const STREAMS: u64 = 20_000;

/// Who appends how much at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) name: &'static str,
    workload: Workload,
    pub(super) writers: u64,
    pub(super) batch: usize,
}

pub(super) const SHAPES: [Shape; 4] = [
    Shape { name: "append-1x1", workload: Workload::Append1x1, writers: 1, batch: 1 },
    Shape { name: "append-64x1", workload: Workload::Append64x1, writers: 64, batch: 1 },
    Shape { name: "append-8x100", workload: Workload::Append8x100, writers: 8, batch: 100 },
    Shape { name: "append-bulk", workload: Workload::AppendBulk, writers: 1, batch: 1000 },
];

/// One engine's part in a workload.
enum Lane {
    Disk { floor: Floor, events_a_commit: u64 },
    Store { store: Box<dyn Store>, writers: Vec<Writer> },
}

pub(super) fn run(session: &mut Session, workloads: &[Workload]) -> Result<()> {
    let shapes = SHAPES.iter().filter(|shape| workloads.contains(&shape.workload));
    let mut event_bytes = None;
    for shape in shapes {
        let event_bytes = match event_bytes {
            Some(bytes) => bytes,
            None => *event_bytes.insert(measure_event(session)?),
        };
        measure(session, *shape, event_bytes)?;
    }
    Ok(())
}

/// Bytes that Trunkline writes for an event.
fn measure_event(session: &Session) -> Result<u64> {
    let folder = session.scratch.subfolder("event-bytes")?;
    let bytes = engines::bytes_an_event(&folder, &session.rounds.runtime)?;
    Scratch::remove(&folder)?;
    say(&format!("an event takes {bytes} bytes in Trunkline's log; the disk writes as many"));
    Ok(bytes)
}

fn measure(session: &mut Session, shape: Shape, event_bytes: u64) -> Result<()> {
    let mut lanes = Vec::new();
    for name in session.engines.clone() {
        let folder = session.scratch.subfolder(&format!("{}-{}", shape.name, name.as_str()))?;
        let lane = if name == Name::Disk {
            // The most that can wait for one sync, whoever groups it.
            let events_a_commit = shape.writers * shape.batch as u64;
            let bytes = events_a_commit * event_bytes;
            let floor = if events_a_commit == 1 {
                Floor::one_page(&folder)?
            } else {
                Floor::new(&folder, Space::of_commit(bytes), bytes)?
            };
            Lane::Disk { floor, events_a_commit }
        } else {
            let store = name.open(&folder, &session.rounds.runtime)?;
            Lane::Store { store, writers: Writer::several(shape.writers, STREAMS, 0) }
        };
        lanes.push((name, lane));
    }
    let rounds = session.rounds.clone();
    rounds.interleave(shape.name, &mut lanes, &mut session.results, |lane| match lane {
        Lane::Disk { floor, events_a_commit } => {
            Ok(vec![timed(&rounds, |round| Ok(floor.run(round)? * *events_a_commit))?])
        }
        Lane::Store { store, writers } => {
            Ok(vec![timed(&rounds, |round| store.append(writers, shape.batch, round))?])
        }
    })?;
    for (name, lane) in lanes {
        if let Lane::Store { store, .. } = lane {
            store.close()?;
        }
        Scratch::remove(&session.scratch.path().join(format!("{}-{}", shape.name, name.as_str())))?;
    }
    Ok(())
}

/// One round of something that counts its events.
pub(super) fn timed(rounds: &Rounds, run: impl FnOnce(&Round) -> Result<u64>) -> Result<Figure> {
    let round = Round::begin(rounds.length, &rounds.interrupt);
    let begun = Instant::now();
    let events = run(&round)?;
    let value = float(events) / begun.elapsed().as_secs_f64();
    Ok(Figure { name: "", value, unit: Unit::EventsPerSecond })
}
