//! The bus: the one way from a command to its outcome, and the only place that appends.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};
use trunkline_core::{
    Append, Appended, Clock, CommandId, Metadata, StreamName, StreamWrite, Timestamp, Version,
};
use trunkline_nearest::nearest;
use trunkline_store::derived::SnapshotStore;
use trunkline_store::{AppendError, EventStore};

use super::{
    Accepted, CommandContext, CommandLogic, CommandRequest, Decided, Decision, DispatchError, Emitted,
    Events, HandleError, Outcome, Rejection, Seen, inbox, metadata,
};

/// How often a command is decided when others keep appending to its stream first.
///
/// From the second attempt on, commands of this process for one stream wait for each other, so more attempts
/// than this mean that other processes append without a pause.
const ATTEMPTS_MAX: u32 = 16;

/// The longest wait before the second attempt; each further one may wait as long again.
const PAUSE: Duration = Duration::from_millis(2);

/// How many locks the streams share; two streams that share one wait for each other needlessly, which is rare
/// and short.
const LOCKS: usize = 256;

/// Handlers by the names of their commands, and where their events go.
pub(crate) struct Bus {
    store: Arc<dyn EventStore>,
    clock: Arc<dyn Clock>,
    events: Arc<Events>,
    snapshots: Option<Arc<dyn SnapshotStore>>,
    handlers: HashMap<String, Arc<dyn CommandLogic>>,
    /// Held, over one attempt, by commands that were not first in their stream.
    turns: Vec<Mutex<()>>,
    hash: RandomState,
}

/// What became of one attempt.
enum Attempt {
    /// The decision is stored, or needs not be.
    Decided(Decision),
    /// The command's outcome had been stored before.
    Before,
    /// Others appended first.
    Conflict(AppendError),
}

impl Bus {
    pub(crate) fn new(
        store: Arc<dyn EventStore>,
        clock: Arc<dyn Clock>,
        events: Arc<Events>,
        snapshots: Option<Arc<dyn SnapshotStore>>,
        handlers: HashMap<String, Arc<dyn CommandLogic>>,
    ) -> Self {
        let turns = std::iter::repeat_with(Mutex::default).take(LOCKS).collect();
        Self { store, clock, events, snapshots, handlers, turns, hash: RandomState::new() }
    }

    /// The same handlers over another store, without snapshots: those are of this one.
    pub(crate) fn over(&self, store: Arc<dyn EventStore>) -> Self {
        Self::new(store, Arc::clone(&self.clock), Arc::clone(&self.events), None, self.handlers.clone())
    }

    fn context<'a>(
        &'a self,
        request: &'a CommandRequest,
        id: &'a CommandId,
        seen: &'a Seen,
        occurred_at: Timestamp,
    ) -> CommandContext<'a> {
        let Self { store, events, snapshots, .. } = self;
        CommandContext { request, id, occurred_at, store, seen, events, snapshots: snapshots.as_deref() }
    }

    /// The stream that a command is for; none where its handler can't say that before deciding, and an error where it is
    /// refused before that.
    pub(crate) fn stream_of(&self, request: &CommandRequest) -> Result<Option<StreamName>, String> {
        let Some(handler) = self.handlers.get(&request.name) else { return Ok(None) };
        // What a command makes of its id must be what it makes when it is decided.
        let id = request.id.clone().unwrap_or_else(CommandId::generate);
        let seen = Seen::default();
        let occurred_at = request.context.occurred_at.unwrap_or_else(|| self.clock.now());
        let context = self.context(request, &id, &seen, occurred_at);
        handler.stream(context).map_err(|error| match error {
            HandleError::Rejected(Rejection { reason, .. }) | HandleError::Failed(reason) => reason,
            HandleError::Unreadable(what) => what,
            HandleError::Read(error) => error.to_string(),
        })
    }

    /// The names of all commands, sorted.
    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.handlers.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    /// The outcome of a command.
    pub(crate) async fn dispatch(&self, request: &CommandRequest) -> Result<Outcome, DispatchError> {
        let Some(handler) = self.handlers.get(&request.name) else {
            let near = nearest(&request.name, self.names()).map(str::to_owned);
            return Err(DispatchError::UnknownCommand { name: request.name.clone(), near });
        };
        let seen = Seen::of(request);
        let id = match &request.id {
            Some(id) => {
                for id in [id].into_iter().chain(&request.other_ids) {
                    if let Some(first) = inbox::find(&*self.store, request, &seen, id).await? {
                        return Ok(first);
                    }
                }
                id.clone()
            }
            None => CommandId::generate(),
        };
        let occurred_at = request.context.occurred_at.unwrap_or_else(|| self.clock.now());
        let context = self.context(request, &id, &seen, occurred_at);
        let mut conflict = match self.attempt(&**handler, context).await? {
            Attempt::Conflict(conflict) => conflict,
            attempt => return self.outcome(attempt, context).await,
        };
        for attempts in 2..=ATTEMPTS_MAX {
            let _turn = self.turn(&conflict).await;
            if attempts > 2 {
                // Whoever was first this time is in another process, where no lock of ours is seen.
                tokio::time::sleep(PAUSE.mul_f64(f64::from(attempts) * fastrand::f64())).await;
            }
            match self.attempt(&**handler, context).await? {
                Attempt::Conflict(last) => conflict = last,
                attempt => return self.outcome(attempt, context).await,
            }
        }
        Err(DispatchError::Conflict { attempts: ATTEMPTS_MAX, last: conflict })
    }

    async fn outcome(&self, attempt: Attempt, context: CommandContext<'_>) -> Result<Outcome, DispatchError> {
        if let Attempt::Decided(decision) = attempt {
            let (command, id) = (context.request.name.clone(), context.id.clone());
            return Ok(Outcome { command, id, repeated: false, decision });
        }
        let first = inbox::find(&*self.store, context.request, context.seen, context.id).await?;
        first.ok_or_else(|| context.failed("the store says it was handled before, but has no outcome"))
    }

    /// Waits for others of this process that were not first in the same stream either.
    async fn turn(&self, conflict: &AppendError) -> MutexGuard<'_, ()> {
        let over = match conflict {
            AppendError::Conflict { stream, .. } => stream.as_str(),
            AppendError::ConditionFailed { name, .. } => name,
            _ => "",
        };
        self.turns[self.hash.hash_one(over) as usize % LOCKS].lock().await
    }

    /// Decides once and stores what was decided.
    async fn attempt(
        &self,
        handler: &dyn CommandLogic,
        context: CommandContext<'_>,
    ) -> Result<Attempt, DispatchError> {
        if let Some(rejection) = context.seen.refusal() {
            return self.store_outcome(context, Decision::Rejected(rejection)).await;
        }
        let decided = handler.handle(context).await.and_then(|mut decided| {
            self.events.complete(&mut decided, context.occurred_at)?;
            Ok(decided)
        });
        match decided {
            Ok(decided) if decided.writes.iter().any(|write| !write.events.is_empty()) => {
                self.store_events(context, decided).await
            }
            Ok(Decided { reply, .. }) => {
                let reply = reply.unwrap_or_else(|| Accepted::default_reply([].iter()));
                let accepted = Accepted { events: Vec::new(), position: None, reply };
                self.store_outcome(context, Decision::Accepted(accepted)).await
            }
            Err(HandleError::Rejected(rejection)) => {
                self.store_outcome(context, Decision::Rejected(rejection)).await
            }
            Err(HandleError::Read(error)) => Err(error.into()),
            Err(HandleError::Unreadable(what)) => Err(DispatchError::Unreadable { what }),
            Err(HandleError::Failed(reason)) => Err(context.failed(reason)),
        }
    }

    async fn store_events(
        &self,
        context: CommandContext<'_>,
        decided: Decided,
    ) -> Result<Attempt, DispatchError> {
        let Decided { mut writes, conditions, reply } = decided;
        writes.retain(|write| !write.events.is_empty());
        let metadata = |digest, reply| {
            metadata::of(context.request, context.id, digest, reply).map_err(|error| context.failed(error))
        };
        // One event is enough to keep what the command is recognised by, and a reply.
        let mut first = Some(metadata(context.seen.digest, reply.as_ref())?);
        let several = writes.iter().map(|write| write.events.len()).sum::<usize>() > 1;
        let plain = if several { metadata(None, None)? } else { Metadata::default() };
        for event in writes.iter_mut().flat_map(|write| &mut write.events) {
            event.metadata = first.take().unwrap_or_else(|| plain.clone());
            event.occurred_at.get_or_insert(context.occurred_at);
        }
        let mut events: Vec<Vec<Emitted>> = writes.iter().map(emitted).collect();
        let append = Append { writes, conditions, command: context.request.id.clone() };
        let appended = match self.append(append).await? {
            Stored::Now(appended) => appended,
            Stored::Before => return Ok(Attempt::Before),
            Stored::Conflict(error) => return Ok(Attempt::Conflict(error)),
        };
        for (events, last) in events.iter_mut().zip(&appended.versions) {
            let before = last.get() - events.len() as u64;
            for (event, number) in events.iter_mut().zip(before + 1..) {
                event.version = Version::new(number);
            }
        }
        let events: Vec<Emitted> = events.into_iter().flatten().collect();
        let reply = reply.unwrap_or_else(|| Accepted::default_reply(events.iter().map(|event| &event.data)));
        let accepted = Accepted { events, position: Some(appended.position), reply };
        Ok(Attempt::Decided(Decision::Accepted(accepted)))
    }

    /// Keeps an outcome without events, when the command has an id under which it could be asked for again.
    async fn store_outcome(
        &self,
        context: CommandContext<'_>,
        decision: Decision,
    ) -> Result<Attempt, DispatchError> {
        if context.request.id.is_none() {
            return Ok(Attempt::Decided(decision));
        }
        let append = inbox::keep(context.request, context.id, context.seen, &decision)
            .map_err(|error| context.failed(error))?;
        Ok(match self.append(append).await? {
            Stored::Now(_) => Attempt::Decided(decision),
            Stored::Before => Attempt::Before,
            Stored::Conflict(error) => Attempt::Conflict(error),
        })
    }

    async fn append(&self, append: Append) -> Result<Stored, DispatchError> {
        match self.store.append(append).await {
            Ok(appended) => Ok(Stored::Now(appended)),
            Err(AppendError::AlreadyHandled { .. }) => Ok(Stored::Before),
            Err(error @ (AppendError::Conflict { .. } | AppendError::ConditionFailed { .. })) => {
                Ok(Stored::Conflict(error))
            }
            Err(error) => Err(DispatchError::Append(error)),
        }
    }
}

/// What the store made of an append.
enum Stored {
    Now(Appended),
    Before,
    Conflict(AppendError),
}

/// The events of a write as they will be answered, but for their versions.
fn emitted(write: &StreamWrite) -> Vec<Emitted> {
    let of = |event: &trunkline_core::NewEvent| Emitted {
        stream: write.stream.clone(),
        version: Version::EMPTY,
        event_id: event.event_id,
        event_type: event.event_type.clone(),
        data: event.data.clone(),
    };
    write.events.iter().map(of).collect()
}

impl CommandContext<'_> {
    fn failed(&self, reason: impl std::fmt::Display) -> DispatchError {
        DispatchError::Failed { command: self.request.name.clone(), reason: reason.to_string() }
    }
}
