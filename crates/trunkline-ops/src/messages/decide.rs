//! Deciding about dead letters: which ones, and what came of it.

use std::time::Duration;

use serde::Serialize;
use trunkline_core::Timestamp;
use trunkline_queue::{
    BulkDecision, DeadLetter, DeadLetterDecision, DeadLetterFilter, DeadLetterId, DeadLettersRead,
    DecisionKind, DecisionOutcome, DecisionRecord, MessageId, MessageQueue, MessageQueueExt as _,
    OperateQueueExt as _, SystemClock,
};

use crate::OpsError;

/// Which dead letters are meant, as an operator names them: by id, filtered, or all.
#[derive(Clone, Debug, Default)]
pub struct DeadLetterChoice {
    /// These.
    pub ids: Vec<DeadLetterId>,
    /// All.
    pub all: bool,
    /// Those that match.
    pub filter: DeadLetterFilter,
}

/// Which dead letters are meant.
#[derive(Clone, Debug)]
pub enum Selection {
    /// These, in this order.
    Ids(Vec<DeadLetterId>),
    /// All that match.
    Matching(DeadLetterFilter),
}

impl DeadLetterChoice {
    /// What it selects, unless it chooses nothing, or two things at once.
    pub fn selection(self) -> Result<Selection, OpsError> {
        let Self { ids, all, filter } = self;
        let DeadLetterFilter { topic, group, message_type, error_like } = &filter;
        let is_filtered =
            topic.is_some() || group.is_some() || message_type.is_some() || error_like.is_some();
        let message = match (ids.is_empty(), all || is_filtered) {
            (true, true) => return Ok(Selection::Matching(filter)),
            (false, false) => return Ok(Selection::Ids(ids)),
            (true, false) => "which dead letters is not said",
            (false, true) => "ids and filters are given at once",
        };
        Err(OpsError::Invalid {
            message: message.to_owned(),
            hint: "give ids, or filters such as --group, or --all; `trunkline dlq list --each` lists them"
                .to_owned(),
        })
    }
}

impl Selection {
    /// The dead letters that it selects now.
    pub(super) async fn letters(&self, queue: &dyn MessageQueue) -> Result<Vec<DeadLetter>, OpsError> {
        let queue = queue.operate()?;
        let mut letters = Vec::new();
        match self {
            Self::Ids(ids) => {
                for id in ids {
                    letters.push(queue.dead_letter(id.clone()).await?);
                }
            }
            Self::Matching(filter) => {
                let mut read = DeadLettersRead { filter: filter.clone(), ..DeadLettersRead::default() };
                loop {
                    let page = queue.dead_letters(read.clone()).await?;
                    let Some(last) = page.last() else { break };
                    read.after = Some(last.id.clone());
                    letters.extend(page);
                }
            }
        }
        Ok(letters)
    }

    /// What it selects but for these; as it is, when there are none.
    pub async fn without(self, queue: &dyn MessageQueue, others: &[DeadLetter]) -> Result<Self, OpsError> {
        if others.is_empty() {
            return Ok(self);
        }
        let ids = self.letters(queue).await?.into_iter().map(|letter| letter.id);
        Ok(Self::Ids(ids.filter(|id| others.iter().all(|other| other.id != *id)).collect()))
    }
}

/// Decides about all that were selected, at most so many a second.
///
/// What was decided is given also where an error ends it.
pub async fn decide(
    queue: &dyn MessageQueue,
    selection: Selection,
    bulk: BulkDecision,
    rate: Option<f64>,
    by: &str,
) -> (Vec<DecisionRecord>, Result<(), OpsError>) {
    let mut actions = Vec::new();
    let queue = match queue.operate() {
        Ok(queue) => queue,
        Err(error) => return (actions, Err(error.into())),
    };
    let ids = match selection {
        Selection::Ids(ids) => ids,
        Selection::Matching(filter) => {
            let pace = rate.map(|rate| (rate, &SystemClock as &dyn trunkline_queue::Clock));
            let mut decided = |action| actions.push(action);
            let done = queue.decide_all(filter, bulk, by, pace, &mut decided).await;
            return (actions, done.map(drop).map_err(OpsError::from));
        }
    };
    for (number, id) in ids.into_iter().enumerate() {
        if let (Some(rate), true) = (rate, number > 0) {
            let pause = Duration::try_from_secs_f64(1.0 / rate).unwrap_or_default();
            tokio::time::sleep(pause).await;
        }
        let decision = match bulk {
            BulkDecision::Replay => DeadLetterDecision::Replay,
            BulkDecision::Discard => DeadLetterDecision::Discard,
        };
        match queue.decide(id, decision, by.to_owned()).await {
            Ok(action) => actions.push(action),
            Err(error) => return (actions, Err(error.into())),
        }
    }
    (actions, Ok(()))
}

/// What was decided about a dead letter, and what came of it.
#[derive(Debug, Serialize)]
pub struct DeadLetterDecisionReport<'a> {
    /// The number of the decision.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: &'a str,
    /// What: replay, edit or discard.
    pub decision: &'static str,
    /// The dead letter.
    pub dead_letter: &'a str,
    /// Its topic.
    pub topic: &'a str,
    /// The group that had given it up.
    pub group: &'a str,
    /// Its message.
    pub message_id: &'a str,
    /// The message that was sent in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_message_id: Option<&'a str>,
    /// How many messages the dead letter had held, which go on.
    pub released: u64,
    /// How it came out: waiting, done, `dead_again` or gone.
    pub outcome: &'static str,
    /// When it came out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome_at: Option<Timestamp>,
    /// The dead letter that became of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_again: Option<&'a str>,
}

impl<'a> From<&'a DecisionRecord> for DeadLetterDecisionReport<'a> {
    fn from(action: &'a DecisionRecord) -> Self {
        let (outcome, outcome_at, dead_again) = match &action.outcome {
            DecisionOutcome::Waiting => ("waiting", None, None),
            DecisionOutcome::Done { at } => ("done", Some(*at), None),
            DecisionOutcome::DeadAgain { at, dead_letter } => {
                ("dead_again", Some(*at), Some(&*dead_letter.0))
            }
            DecisionOutcome::Gone => ("gone", None, None),
        };
        Self {
            number: action.number,
            at: action.at,
            by: &action.by,
            decision: decision_name(action.kind),
            dead_letter: &action.dead_letter.0,
            topic: action.topic.as_str(),
            group: action.group.as_str(),
            message_id: action.message_id.as_str(),
            new_message_id: action.new_message_id.as_ref().map(MessageId::as_str),
            released: action.released,
            outcome,
            outcome_at,
            dead_again,
        }
    }
}

/// The name of a decision.
pub fn decision_name(kind: DecisionKind) -> &'static str {
    match kind {
        DecisionKind::Replay => "replay",
        DecisionKind::Edit => "edit",
        DecisionKind::Discard => "discard",
    }
}
