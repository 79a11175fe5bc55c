//! The hooks that a file may name.

use trunkline_nearest::nearest;

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::evaluate::Evaluated;

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

    /// Every use of a name that is not known.
    ///
    /// ```
    /// use trunkline_config::{FixedClock, Hooks, MemoryEnvironment, MemoryFiles, World, load};
    ///
    /// let text = "[event_driven]\nevent_store: @go(\"events.ConfigureEventStor\")\n";
    /// let files = MemoryFiles::new().with("app.tsk", text);
    /// let environment = MemoryEnvironment::new();
    /// let world = World { loader: &files, environment: &environment, clock: &FixedClock(0) };
    /// let evaluated = load("app.tsk", world).unwrap();
    /// assert_eq!(
    ///     Hooks::default().check(&evaluated)[0].line(&evaluated.sources),
    ///     "line 2 col 18: no hook named \"events.ConfigureEventStor\"; did you mean \"events.ConfigureEventStore\"?",
    /// );
    /// ```
    pub fn check(&self, evaluated: &Evaluated) -> Vec<Diagnostic> {
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
