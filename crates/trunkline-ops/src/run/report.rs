//! What came of a run.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use trunkline::law::LawReport;

use crate::Verdict;
use crate::messages::LeftOver;
use crate::sagas::SagaCounts;
use crate::words::counted;

/// Commands by their outcome.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct RunCounts {
    /// All of them.
    pub total: u64,
    /// Those that were accepted.
    pub accepted: u64,
    /// Those that were rejected.
    pub rejected: u64,
    /// Those that had no outcome.
    pub failed: u64,
    /// Those that had their outcome before.
    pub repeated: u64,
}

/// What consumers did with messages.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct RunMessages {
    /// How often one was handed out.
    pub delivered: u64,
    /// How often one was to be tried again.
    pub retried: u64,
    /// How many were given up.
    pub dead: u64,
}

/// How far a projection is.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct RunProjection {
    /// Its name.
    pub name: String,
    /// How many events it has not applied.
    pub lag_events: u64,
    /// Why it stopped.
    pub error: Option<String>,
}

/// A law, and whether it holds.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct LawLine {
    /// The law, in words.
    pub says: String,
    /// How many things it was held against, where that is known.
    pub of: Option<u64>,
    /// Whether it holds.
    pub holds: bool,
    /// The first breaches.
    pub breaches: Vec<Value>,
}

impl LawLine {
    /// A law that was held against so many things.
    pub(super) fn of(says: &str, of: u64, breaches: Vec<Value>) -> Self {
        Self { says: says.to_owned(), of: Some(of), holds: breaches.is_empty(), breaches }
    }
}

impl From<LawReport> for LawLine {
    fn from(LawReport { says, of, holds, breaches, .. }: LawReport) -> Self {
        Self { says, of, holds, breaches }
    }
}

/// What came of a run.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct RunReport {
    /// The commands by their outcome.
    pub commands: RunCounts,
    /// Why commands were rejected, the most frequent reason first.
    pub rejected_by_reason: IndexMap<String, u64>,
    /// Why commands failed, likewise.
    pub failed_by_reason: IndexMap<String, u64>,
    /// The events that were stored meanwhile, by type; without Trunkline's own.
    pub events: IndexMap<String, u64>,
    /// How all sagas stand.
    pub sagas: SagaCounts,
    /// What consumers did with messages.
    pub messages: RunMessages,
    /// What is left in the queue: what is delayed for long, and what is for groups that no consumer takes.
    #[serde(default)]
    pub left_over: Vec<LeftOver>,
    /// How far each projection is.
    pub projections: Vec<RunProjection>,
    /// What must hold: what the file declares, and what holds for every application.
    pub laws: Vec<LawLine>,
    /// How often the process was killed that did the work.
    pub crashes: u32,
    /// How long it took until all was at rest.
    pub seconds: f64,
    /// Commands in a second of that.
    pub commands_per_second: f64,
}

impl RunReport {
    /// What needs a look: what failed, is stuck, stopped or broken.
    fn concern(&self) -> Option<String> {
        let mut all = Vec::new();
        let mut note = |count: u64, what: &str| {
            if count > 0 {
                all.push(counted(count, what));
            }
        };
        note(self.commands.failed, "failed command");
        note(self.sagas.stuck, "stuck saga");
        note(self.messages.dead, "dead message");
        note(self.projections.iter().filter(|one| one.error.is_some()).count() as u64, "stopped projection");
        note(self.laws.iter().filter(|law| !law.holds).count() as u64, "broken law");
        (!all.is_empty()).then(|| all.join(", "))
    }

    /// [`Verdict::Unwell`] when something failed, is stuck, stopped or broken.
    pub fn verdict(&self) -> Result<(), Verdict> {
        self.concern().map_or(Ok(()), |what| Err(Verdict::Unwell { what, remedied: false }))
    }
}
