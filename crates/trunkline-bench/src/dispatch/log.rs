//! How many commands a second 64 tasks have answered over the durable log store, beside bare appends of the same
//! events by as many tasks.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use futures::TryStreamExt;
use futures::future::try_join_all;
use tokio::runtime::Runtime;
use trunkline::{
    Append, EventId, EventStore, Expected, LogStore, LogStoreOptions, MemoryStore, NewEvent, StreamName,
};
use trunkline_store::AllRead;

use super::Scale;
use super::app::failed;
use super::cases::Case;
use crate::failure::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::rounds::{Round, computed};
use crate::say::say;
use crate::scratch::Scratch;
use crate::statistics::{Summary, float};

/// How many senders there are at once.
pub(super) const TASKS: usize = 64;

/// What the tasks did.
#[derive(Clone, Debug)]
pub(super) struct Speed {
    pub(super) name: &'static str,
    /// Answered a second.
    pub(super) dispatches: Summary,
    /// The processor's time of one, everything included, in µs.
    pub(super) cpu: Summary,
    /// Bare appends of the same events a second.
    pub(super) appends: Summary,
    /// Round by round, the one by the other.
    pub(super) ratio: Summary,
}

pub(super) fn measure(
    scale: Scale,
    scratch: &Scratch,
    interrupt: &Interrupt,
    runtime: &Runtime,
) -> Result<Vec<Speed>> {
    let cases = ["typed-create-1", "typed-create-25", "declared-create-1", "declared-create-25"];
    let cases = cases.map(Case::named);
    let mut rounds = vec![Vec::new(); cases.len()];
    for round in 1..=scale.log_rounds {
        for (case, rounds) in cases.iter().zip(&mut rounds) {
            let dispatched = turn(scratch, |folder| {
                let round = Round::begin(scale.log_round, interrupt);
                runtime.block_on(dispatch(*case, folder, round))
            })?;
            interrupt.check()?;
            let appended = turn(scratch, |folder| {
                let round = Round::begin(scale.log_round, interrupt);
                runtime.block_on(append(*case, folder, round))
            })?;
            interrupt.check()?;
            let name = case.name;
            let (number, count) = (crate::report::number(dispatched.a_second), scale.log_rounds);
            say(&format!("dispatch over the log  round {round} of {count}  {name}  {number} commands/s"));
            rounds.push((dispatched, appended));
        }
    }
    let speeds = cases.iter().zip(rounds).map(|(case, rounds)| {
        let of =
            |figure: fn(&(Turn, Turn)) -> f64| Summary::of(&rounds.iter().map(figure).collect::<Vec<_>>());
        Speed {
            name: case.name,
            dispatches: of(|both| both.0.a_second),
            cpu: of(|both| both.0.cpu_us),
            appends: of(|both| both.1.a_second),
            ratio: of(|both| both.0.a_second / both.1.a_second),
        }
    });
    Ok(speeds.collect())
}

/// What one turn gave.
#[derive(Clone, Copy, Debug)]
struct Turn {
    a_second: f64,
    cpu_us: f64,
}

/// Runs in a folder that is new and goes again.
fn turn(scratch: &Scratch, run: impl FnOnce(&Path) -> Result<Turn>) -> Result<Turn> {
    let folder = scratch.subfolder("log")?;
    let turn = run(&folder);
    Scratch::remove(&folder)?;
    turn
}

fn open(folder: &Path) -> Result<LogStore> {
    let options = LogStoreOptions { owner: "trunkline-bench".to_owned(), ..LogStoreOptions::default() };
    LogStore::open(folder, options).map_err(failed)
}

async fn dispatch(case: Case, folder: &Path, round: Round) -> Result<Turn> {
    let log = open(folder)?;
    let app = case.kind.open(Arc::new(log.clone())).await?;
    // The task that ends last drops the application, and with it its handle to the log.
    let turn = at_once(round, move |number| {
        let app = app.clone();
        async move { case.command(number)?.to(&app).await.map(drop) }
    })
    .await;
    log.close().await;
    turn
}

/// Appends what the case's first command appends, again and again under other names.
async fn append(case: Case, folder: &Path, round: Round) -> Result<Turn> {
    let memory: Arc<dyn EventStore> = Arc::new(MemoryStore::new());
    case.command(0)?.to(&case.kind.open(Arc::clone(&memory)).await?).await?;
    let stored: Vec<_> = memory.read_all(AllRead::default()).try_collect().await.map_err(failed)?;
    // What building the application recorded comes before it.
    let last = stored.last().ok_or_else(|| failed("the command stored nothing"))?;
    let event = Arc::new(super::cost::new_event(last)?);
    let log = open(folder)?;
    let store = log.clone();
    let turn = at_once(round, move |number| {
        let (store, event) = (store.clone(), Arc::clone(&event));
        async move {
            let stream = StreamName::new(&format!("order-{}", 500_000 + number)).map_err(failed)?;
            let event = NewEvent { event_id: EventId::generate(), ..NewEvent::clone(&event) };
            store.append(Append::to(stream, Expected::NoStream).event(event)).await.map(drop).map_err(failed)
        }
    })
    .await;
    log.close().await;
    turn
}

/// Lets the tasks do one thing after the other, each with a number of its own, until the round is over.
async fn at_once<F>(round: Round, act: impl Fn(usize) -> F + Clone + Send + Sync + 'static) -> Result<Turn>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let next = Arc::new(AtomicUsize::new(0));
    let (begun, computed_before) = (Instant::now(), computed());
    let tasks = (0..TASKS).map(|_| {
        let (act, next, round) = (act.clone(), Arc::clone(&next), round.clone());
        let task = tokio::spawn(async move {
            while round.goes_on() {
                act(next.fetch_add(1, Ordering::Relaxed)).await?;
            }
            Ok(())
        });
        async move { task.await.map_err(|error| Failure::io("run a task")(error.into()))? }
    });
    try_join_all(tasks.collect::<Vec<_>>()).await?;
    let (time, cpu) = (begun.elapsed(), computed().saturating_sub(computed_before));
    let done = float(next.load(Ordering::Relaxed) as u64);
    Ok(Turn { a_second: done / time.as_secs_f64(), cpu_us: cpu.as_secs_f64() * 1e6 / done })
}
