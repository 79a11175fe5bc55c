//! From where on in the log sagas of a name are started, which is recorded when the name is first seen.
//!
//! A file is opened for writing long before its sagas run, and may be killed in between. So what "now" means is an event
//! of the log, appended before anything else is; from then on it says which events start sagas of that name, to those
//! who run them and to those who check them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::Ordering;

use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use trunkline_core::saga::{STREAM_PREFIX, TransitionCause};
use trunkline_core::{
    Append, EventType, Expected, NewEvent, Position, QueryItem, RecordedEvent, StreamName, Timestamp, Version,
};
use trunkline_store::derived::SagaKey;
use trunkline_store::{AllRead, AppendError, StreamRead};

use super::runner::NAME;
use super::{SagaError, Sagas};

/// The stream in which it is recorded from where on sagas are started; its events name positions as those of sagas do.
pub const STARTS_STREAM: &str = "$sagas-starts";

/// A name of sagas was first seen.
const DECLARED: &str = "$SagaDeclared";

/// Sagas of a name have read the log up to where all others had.
const CAUGHT_UP: &str = "$SagaCaughtUp";

/// From where on in the log events start sagas of a name that is new.
///
/// ```
/// use trunkline::saga::StartFrom;
///
/// assert_eq!("now".parse(), Ok(StartFrom::Now));
/// assert_eq!("17".parse::<StartFrom>().unwrap().to_string(), "17");
/// assert!("2026-11-30T00:00:00Z".parse::<StartFrom>().is_ok());
/// assert!("soon".parse::<StartFrom>().is_err());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartFrom {
    /// What comes after the file was first opened for writing with it.
    #[default]
    Now,
    /// All there is.
    Beginning,
    /// What was recorded at this time or later.
    Time(Timestamp),
    /// What is at this position or after it.
    Position(Position),
}

/// A text that says no place in the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`start_from` is \"now\", \"beginning\", a time such as \"2026-11-30T00:00:00Z\", or a position from 1 on"
)]
pub struct InvalidStartFrom;

impl FromStr for StartFrom {
    type Err = InvalidStartFrom;

    fn from_str(text: &str) -> Result<Self, InvalidStartFrom> {
        match text {
            "now" => Ok(Self::Now),
            "beginning" => Ok(Self::Beginning),
            text => match text.parse::<u64>() {
                Ok(0) => Err(InvalidStartFrom),
                Ok(position) => Ok(Self::Position(Position::new(position))),
                Err(_) => text.parse().map(Self::Time).map_err(|_| InvalidStartFrom),
            },
        }
    }
}

impl fmt::Display for StartFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now => f.write_str("now"),
            Self::Beginning => f.write_str("beginning"),
            Self::Time(time) => time.fmt(f),
            Self::Position(position) => position.fmt(f),
        }
    }
}

/// The data of both events.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Said {
    /// The name of the sagas.
    saga: String,
    /// As it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start_from: Option<String>,
    /// Whether other sagas have read the log already, so that these have to catch up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    behind: bool,
    /// The position up to which no event starts one, or up to which they have caught up.
    cause: TransitionCause,
}

/// Which events start sagas of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    /// None up to this position.
    pub(super) after: Position,
    /// None that was recorded before this time.
    since: Option<Timestamp>,
    /// Whether these sagas have to catch up with the others.
    pub(super) behind: bool,
}

impl Rule {
    const ALL: Self = Self { after: Position::START, since: None, behind: false };

    fn allows(&self, event: &RecordedEvent) -> bool {
        event.position() > self.after && self.since.is_none_or(|since| event.recorded_at() >= since)
    }

    fn of(said: &Said) -> Self {
        let after = said.cause.position.unwrap_or(Position::START);
        let since = match said.start_from.as_deref().map(str::parse) {
            Some(Ok(StartFrom::Time(time))) => Some(time),
            _ => None,
        };
        Self { after, since, behind: said.behind }
    }
}

/// The rules of all names, as the log has them.
#[derive(Debug, Default)]
pub(super) struct Starts {
    rules: BTreeMap<String, Rule>,
    version: Version,
}

impl Sagas {
    /// The saga that an event is for: that there is, or that it may start.
    pub(super) async fn concerned(
        &self,
        event: &RecordedEvent,
        name: String,
        id: String,
        begun_as: Option<String>,
    ) -> Result<Option<SagaKey>, SagaError> {
        let may_start = self.may_start(&name, event).await?;
        let key = self.begun(name, id, begun_as).await?;
        let concerned = may_start || self.states.find(&key).await?.status.is_some();
        Ok(concerned.then_some(key))
    }

    /// Whether an event may start a saga of this name.
    pub(super) async fn may_start(&self, name: &str, event: &RecordedEvent) -> Result<bool, SagaError> {
        let starts = self.starts.get_or_try_init(|| self.recorded_starts(false)).await?;
        Ok(starts.get(name).is_none_or(|rule| rule.allows(event)))
    }

    /// Records from where on sagas are started whose name is new; before anything else is appended.
    pub(crate) async fn declare(&self) -> Result<(), SagaError> {
        if !self.routes.is_empty() {
            self.starts.get_or_try_init(|| self.recorded_starts(true)).await?;
        }
        Ok(())
    }

    /// The rule for each name of today: as recorded, else as it is recorded now, if there is the right to write.
    async fn recorded_starts(&self, write: bool) -> Result<BTreeMap<String, Rule>, SagaError> {
        loop {
            let recorded = self.read_starts().await?;
            let mut rules = BTreeMap::new();
            let mut new = Vec::new();
            for name in self.routes.names() {
                // One that had another name goes on from there.
                let mut names = std::iter::once(name).chain(self.routes.before(name));
                if let Some(rule) = names.find_map(|name| recorded.rules.get(name)) {
                    rules.insert(name.to_owned(), *rule);
                    continue;
                }
                let said = self.first_seen(name, recorded.version == Version::EMPTY).await?;
                rules.insert(name.to_owned(), Rule::of(&said));
                new.push(event(DECLARED, &said));
            }
            if !write || new.is_empty() {
                return Ok(rules);
            }
            match self.append_starts(recorded.version, new).await {
                // Another process has recorded something.
                Err(SagaError::Append { source: AppendError::Conflict { .. }, .. }) => {}
                done => return done.map(|()| rules),
            }
        }
    }

    /// What is recorded of a name that is new. Where nothing was ever recorded, sagas may have run before anything was.
    async fn first_seen(&self, name: &str, first_of_all: bool) -> Result<Said, SagaError> {
        let start_from = self.start_from.get(name).copied().unwrap_or_default();
        let kept = self.checkpoints.load(NAME).await?.map(|checkpoint| checkpoint.position);
        let said = |after: Position, behind| Said {
            saga: name.to_owned(),
            start_from: Some(start_from.to_string()),
            behind,
            cause: TransitionCause {
                position: Some(after).filter(|after| *after > Position::START),
                ..TransitionCause::default()
            },
        };
        if first_of_all && self.has_begun(name).await? {
            return Ok(said(Position::START, false));
        }
        Ok(match (start_from, kept) {
            // It may be one that has had no event yet; those after the checkpoint were read by none. One that is of a
            // later history than the log says nothing of what comes next.
            (StartFrom::Now, Some(kept)) if first_of_all => said(kept.min(self.store.head().await?), false),
            (StartFrom::Now, _) => said(self.store.head().await?, false),
            (StartFrom::Beginning | StartFrom::Time(_), kept) => said(Position::START, kept.is_some()),
            (StartFrom::Position(from), kept) => {
                said(Position::new(from.get().saturating_sub(1)), kept.is_some())
            }
        })
    }

    /// Whether there are sagas of a name, also one that it had before.
    async fn has_begun(&self, name: &str) -> Result<bool, SagaError> {
        let names = std::iter::once(name).chain(self.routes.before(name));
        let types = names.map(|name| format!("{STREAM_PREFIX}{name}")).collect();
        let query = QueryItem { aggregate_types: types, ..QueryItem::default() };
        let read = AllRead { limit: Some(1), ..AllRead::default() }.matching(query.into());
        Ok(self.store.read_all(read).next().await.transpose()?.is_some())
    }

    /// Which names have to catch up, and from where: they read the log from there as if it were new to them.
    pub(super) async fn behind(&self) -> Result<BTreeMap<String, Rule>, SagaError> {
        if self.looked.load(Ordering::Acquire) {
            return Ok(BTreeMap::new());
        }
        let starts = self.starts.get_or_try_init(|| self.recorded_starts(false)).await?;
        Ok(starts.iter().filter(|(_, rule)| rule.behind).map(|(name, rule)| (name.clone(), *rule)).collect())
    }

    /// Records that sagas of these names have read the log up to a position.
    pub(super) async fn caught_up(
        &self,
        names: impl Iterator<Item = &String>,
        to: Position,
    ) -> Result<(), SagaError> {
        let recorded = self.read_starts().await?;
        let cause = TransitionCause { position: Some(to), ..TransitionCause::default() };
        let said = |name: &String| Said {
            saga: name.clone(),
            start_from: None,
            behind: false,
            cause: cause.clone(),
        };
        // Where it was recorded under an older name, that one is through too.
        let names = names.flat_map(|name| {
            let before = self.routes.before(name).map(str::to_owned);
            std::iter::once(name.clone()).chain(before).filter(|name| recorded.rules.contains_key(name))
        });
        let events = names.map(|name| event(CAUGHT_UP, &said(&name))).collect();
        self.append_starts(recorded.version, events).await
    }

    async fn read_starts(&self) -> Result<Starts, SagaError> {
        let stream = stream();
        let mut starts = Starts::default();
        let mut events = self.store.read_stream(&stream, StreamRead::default());
        while let Some(event) = events.next().await.transpose()? {
            starts.version = event.version();
            let said: Said = serde_json::from_slice(event.data()).map_err(|error| SagaError::Unreadable {
                stream: stream.clone(),
                version: event.version(),
                reason: error.to_string(),
            })?;
            match event.event_type() {
                DECLARED => drop(starts.rules.insert(said.saga.clone(), Rule::of(&said))),
                CAUGHT_UP => {
                    let rule = starts.rules.entry(said.saga).or_insert(Rule::ALL);
                    rule.behind = false;
                }
                _ => {}
            }
        }
        Ok(starts)
    }

    async fn append_starts(&self, version: Version, events: Vec<NewEvent>) -> Result<(), SagaError> {
        if events.is_empty() {
            return Ok(());
        }
        let expected = if version == Version::EMPTY { Expected::NoStream } else { Expected::At(version) };
        let append = Append::to(stream(), expected).with_events(events);
        let appended = self.store.append(append).await;
        appended.map(drop).map_err(|source| SagaError::Append { stream: stream(), source })
    }
}

fn stream() -> StreamName {
    StreamName::system(STARTS_STREAM).expect("this is the name of a stream")
}

fn event(event_type: &str, said: &Said) -> NewEvent {
    let data = serde_json::to_vec(said).expect("texts and numbers always serialize");
    NewEvent::new(EventType::system(event_type).expect("the type is a name"), data)
}
