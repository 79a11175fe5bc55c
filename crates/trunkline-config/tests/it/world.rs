//! The world the tests run in, and sections as an application reads them.

use std::time::Duration;

use trunkline_config::read::{HookName, Reader, Section, Size};
use trunkline_config::{
    Diagnostic, Evaluated, FixedClock, Hooks, MemoryEnvironment, MemoryFiles, Secret, World, evaluate, load,
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

    /// Evaluated, its hooks checked, and its sections read.
    pub(crate) fn checked(self) -> Evaluated {
        self.checked_with(false)
    }

    /// Sections that nobody reads are refused.
    pub(crate) fn checked_strictly(self) -> Evaluated {
        self.checked_with(true)
    }

    fn checked_with(self, strictly: bool) -> Evaluated {
        let files = self.files.with("main.tsk", self.main);
        let world = World { loader: &files, environment: &self.environment, clock: &CLOCK };
        let mut evaluated = load("main.tsk", world).unwrap();
        let reader = Reader::new();
        read_sections(&reader, &evaluated, strictly);
        let found = Hooks::default().check(&evaluated).into_iter().chain(reader.diagnostics());
        evaluated.diagnostics.extend(found);
        evaluated.diagnostics.sort_by_key(Diagnostic::span);
        evaluated
    }

    pub(crate) fn evaluated(self) -> Evaluated {
        let world = World { loader: &self.files, environment: &self.environment, clock: &CLOCK };
        evaluate("main.tsk", &self.main, world)
    }
}

pub(crate) fn lines(evaluated: &Evaluated) -> Vec<String> {
    evaluated.diagnostics.iter().map(|diagnostic| diagnostic.line(&evaluated.sources)).collect()
}

/// Sections of several kinds, read as an application does.
fn read_sections(reader: &Reader, evaluated: &Evaluated, strictly: bool) {
    let mut root = reader.root(&evaluated.root);
    let mut read = |name: &str, keys: fn(&mut Section<'_>)| {
        let mut section = root.key(name).section();
        keys(&mut section);
        section.finish();
    };
    read("snapshots", |section| {
        section.key("enabled").or(true);
        section.key("every").integer_within(1, 1_000_000);
    });
    read("event_store", |section| {
        section.key("dsn").read::<Secret>();
        section.key("username").read::<String>();
        section.key("password").read::<Secret>();
        section.key("segment").or(Size::mebibytes(64));
        section.key("sync").one_of(&[("always", ()), ("never", ())]);
    });
    read("read_db", |section| {
        section.key("dsn").read::<String>();
        section.key("statement_timeout").or(Duration::from_secs(5));
    });
    read("event_driven", |section| {
        for key in ["event_store", "message_queue", "projections", "sagas", "replay"] {
            section.key(key).read::<HookName>();
        }
    });
    read("queries", |section| {
        for (_, field) in section.each() {
            let mut query = field.section();
            query.key("sql").required::<String>();
            query.key("returns").one_of(&[("one", ()), ("many", ()), ("value", ())]);
            query.key("params").section().each();
            query.finish();
        }
    });
    if strictly {
        root.finish();
    }
}
