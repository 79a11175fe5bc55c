//! What happened to a saga, in words.

use trunkline::saga::{
    DoneBy, Failing, Freed, IgnoredCause, Outgoing, Recording, Resent, SagaPart, Sent, Skipped, StepDone,
    Stuck, Transition, TransitionCause,
};
use trunkline_core::{Origin, Position};
use trunkline_ops::sagas::purpose;

use crate::render::one_line;

/// What happened.
pub(super) fn happened(transition: &Transition) -> String {
    let words = match transition {
        Transition::Started(_) => "started".to_owned(),
        Transition::Sent(sent) => {
            let Sent { step, part, send: Outgoing { command, topic, .. }, .. } = &**sent;
            format!("sent {command} to {topic}, {}", purpose(*part, step))
        }
        Transition::Resent(Resent { step, message, attempt, .. }) => {
            format!("sent message {message} again, for {step}: attempt {attempt}")
        }
        Transition::Skipped(Skipped { step, .. }) => format!("passed {step} over"),
        Transition::StepDone(StepDone { step, part, by, reason, .. }) => {
            let what = match part {
                SagaPart::Step => format!("{step} is done"),
                SagaPart::Compensation => format!("{step} is undone"),
                SagaPart::Completed | SagaPart::Failed => "the last message is done".to_owned(),
            };
            let reason = reason.as_deref().unwrap_or_default();
            match by {
                DoneBy::Event | DoneBy::Accepted => what,
                DoneBy::Nothing => format!("{what}: nothing was left to do"),
                DoneBy::Rejected => format!("{what}: rejected, {reason}"),
                DoneBy::Resolved => format!("{what}: resolved, {reason}"),
            }
        }
        Transition::Noted(_) => "remembers something new".to_owned(),
        Transition::Failing(Failing { step: Some(step), reason, .. }) => {
            format!("fails at {step}: {reason}")
        }
        Transition::Failing(Failing { step: None, reason, .. }) => format!("fails: {reason}"),
        Transition::Completed(_) => "completed".to_owned(),
        Transition::Compensated(_) => "compensated".to_owned(),
        Transition::Stuck(Stuck { step, part, reason, .. }) => {
            format!("stuck, {}: {reason}", purpose(*part, step))
        }
        Transition::Freed(Freed { step, .. }) => format!("goes on at {step}, which has a name again"),
        Transition::Ignored(IgnoredCause { cause, why, .. }) => {
            format!("ignored {}: {why}", cause.event.as_deref().unwrap_or("something"))
        }
    };
    one_line(&words)
}

/// Why it happened.
pub(super) fn because(cause: &TransitionCause) -> String {
    let TransitionCause { position, event, operator, .. } = cause;
    let position = position.map(Position::get).unwrap_or_default();
    match (operator, event) {
        (Some(operator), _) => format!("ordered by {}", one_line(operator)),
        (None, Some(event)) => format!("{} at {position}", one_line(event)),
        (None, None) if position == 0 => "its definition changed".to_owned(),
        (None, None) => format!("its time came, by {position}"),
    }
}

/// What a recording is, on a line: what happened, and why and by whom.
pub(super) fn line(recording: &Recording, origin: &Origin) -> String {
    let by = by(origin);
    format!("{}  ({}{by})", happened(&recording.transition), because(recording.transition.cause()))
}

/// Who did it, to be said behind why.
pub(super) fn by(origin: &Origin) -> String {
    origin.actor.as_ref().map(|actor| format!(", by {}", one_line(actor))).unwrap_or_default()
}
