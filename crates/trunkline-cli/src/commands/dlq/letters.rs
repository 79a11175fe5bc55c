//! What the verbs on dead letters share: which ones, in whose name, and how a decision is printed.

use std::io::{self, Write};

use clap::Args;
use serde::Serialize;
use trunkline::OpenQueue;
use trunkline_core::Timestamp;
use trunkline_queue::{
    Action, BulkDecision, DeadLetterDecision, DeadLetterFilter, DeadLetterId, DecisionKind, DecisionOutcome,
    GroupName, MessageQueueExt as _, OperateQueueExt as _, SystemClock, TopicName,
};

use crate::failure::Failure;
use crate::output::{Format, Output, write_json};
use crate::queue::{QueueFailure, time};
use crate::render::counted;

/// Which dead letters; each kind of filter that is given must match.
#[derive(Debug, Args)]
pub(super) struct FilterArgs {
    /// Only of this topic
    #[arg(long, value_name = "TOPIC")]
    topic: Option<TopicName>,

    /// Only of this group
    #[arg(long, value_name = "GROUP")]
    group: Option<GroupName>,

    /// Only messages of this type
    #[arg(long = "type", value_name = "TYPE")]
    message_type: Option<String>,

    /// Only those that failed like this: numbers, ids and quoted parts may differ
    #[arg(long, value_name = "ERROR")]
    error_like: Option<String>,
}

impl FilterArgs {
    pub(super) fn filter(&self) -> DeadLetterFilter {
        DeadLetterFilter {
            topic: self.topic.clone(),
            group: self.group.clone(),
            message_type: self.message_type.clone(),
            error_like: self.error_like.clone(),
        }
    }

    fn is_empty(&self) -> bool {
        let Self { topic, group, message_type, error_like } = self;
        topic.is_none() && group.is_none() && message_type.is_none() && error_like.is_none()
    }
}

/// Dead letters to decide about: by id, filtered, or all.
#[derive(Debug, Args)]
pub(super) struct ChoiceArgs {
    /// The ids of dead letters
    #[arg(value_name = "ID", value_parser = id)]
    ids: Vec<DeadLetterId>,

    /// All dead letters
    #[arg(long, conflicts_with = "ids")]
    all: bool,

    #[command(flatten)]
    filter: FilterArgs,

    #[command(flatten)]
    by: ByArgs,
}

/// In whose name.
#[derive(Debug, Args)]
pub(in crate::commands) struct ByArgs {
    /// Who decides, for the record [default: $USER, else "operator"]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

impl ByArgs {
    pub(in crate::commands) fn name(&self) -> String {
        let user = || std::env::var("USER").ok().filter(|name| !name.is_empty());
        self.by.clone().or_else(user).unwrap_or_else(|| "operator".to_owned())
    }
}

#[expect(clippy::unnecessary_wraps, reason = "clap asks for a result, and every text may be an id")]
pub(super) fn id(text: &str) -> Result<DeadLetterId, String> {
    Ok(DeadLetterId(text.to_owned()))
}

impl ChoiceArgs {
    /// Decides about all that were chosen, at most so many a second, and prints each decision.
    pub(super) async fn decide(
        self,
        bulk: BulkDecision,
        rate: Option<f64>,
        opened: &OpenQueue,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let by = self.by.name();
        let queue = opened.queue.operate().map_err(QueueFailure::from)?;
        let mut actions = Vec::new();
        let done = if self.ids.is_empty() {
            let pace = rate.map(|rate| (rate, &SystemClock as &dyn trunkline_queue::Clock));
            let mut said = |action| actions.push(action);
            let filter = self.filter.filter();
            queue.decide_all(filter, bulk, &by, pace, &mut said).await.map(drop)
        } else {
            let mut done = Ok(());
            for id in self.ids {
                let decision = match bulk {
                    BulkDecision::Replay => DeadLetterDecision::Replay,
                    BulkDecision::Discard => DeadLetterDecision::Discard,
                };
                match queue.decide(id, decision, by.clone()).await {
                    Ok(action) => actions.push(action),
                    Err(error) => {
                        done = Err(error);
                        break;
                    }
                }
            }
            done
        };
        for action in &actions {
            print(action, output)?;
        }
        done.map_err(QueueFailure::from)?;
        let verb = if bulk == BulkDecision::Replay { "replayed" } else { "discarded" };
        output.say(format_args!("{verb} {}", counted(actions.len() as u64, "dead letter")));
        Ok(())
    }

    /// Refuses what chooses nothing, or two things at once.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let filtered = !self.filter.is_empty();
        let message = match (self.ids.is_empty(), self.all || filtered) {
            (true, false) => "which dead letters is not said",
            (false, true) => "ids and filters are given at once",
            _ => return Ok(()),
        };
        Err(Failure::Usage {
            message: message.to_owned(),
            hint: "give ids, or filters such as --group, or --all; `trunkline dlq list --each` lists them"
                .to_owned(),
        })
    }
}

/// A decision, as JSON.
#[derive(Debug, Serialize)]
struct ActionJson<'a> {
    number: u64,
    at: Timestamp,
    by: &'a str,
    decision: &'static str,
    dead_letter: &'a str,
    topic: &'a str,
    group: &'a str,
    message_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_message_id: Option<&'a str>,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dead_again: Option<&'a str>,
}

/// Prints a decision: an object on a line, or a sentence.
pub(super) fn print(action: &Action, output: &mut Output<'_>) -> Result<(), Failure> {
    match output.format {
        Format::Human => human(output.data(), action),
        Format::Json => write_json(output.data(), &json(action)),
    }
    .map_err(Failure::Output)
}

fn json(action: &Action) -> ActionJson<'_> {
    let (outcome, outcome_at, dead_again) = match &action.outcome {
        DecisionOutcome::Waiting => ("waiting", None, None),
        DecisionOutcome::Done { at } => ("done", Some(*at), None),
        DecisionOutcome::DeadAgain { at, dead_letter } => ("dead_again", Some(*at), Some(&*dead_letter.0)),
        DecisionOutcome::Gone => ("gone", None, None),
    };
    ActionJson {
        number: action.number,
        at: action.at,
        by: &action.by,
        decision: verb(action.kind),
        dead_letter: &action.dead_letter.0,
        topic: action.topic.as_str(),
        group: action.group.as_str(),
        message_id: action.message_id.as_str(),
        new_message_id: action.new_message_id.as_ref().map(trunkline_queue::MessageId::as_str),
        outcome,
        outcome_at,
        dead_again,
    }
}

fn verb(kind: DecisionKind) -> &'static str {
    match kind {
        DecisionKind::Replay => "replay",
        DecisionKind::Edit => "edit",
        DecisionKind::Discard => "discard",
    }
}

fn human(out: &mut dyn Write, action: &Action) -> io::Result<()> {
    let Action { number, at, by, kind, dead_letter, topic, group, message_id, new_message_id, outcome } =
        action;
    write!(out, "{number:>6}  {}  {by}: {} {dead_letter}, message {message_id}", time(*at), verb(*kind))?;
    if let Some(new) = new_message_id {
        write!(out, " as {new}")?;
    }
    write!(out, " of {topic} for {group}: ")?;
    match outcome {
        DecisionOutcome::Waiting => writeln!(out, "waiting"),
        DecisionOutcome::Done { at } => writeln!(out, "done {}", time(*at)),
        DecisionOutcome::DeadAgain { dead_letter, .. } => writeln!(out, "dead again, as {dead_letter}"),
        DecisionOutcome::Gone => writeln!(out, "gone"),
    }
}
