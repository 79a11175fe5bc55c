//! What the disk does with commits of several sizes, by how their space is prepared.

use std::time::Instant;

use super::Session;
use crate::engines::Name;
use crate::engines::disk::{Floor, Space};
use crate::failure::Result;
use crate::results::Unit;
use crate::rounds::{Figure, Round};
use crate::scratch::Scratch;
use crate::statistics::float;

const SIZES_KIB: [u64; 4] = [4, 32, 128, 512];

pub(super) fn run(session: &mut Session) -> Result<()> {
    let rounds = session.rounds.clone();
    for kib in SIZES_KIB {
        for space in Space::ALL {
            let workload = format!("disk-{kib}k-{}", space.as_str());
            let folder = session.scratch.subfolder(&workload)?;
            let mut lanes = [(Name::Disk, Floor::new(&folder, space, kib << 10)?)];
            rounds.interleave(&workload, &mut lanes, &mut session.results, |floor| {
                let begun = Instant::now();
                let commits = floor.run(&Round::begin(rounds.length, &rounds.interrupt))?;
                let seconds = begun.elapsed().as_secs_f64();
                let mib = float(commits * floor.commit_bytes()) / float(1 << 20);
                Ok(vec![
                    Figure { name: "rate", value: mib / seconds, unit: Unit::MebibytesPerSecond },
                    Figure { name: "time", value: seconds * 1e6 / float(commits), unit: Unit::Microseconds },
                ])
            })?;
            Scratch::remove(&folder)?;
        }
    }
    Ok(())
}
