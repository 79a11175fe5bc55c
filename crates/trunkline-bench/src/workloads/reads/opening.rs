//! Opening a store that was closed well, its files warm.

use super::{Session, folder};
use crate::engines::Name;
use crate::failure::Result;
use crate::probe;
use crate::results::Unit;
use crate::rounds::Figure;
use crate::statistics::float;

pub(super) fn run(session: &mut Session, closed: &[(Name, u64)]) -> Result<()> {
    let rounds = session.rounds.clone();
    let (scratch, results) = (&session.scratch, &mut session.results);
    let mut lanes: Vec<(Name, Name)> = closed.iter().map(|(name, _)| (*name, *name)).collect();
    for (_, name) in &lanes {
        // Whatever came before, the files are warm from here on.
        probe::open(*name, &scratch.path().join(folder(*name)))?;
    }
    rounds.interleave("open", &mut lanes, results, |name| {
        let opened = probe::open(*name, &scratch.path().join(folder(*name)))?;
        Ok(vec![
            Figure { name: "time", value: opened.ms, unit: Unit::Milliseconds },
            Figure {
                name: "memory",
                value: float(opened.anonymous_bytes) / float(1 << 20),
                unit: Unit::Mebibytes,
            },
        ])
    })?;
    for (name, index_bytes) in closed {
        let bytes = float(*index_bytes) / float(session.scale.events);
        session.results.add("index-bytes", *name, &[bytes], Unit::BytesPerEvent);
    }
    Ok(())
}
