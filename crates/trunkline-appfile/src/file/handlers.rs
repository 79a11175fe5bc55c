//! `[cqrs.command_handlers]` and `[cqrs.query_handlers]`: names of commands and queries, and of the handlers
//! that the program registered for them.

use std::collections::BTreeSet;

use trunkline_config::read::{Field, Section};
use trunkline_config::{Diagnostic, nearest};

use super::{Definition, Reading, codes};

/// A name of the file, and the handler that the program registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The command or query.
    pub name: String,
    /// The handler, such as `orders.CreateOrderHandler`.
    pub handler: String,
}

pub(super) fn read(field: &Field<'_>, reading: &Reading<'_>, definition: &mut Definition) {
    let registered = reading.registered;
    let mut section = field.section();
    let commands = section.key("command_handlers");
    let queries = section.key("query_handlers");
    definition.command_handlers = mappings(&commands, "command", &registered.command_handlers, reading);
    definition.query_handlers = mappings(&queries, "query", &registered.query_handlers, reading);
    for (field, what, all, used) in [
        (&commands, "command", &registered.command_handlers, &definition.command_handlers),
        (&queries, "query", &registered.query_handlers, &definition.query_handlers),
    ] {
        report_unused(field, &section, what, all, used);
    }
    let mut handled = commands.section();
    for (name, field) in handled.each() {
        let by = match () {
            () if definition.commands.contains_key(name) => "declared in the file",
            () if registered.commands.contains(name) => "handled by the program",
            () => continue,
        };
        let message = format!("the command \"{name}\" has a handler here and is {by} too");
        let wrong = Diagnostic::error(codes::HANDLED_TWICE, field.span(), message);
        field.reader().report(wrong.fix("keep one of them"));
    }
    section.finish();
}

fn mappings(
    field: &Field<'_>,
    what: &str,
    registered: &BTreeSet<String>,
    reading: &Reading<'_>,
) -> Vec<Mapping> {
    let mut section = field.section();
    let mut mappings = Vec::new();
    for (name, field) in section.each() {
        if !field.is_present() {
            let message = format!("the {what} \"{name}\" has no handler");
            let wrong = Diagnostic::error(codes::NO_HANDLER, field.span(), message);
            field
                .reader()
                .report(wrong.fix("name one that the program registers, such as \"package.Handler\""));
            continue;
        }
        let Some(handler) = field.read::<String>() else { continue };
        if registered.contains(&handler) {
            mappings.push(Mapping { name: name.to_owned(), handler });
        } else {
            field.reader().report(unresolved(&field, what, &handler, registered, reading));
        }
    }
    mappings
}

fn unresolved(
    field: &Field<'_>,
    what: &str,
    handler: &str,
    registered: &BTreeSet<String>,
    reading: &Reading<'_>,
) -> Diagnostic {
    let message = format!("no {what} handler named \"{handler}\" is registered");
    let diagnostic = reading.unresolved(field.span(), message);
    let diagnostic = match nearest(handler, registered.iter().map(String::as_str)) {
        Some(near) => diagnostic.did_you_mean(Some(near)),
        None => diagnostic.fix("register it in the program, or declare the behaviour in this file"),
    };
    if handler.contains('\\') {
        return diagnostic.note(
            "this looks like a PHP class: Rust code registers handlers under names, and code in other \
             languages is called as a webhook of [consumers.NAME]",
        );
    }
    diagnostic
}

/// Handlers that the program registered and the file does not name do nothing.
fn report_unused(
    field: &Field<'_>,
    section: &Section<'_>,
    what: &str,
    registered: &BTreeSet<String>,
    used: &[Mapping],
) {
    for handler in registered.iter().filter(|name| !used.iter().any(|mapping| mapping.handler == **name)) {
        let message = format!("the program registers the {what} handler \"{handler}\", which nothing names");
        let diagnostic = Diagnostic::warning(codes::UNUSED, field.span(), message);
        let fix = format!("name it here: [cqrs.{what}_handlers] NAME: \"{handler}\"");
        section.reader().report(diagnostic.fix(fix));
    }
}
