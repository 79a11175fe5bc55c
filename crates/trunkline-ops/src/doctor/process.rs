//! Whether a process runs the application.

use trunkline::Place;
use trunkline_place::folder_holder;

use super::{Check, Subject};

pub(super) const NAME: &str = "process";

/// The lock file of a store's or a queue's folder.
const LOCK_FILE: &str = "lock";

/// Who runs the application, as far as locks tell.
#[derive(Clone, Debug)]
pub(super) enum Runs {
    /// This process.
    Here,
    /// Another one, which calls itself so.
    Elsewhere(String),
    /// None.
    Nobody,
}

impl Runs {
    /// Who runs it: whoever does has its queue, and appends to its store.
    pub(super) fn find(subject: &Subject<'_>) -> Self {
        if subject.app.projections().is_running() {
            return Self::Here;
        }
        let queue = subject.app.queue_place().ok().flatten();
        let holder = match queue.as_ref().filter(|place| is_folder(place)) {
            Some(queue) => holder(queue),
            None => holder(subject.events),
        };
        holder.map_or(Self::Nobody, Self::Elsewhere)
    }

    pub(super) fn is_nobody(&self) -> bool {
        matches!(self, Self::Nobody)
    }

    /// What is to be done so that what waits is done.
    pub(super) fn remedy(&self, subject: &Subject<'_>) -> String {
        let run = subject.command_with_queue("run", "");
        match self {
            Self::Nobody => run,
            Self::Here => "what keeps it from going on is in the log of this process".to_owned(),
            Self::Elsewhere(who) => {
                format!("the log of {who} says what keeps it; with that process stopped, {run} says it too")
            }
        }
    }
}

pub(super) fn look(subject: &Subject<'_>, runs: &Runs) -> Option<Check> {
    if !is_folder(subject.events) {
        return None;
    }
    let says = match runs {
        Runs::Here => "this one runs it".to_owned(),
        Runs::Elsewhere(who) => format!("it is run by {who}"),
        Runs::Nobody => "none runs it now".to_owned(),
    };
    Some(Check::ok(NAME, says))
}

/// Whether a place is a folder on this machine, whose lock says who has it.
fn is_folder(place: &Place) -> bool {
    matches!(place.dsn.scheme(), "log" | "embedded")
}

fn holder(place: &Place) -> Option<String> {
    // A folder that can't be looked at is somebody else's check.
    folder_holder(place.dsn.path(), LOCK_FILE).ok().flatten().filter(|_| is_folder(place))
}
