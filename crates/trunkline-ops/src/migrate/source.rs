//! The old store, read command by command, and where its events go.

use bytes::Bytes;
use futures::StreamExt as _;
use trunkline::HISTORY_STREAM;
use trunkline::saga::STARTS_STREAM;
use trunkline_core::saga::{STREAM_PREFIX, Transition};
use trunkline_core::{Position, RecordedEvent};
use trunkline_store::{AllRead, EventStore, EventStream, ReadError};

use super::carry::{Carried, command_of, stopped};
use super::cause::CausePosition;
use super::places::{Found, Moved, Places};
use super::report::{Seen, Tally};
use super::{MigrateError, Migration};

/// How many events are carried at a time, at least; all of one command's are.
const BATCH_EVENTS: usize = 4096;

/// How many bytes of data a batch has, at most, but for its last command's.
const BATCH_BYTES: usize = 16 << 20;

/// The old store.
pub(super) struct Source<'a> {
    migration: &'a Migration,
    store: &'a dyn EventStore,
    commands: Commands,
    pub(super) seen: Seen,
    places: Places,
}

impl<'a> Source<'a> {
    pub(super) fn new(migration: &'a Migration, store: &'a dyn EventStore) -> Self {
        let commands = Commands::after(store, Position::START);
        Self { migration, store, commands, seen: Seen::new(), places: Places::default() }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.commands.ended && self.commands.next.is_none()
    }

    /// The last position that was read.
    pub(super) fn position(&self) -> Position {
        self.seen.last.map_or(Position::START, |(position, _)| position)
    }

    /// What becomes of the next events; it may be nothing before the end.
    pub(super) async fn batch(&mut self, tally: &mut Tally) -> Result<Vec<Carried>, MigrateError> {
        let mut batch = Vec::new();
        let (mut events, mut bytes) = (0, 0);
        while events < BATCH_EVENTS && bytes < BATCH_BYTES {
            let command = self.commands.next(|event| self.seen.see(event)).await?;
            if command.is_empty() {
                break;
            }
            events += command.len();
            bytes += command.iter().map(|event| event.data().len()).sum::<usize>();
            let data = self.with_todays_cause(&command).await?;
            let carried = self.migration.carry(&command, data.as_ref(), tally)?;
            for (event, became) in counted(&command, &carried) {
                self.places.passed(event.position(), became);
            }
            self.places.command_ended();
            batch.extend(carried);
        }
        Ok(batch)
    }

    /// Where the log had come to in the new store when it had come to this position in the old one: behind all that
    /// its event became. None when the old store has not come so far.
    pub(super) async fn place_of(&self, old: Position) -> Result<Option<Position>, MigrateError> {
        match self.places.find(old) {
            Found::At(new) => Ok(Some(new)),
            Found::Ahead => Ok(None),
            Found::Behind(end) => self.count_on(end, old).await.map(Some),
        }
    }

    /// Counts what the events become behind the end of a command; what lies beyond the old store's end is as far beyond
    /// that of the new one.
    async fn count_on(
        &self,
        Moved { old: mut end, mut new }: Moved,
        old: Position,
    ) -> Result<Position, MigrateError> {
        let mut commands = Commands::after(self.store, end);
        loop {
            let command = commands.next(|_| ()).await?;
            let carried = self.migration.carry(&command, None, &mut Tally::default())?;
            for (event, became) in counted(&command, &carried) {
                if event.position() > old {
                    return Ok(new);
                }
                new = Position::new(new.get() + became as u64);
                end = event.position();
            }
            if command.is_empty() {
                return Ok(Position::new(new.get().saturating_add(old.get().saturating_sub(end.get()))));
            }
        }
    }

    /// The data of an event that names a place of the log, where that is another in the new store.
    async fn with_todays_cause(&self, command: &[RecordedEvent]) -> Result<Option<Bytes>, MigrateError> {
        let [event] = command else { return Ok(None) };
        let (is_start, is_history) = (event.stream() == STARTS_STREAM, event.stream() == HISTORY_STREAM);
        let names_a_place = is_start || is_history || event.stream().starts_with(STREAM_PREFIX);
        // What lies ahead may move when nothing has yet.
        if !names_a_place || !(self.places.has_moved() || is_start) {
            return Ok(None);
        }
        let is_known = is_start || is_history || Transition::TYPES.contains(&event.event_type());
        if !is_known {
            let reason = "a newer version wrote this event of a saga's, and what it names of the old store isn't known";
            return Err(stopped(event, reason.to_owned()));
        }
        let unreadable =
            |error: serde_json::Error| stopped(event, format!("its cause can't be read: {error}"));
        let found = match CausePosition::find(event.data()) {
            // It was written before these had one.
            Err(_) if is_history => CausePosition::lacking(event.data()).map(Some),
            found => found,
        };
        let Some(cause) = found.map_err(unreadable)? else { return Ok(None) };
        let place = if is_start && cause.position > event.position() {
            Some(self.count_on(self.places.last(), cause.position).await?)
        } else {
            self.place_of(cause.position).await?
        };
        match place {
            Some(new) if new == cause.position => Ok(None),
            Some(new) => Ok(Some(cause.replaced(event.data(), new))),
            None => {
                let reason =
                    format!("it names position {} as its cause, which comes after it", cause.position);
                Err(stopped(event, reason))
            }
        }
    }
}

/// How many events there are for each, which stand in the order of those that they were made of.
fn counted<'c>(
    command: &'c [RecordedEvent],
    mut carried: &'c [Carried],
) -> impl Iterator<Item = (&'c RecordedEvent, usize)> {
    command.iter().map(move |event| {
        let became = carried.iter().take_while(|carried| carried.of.position() == event.position()).count();
        carried = &carried[became..];
        (event, became)
    })
}

/// The events of a store, command by command.
struct Commands {
    events: EventStream,
    /// Of the next command, or of none.
    next: Option<RecordedEvent>,
    /// Whether `events` has ended.
    ended: bool,
}

impl Commands {
    fn after(store: &dyn EventStore, position: Position) -> Self {
        Self { events: store.read_all(AllRead::after(position)), next: None, ended: false }
    }

    /// The next event, with those that follow it and are of the same command: one append has stored them, one after
    /// the other. Nothing at the end.
    async fn next(&mut self, mut seen: impl FnMut(&RecordedEvent)) -> Result<Vec<RecordedEvent>, ReadError> {
        let mut command: Vec<RecordedEvent> = self.next.take().into_iter().collect();
        while !self.ended {
            let Some(event) = self.events.next().await.transpose()? else {
                self.ended = true;
                break;
            };
            seen(&event);
            let is_next = match command.first() {
                None => false,
                Some(first) => command_of(first).is_none_or(|id| command_of(&event) != Some(id)),
            };
            if is_next {
                self.next = Some(event);
                break;
            }
            command.push(event);
        }
        Ok(command)
    }
}
