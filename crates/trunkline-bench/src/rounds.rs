//! Rounds: the engines in turn, A B C A B C, so that a slow minute of the machine is everybody's.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Handle;

use crate::engines::Name;
use crate::failure::Result;
use crate::interrupt::Interrupt;
use crate::results::{Results, Unit};
use crate::say::say;

/// How long an engine may go on with work of its own before the next one's round begins all the same.
const SETTLE_MAX: Duration = Duration::from_secs(30);

/// How often it is looked at whether the process is idle, and how much it may compute meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(20);
const IDLE_BELOW: Duration = Duration::from_millis(1);

/// When a round ends.
#[derive(Clone, Debug)]
pub(crate) struct Round {
    until: Instant,
    interrupt: Interrupt,
}

impl Round {
    pub(crate) fn begin(length: Duration, interrupt: &Interrupt) -> Self {
        Self { until: Instant::now() + length, interrupt: interrupt.clone() }
    }

    pub(crate) fn goes_on(&self) -> bool {
        Instant::now() < self.until && !self.interrupt.came()
    }
}

/// One figure of one round: what it is called after the workload's name (`""` for its only one).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) value: f64,
    pub(crate) unit: Unit,
}

/// How rounds are run.
#[derive(Clone, Debug)]
pub(crate) struct Rounds {
    pub(crate) count: usize,
    pub(crate) length: Duration,
    pub(crate) interrupt: Interrupt,
    pub(crate) runtime: Handle,
}

impl Rounds {
    /// Runs every lane once a round and adds the figures of all rounds, under the workload's name.
    pub(crate) fn interleave<L>(
        &self,
        workload: &str,
        lanes: &mut [(Name, L)],
        results: &mut Results,
        mut run: impl FnMut(&mut L) -> Result<Vec<Figure>>,
    ) -> Result<()> {
        let mut all: Vec<Vec<Vec<Figure>>> = lanes.iter().map(|_| Vec::new()).collect();
        for round in 1..=self.count {
            for ((name, lane), rounds) in lanes.iter_mut().zip(&mut all) {
                self.interrupt.check()?;
                self.settle();
                let figures = run(lane)?;
                self.interrupt.check()?;
                let shown: Vec<String> = figures.iter().map(show).collect();
                let (count, name) = (self.count, name.as_str());
                say(&format!("{workload}  round {round} of {count}  {name}  {}", shown.join(", ")));
                rounds.push(figures);
            }
        }
        // By figure, so that the engines of one stand together.
        let figures = all.iter().filter_map(|rounds| rounds.first()).map(Vec::len).max().unwrap_or(0);
        for figure in 0..figures {
            for ((name, _), rounds) in lanes.iter().zip(&all) {
                let Some(first) = rounds.first().and_then(|figures| figures.get(figure)) else { continue };
                let values: Vec<f64> = rounds.iter().map(|figures| figures[figure].value).collect();
                let workload = if first.name.is_empty() {
                    workload.to_owned()
                } else {
                    format!("{workload}-{}", first.name)
                };
                results.add(&workload, *name, &values, first.unit);
            }
        }
        Ok(())
    }

    /// Waits until no engine works on behind our back.
    pub(crate) fn settle(&self) {
        let begun = Instant::now();
        let mut before = computed();
        while begun.elapsed() < SETTLE_MAX && !self.interrupt.came() {
            self.runtime.block_on(async { tokio::time::sleep(LOOK_EVERY).await });
            let now = computed();
            if now.saturating_sub(before) < IDLE_BELOW {
                break;
            }
            before = now;
        }
    }
}

/// How long this process has computed on all cores.
pub(crate) fn computed() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.cast_unsigned(), time.tv_nsec.cast_unsigned() as u32)
}

fn show(figure: &Figure) -> String {
    let Figure { name, value, unit } = figure;
    format!(
        "{name}{}{} {}",
        if name.is_empty() { "" } else { " " },
        crate::report::number(*value),
        unit.as_str()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_take_turns_and_each_figure_is_summed_up() {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
        let rounds = Rounds {
            count: 3,
            length: Duration::ZERO,
            interrupt: Interrupt::default(),
            runtime: runtime.handle().clone(),
        };
        let mut order = Vec::new();
        let mut results = Results::default();
        let mut lanes = [(Name::Sqlite, "a"), (Name::Tephra, "b")];
        rounds
            .interleave("w", &mut lanes, &mut results, |lane| {
                order.push(*lane);
                let value = crate::statistics::float(order.len() as u64);
                Ok(vec![
                    Figure { name: "", value, unit: Unit::EventsPerSecond },
                    Figure { name: "p99", value: 10.0 * value, unit: Unit::Microseconds },
                ])
            })
            .unwrap();
        assert_eq!(order, ["a", "b", "a", "b", "a", "b"]);
        assert_eq!(results.workloads(), ["w", "w-p99"]);
        assert_eq!(results.get("w", Name::Tephra).map(|one| one.summary.median), Some(4.0));
        assert_eq!(results.get("w-p99", Name::Sqlite).map(|one| one.summary.median), Some(30.0));
    }
}
