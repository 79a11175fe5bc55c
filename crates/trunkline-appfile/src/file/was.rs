//! `was`: names that something had before, by which what was begun under them is found.

use trunkline_config::read::Field;
use trunkline_config::{Diagnostic, Span};

use super::codes;

/// A name that something had before, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WasName {
    /// The name.
    pub name: String,
    /// Where it stands.
    pub span: Span,
}

/// A name, or a list of names.
pub(super) fn read(field: &Field<'_>) -> Vec<WasName> {
    let names = field.item_or_items().into_iter();
    names.filter_map(|item| Some(WasName { name: item.read()?, span: item.span() })).collect()
}

/// That no name of before is one of today, nor that of two.
pub(super) fn check<'a>(field: &Field<'_>, what: &str, all: impl Iterator<Item = (&'a str, &'a [WasName])>) {
    let all: Vec<_> = all.collect();
    let mut claimed: Vec<(&str, &str)> = Vec::new();
    for (today, was) in all.iter().flat_map(|&(today, was)| was.iter().map(move |was| (today, was))) {
        let name = was.name.as_str();
        let taken = claimed.iter().find(|(other, _)| *other == name).map(|(_, today)| *today);
        let message = if all.iter().any(|(declared, _)| *declared == name) {
            format!("there is a {what} \"{name}\" still, so \"{today}\" can't have been that")
        } else if let Some(other) = taken {
            format!("\"{other}\" says already that it was the {what} \"{name}\"")
        } else {
            claimed.push((name, today));
            continue;
        };
        let declared: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
        let note = format!("declared here: {}", declared.join(", "));
        let wrong = Diagnostic::error(codes::BAD_WAS, was.span, message).note(note);
        field.reader().report(wrong.fix("name what it was called before, which nothing is called now"));
    }
}
