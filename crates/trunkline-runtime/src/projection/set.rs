//! The projections of an application: run, waited for, built again.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indexmap::IndexMap;
use tokio::sync::{oneshot, watch};
use trunkline_core::upcast::Upcasters;
use trunkline_core::{Clock, Position};
use trunkline_nearest::nearest;
use trunkline_sql::{DatabaseError, ReadDatabase, SqlQuery};
use trunkline_store::EventStore;

use super::ProjectionError;
use super::claims::Claims;
use super::databases::{Database, Databases, ReadModels};
use super::generations::Generations;
use super::metrics::ProjectionMetrics;
use super::own::{OwnState, OwnStates};
use super::progress::{Progress, ProjectionState};
use super::runner::{self, Runner, Shared, Task};
use super::target::Target;
use crate::backend::Dsn;
use crate::follow::Tail;
use crate::projection::ProjectionDefinition;

/// The projections of an application over its read databases.
///
/// Nothing runs until one of these is called: [`start`](Self::start) for a process that stays, and
/// [`catch_up`](Self::catch_up) for one that has a question.
pub struct Projections {
    pub(super) store: Arc<dyn EventStore>,
    pub(super) upcasters: Upcasters,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) databases: Databases,
    pub(super) all: IndexMap<String, One>,
    shared: Shared,
    // Held to start and stop, never over an await.
    running: Mutex<Option<Running>>,
}

pub(super) struct One {
    pub(super) definition: ProjectionDefinition,
    pub(super) types: BTreeSet<String>,
    /// What its events are applied to.
    pub(super) target: Arc<dyn Target>,
    /// Its rows; none where it has state of the program's own.
    pub(super) rows: Option<Generations>,
    /// Where it is written down who runs it, and whether it is paused.
    pub(super) registry: Database,
    pub(super) progress: Arc<Progress>,
}

struct Running {
    stop: watch::Sender<bool>,
    ends: Vec<oneshot::Receiver<Result<Position, ProjectionError>>>,
    metrics: ProjectionMetrics,
    recording: tokio::task::JoinHandle<()>,
    /// The head when they were started.
    opened_at: Position,
    /// Others see that these projections are run.
    _claims: Claims,
}

/// What came of building a projection again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// Where the rows stand: at the head as it was when this began, or further on.
    pub position: Position,
}

impl Projections {
    pub(crate) fn new(
        tail: Arc<Tail>,
        clock: Arc<dyn Clock>,
        kept_in: ReadModels,
        definitions: IndexMap<String, ProjectionDefinition>,
        own: &OwnStates,
        upcasters: &Upcasters,
    ) -> Self {
        let store = Arc::clone(tail.store());
        let mut databases = Databases::new(kept_in);
        let all = definitions.into_iter().map(|(name, mut definition)| {
            let types = upcasters.sources(definition.model.event_types());
            let types: BTreeSet<String> = types.into_iter().map(str::to_owned).collect();
            // Rows are of what events were made of; another way makes other rows.
            let links = upcasters.links().filter(|link| types.contains(link.event_type()));
            let text = links.fold(String::new(), |text, link| text + &link.to_string() + "\n");
            Arc::make_mut(&mut definition.model).depend_on(&text);
            let code = own.all.iter().find(|(known, _)| *known == name).map(|(_, code)| Arc::clone(code));
            let registry = databases.named(definition.read_db.as_ref());
            let (target, rows): (Arc<dyn Target>, _) = if let Some(code) = code {
                let (name, checkpoints) = (name.clone(), Arc::clone(&own.checkpoints));
                (Arc::new(OwnState { name, code, checkpoints }), None)
            } else {
                let (model, on_change) = (Arc::clone(&definition.model), definition.on_change);
                let rows = Generations { model, database: registry.clone(), on_change };
                (Arc::new(rows.clone()), Some(rows))
            };
            (name, One { definition, types, target, rows, registry, progress: Arc::default() })
        });
        let all = all.collect();
        Self {
            shared: Shared { tail, hurry: watch::Sender::new(()) },
            store,
            upcasters: upcasters.clone(),
            clock,
            databases,
            all,
            running: Mutex::default(),
        }
    }

    /// The names, in the order of the file.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.all.keys().map(String::as_str)
    }

    /// The application's read database, opened when it is first needed.
    pub async fn database(&self) -> Result<&Arc<dyn ReadDatabase>, DatabaseError> {
        self.database_at(None).await
    }

    /// The read database that `read_db` of a query names.
    pub async fn database_at(&self, dsn: Option<&Dsn>) -> Result<&Arc<dyn ReadDatabase>, DatabaseError> {
        match self.databases.known(dsn) {
            Some(database) => database.get().await,
            None => Err(DatabaseError::Lasting {
                doing: "ask a read database".to_owned(),
                reason: "no projection keeps its rows there".to_owned(),
            }),
        }
    }

    /// The read database that has the tables of a query; the application's own when none has all of them.
    pub async fn database_for(&self, query: &SqlQuery) -> Result<&Arc<dyn ReadDatabase>, DatabaseError> {
        let has_all = |database: &&Database| {
            let kept = self.all.values().filter_map(|one| one.rows.as_ref());
            let kept = kept.filter(|rows| rows.database.is(database));
            let models: Vec<_> = kept.map(|rows| &*rows.model).collect();
            database.dialect().is_some_and(|dialect| dialect.check_query(&models, query).is_empty())
        };
        match self.databases.all().find(has_all) {
            Some(database) => database.get().await,
            None => self.database().await,
        }
    }

    /// Whether a query reads tables of a projection: it can be prepared, and without that one it can't.
    pub fn is_read_by(&self, name: &str, query: &SqlQuery) -> bool {
        let Some(rows) = self.all.get(name).and_then(|one| one.rows.as_ref()) else { return false };
        let Some(dialect) = rows.database.dialect() else { return false };
        let beside = self.all.iter().filter_map(|(name, one)| Some((name, one.rows.as_ref()?)));
        let beside = beside.filter(|(_, other)| other.database.is(&rows.database));
        let models: Vec<_> = beside.map(|(name, other)| (name, &*other.model)).collect();
        let all: Vec<_> = models.iter().map(|(_, model)| *model).collect();
        let others: Vec<_> =
            models.iter().filter(|(other, _)| *other != name).map(|(_, model)| *model).collect();
        dialect.check_query(&all, query).is_empty() && !dialect.check_query(&others, query).is_empty()
    }

    /// Runs all projections that aren't paused, until [`stop`](Self::stop).
    ///
    /// Each runs as a task of its own; those that have come as far share one read of the log. One that can't go on
    /// stops and says why in its [`status`](Self::status), and the others go on.
    pub async fn start(&self) -> Result<(), ProjectionError> {
        if self.all.is_empty() {
            // No read database is opened, or made, when no projection needs it.
            return Ok(());
        }
        let claims = self.claim(self.all.values()).await?;
        let opened_at = self.store.head().await?;
        let (stop, stopped) = watch::channel(false);
        let mut ends = Vec::new();
        for one in self.all.values() {
            if one.is_paused().await? {
                one.progress.state(ProjectionState::Paused);
                continue;
            }
            // The state of an earlier start no longer holds, for those who wait from now on.
            one.progress.state(ProjectionState::CatchingUp);
            ends.push(runner::spawn(self.runner(one, stopped.clone(), true), Task::Follow));
        }
        let all = self.all.iter().map(|(name, one)| (name.clone(), Arc::clone(&one.progress)));
        let metrics = ProjectionMetrics {
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            all: all.collect(),
        };
        let recording = tokio::spawn(metrics.clone().run());
        let running = Running { stop, ends, metrics, recording, opened_at, _claims: claims };
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(running);
        Ok(())
    }

    /// Stops all projections after the batch that each is at.
    pub async fn stop(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(running) = running else { return };
        // The runners have the other ends.
        let _ = running.stop.send(true);
        for end in running.ends {
            let _ = end.await;
        }
        running.recording.abort();
        // Once more, so that the last metrics don't say that they are at work.
        running.metrics.record().await;
    }

    /// Whether the projections are run here.
    pub fn is_running(&self) -> bool {
        self.opened_at().is_some()
    }

    /// Brings all projections that aren't paused to the head as it is now, and ends.
    ///
    /// One that can't go on doesn't keep the others from it; the first one's error is the answer.
    /// When another process runs them, this waits for it, at most as long as the limit says.
    pub async fn catch_up(&self, limit: Duration) -> Result<(), ProjectionError> {
        let goal = self.store.head().await?;
        if self.is_running() {
            let errors = self.wait_for_each(goal, limit).await;
            return errors.into_iter().next().map_or(Ok(()), Err);
        }
        let mut behind = Vec::new();
        for one in self.all.values() {
            if !one.is_paused().await? && !self.is_current(one, goal).await? {
                behind.push(one);
            }
        }
        if behind.is_empty() {
            return Ok(());
        }
        let Some(_claims) = self.claim_unless_current(&behind, goal, limit).await? else {
            return Ok(());
        };
        let (_stop, stopped) = watch::channel(false);
        let runners = behind.iter().map(|one| self.runner(one, stopped.clone(), false));
        let ends: Vec<_> = runners.map(|runner| runner::spawn(runner, Task::CatchUp(goal))).collect();
        let mut outcome = Ok(());
        for end in ends {
            // One that fails is no reason to stop the others on their way.
            outcome = outcome.and(ended(end).await.map(|_| ()));
        }
        outcome
    }

    /// Waits until all projections that run here have passed a position: what was appended there can be read.
    ///
    /// One that was paused before they were started isn't waited for; one that stops before the position is the answer,
    /// at once.
    pub async fn wait_for(&self, position: Position, limit: Duration) -> Result<(), ProjectionError> {
        let all = self.all.values();
        let all = all.filter(|one| one.progress.standing().state != ProjectionState::Paused).collect();
        self.wait(all, position, limit).await
    }

    /// Waits until these projections have passed a position, whatever becomes of the others.
    ///
    /// One of them that is paused, or stops, before the position is the answer, at once.
    pub async fn wait_for_named(
        &self,
        names: &[&str],
        position: Position,
        limit: Duration,
    ) -> Result<(), ProjectionError> {
        let these = names.iter().map(|name| self.one(name)).collect::<Result<_, _>>()?;
        self.wait(these, position, limit).await
    }

    async fn wait(&self, all: Vec<&One>, position: Position, limit: Duration) -> Result<(), ProjectionError> {
        self.shared.hurry.send_replace(());
        let waiting =
            futures::future::try_join_all(all.iter().map(|one| one.progress.wait_for(one.name(), position)));
        if let Ok(came) = tokio::time::timeout(limit, waiting).await {
            return came.map(|_| ());
        }
        let late = all.into_iter().find(|one| one.progress.standing().position < position);
        late.map_or(Ok(()), |one| {
            let name = one.name().to_owned();
            Err(ProjectionError::TooSlow {
                name,
                position: one.progress.standing().position,
                wanted: position,
            })
        })
    }

    /// Waits until the projections that run here have passed the head found when they were started, so that an answer is
    /// not older than the process; those that have stopped, or are paused, aren't waited for.
    pub async fn settled(&self, limit: Duration) -> Result<(), ProjectionError> {
        let Some(opened_at) = self.opened_at() else { return Ok(()) };
        let errors = self.wait_for_each(opened_at, limit).await;
        // What has stopped says so in its status, and comes no further whoever waits.
        let late = errors.into_iter().find(|error| matches!(error, ProjectionError::TooSlow { .. }));
        late.map_or(Ok(()), Err)
    }

    /// Waits for each that isn't paused, whatever becomes of the others; the errors of those that didn't come so far.
    async fn wait_for_each(&self, position: Position, limit: Duration) -> Vec<ProjectionError> {
        let going = self.all.values().filter(|one| one.progress.standing().state != ProjectionState::Paused);
        let waits = going.map(|one| self.wait(vec![one], position, limit));
        futures::future::join_all(waits).await.into_iter().filter_map(Result::err).collect()
    }

    fn opened_at(&self) -> Option<Position> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.as_ref().map(|running| running.opened_at)
    }

    /// Empties a projection's tables and applies all events again; readers see the rows come.
    pub async fn replay(&self, name: &str) -> Result<Rebuilt, ProjectionError> {
        self.once(name, Task::Replay(self.store.head().await?)).await
    }

    /// Applies the events from a position on again, onto the rows that are there.
    ///
    /// Only for a projection that says `idempotent: true`: that an event which is applied again, after later ones, does
    /// no harm.
    pub async fn replay_from(&self, name: &str, from: Position) -> Result<Rebuilt, ProjectionError> {
        if !self.one(name)?.definition.idempotent {
            return Err(ProjectionError::NotIdempotent { name: name.to_owned() });
        }
        self.once(name, Task::Again(from, self.store.head().await?)).await
    }

    /// Applies all events to new tables beside the live ones, and then shows those; readers see no gap.
    pub async fn rebuild(&self, name: &str) -> Result<Rebuilt, ProjectionError> {
        self.once(name, Task::Rebuild(self.store.head().await?)).await
    }

    async fn once(&self, name: &str, task: Task) -> Result<Rebuilt, ProjectionError> {
        let one = self.one(name)?;
        if one.is_paused().await? {
            return Err(ProjectionError::Paused { name: name.to_owned() });
        }
        let _claims = self.claim([one]).await?;
        let (_stop, stopped) = watch::channel(false);
        one.progress.at(Position::START);
        let position = ended(runner::spawn(self.runner(one, stopped, false), task)).await?;
        Ok(Rebuilt { position })
    }

    /// Has a projection stay where it is, from the next start on, until it is resumed.
    pub async fn pause(&self, name: &str, paused: bool) -> Result<(), ProjectionError> {
        Ok(self.one(name)?.registry.get().await?.pause(name, paused).await?)
    }

    /// How far the work on a projection has come here, for who shows progress: also of rows that readers don't see yet,
    /// and of those that [`verify`](Self::verify) makes.
    pub fn reached(&self, name: &str) -> Result<Position, ProjectionError> {
        Ok(self.one(name)?.progress.reached())
    }

    pub(super) fn one(&self, name: &str) -> Result<&One, ProjectionError> {
        self.all.get(name).ok_or_else(|| ProjectionError::Unknown {
            name: name.to_owned(),
            near: nearest(name, self.names()).map(str::to_owned),
        })
    }

    pub(super) fn runner(&self, one: &One, stop: watch::Receiver<bool>, shares: bool) -> Runner {
        Runner {
            definition: one.definition.clone(),
            types: one.types.clone(),
            upcasters: self.upcasters.clone(),
            store: Arc::clone(&self.store),
            target: Arc::clone(&one.target),
            shared: shares.then(|| self.shared.clone()),
            replay: self.shared.tail.replay().clone(),
            progress: Arc::clone(&one.progress),
            stop,
        }
    }
}

impl One {
    fn name(&self) -> &str {
        self.definition.model.name()
    }

    pub(super) async fn is_paused(&self) -> Result<bool, DatabaseError> {
        let paused = self.registry.get().await?.paused().await?;
        Ok(paused.iter().any(|paused| paused == self.name()))
    }
}

/// The end of a runner; one whose runtime ends before it has none.
pub(super) async fn ended<T>(
    end: oneshot::Receiver<Result<T, ProjectionError>>,
) -> Result<T, ProjectionError> {
    end.await.unwrap_or_else(|_| {
        let reason = "the runtime is shutting down".to_owned();
        Err(DatabaseError::Lasting { doing: "run a projection".to_owned(), reason }.into())
    })
}

impl fmt::Debug for Projections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Projections").field("names", &self.all.keys()).finish_non_exhaustive()
    }
}
