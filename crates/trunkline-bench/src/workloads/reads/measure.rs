//! One round of each read.

use std::hint::black_box;
use std::time::Instant;

use super::expect;
use crate::engines::{Name, Read, Store};
use crate::events::{DataSet, EVENTS_A_STREAM, OrderLine, Stream, TYPES};
use crate::failure::{Failure, Result};
use crate::random::Random;
use crate::results::Unit;
use crate::rounds::Figure;
use crate::statistics::{float, percentile};

/// Customers that nobody is.
const NOBODY: u64 = 1_000_000_000;

/// A store with the data set in it.
pub(crate) struct Reader {
    pub(crate) name: Name,
    pub(crate) store: Box<dyn Store>,
    /// How many events of the data set it has.
    pub(crate) events: u64,
    pub(crate) random: Random,
}

impl Reader {
    /// Reads, and returns how many events a second there were.
    fn rate(&mut self, read: Read, visit: &mut dyn FnMut(&[u8])) -> Result<(u64, Figure)> {
        let begun = Instant::now();
        let events = self.store.read(read, visit)?;
        let value = float(events) / begun.elapsed().as_secs_f64();
        Ok((events, Figure { name: "", value, unit: Unit::EventsPerSecond }))
    }

    /// Reads so many things at random and returns what one read takes, in microseconds, each.
    fn times(
        &mut self,
        count: u64,
        mut choose: impl FnMut(u64, &mut Random) -> Read,
        expected: impl Fn(u64) -> bool,
    ) -> Result<Vec<f64>> {
        let mut times = Vec::with_capacity(count as usize);
        for _ in 0..count {
            let read = choose(self.events, &mut self.random);
            let begun = Instant::now();
            let events = self.store.read(read, &mut |data| {
                black_box(data);
            })?;
            times.push(begun.elapsed().as_secs_f64() * 1e6);
            if !expected(events) {
                return Err(Failure::Wrong {
                    engine: self.name.as_str(),
                    what: "one read",
                    expected: EVENTS_A_STREAM,
                    found: events,
                });
            }
        }
        Ok(times)
    }
}

fn p50_and_p99(times: &mut [f64]) -> Vec<Figure> {
    let figure = |name, value| Figure { name, value, unit: Unit::Microseconds };
    vec![figure("p50", percentile(times, 50)), figure("p99", percentile(times, 99))]
}

pub(crate) fn replay(reader: &mut Reader) -> Result<Vec<Figure>> {
    let (events, figure) = reader.rate(Read::All, &mut |data| {
        black_box(data);
    })?;
    // Growth has appended to the set.
    expect(reader.name, "replay", reader.events.max(events), events)?;
    Ok(vec![figure])
}

pub(crate) fn replay_json(reader: &mut Reader) -> Result<Vec<Figure>> {
    let (mut lines, mut cents) = (0, 0);
    let (events, figure) = reader.rate(Read::All, &mut |data| {
        if let Ok(line) = serde_json::from_slice::<OrderLine<'_>>(data) {
            lines += 1;
            cents += u64::from(line.quantity) * line.price_cents;
            black_box((line.article, line.paid));
        }
    })?;
    black_box(cents);
    expect(reader.name, "events with readable JSON", events, lines)?;
    Ok(vec![figure])
}

pub(crate) fn read_stream(
    reader: &mut Reader,
    count: u64,
    any: impl Fn(u64, &mut Random) -> Stream,
) -> Result<Vec<Figure>> {
    let choose = |events, random: &mut Random| Read::Stream(any(events, random));
    let mut times = reader.times(count, choose, |events| events == EVENTS_A_STREAM)?;
    Ok(p50_and_p99(&mut times))
}

pub(crate) fn read_type(reader: &mut Reader) -> Result<Vec<Figure>> {
    let (events, figure) = reader.rate(Read::EventType(3), &mut |data| {
        black_box(data);
    })?;
    // The types are spread evenly, but by chance; and growth has appended to the set.
    let at_least = reader.events / TYPES.len() as u64 * 9 / 10;
    expect(reader.name, "events of a type", at_least.max(events), events)?;
    Ok(vec![figure])
}

pub(crate) fn read_tag(reader: &mut Reader, count: u64) -> Result<Vec<Figure>> {
    let present = |events, random: &mut Random| Read::Customer(DataSet::any_customer(events, random));
    let mut times = reader.times(count, present, |events| events > 0)?;
    let absent = |_, random: &mut Random| Read::Customer(NOBODY + random.below(NOBODY));
    let mut absent_times = reader.times(count, absent, |events| events == 0)?;
    Ok(vec![
        Figure { name: "present-p50", value: percentile(&mut times, 50), unit: Unit::Microseconds },
        Figure { name: "absent-p50", value: percentile(&mut absent_times, 50), unit: Unit::Microseconds },
    ])
}
