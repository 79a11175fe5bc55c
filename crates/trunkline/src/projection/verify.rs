//! Whether the rows that readers see are those that the events make: they are made again out of sight, and compared.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;
use trunkline_core::{EventId, Position, RecordedEvent};
use trunkline_sql::{BatchEnd, RowDifference, Shadow, Side};

use super::chunk::Chunk;
use super::progress::Progress;
use super::runner::{self, Runner};
use super::{ProjectionError, Projections};

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
        let Some(live) = self.live(name)? else {
            let (projection, position) = (name.to_owned(), Position::START);
            return Ok(Verified { projection, generation: None, position, rows: 0, divergence: None });
        };
        let model = &one.definition.model;
        if live.definition != model.definition() {
            return Err(ProjectionError::Changed { name: name.to_owned() });
        }
        let shadow = one.database()?.shadow(model, live.number, self.store.id())?;
        let (_stop, stopped) = watch::channel(false);
        let runner = self.runner(one, stopped, false)?;
        // How the projection stands is not for this to say, only how far this has come.
        let progress = Arc::new(Progress::beside(&runner.progress));
        let runner = Runner { progress, ..runner };
        super::set::ended(runner::on_thread(runner, move |runner| verify(runner, shadow))).await
    }
}

async fn verify(runner: Runner, mut shadow: Box<dyn Shadow>) -> Result<Verified, ProjectionError> {
    let live = shadow.live().clone();
    runner.check(&live).await?;
    fill(&runner, &mut *shadow, |runner, shadow, chunk| runner.apply(shadow.writer(), true, chunk)).await?;
    let found = shadow.differences(SHOWN_MAX)?;
    let divergence = if found.count == 0 {
        None
    } else {
        let event = first_event(&runner, &mut *shadow, &found.rows).await?;
        Some(Divergence { event, rows: found.count, shown: found.rows })
    };
    let (projection, generation) = (runner.name().to_owned(), Some(live.generation));
    Ok(Verified { projection, generation, position: live.position, rows: found.compared, divergence })
}

/// Has all events up to where the rows stand applied.
async fn fill(
    runner: &Runner,
    shadow: &mut dyn Shadow,
    mut apply: impl FnMut(&Runner, &mut dyn Shadow, &Chunk) -> Result<(), ProjectionError>,
) -> Result<(), ProjectionError> {
    let goal = shadow.live().position;
    let mut ahead = runner.ahead(Position::START, goal);
    let mut stop = runner.stop.clone();
    loop {
        let chunk = tokio::select! {
            chunk = ahead.next() => chunk,
            // Nobody waits for the result any more.
            _ = stop.wait_for(|stop| *stop) => return Ok(()),
        };
        let Some(chunk) = chunk else { return Ok(()) };
        apply(runner, shadow, &chunk?.ok_or_else(|| runner.shrank(goal))?)?;
    }
}

/// A row that differs in the end, while the events are applied one by one.
struct Watched<'r> {
    row: &'r RowDifference,
    /// What readers see.
    live: Vec<Vec<Value>>,
    /// What the events have made until now.
    made: Vec<Vec<Value>>,
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
    shadow.writer().empty().map_err(|error| ProjectionError::of(runner.name(), error))?;
    let mut watched = Vec::with_capacity(rows.len());
    for row in rows {
        watched.push(Watched { row, live: shadow.find(Side::Live, row)?, made: Vec::new(), since: None });
    }
    fill(runner, shadow, |runner, shadow, chunk| {
        for event in &*chunk.events {
            let (events, reached) = (Arc::new(vec![event.clone()]), BatchEnd::event(event));
            runner.apply(shadow.writer(), true, &Chunk { events, reached, head: chunk.head, batch: None })?;
            for one in &mut watched {
                look(one, shadow, event)?;
            }
        }
        Ok(())
    })
    .await?;
    Ok(watched.into_iter().filter_map(|one| one.since).min_by_key(|event| event.position))
}

fn look(one: &mut Watched<'_>, shadow: &dyn Shadow, event: &RecordedEvent) -> Result<(), ProjectionError> {
    let made = shadow.find(Side::Rebuilt, one.row)?;
    if made == one.made {
        return Ok(());
    }
    if made == one.live {
        one.since = None;
    } else if one.since.is_none() {
        one.since = Some(DivergingEvent {
            position: event.position(),
            event_id: event.event_id(),
            event_type: event.event_type().to_owned(),
            stream: event.stream().to_owned(),
        });
    }
    one.made = made;
    Ok(())
}
