//! The world the tests run in, and the sections they register.

use std::time::Duration;

use trunkline_config::read::{Hook, Section, Size};
use trunkline_config::{
    Evaluated, FixedClock, Hooks, MemoryEnvironment, MemoryFiles, Schemas, Secret, World, check, evaluate,
};

/// 2024-02-29 13:07:09 UTC.
pub(crate) const CLOCK: FixedClock = FixedClock(1_709_212_029_000_000);

/// Files and variables for one test; `main` is `main.tsk`.
#[derive(Default)]
pub(crate) struct Given {
    pub(crate) main: String,
    pub(crate) files: MemoryFiles,
    pub(crate) environment: MemoryEnvironment,
}

impl Given {
    pub(crate) fn new(main: impl Into<String>) -> Self {
        Self { main: main.into(), ..Self::default() }
    }

    pub(crate) fn checked(self) -> Evaluated {
        self.checked_with(&schemas())
    }

    /// Sections that nobody registered are refused.
    pub(crate) fn checked_strictly(self) -> Evaluated {
        self.checked_with(&schemas().refusing_others())
    }

    fn checked_with(self, schemas: &Schemas) -> Evaluated {
        let files = self.files.with("main.tsk", self.main);
        let world = World { loader: &files, environment: &self.environment, clock: &CLOCK };
        check("main.tsk", world, &Hooks::default(), schemas).unwrap()
    }

    pub(crate) fn evaluated(self) -> Evaluated {
        let world = World { loader: &self.files, environment: &self.environment, clock: &CLOCK };
        evaluate("main.tsk", &self.main, world)
    }
}

pub(crate) fn lines(evaluated: &Evaluated) -> Vec<String> {
    evaluated.diagnostics.iter().map(|diagnostic| diagnostic.line(&evaluated.sources)).collect()
}

/// Sections as later parts of the project register them.
fn schemas() -> Schemas {
    Schemas::new()
        .with("snapshots", |section| {
            section.key("enabled").or(true);
            section.key("every").integer_within(1, 1_000_000);
        })
        .with("event_store", |section| {
            section.key("dsn").read::<Secret>();
            section.key("username").read::<String>();
            section.key("password").read::<Secret>();
            section.key("segment").or(Size::mebibytes(64));
            section.key("sync").one_of(&[("always", ()), ("never", ())]);
        })
        .with("read_db", |section| {
            section.key("dsn").read::<String>();
            section.key("statement_timeout").or(Duration::from_secs(5));
        })
        .with("event_driven", |section| {
            for key in ["event_store", "message_queue", "projections", "sagas", "replay"] {
                section.key(key).read::<Hook>();
            }
        })
        .with_each("queries", query)
}

fn query(section: &mut Section<'_>) {
    section.key("sql").required::<String>();
    section.key("returns").one_of(&[("one", ()), ("many", ()), ("value", ())]);
    section.key("params").section().each();
}
