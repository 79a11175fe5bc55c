//! The application that is looked at, and how its operator names it on the command line.

use std::borrow::Cow;

use trunkline::{App, Dsn, Origin, Place, Role};

/// An application, with what names it on the command line.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The application.
    pub app: &'a App,
    /// Its file.
    pub file: &'a str,
    /// Where its events are, and what named the place.
    pub events: &'a Place,
}

impl<'a> Subject<'a> {
    /// An application of this file, whose events are where the place says.
    pub fn new(app: &'a App, file: &'a str, events: &'a Place) -> Self {
        Self { app, file, events }
    }

    /// A command on the application, as it is typed: with the flag by which its events are found, where one is needed.
    pub(super) fn command(&self, verb: &str, rest: &str) -> String {
        let store = flag(self.events, |origin| matches!(origin, Origin::Flag(_)));
        quoted(&[verb, &word(self.file), rest, &store])
    }

    /// The same for a command that uses its queue, too.
    pub(super) fn command_with_queue(&self, verb: &str, rest: &str) -> String {
        let store = flag(self.events, |origin| matches!(origin, Origin::Flag(_)));
        let queue = self.queue(|origin| matches!(origin, Origin::Flag(_)));
        quoted(&[verb, &word(self.file), rest, &store, &queue])
    }

    /// A command on the events alone, which knows no file.
    pub(super) fn command_on_events(&self, verb: &str, rest: &str) -> String {
        quoted(&[verb, rest, &flag(self.events, is_named_by_file_or_flag)])
    }

    /// A command on the queue alone, which knows no file.
    pub(super) fn command_on_queue(&self, verb: &str, rest: &str) -> String {
        command_on_queue(self.app, verb, rest)
    }

    /// What an error says can be done, with the file and the places in it.
    pub(super) fn hints(&self, hints: &[String]) -> String {
        let hints = hints
            .join("; ")
            .replace("`trunkline verify`", &self.command_on_events("verify", ""))
            .replace("`trunkline reconcile FILE`", &self.command_with_queue("reconcile", ""));
        let store = flag(self.events, |origin| matches!(origin, Origin::Flag(_)));
        let file = word(self.file);
        with_file(&hints, &if store.is_empty() { file.into_owned() } else { format!("{file} {store}") })
    }

    fn queue(&self, is_needed: impl Fn(Origin) -> bool) -> String {
        queue(self.app, is_needed)
    }
}

/// A command on the queue of an application, which knows no file.
pub(crate) fn command_on_queue(app: &App, verb: &str, rest: &str) -> String {
    quoted(&[verb, rest, &queue(app, is_named_by_file_or_flag)])
}

fn queue(app: &App, is_needed: impl Fn(Origin) -> bool) -> String {
    let place = app.queue_place().ok().flatten();
    place.map_or_else(String::new, |place| flag(&place, is_needed))
}

/// What an error says, or says can be done, with this in the place of the word `FILE`: the application file, and the flags
/// that go with it.
pub fn with_file(text: &str, file: &str) -> String {
    let is_of_word = |character: char| character.is_alphanumeric() || "-_.".contains(character);
    let (mut with, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("FILE") {
        with.push_str(before);
        let is_word = !with.ends_with(is_of_word) && !after.starts_with(is_of_word);
        with.push_str(if is_word { file } else { "FILE" });
        rest = after;
    }
    with + rest
}

/// The environment and the default mean the same for the next command.
fn is_named_by_file_or_flag(origin: Origin) -> bool {
    matches!(origin, Origin::Flag(_) | Origin::File)
}

fn flag(Place { role, dsn, origin }: &Place, is_needed: impl Fn(Origin) -> bool) -> String {
    let name = match role {
        Role::Messages => "--queue",
        _ => "--store",
    };
    if is_needed(*origin) { format!("{name} {}", word(&Dsn::to_string(dsn))) } else { String::new() }
}

/// A command line of these parts, in backquotes.
fn quoted(parts: &[&str]) -> String {
    let parts: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    format!("`trunkline {}`", parts.join(" "))
}

/// One word of a command line, for a shell.
pub fn word(text: &str) -> Cow<'_, str> {
    let is_plain = |character: char| character.is_alphanumeric() || "-_./:=,@%+".contains(character);
    if !text.is_empty() && text.chars().all(is_plain) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_names_the_file_wherever_it_stands() {
        for (hint, named) in [
            ("`trunkline reconcile FILE` brings", "`trunkline reconcile a.tsk` brings"),
            ("trunkline projection rebuild FILE orders", "trunkline projection rebuild a.tsk orders"),
            (
                "`trunkline saga show FILE SAGA`; trunkline saga list FILE",
                "`trunkline saga show a.tsk SAGA`; trunkline saga list a.tsk",
            ),
            ("FILES, FILE_NAME and a-FILE", "FILES, FILE_NAME and a-FILE"),
        ] {
            assert_eq!(with_file(hint, "a.tsk"), named);
        }
    }

    #[test]
    fn a_word_is_quoted_where_a_shell_would_take_it_apart() {
        for (text, typed) in [
            ("shop/orders.tsk", "shop/orders.tsk"),
            ("log:./d/events", "log:./d/events"),
            ("my shop.tsk", "'my shop.tsk'"),
            ("it's", r"'it'\''s'"),
            ("a;b", "'a;b'"),
            ("", "''"),
        ] {
            assert_eq!(word(text), typed);
        }
    }
}
