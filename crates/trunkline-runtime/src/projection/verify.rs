//! Whether the rows that readers see are those that the events make: they are made again out of sight, and compared.

use std::sync::Arc;

use serde::Serialize;
use tokio::sync::watch;
use trunkline_core::{EventId, Position, RecordedEvent};
use trunkline_sql::{DatabaseError, FoundRows, RowDifference, Shadow, Side};

use super::generations::{Rows, last};
use super::progress::Progress;
use super::runner::{self, Prepared, Runner};
use super::{ProjectionError, Projections};
use crate::follow::{Ahead, Piece};
use crate::messages::Checkpoint;

/// How many differing rows are shown, and looked for the event from which on they differ.
const SHOWN_MAX: usize = 20;

/// What came of comparing a projection's rows with those that its events make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// The projection.
    pub projection: String,
    /// The generation that was compared; none when there are no rows yet, so that nothing was compared.
    pub generation: Option<u64>,
    /// Where the rows stood: events up to here were applied again.
    pub position: Position,
    /// How many rows were compared.
    pub rows: u64,
    /// How they differ; nothing when they are what the events make.
    pub divergence: Option<Divergence>,
}

impl Verified {
    /// Whether the rows are those that the events make.
    pub fn is_right(&self) -> bool {
        self.divergence.is_none()
    }
}

/// How rows differ from those that the events make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Divergence {
    /// Of the events that changed one of the rows below, the first whose effect readers don't see; none when no event
    /// had anything to do with them.
    pub event: Option<DivergingEvent>,
    /// How many rows differ.
    pub rows: u64,
    /// The first of them.
    pub shown: Vec<RowDifference>,
}

/// The event from which on rows differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DivergingEvent {
    /// Its position.
    pub position: Position,
    /// Its id.
    pub event_id: EventId,
    /// Its type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Its stream.
    pub stream: String,
}

impl Projections {
    /// Applies a projection's events to tables out of sight, up to where its rows stand, and compares the rows.
    ///
    /// Nothing is changed, and it works beside the process that runs the projection: the rows are those of the moment
    /// at which this begins.
    pub async fn verify(&self, name: &str) -> Result<Verified, ProjectionError> {
        let one = self.one(name)?;
        let Some(rows) = &one.rows else {
            let reason = "its state is the program's own, which Trunkline can't compare".to_owned();
            return Err(DatabaseError::Lasting { doing: format!("verify `{name}`"), reason }.into());
        };
        let Some(live) = rows.live().await? else {
            let (projection, position) = (name.to_owned(), Position::START);
            return Ok(Verified { projection, generation: None, position, rows: 0, divergence: None });
        };
        let model = &rows.model;
        if live.definition != model.definition() {
            return Err(ProjectionError::Changed { name: name.to_owned() });
        }
        let shadow = rows.database.get().await?.shadow(model, live.number, self.store.id()).await?;
        let (_stop, stopped) = watch::channel(false);
        let runner = self.runner(one, stopped, false);
        // How the projection stands is not for this to say, only how far this has come.
        let progress = Arc::new(Progress::beside(&runner.progress));
        let runner = Runner { progress, ..runner };
        super::set::ended(runner::beside(runner, move |runner| verify(runner, shadow))).await
    }
}

async fn verify(runner: Runner, mut shadow: Box<dyn Shadow>) -> Result<Verified, ProjectionError> {
    let live = shadow.live().clone();
    runner.check(last(&live)).await?;
    let mut pieces = Pieces::new(&runner, live.position);
    while let Some((piece, prepared)) = pieces.next().await? {
        runner.apply(&mut Rows(shadow.writer()), true, &piece, prepared).await?;
    }
    let found = shadow.differences(SHOWN_MAX).await?;
    let divergence = if found.count == 0 {
        None
    } else {
        let (rows, shown) = (found.count, found.rows);
        let event = first_event(&runner, &mut *shadow, &shown).await?;
        Some(Divergence { event, rows, shown })
    };
    let (projection, generation) = (runner.name().to_owned(), Some(live.generation));
    Ok(Verified { projection, generation, position: live.position, rows: found.compared, divergence })
}

/// All events up to where the rows stand.
struct Pieces<'r> {
    runner: &'r Runner,
    ahead: Ahead<Prepared>,
    stop: watch::Receiver<bool>,
}

impl<'r> Pieces<'r> {
    fn new(runner: &'r Runner, goal: Position) -> Self {
        Self { runner, ahead: runner.ahead(Position::START, goal), stop: runner.stop.clone() }
    }

    async fn next(&mut self) -> Result<Option<(Piece, Prepared)>, ProjectionError> {
        let next = tokio::select! {
            next = self.ahead.next() => next,
            // The receiver of the result is gone.
            _ = self.stop.wait_for(|stop| *stop) => return Ok(None),
        };
        next.transpose().map_err(|error| self.runner.lost(error))
    }
}

/// A row that differs in the end, while the events are applied one by one.
struct Watched {
    /// What readers see.
    live: FoundRows,
    /// What the events have made until now.
    made: FoundRows,
    /// The event from which on the two have differed.
    since: Option<DivergingEvent>,
}

/// Applies the events once more, and watches the rows: a row differs from the first event on that changed it after it
/// was last as readers see it.
async fn first_event(
    runner: &Runner,
    shadow: &mut dyn Shadow,
    rows: &[RowDifference],
) -> Result<Option<DivergingEvent>, ProjectionError> {
    let emptied = shadow.writer().empty().await;
    emptied.map_err(|error| ProjectionError::of(runner.name(), error))?;
    let rows: Arc<[RowDifference]> = rows.into();
    let live = shadow.find(Side::Live, Arc::clone(&rows)).await?;
    let watched = live.into_iter().map(|live| Watched { live, made: Vec::new(), since: None });
    let mut watched: Vec<Watched> = watched.collect();
    let mut pieces = Pieces::new(runner, shadow.live().position);
    while let Some((piece, _)) = pieces.next().await? {
        for event in &*piece.events {
            let end = Checkpoint { position: event.position(), event_id: event.event_id(), ..piece.end };
            let alone = Piece { events: Arc::new(vec![event.clone()]), end, ..piece };
            runner.apply(&mut Rows(shadow.writer()), true, &alone, None).await?;
            let made = shadow.find(Side::Rebuilt, Arc::clone(&rows)).await?;
            for (one, made) in watched.iter_mut().zip(made) {
                one.look(made, event);
            }
        }
    }
    Ok(watched.into_iter().filter_map(|one| one.since).min_by_key(|event| event.position))
}

impl Watched {
    /// Looks at what an event has made.
    fn look(&mut self, made: FoundRows, event: &RecordedEvent) {
        if made == self.made {
            return;
        }
        if made == self.live {
            self.since = None;
        } else if self.since.is_none() {
            self.since = Some(DivergingEvent {
                position: event.position(),
                event_id: event.event_id(),
                event_type: event.event_type().to_owned(),
                stream: event.stream().to_owned(),
            });
        }
        self.made = made;
    }
}
