//! Commands are dispatched, and the whole system works until it is at rest.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use indexmap::IndexMap;
use serde_json::json;
use tokio::task::{Id, JoinError, JoinSet};
use trunkline::law::laws;
use trunkline::messages::Stop;
use trunkline::queue::{MessageQueueExt as _, QueueStats};
use trunkline::{App, CommandRequest, Decision, DispatchError, Outcome, Position, System};
use trunkline_store::{AllRead, AppendError};

use super::lines::RunCommands;
use super::order::{Lane, Next, Order, Turns};
use super::report::{LawLine, RunMessages, RunProjection, RunReport};
use crate::messages::left_over;
use crate::words::counted;
use crate::{OpsError, sagas};

/// When to wait until everything is at rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Settle {
    /// After each command.
    Each,
    /// At the end.
    #[default]
    End,
}

/// How a run is done.
#[derive(Clone, Copy, Debug)]
pub struct RunOptions {
    /// When to wait until everything is at rest.
    pub settle: Settle,
    /// How many commands are in flight at most.
    pub concurrency: usize,
    /// In which order they are sent.
    pub order: Order,
}

/// What is heard of a run while it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunNews<'a> {
    /// A command has ended.
    Commands {
        /// How many have.
        done: u64,
        /// How many there are, as far as that is known.
        total: u64,
    },
    /// It has waited for a second or longer, for all of these.
    Waiting(&'a [String]),
    /// All commands have ended, and what follows from them goes on.
    ComingToRest,
    /// Nothing goes on any more; what came of it is looked at.
    Ended,
}

/// How things stood before.
struct Before {
    head: Position,
    stats: QueueStats,
}

/// Dispatches commands to an application all of whose parts run meanwhile, waits until everything is at rest, and says
/// what came of it; `listener` hears of it meanwhile.
///
/// Asked to stop, it takes no more commands, and the parts end with what they are at.
pub async fn run(
    app: &App,
    commands: RunCommands,
    options: RunOptions,
    stop: &Stop,
    mut listener: impl FnMut(RunNews<'_>) + Send,
) -> Result<RunReport, OpsError> {
    let before = Before { head: app.store().head().await?, stats: queue_stats(app).await? };
    let mut system = System::start(app).await?;
    let mut report = RunReport::default();
    let started = Instant::now();
    let played = play(app, &mut system, options, commands, &mut report, &mut listener, stop).await;
    listener(RunNews::Ended);
    report.seconds = started.elapsed().as_secs_f64();
    if played.is_ok() {
        fill(app, &before, &mut report).await?;
    }
    system.stop().await?;
    played?;
    report.laws = laws(app).await?.into_iter().map(LawLine::from).collect();
    report.laws.extend(general_laws(app).await?);
    Ok(report)
}

/// How long nothing is said while commands are awaited, and how long nothing more.
const SAID_AFTER: Duration = Duration::from_secs(1);
const SAID_AGAIN: Duration = Duration::from_secs(10);

/// What is waited for while commands are dispatched.
fn under_way(commands: u64) -> String {
    match commands {
        0 => "the next command".to_owned(),
        commands => format!("{} to be answered", counted(commands, "command")),
    }
}

/// After how many commands is looked how much they have left to do: seldom, since it costs about as much as one.
const LOOK_AFTER: usize = 32;

/// Dispatches every command, and waits until everything is at rest.
async fn play(
    app: &App,
    system: &mut System,
    RunOptions { settle, concurrency, order }: RunOptions,
    mut commands: RunCommands,
    report: &mut RunReport,
    listener: &mut (impl FnMut(RunNews<'_>) + Send),
    stop: &Stop,
) -> Result<(), OpsError> {
    let at_once = match settle {
        Settle::Each => 1,
        Settle::End => concurrency,
    };
    let (mut in_flight, mut turns) = (InFlight::new(app), Turns::new());
    let mut wrong = None;
    let (mut more, mut asked) = (true, false);
    let mut sent = 0;
    // Nothing is said while something goes on; each turn begins the wait anew.
    let quiet = |said: bool| tokio::time::sleep(if said { SAID_AGAIN } else { SAID_AFTER });
    let mut said = false;
    while more || in_flight.len() > 0 {
        tokio::select! {
            biased;
            () = stop.asked(), if !asked => {
                (asked, more) = (true, false);
                turns.give_up();
            }
            Some((lane, ended)) = in_flight.ended() => {
                if let Some(error) = refused(&ended) {
                    (more, wrong) = (false, Some(error.clone().into()));
                    turns.give_up();
                }
                let answered = matches!(ended, Ok(Ok(_)));
                count(report, ended);
                in_flight.go_on(turns.ended(lane, answered), report);
                let done = report.commands.total;
                listener(RunNews::Commands { done, total: commands.total.unwrap_or(done) });
                if settle == Settle::Each && more {
                    rest(system, stop, listener).await?;
                }
            }
            next = commands.incoming.recv(), if more && turns.takes_more() && in_flight.len() < at_once => match next {
                Some(Ok(request)) => {
                    sent += 1;
                    if sent % LOOK_AFTER == 0 {
                        room(system, stop, listener).await?;
                    }
                    let lane = order.lane(app, &request);
                    in_flight.go_on(turns.come(lane, request), report);
                }
                Some(Err(error)) => (more, wrong) = (false, Some(error)),
                None => more = false,
            },
            () = quiet(said) => {
                said = true;
                listener(RunNews::Waiting(&[under_way(in_flight.len() as u64)]));
                continue;
            }
        }
        said = false;
    }
    if let Some(error) = wrong {
        return Err(error);
    }
    if stop.is_asked() {
        return Err(stopped(report));
    }
    listener(RunNews::ComingToRest);
    rest(system, stop, listener).await?;
    if stop.is_asked() { Err(stopped(report)) } else { Ok(()) }
}

/// A command's answer; none where it has no outcome, or its handler panicked.
type Ended = Result<Result<Outcome, DispatchError>, JoinError>;

/// Commands that were sent and have not ended, each with its lane.
struct InFlight<'a> {
    app: &'a App,
    tasks: JoinSet<Result<Outcome, DispatchError>>,
    lanes: HashMap<Id, Lane>,
}

impl<'a> InFlight<'a> {
    fn new(app: &'a App) -> Self {
        Self { app, tasks: JoinSet::new(), lanes: HashMap::new() }
    }

    fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Sends what has its turn, and counts what will never have it.
    fn go_on(&mut self, Next { send, held }: Next<CommandRequest>, report: &mut RunReport) {
        if let Some((lane, request)) = send {
            let app = self.app.clone();
            let task = self.tasks.spawn(async move { app.send(request).await });
            self.lanes.insert(task.id(), lane);
        }
        if held > 0 {
            report.commands.total += held;
            report.commands.failed += held;
            *report.failed_by_reason.entry(HELD.to_owned()).or_default() += held;
        }
    }

    /// The next that has ended; none when none is in flight.
    async fn ended(&mut self) -> Option<(Lane, Ended)> {
        let ended = self.tasks.join_next_with_id().await?;
        let (id, ended) = match ended {
            Ok((id, answer)) => (id, Ok(answer)),
            Err(error) => (error.id(), Err(error)),
        };
        Some((self.lanes.remove(&id).expect("each that was sent has a lane"), ended))
    }
}

/// Why a command was not sent.
const HELD: &str = "not sent, since one before it in its order had no outcome";

/// Why the store takes no commands, none of those to come either: a full disk, or worse.
fn refused(ended: &Ended) -> Option<&DispatchError> {
    let storage = |error: &&DispatchError| matches!(error, DispatchError::Append(AppendError::Storage(_)));
    ended.as_ref().ok()?.as_ref().err().filter(storage)
}

/// Waits until not too much is on its way, or the caller asks to stop.
async fn room(
    system: &mut System,
    stop: &Stop,
    listener: &mut (impl FnMut(RunNews<'_>) + Send),
) -> Result<(), OpsError> {
    let mut tell = |waits: &[String]| listener(RunNews::Waiting(waits));
    tokio::select! {
        room = system.wait_for_capacity_telling(&mut tell) => Ok(room?),
        () = stop.asked() => Ok(()),
    }
}

/// Waits until everything is at rest, or the caller asks to stop.
async fn rest(
    system: &mut System,
    stop: &Stop,
    listener: &mut (impl FnMut(RunNews<'_>) + Send),
) -> Result<(), OpsError> {
    let mut tell = |waits: &[String]| listener(RunNews::Waiting(waits));
    tokio::select! {
        rested = system.at_rest_telling(&mut tell) => Ok(rested.map(drop)?),
        () = stop.asked() => Ok(()),
    }
}

fn stopped(report: &RunReport) -> OpsError {
    OpsError::RunInterrupted { done: report.commands.total }
}

fn count(report: &mut RunReport, ended: Ended) {
    let RunReport { commands, rejected_by_reason, failed_by_reason, .. } = report;
    commands.total += 1;
    let mut failed = |reason: String| {
        commands.failed += 1;
        *failed_by_reason.entry(reason).or_default() += 1;
    };
    match ended {
        Ok(Ok(outcome)) if outcome.repeated => commands.repeated += 1,
        Ok(Ok(outcome)) => match outcome.decision {
            Decision::Accepted(_) => commands.accepted += 1,
            Decision::Rejected(rejection) => {
                commands.rejected += 1;
                *rejected_by_reason.entry(rejection.reason).or_default() += 1;
            }
        },
        Ok(Err(error)) => failed(error.to_string()),
        Err(error) => failed(error.to_string()),
    }
}

async fn queue_stats(app: &App) -> Result<QueueStats, OpsError> {
    let queue = app.queue().await?;
    Ok(queue.operate()?.stats().await?)
}

/// What can be reported once everything is at rest.
async fn fill(app: &App, before: &Before, report: &mut RunReport) -> Result<(), OpsError> {
    let RunReport { rejected_by_reason, failed_by_reason, .. } = report;
    for counts in [rejected_by_reason, failed_by_reason] {
        // The most frequent first; equally frequent ones as they came.
        counts.sort_by(|_, one, _, other| other.cmp(one));
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate is no exact number")]
    let total = report.commands.total as f64;
    report.commands_per_second = total / report.seconds.max(1e-6);
    report.events = events(app, before.head).await?;
    report.sagas = sagas::counts(app).await?;
    let stats = queue_stats(app).await?;
    report.left_over = left_over(app, &stats);
    let (was, is) = (totals(&before.stats), totals(&stats));
    report.messages = RunMessages {
        delivered: is.delivered.saturating_sub(was.delivered),
        retried: is.retried.saturating_sub(was.retried),
        dead: is.dead.saturating_sub(was.dead),
    };
    let projections = app.projections().status().await?.into_iter();
    report.projections = projections
        .map(|one| RunProjection { name: one.name, lag_events: one.lag_events, error: one.error })
        .collect();
    Ok(())
}

/// What holds for every application.
async fn general_laws(app: &App) -> Result<Vec<LawLine>, OpsError> {
    let mut laws = Vec::new();
    let (mut rows, mut wrong) = (0, Vec::new());
    for name in app.projections().names() {
        let verified = app.projections().verify(name).await?;
        rows += verified.rows;
        if let Some(divergence) = verified.divergence {
            let rows = divergence.rows;
            wrong.push(json!({ "projection": name, "rows": rows, "event": divergence.event }));
        }
    }
    if app.projections().names().next().is_some() {
        laws.push(LawLine::of("read models are what a rebuild from zero makes", rows, wrong));
    }
    if !app.sagas().names().is_empty() {
        let check = app.sagas().verify().await?;
        let problems = check.problems.iter().map(|problem| json!(problem)).collect();
        let says = "every saga has ended or waits for what can still come, and no compensation is missing or doubled";
        laws.push(LawLine::of(says, check.sagas, problems));
    }
    Ok(laws)
}

/// Events since a position, by type; without Trunkline's own.
async fn events(app: &App, after: Position) -> Result<IndexMap<String, u64>, OpsError> {
    let mut counts = IndexMap::<String, u64>::new();
    let mut events = app.store().read_all(AllRead::after(after));
    while let Some(event) = events.next().await.transpose()? {
        let name = event.event_type();
        if name.starts_with('$') {
            continue;
        }
        match counts.get_mut(name) {
            Some(count) => *count += 1,
            None => drop(counts.insert(name.to_owned(), 1)),
        }
    }
    counts.sort_keys();
    Ok(counts)
}

fn totals(stats: &QueueStats) -> RunMessages {
    let groups = stats.topics.iter().flat_map(|topic| &topic.groups);
    groups.fold(RunMessages::default(), |sum, group| RunMessages {
        delivered: sum.delivered + group.delivered,
        retried: sum.retried + group.retried,
        dead: sum.dead + group.died,
    })
}
