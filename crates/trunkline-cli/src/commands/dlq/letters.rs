//! What the verbs on dead letters share: which ones, in whose name, and how a decision is printed.

use std::io::{self, Write};

use clap::Args;
use trunkline_ops::OpsError;
use trunkline_ops::messages::{DeadLetterChoice, DeadLetterDecisionReport, Selection, decision_name};
use trunkline_queue::{
    DeadLetterFilter, DeadLetterId, DecisionOutcome, DecisionRecord, GroupName, TopicName,
};

use crate::failure::Failure;
use crate::output::{Format, Output, write_json};
use crate::render::{counted, time};

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
    /// Which ones, and in whose name; what chooses nothing, or two things at once, is refused.
    pub(super) fn selection(self) -> Result<(Selection, String), Failure> {
        let Self { ids, all, filter, by } = self;
        let selection = DeadLetterChoice { ids, all, filter: filter.filter() }.selection()?;
        Ok((selection, by.name()))
    }
}

/// Prints decisions, and says how many there are unless an error ended them.
pub(super) fn print_all(
    verb: &str,
    actions: &[DecisionRecord],
    done: Result<(), OpsError>,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    for action in actions {
        print(action, output)?;
    }
    done?;
    output.say(format_args!("{verb} {}", counted(actions.len() as u64, "dead letter")));
    Ok(())
}

/// Prints a decision: an object on a line, or a sentence.
pub(super) fn print(action: &DecisionRecord, output: &mut Output<'_>) -> Result<(), Failure> {
    match output.format {
        Format::Human => human(output.data(), action),
        Format::Json => write_json(output.data(), &DeadLetterDecisionReport::from(action)),
    }
    .map_err(Failure::Output)
}

fn human(out: &mut dyn Write, action: &DecisionRecord) -> io::Result<()> {
    let DecisionRecord {
        number,
        at,
        by,
        kind,
        dead_letter,
        topic,
        group,
        message_id,
        new_message_id,
        released,
        outcome,
    } = action;
    write!(
        out,
        "{number:>6}  {}  {by}: {} {dead_letter}, message {message_id}",
        time(*at),
        decision_name(*kind)
    )?;
    if let Some(new) = new_message_id {
        write!(out, " as {new}")?;
    }
    write!(out, " of {topic} for {group}")?;
    if *released > 0 {
        write!(out, ", which had held {}", counted(*released, "message"))?;
    }
    write!(out, ": ")?;
    match outcome {
        DecisionOutcome::Waiting => writeln!(out, "waiting"),
        DecisionOutcome::Done { at } => writeln!(out, "done {}", time(*at)),
        DecisionOutcome::DeadAgain { dead_letter, .. } => writeln!(out, "dead again, as {dead_letter}"),
        DecisionOutcome::Gone => writeln!(out, "gone"),
    }
}
