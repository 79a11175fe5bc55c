//! Commands through the whole system, until everything is at rest.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use trunkline::FromFile as _;
use trunkline::config::{FixedClock, MemoryEnvironment, MemoryFiles, World};
use trunkline::law::laws;
use trunkline::{App, CommandRequest, DispatchError, Outcome, System};
use trunkline_sql::SqliteReadDatabase;

use super::lines;
use crate::dispatch::app::FILE;
use crate::failure::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::machine::anonymous_bytes;
use crate::rounds::computed;
use crate::say::say;
use crate::statistics::float;

/// How often memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// After how many commands is looked how much they have left to do, as `trunkline run` does.
const LOOK_AFTER: u64 = 32;

/// Over how many parts of a run memory is told.
pub(super) const PARTS: usize = 4;

/// What is played.
pub(super) struct Plan<'a> {
    pub(super) commands: &'a Path,
    pub(super) total: u64,
    pub(super) concurrency: usize,
    /// Where everything is kept.
    pub(super) data: &'a Path,
}

/// What came of it.
#[derive(Clone, Debug)]
pub(super) struct Played {
    pub(super) commands: u64,
    /// Orders that ended.
    pub(super) orders: u64,
    /// Until everything was at rest.
    pub(super) seconds: f64,
    /// The processor's time of the process meanwhile.
    pub(super) cpu_seconds: f64,
    /// Events at the end.
    pub(super) events: u64,
    pub(super) memory: Memory,
}

/// Anonymous memory of the process, in bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    /// With everything open, before the first command.
    pub(super) before: u64,
    /// The most while each part of the commands was sent; the last until everything was at rest.
    pub(super) peaks: [u64; PARTS],
}

impl Memory {
    fn look(&mut self, done: u64, total: u64) {
        let part = (done * PARTS as u64 / total.max(1)).min(PARTS as u64 - 1) as usize;
        self.peaks[part] = self.peaks[part].max(anonymous_bytes());
    }
}

pub(super) async fn play(plan: &Plan<'_>, interrupt: &Interrupt) -> Result<Played> {
    let app = open(plan.data).await?;
    let mut system = System::start(&app).await.map_err(failed)?;
    let mut memory = Memory { before: anonymous_bytes(), ..Memory::default() };
    let (begun, computed_before) = (Instant::now(), computed());
    send(plan, &app, &mut system, &mut memory, interrupt).await?;
    say(&format!("every command was answered after {:.2} s", begun.elapsed().as_secs_f64()));
    let mut looks = tokio::time::interval(LOOK_EVERY);
    let head = {
        let mut resting = std::pin::pin!(system.at_rest());
        loop {
            tokio::select! {
                head = &mut resting => break head.map_err(failed)?,
                _ = looks.tick() => memory.look(plan.total, plan.total),
            }
            interrupt.check()?;
        }
    };
    let seconds = begun.elapsed().as_secs_f64();
    let cpu_seconds = computed().saturating_sub(computed_before).as_secs_f64();
    system.stop().await.map_err(failed)?;
    say(&format!("at rest after {seconds:.2} s; now the laws"));
    let orders = check(&app).await?;
    app.close().await;
    Ok(Played { commands: plan.total, orders, seconds, cpu_seconds, events: head.get(), memory })
}

fn failed<E: Into<Box<dyn std::error::Error + Send + Sync>>>(error: E) -> Failure {
    Failure::engine("trunkline")(error)
}

/// The example's application over a folder.
async fn open(data: &Path) -> Result<App> {
    let files = MemoryFiles::new().with("orders.tsk", FILE);
    let environment = MemoryEnvironment::new().with("TRUNKLINE_DATA", data.to_string_lossy());
    let world = World { loader: &files, environment: &environment, clock: &FixedClock(0) };
    // The file leaves its place to the process's environment.
    let read = SqliteReadDatabase::open(&data.join("read.db")).map_err(failed)?;
    let builder = App::builder().read_database(Arc::new(read));
    builder.load("orders.tsk", world).map_err(failed)?.build().await.map_err(failed)
}

/// Sends every command, so many at a time.
async fn send(
    plan: &Plan<'_>,
    app: &App,
    system: &mut System,
    memory: &mut Memory,
    interrupt: &Interrupt,
) -> Result<()> {
    let mut commands = lines::read(plan.commands)?;
    let mut in_flight = JoinSet::new();
    let mut looks = tokio::time::interval(LOOK_EVERY);
    let (mut sent, mut done, mut more) = (0, 0, true);
    while more || !in_flight.is_empty() {
        tokio::select! {
            Some(ended) = in_flight.join_next() => {
                let outcome: std::result::Result<Outcome, DispatchError> = ended.map_err(failed)?;
                outcome.map_err(failed)?;
                done += 1;
            }
            next = commands.recv(), if more && in_flight.len() < plan.concurrency => match next {
                Some(request) => {
                    sent += 1;
                    if sent % LOOK_AFTER == 0 {
                        system.wait_for_capacity().await.map_err(failed)?;
                    }
                    let (app, request): (App, CommandRequest) = (app.clone(), request?);
                    in_flight.spawn(async move { app.send(request).await });
                }
                None => more = false,
            },
            _ = looks.tick() => {
                memory.look(done, plan.total);
                interrupt.check()?;
            }
        }
    }
    Ok(())
}

/// How many orders have ended; none may be left over, and every law must hold.
async fn check(app: &App) -> Result<u64> {
    let counts = app.sagas().counts().await.map_err(failed)?;
    let of = |ended: bool| {
        let counts = counts.iter().filter(|(name, status, _)| name == "order" && status.is_ended() == ended);
        counts.map(|(.., count)| count).sum::<u64>()
    };
    if of(false) > 0 {
        return Err(Failure::Usage(format!("{} orders have not ended", of(false))));
    }
    // A projection that has stopped is no reason not to rest, and breaks no law that has nothing to be held against.
    for projection in app.projections().status().await.map_err(failed)? {
        if let Some(error) = projection.error {
            return Err(Failure::Usage(format!("the projection {} has stopped: {error}", projection.name)));
        }
        if projection.lag_events > 0 {
            let lag = projection.lag_events;
            return Err(Failure::Usage(format!("the projection {} is {lag} events behind", projection.name)));
        }
    }
    if let Some(broken) = laws(app).await.map_err(failed)?.iter().find(|law| !law.holds) {
        return Err(Failure::Usage(format!("a law is broken: {}", broken.says)));
    }
    Ok(of(true))
}

impl Played {
    pub(super) fn orders_per_second(&self) -> f64 {
        float(self.orders) / self.seconds
    }
}
