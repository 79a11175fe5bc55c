//! Checking a file: its syntax and values, the hooks it names, and the sections that somebody registered.

use std::fmt;

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::evaluate::{Evaluated, load};
use crate::nearest::nearest;
use crate::outside::{LoadError, World};
use crate::read::{Reader, Section};

/// The hooks that every program has.
const DEFAULT_HOOKS: [&str; 5] = [
    "events.ConfigureEventStore",
    "events.ConfigureMessageQueue",
    "events.ConfigureProjections",
    "events.ConfigureSagas",
    "events.ConfigureReplay",
];

/// The names that `@go` may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hooks {
    names: Vec<String>,
}

impl Default for Hooks {
    /// The five that every program has.
    fn default() -> Self {
        Self { names: DEFAULT_HOOKS.map(str::to_owned).to_vec() }
    }
}

impl Hooks {
    /// Adds a name that the program registered.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>) -> Self {
        self.names.push(name.into());
        self
    }

    /// Whether a name is known.
    pub fn contains(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    fn check(&self, evaluated: &Evaluated) -> Vec<Diagnostic> {
        let unknown = evaluated.hooks.iter().filter(|used| !self.contains(&used.name));
        let report = |used: &crate::evaluate::HookUse| {
            let message = format!("no hook named \"{}\"", used.name);
            let near = nearest(&used.name, self.names.iter().map(String::as_str));
            Diagnostic::error(codes::UNKNOWN_HOOK, used.span, message)
                .did_you_mean(near)
                .note(format!("the hooks are {}", self.names.join(", ")))
        };
        unknown.map(report).collect()
    }
}

type Check = Box<dyn for<'a, 'b> Fn(&'b mut Section<'a>)>;

/// Who reads which section.
#[derive(Default)]
pub struct Schemas {
    sections: Vec<(String, Check)>,
    others_refused: bool,
}

impl Schemas {
    /// No sections yet: every section is let through.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers the reading of a section. Reading is checking: what the function asks for may be there, what it finds
    /// wrong is reported, and keys it never asks for are unknown ones.
    #[must_use]
    pub fn with(mut self, section: impl Into<String>, check: impl Fn(&mut Section<'_>) + 'static) -> Self {
        self.sections.push((section.into(), Box::new(check)));
        self
    }

    /// Registers the reading of sections such as `[events.NAME]`: the function sees each of them.
    #[must_use]
    pub fn with_each(self, section: impl Into<String>, check: impl Fn(&mut Section<'_>) + 'static) -> Self {
        self.with(section, move |all| {
            for (_, field) in all.each() {
                let mut section = field.section();
                check(&mut section);
                section.finish();
            }
        })
    }

    /// From now on, a section that nobody registered is an error.
    #[must_use]
    pub fn refusing_others(mut self) -> Self {
        self.others_refused = true;
        self
    }

    /// Reads every registered section of a file and gives what is wrong.
    pub fn check(&self, evaluated: &Evaluated) -> Vec<Diagnostic> {
        let reader = Reader::new();
        let mut root = reader.root(&evaluated.root);
        for (name, check) in &self.sections {
            let field = root.key(name);
            if field.node().is_some() {
                let mut section = field.section();
                check(&mut section);
                section.finish();
            }
        }
        if self.others_refused {
            self.check_others(evaluated, &reader);
        }
        drop(root);
        reader.diagnostics()
    }

    fn check_others(&self, evaluated: &Evaluated, reader: &Reader) {
        let names = || self.sections.iter().map(|(name, _)| name.as_str());
        let Some(root) = evaluated.root.value.as_object() else { return };
        for (key, entry) in root.iter().filter(|(key, _)| !names().any(|name| name == *key)) {
            let message = format!("there is no section \"{key}\"");
            let diagnostic = Diagnostic::error(codes::UNKNOWN_SECTION, entry.key_span, message)
                .did_you_mean(nearest(key, names()));
            reader.report(
                diagnostic.note(format!("the sections are {}", names().collect::<Vec<_>>().join(", "))),
            );
        }
    }
}

impl fmt::Debug for Schemas {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.sections.iter().map(|(name, _)| name);
        formatter.debug_list().entries(names).finish()
    }
}

/// Loads a file and checks everything that can be known of it. What it finds is among the diagnostics of the result.
///
/// ```
/// use trunkline_config::{FixedClock, Hooks, MemoryEnvironment, MemoryFiles, Schemas, World, check};
///
/// let files = MemoryFiles::new().with("app.tsk", "[event_driven]\nevent_store: @go(\"events.ConfigureEventStor\")\n");
/// let environment = MemoryEnvironment::new();
/// let world = World { loader: &files, environment: &environment, clock: &FixedClock(0) };
/// let checked = check("app.tsk", world, &Hooks::default(), &Schemas::new()).unwrap();
/// assert_eq!(
///     checked.diagnostics[0].line(&checked.sources),
///     "line 2 col 18: no hook named \"events.ConfigureEventStor\"; did you mean \"events.ConfigureEventStore\"?",
/// );
/// ```
pub fn check(name: &str, world: World<'_>, hooks: &Hooks, schemas: &Schemas) -> Result<Evaluated, LoadError> {
    let mut evaluated = load(name, world)?;
    let found: Vec<Diagnostic> =
        hooks.check(&evaluated).into_iter().chain(schemas.check(&evaluated)).collect();
    evaluated.diagnostics.extend(found);
    evaluated.diagnostics.sort_by_key(Diagnostic::span);
    Ok(evaluated)
}
