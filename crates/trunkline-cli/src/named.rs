//! What a command line names, so that a remedy is printed as it is typed: for the same file, the same store and queue.

use clap::ArgMatches;
use trunkline_ops::doctor::{with_file, word};

/// The application file of a command line, with the flags that say where its data are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Named {
    file: Option<String>,
    store: String,
    queue: String,
}

impl Named {
    /// What the innermost command of a command line names.
    pub(crate) fn of(mut matches: &ArgMatches) -> Self {
        while let Some((_, inner)) = matches.subcommand() {
            matches = inner;
        }
        let text = |name: &str| matches.try_get_one::<String>(name).ok().flatten();
        let flag = |name: &str| text(name).map_or_else(String::new, |dsn| format!(" --{name} {}", word(dsn)));
        Self {
            file: text("file").map(|file| word(file).into_owned()),
            store: flag("store"),
            queue: flag("queue"),
        }
    }

    /// A text with what was named in the place of `FILE`.
    pub(crate) fn put_into(&self, text: String) -> String {
        let Self { file: Some(file), store, queue } = self else { return text };
        let text = text.replace("reconcile FILE`", &format!("reconcile {file}{store}{queue}`"));
        with_file(&text, &format!("{file}{store}"))
    }
}
