//! How the scenarios of an application went.

use serde::Serialize;
use trunkline::App;
use trunkline::scenario::{self, ScenarioReport};

use crate::Verdict;

/// How all scenarios went.
#[derive(Debug, Serialize)]
pub struct ScenariosReport {
    /// How many passed.
    pub passed: u64,
    /// How many did not.
    pub failed: u64,
    /// Each of them.
    pub scenarios: Vec<ScenarioReport>,
}

/// Runs the scenarios of an application, each over an empty store of its own.
pub async fn run_scenarios(app: &App) -> ScenariosReport {
    let scenarios = scenario::run(app).await;
    let failed = scenarios.iter().filter(|scenario| !scenario.passed).count() as u64;
    ScenariosReport { passed: scenarios.len() as u64 - failed, failed, scenarios }
}

impl ScenariosReport {
    /// Whether all passed.
    pub fn verdict(&self) -> Result<(), Verdict> {
        match self.failed {
            0 => Ok(()),
            failed => Err(Verdict::Scenarios { failed }),
        }
    }
}
