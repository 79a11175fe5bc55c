//! Doctor: whether an application is well, and what to do where it isn't.
//!
//! Each thing that is looked at has a file: a function `look`, which finds its facts by the code that the verbs of that
//! part use, and makes [`Check`]s of them. `subject` is what is looked at; a remedy names it as the operator has to, so
//! that it works as it is printed. `process` finds who runs the application: what waits to be done is bad where nobody
//! does, which `waiting` says; that nobody does where nothing waits is as it should be.
//! Nothing is changed, no right to write is needed, and all of it works beside the process that runs the application.
//! What can't be looked at is bad, and the rest is looked at all the same.

mod check;
mod subject;

mod waiting;

mod disk;
mod events;
mod laws;
mod messages;
mod process;
mod read_models;
mod relays;
mod restored;
mod sagas;

use serde::Serialize;

use crate::words::counted;
use crate::{OpsError, Verdict};

pub use check::{Check, Health};
pub(crate) use subject::command_on_queue;
pub use subject::{Subject, with_file, word};

/// Everything that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// Whether nothing is bad.
    pub well: bool,
    /// What was looked at.
    pub checks: Vec<Check>,
}

/// Looks at an application, and at the disk that its events are on.
pub async fn diagnose(subject: Subject<'_>) -> Diagnosis {
    let subject = &subject;
    let runs = &process::Runs::find(subject);
    let mut checks = Vec::new();
    checks.extend(process::look(subject, runs));
    checks.extend(seen(subject, events::NAME, events::look(subject).await));
    checks.extend(seen(subject, restored::NAME, restored::look(subject)));
    checks.extend(seen(subject, read_models::NAME, read_models::look(subject, runs).await));
    checks.extend(seen(subject, relays::NAME, relays::look(subject, runs).await));
    checks.extend(seen(subject, sagas::NAME, sagas::look(subject, runs).await));
    checks.extend(seen(subject, messages::NAME, messages::look(subject, runs).await));
    checks.extend(seen(subject, laws::NAME, laws::look(subject).await));
    checks.extend(disk::look(subject));
    Diagnosis { well: checks.iter().all(|check| check.state != Health::Bad), checks }
}

/// What was seen, or why it could not be looked at: the rest is looked at all the same.
fn seen(subject: &Subject<'_>, name: &'static str, looked: Result<Vec<Check>, OpsError>) -> Vec<Check> {
    looked.unwrap_or_else(|error| {
        let hints = subject.hints(&error.hints());
        let remedy = match error.code() {
            _ if !hints.is_empty() => hints,
            Some(code) => format!("`trunkline explain {}` says what to do", code.as_str()),
            None => "correct what it says, and ask again".to_owned(),
        };
        vec![Check::bad(name, format!("can't be looked at: {}", error.message()), remedy)]
    })
}

impl Diagnosis {
    /// Whether an operator has to do something.
    pub fn verdict(&self) -> Result<(), Verdict> {
        let bad = self.checks.iter().filter(|check| check.state == Health::Bad).count() as u64;
        if bad == 0 { Ok(()) } else { Err(Verdict::Unwell { what: counted(bad, "problem"), remedied: true }) }
    }
}
