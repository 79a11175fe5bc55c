//! Commands are dispatched, and the whole system works until it is at rest.

use std::time::Instant;

use futures::StreamExt as _;
use indexmap::IndexMap;
use serde_json::json;
use tokio::task::{JoinError, JoinSet};
use trunkline::law::laws;
use trunkline::queue::{MessageQueueExt as _, QueueStats};
use trunkline::{App, Decision, DispatchError, Outcome, Position, System};
use trunkline_store::{AllRead, AppendError};

use super::lines::{self, Commands};
use super::report::{LawLine, Messages, Projection, RunReport};
use super::{RunArgs, Settle};
use crate::application;
use crate::commands::saga;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::progress::Progress;
use crate::queue::QueueFailure;

/// How things stood before.
struct Before {
    head: Position,
    stats: QueueStats,
}

pub(super) async fn run(
    args: &RunArgs,
    output: &mut Output<'_>,
    interrupt: &mut Interrupt,
) -> Result<RunReport, Failure> {
    let commands = lines::open(&args.commands)?;
    let file = application::load(&args.file, output)?;
    let app = application::open_whole(file, &args.store, &args.queue, "trunkline run", output).await?;
    let ran = run_over(&app, args, commands, output, interrupt).await;
    app.close().await;
    ran
}

async fn run_over(
    app: &App,
    args: &RunArgs,
    commands: Commands,
    output: &Output<'_>,
    interrupt: &mut Interrupt,
) -> Result<RunReport, Failure> {
    let before = Before { head: app.store().head().await?, stats: queue_stats(app).await? };
    let mut system = System::start(app).await?;
    let mut report = RunReport::default();
    let started = Instant::now();
    let progress = Progress::commands(output, "running");
    let played = play(app, &mut system, args, commands, &mut report, &progress, interrupt).await;
    drop(progress);
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

/// After how many commands is looked how much they have left to do: seldom, since it costs about as much as one.
const LOOK_AFTER: usize = 32;

/// Dispatches every command, and waits until everything is at rest.
async fn play(
    app: &App,
    system: &mut System,
    args: &RunArgs,
    mut commands: Commands,
    report: &mut RunReport,
    progress: &Progress,
    interrupt: &mut Interrupt,
) -> Result<(), Failure> {
    let at_once = match args.settle {
        Settle::Each => 1,
        Settle::End => usize::from(args.concurrency),
    };
    let mut in_flight = JoinSet::new();
    let mut wrong = None;
    let mut more = true;
    let mut sent = 0;
    while more || !in_flight.is_empty() {
        tokio::select! {
            biased;
            () = interrupt.wait(), if more => more = false,
            Some(ended) = in_flight.join_next() => {
                if let Some(error) = refused(&ended) {
                    (more, wrong) = (false, Some(error.clone().into()));
                }
                count(report, ended);
                progress.set(report.commands.total, commands.total.unwrap_or(report.commands.total));
                if args.settle == Settle::Each && more {
                    rest(system, interrupt).await?;
                }
            }
            next = commands.incoming.recv(), if more && in_flight.len() < at_once => match next {
                Some(Ok(request)) => {
                    sent += 1;
                    if sent % LOOK_AFTER == 0 {
                        room(system, interrupt).await?;
                    }
                    let app = app.clone();
                    in_flight.spawn(async move { app.send(request).await });
                }
                Some(Err(error)) => (more, wrong) = (false, Some(error)),
                None => more = false,
            },
        }
    }
    if let Some(error) = wrong {
        return Err(error);
    }
    if interrupt.came() {
        return Err(stopped(report));
    }
    progress.note("coming to rest");
    rest(system, interrupt).await?;
    if interrupt.came() { Err(stopped(report)) } else { Ok(()) }
}

/// Why the store takes no commands, none of those to come either: a full disk, or worse.
fn refused(ended: &Result<Result<Outcome, DispatchError>, JoinError>) -> Option<&DispatchError> {
    let storage = |error: &&DispatchError| matches!(error, DispatchError::Append(AppendError::Storage(_)));
    ended.as_ref().ok()?.as_ref().err().filter(storage)
}

/// Waits until not too much is on its way, or somebody asks to stop.
async fn room(system: &mut System, interrupt: &mut Interrupt) -> Result<(), Failure> {
    tokio::select! {
        room = system.room() => Ok(room?),
        () = interrupt.wait() => Ok(()),
    }
}

/// Waits until everything is at rest, or somebody asks to stop.
async fn rest(system: &mut System, interrupt: &mut Interrupt) -> Result<(), Failure> {
    tokio::select! {
        rested = system.at_rest() => Ok(rested.map(drop)?),
        () = interrupt.wait() => Ok(()),
    }
}

fn stopped(report: &RunReport) -> Failure {
    Failure::RunInterrupted { done: report.commands.total }
}

fn count(report: &mut RunReport, ended: Result<Result<Outcome, DispatchError>, JoinError>) {
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

async fn queue_stats(app: &App) -> Result<QueueStats, Failure> {
    let queue = app.queue().await.map_err(QueueFailure::from)?;
    let stats = async { queue.operate()?.stats().await }.await;
    Ok(stats.map_err(QueueFailure::from)?)
}

/// What can be told once everything is at rest.
async fn fill(app: &App, before: &Before, report: &mut RunReport) -> Result<(), Failure> {
    let RunReport { rejected_by_reason, failed_by_reason, .. } = report;
    for counts in [rejected_by_reason, failed_by_reason] {
        // The most frequent first; equally frequent ones as they came.
        counts.sort_by(|_, one, _, other| other.cmp(one));
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate is no exact number")]
    let total = report.commands.total as f64;
    report.commands_per_second = total / report.seconds.max(1e-6);
    report.events = events(app, before.head).await?;
    report.sagas = saga::counts(app).await?;
    let (was, is) = (totals(&before.stats), totals(&queue_stats(app).await?));
    report.messages = Messages {
        delivered: is.delivered.saturating_sub(was.delivered),
        retried: is.retried.saturating_sub(was.retried),
        dead: is.dead.saturating_sub(was.dead),
    };
    let projections = app.projections().status().await?.into_iter();
    report.projections = projections
        .map(|one| Projection { name: one.name, lag_events: one.lag_events, error: one.error })
        .collect();
    Ok(())
}

/// What holds for every application.
async fn general_laws(app: &App) -> Result<Vec<LawLine>, Failure> {
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
async fn events(app: &App, after: Position) -> Result<IndexMap<String, u64>, Failure> {
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

fn totals(stats: &QueueStats) -> Messages {
    let groups = stats.topics.iter().flat_map(|topic| &topic.groups);
    groups.fold(Messages::default(), |sum, group| Messages {
        delivered: sum.delivered + group.delivered,
        retried: sum.retried + group.retried,
        dead: sum.dead + group.died,
    })
}
