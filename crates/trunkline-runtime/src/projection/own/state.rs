//! State of the program's own as the runner meets it.

use std::sync::Arc;

use futures::future::BoxFuture;
use trunkline_core::{Position, RecordedEvent, StoreId};
use trunkline_sql::{ApplyError, Batch, BatchEnd, DatabaseError, StatementFailure};

use super::super::ProjectionError;
use super::super::target::{Begin, Begun, Fill, Kept as KeptBeside, Standing, Target};
use super::{Kept, StateError, StateProjection};
use crate::messages::{Checkpoint, Checkpoints};

/// The only generation that such state has.
const GENERATION: u64 = 1;

/// The projections over state of the program's own, with what all of them need.
pub(crate) struct OwnStates {
    pub(crate) all: Vec<(String, Arc<dyn StateProjection>)>,
    pub(crate) checkpoints: Arc<dyn Checkpoints>,
}

/// One of them.
#[derive(Clone)]
pub(in crate::projection) struct OwnState {
    pub(in crate::projection) name: String,
    pub(in crate::projection) code: Arc<dyn StateProjection>,
    pub(in crate::projection) checkpoints: Arc<dyn Checkpoints>,
}

impl OwnState {
    /// The name of the checkpoint that is kept beside the state; relays and sagas have others.
    fn checkpoint_name(&self) -> String {
        format!("projection.{}", self.name)
    }

    fn failed(&self, doing: &str) -> impl FnOnce(StateError) -> DatabaseError + use<> {
        let doing = format!("{doing} the state of `{}`", self.name);
        move |StateError { error, passing }| {
            let reason = error.to_string();
            if passing {
                DatabaseError::Passing { doing, reason }
            } else {
                DatabaseError::Lasting { doing, reason }
            }
        }
    }

    /// The checkpoint, and whether the state keeps it itself.
    async fn load(&self) -> Result<(Option<Checkpoint>, bool), DatabaseError> {
        let failed = || self.failed("read the checkpoint of");
        match self.blocking(|own| own.code.kept()).await.map_err(failed())? {
            Kept::Within(checkpoint) => Ok((checkpoint, true)),
            Kept::Beside => {
                let kept = self.checkpoints.load(&self.checkpoint_name()).await;
                Ok((kept.map_err(|error| failed()(error.into()))?, false))
            }
        }
    }

    /// Does what may block, on a thread for that.
    async fn blocking<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Self) -> Result<T, StateError> + Send + 'static,
    ) -> Result<T, StateError> {
        let own = self.clone();
        let done = tokio::task::spawn_blocking(move || act(&own)).await;
        done.unwrap_or_else(|error| match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => Err(StateError::passing(error)),
        })
    }

    /// What there is no way to do.
    pub(in crate::projection) fn cannot(&self, doing: &str, reason: &str) -> DatabaseError {
        let doing = format!("{doing} `{}`", self.name);
        DatabaseError::Lasting { doing, reason: format!("its state is the program's own{reason}") }
    }
}

impl Target for OwnState {
    fn standing(&self) -> BoxFuture<'_, Result<Option<Standing>, DatabaseError>> {
        Box::pin(async move {
            let loaded = self.load().await;
            let kept = loaded.map(|(last, _)| KeptBeside { last, failure: None, parked: 0 });
            // What made the state isn't known; who changes the code replays.
            Ok(Some(Standing { generation: GENERATION, is_changed: false, kept }))
        })
    }

    fn begin(&self, store: StoreId, how: Begin) -> BoxFuture<'_, Result<Box<dyn Begun>, ProjectionError>> {
        Box::pin(async move {
            if how == Begin::Anew {
                return Err(self.cannot("build", ", and there is one of it; replay it instead").into());
            }
            let (last, within) = self.load().await?;
            Ok(Box::new(Owner { own: self.clone(), store, last, within }) as Box<dyn Begun>)
        })
    }
}

/// The owner of such state.
struct Owner {
    own: OwnState,
    /// The store whose events it is given.
    store: StoreId,
    last: Option<Checkpoint>,
    /// Whether the state keeps the checkpoint itself.
    within: bool,
}

impl Owner {
    fn position(&self) -> Position {
        self.last.map_or(Position::START, |last| last.position)
    }

    async fn step(&mut self, events: Arc<Vec<RecordedEvent>>, end: BatchEnd) -> Result<(), StateError> {
        let BatchEnd { position, event_id } = end;
        let checkpoint = Checkpoint { store: self.store, position, event_id };
        self.own.blocking(move |own| own.code.apply(&events, &checkpoint)).await?;
        if !self.within {
            self.own.checkpoints.save(&self.own.checkpoint_name(), &checkpoint).await?;
        }
        self.last = Some(checkpoint);
        Ok(())
    }

    /// Applies events one by one: those before the one that fails are applied then, and that one is in the error.
    async fn one_by_one(&mut self, events: &[RecordedEvent], failed: StateError) -> Result<(), ApplyError> {
        let mut failed = Some(failed);
        let mut rest = events;
        while let Some(first) = rest.first() {
            // What is stored at one position is applied as one.
            let together = rest.partition_point(|event| event.position() == first.position());
            let alone = together == events.len();
            let stepped = match failed.take().filter(|_| alone) {
                Some(failed) => Err(failed),
                None => self.step(Arc::new(rest[..together].to_vec()), BatchEnd::event(first)).await,
            };
            if let Err(StateError { error, passing }) = stepped {
                return Err(ApplyError::Failed(Box::new(StatementFailure {
                    position: first.position(),
                    event_id: first.event_id(),
                    event_type: first.event_type().to_owned(),
                    statement: None,
                    parameters: Vec::new(),
                    error: error.to_string(),
                    passing,
                })));
            }
            rest = &rest[together..];
        }
        Ok(())
    }

    async fn fill(&mut self, batch: &Batch, end: BatchEnd) -> Result<(), ApplyError> {
        let position = self.position();
        if end.position <= position {
            // Done already, on the way to an event that failed.
            return Ok(());
        }
        let types = self.own.code.event_types();
        let is_wanted =
            |event: &&RecordedEvent| event.position() > position && types.contains(&event.event_type());
        let wanted: Vec<RecordedEvent> = batch.events().iter().filter(is_wanted).cloned().collect();
        let wanted = Arc::new(wanted);
        match self.step(Arc::clone(&wanted), end).await {
            Ok(()) => Ok(()),
            Err(failed) if wanted.is_empty() => Err(self.own.failed("move the checkpoint of")(failed).into()),
            Err(failed) if failed.passing => Err(self.own.failed("change")(failed).into()),
            Err(failed) => {
                self.one_by_one(&wanted, failed).await?;
                // It fails together and not alone: what is left is the place.
                let moved = self.step(Arc::default(), end).await;
                Ok(moved.map_err(self.own.failed("move the checkpoint of"))?)
            }
        }
    }
}

impl Fill for Owner {
    fn last(&self) -> Option<Checkpoint> {
        self.last
    }

    fn apply(&mut self, batch: Arc<Batch>, end: BatchEnd) -> BoxFuture<'_, Result<(), ApplyError>> {
        Box::pin(async move { self.fill(&batch, end).await })
    }

    fn park<'a>(
        &'a mut self,
        _: &'a RecordedEvent,
        _: &'a StatementFailure,
    ) -> BoxFuture<'a, Result<(), ApplyError>> {
        Box::pin(async move { Err(self.own.cannot("put an event aside of", "").into()) })
    }

    fn note<'a>(&'a mut self, _: &'a str) -> BoxFuture<'a, Result<(), ApplyError>> {
        // There is nowhere to keep it; who runs the projection says it.
        Box::pin(async { Ok(()) })
    }
}

impl Begun for Owner {
    fn is_anew(&self) -> bool {
        false
    }

    fn is_hidden(&self) -> bool {
        false
    }

    fn show(&mut self) -> BoxFuture<'_, Result<(), DatabaseError>> {
        Box::pin(async { Ok(()) })
    }

    fn put_back(&mut self, _: Option<BatchEnd>) -> BoxFuture<'_, Result<(), ApplyError>> {
        Box::pin(
            async move { Err(self.own.cannot("put back the checkpoint of", "; replay it whole").into()) },
        )
    }

    fn empty(&mut self) -> BoxFuture<'_, Result<(), ApplyError>> {
        Box::pin(async move {
            let failed = || self.own.failed("empty");
            if !self.within {
                // First, so that whenever this ends, no event is taken for one that is in the state.
                let forgotten = self.own.checkpoints.forget(&self.own.checkpoint_name()).await;
                forgotten.map_err(|error| failed()(error.into()))?;
            }
            self.own.blocking(|own| own.code.empty()).await.map_err(failed())?;
            self.last = None;
            Ok(())
        })
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }
}
