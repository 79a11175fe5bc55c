//! Where a saga stands, and all that happened to it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use futures::StreamExt as _;
use serde::Serialize;
use serde_json::value::RawValue;
use trunkline::saga::{Json, Recording, SagaDetail, SagaPart, SagaState, Status, Transition, Waiting};
use trunkline_core::{Origin, Position, Timestamp, Version};
use trunkline_store::{AllRead, EventStore, ReadError};

use super::fate::{StepFate, fates};
use super::order::raw;

/// Where a saga stands, and all that happened to it.
#[derive(Debug, Serialize)]
pub struct SagaReport<'a> {
    /// NAME-ID.
    pub saga: String,
    /// Its name.
    pub name: &'a str,
    /// Its id.
    pub id: &'a str,
    /// How it stands; none before it was started.
    pub status: Option<Status>,
    /// The step that it waits for.
    pub step: Option<&'a str>,
    /// When it was started.
    pub started_at: Timestamp,
    /// When something last happened to it.
    pub changed_at: Timestamp,
    /// What all that follows from what started it has in common.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<&'a str>,
    /// Why it failed.
    pub reason: Option<&'a str>,
    /// Why it can't go on.
    pub stuck: Option<&'a str>,
    /// The data that it was started with.
    pub start: &'a Json,
    /// What it remembers.
    pub state: &'a Json,
    /// What it will do when time has passed.
    pub timers: Vec<TimerLine>,
    /// Its steps, and what became of each.
    pub steps: Vec<StepFate>,
    /// What would still be sent on the way back.
    pub compensations: Vec<CompensationLine<'a>>,
    /// What it has sent.
    pub messages: Vec<SentLine<'a>>,
    /// What was recorded of it.
    pub history: Vec<HistoryLine>,
    /// All that is known of it.
    #[serde(skip)]
    pub detail: &'a SagaDetail,
}

/// Something that a saga does when time has passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TimerLine {
    /// What the time is for.
    pub what: String,
    /// When it will have passed.
    pub due: Timestamp,
}

/// What would undo what a step did.
#[derive(Debug, Serialize)]
pub struct CompensationLine<'a> {
    /// The step.
    pub step: &'a str,
    /// Where it would be sent.
    pub topic: &'a str,
    /// What would be sent.
    pub command: &'a str,
    /// With which data.
    pub data: &'a Json,
}

/// A message that a saga has sent.
#[derive(Debug, Serialize)]
pub struct SentLine<'a> {
    /// The version of the saga's stream that sent it first.
    pub message: Version,
    /// Its id in the queue.
    pub id: Option<String>,
    /// What it is for.
    pub part: SagaPart,
    /// The step.
    pub step: &'a str,
    /// Where it was sent.
    pub topic: &'a str,
    /// What was sent.
    pub command: &'a str,
    /// With which data.
    pub data: &'a Json,
    /// When it was sent first.
    pub sent_at: Timestamp,
    /// The position at which that was recorded.
    pub position: Position,
    /// How often it was sent.
    pub sendings: u32,
    /// Whether its answer has come.
    pub answered: bool,
}

/// Something that was recorded of a saga.
#[derive(Debug, Serialize)]
pub struct HistoryLine {
    /// Its place in the saga's stream.
    pub version: Version,
    /// Its place in the store.
    pub position: Position,
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: &'static str,
    /// The same with all that is known; its `cause` says why.
    pub data: Box<RawValue>,
    /// Who did what caused it, and why, once it was [looked up](SagaReport::look_up_origins).
    #[serde(skip_serializing_if = "Origin::is_empty")]
    pub origin: Origin,
}

impl<'a> SagaReport<'a> {
    /// That of this saga.
    pub fn of(detail: &'a SagaDetail) -> Self {
        let state = &detail.state;
        let history = detail.history.iter().map(|recording| HistoryLine {
            version: recording.version,
            position: recording.position,
            at: recording.at,
            event: recording.transition.name(),
            data: raw(&recording.transition),
            origin: Origin::default(),
        });
        Self {
            saga: format!("{}-{}", state.name, state.id),
            name: &state.name,
            id: &state.id,
            status: state.status,
            step: state.waiting.as_ref().map(|waiting| waiting.step.as_str()),
            started_at: state.started_at,
            changed_at: state.changed_at,
            correlation_id: state.correlation_id.as_deref(),
            reason: state.reason.as_deref(),
            stuck: state.stuck.as_deref(),
            start: &state.start,
            state: &state.state,
            timers: timers(state),
            steps: fates(detail),
            compensations: compensations(state),
            messages: detail.history.iter().filter_map(|recording| message(detail, recording)).collect(),
            history: history.collect(),
            detail,
        }
    }

    /// Looks up who did what caused each recording: the events that caused them say it.
    pub async fn look_up_origins(&mut self, store: &dyn EventStore) -> Result<(), ReadError> {
        let mut known: BTreeMap<Position, Origin> = BTreeMap::new();
        for (line, recording) in self.history.iter_mut().zip(&self.detail.history) {
            let cause = recording.transition.cause();
            // Of a time that came, the position says how far the log was read.
            let Some(position) = cause.position.filter(|_| cause.event_id.is_some()) else { continue };
            line.origin = match known.entry(position) {
                Entry::Occupied(known) => known.get().clone(),
                Entry::Vacant(unknown) => {
                    let read = AllRead { from: position, to: position, ..AllRead::default() };
                    let event = store.read_all(read).next().await.transpose()?;
                    let event = event.filter(|event| Some(event.event_id()) == cause.event_id);
                    let origin = event.map(|event| Origin::of(event.metadata())).unwrap_or_default();
                    unknown.insert(origin).clone()
                }
            };
        }
        Ok(())
    }
}

fn timers(state: &SagaState) -> Vec<TimerLine> {
    if !state.is_alive() {
        return Vec::new();
    }
    let step = state.waiting.as_ref().and_then(|waiting| {
        Some(TimerLine { what: purpose(waiting.part, &waiting.step), due: waiting.due? })
    });
    let whole = state.deadline.filter(|_| state.status == Some(Status::Running));
    step.into_iter()
        .chain(whole.map(|due| TimerLine { what: "for the whole saga".to_owned(), due }))
        .collect()
}

/// What would undo what was done, in the order in which it would go out.
fn compensations(state: &SagaState) -> Vec<CompensationLine<'_>> {
    let under_way = |waiting: &Waiting| waiting.part == SagaPart::Compensation;
    // The last one is what the saga waits for, when it is on the way back.
    let sent = usize::from(state.waiting.as_ref().is_some_and(under_way));
    let left = state.compensations.iter().rev().skip(sent);
    left.map(|(step, compensation)| CompensationLine {
        step,
        topic: &compensation.send.topic,
        command: &compensation.send.command,
        data: &compensation.send.data,
    })
    .collect()
}

/// The message that was sent first by a recording.
fn message<'a>(detail: &'a SagaDetail, recording: &'a Recording) -> Option<SentLine<'a>> {
    let Transition::Sent(sent) = &recording.transition else { return None };
    let version = recording.version;
    let sent_again = detail
        .history
        .iter()
        .filter(|other| matches!(&other.transition, Transition::Resent(resent) if resent.message == version));
    let answered = detail.state.messages.iter().any(|message| message.version == version && message.answered);
    Some(SentLine {
        message: version,
        id: detail.message_id(version).map(|id| id.to_string()),
        part: sent.part,
        step: &sent.step,
        topic: &sent.send.topic,
        command: &sent.send.command,
        data: &sent.send.data,
        sent_at: recording.at,
        position: recording.position,
        sendings: 1 + u32::try_from(sent_again.count()).unwrap_or(u32::MAX),
        answered,
    })
}

/// What a message is for.
pub fn purpose(part: SagaPart, step: &str) -> String {
    match part {
        SagaPart::Step => format!("for {step}"),
        SagaPart::Compensation => format!("to undo {step}"),
        SagaPart::Completed => "at the end".to_owned(),
        SagaPart::Failed => "at the end of the way back".to_owned(),
    }
}
