//! The first reads of a store that is not in memory.

use std::time::Instant;

use super::{Session, folder};
use crate::cold::make_cold;
use crate::engines::{Name, Read};
use crate::events::{DataSet, EVENTS_A_STREAM};
use crate::failure::Result;
use crate::random::Random;
use crate::results::Unit;
use crate::rounds::Figure;
use crate::statistics::percentile;
use crate::workloads::reads::expect;

/// Each round makes the store cold while it is closed and again once it is open (some engines read everything to
/// open), then reads a few streams.
pub(super) fn run(session: &mut Session) -> Result<()> {
    let mut lanes: Vec<(Name, (Name, Random))> =
        session.stores().into_iter().map(|name| (name, (name, Random::new(4)))).collect();
    let (events, streams) = (session.scale.events, session.scale.cold_streams);
    let rounds = session.rounds.clone();
    let (scratch, results) = (&session.scratch, &mut session.results);
    rounds.interleave("read-stream-cold", &mut lanes, results, |(name, random)| {
        let folder = scratch.path().join(folder(*name));
        make_cold(&folder)?;
        let mut store = name.open(&folder, &rounds.runtime)?;
        make_cold(&folder)?;
        let mut times = Vec::new();
        for _ in 0..streams {
            let stream = DataSet::any_order(events, random);
            let begun = Instant::now();
            let found = store.read(Read::Stream(stream), &mut |data| {
                std::hint::black_box(data);
            })?;
            times.push(begun.elapsed().as_secs_f64() * 1e6);
            expect(*name, "events of a cold stream", EVENTS_A_STREAM, found)?;
        }
        store.close()?;
        let figure = |name, percent, times: &mut [f64]| Figure {
            name,
            value: percentile(times, percent),
            unit: Unit::Microseconds,
        };
        Ok(vec![figure("p50", 50, &mut times), figure("p99", 99, &mut times)])
    })
}
