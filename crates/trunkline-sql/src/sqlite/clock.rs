//! Where the texts of a projection ask for the machine's time, its time zone or for chance: a rebuild would give other
//! rows.
//!
//! `SQLite` tells which functions a statement calls, but not with what, and says nothing of the defaults of columns. So
//! the texts are looked at.

use std::ops::Range;

use crate::SqlValue;
use crate::text::{Kind, SqlProblem, Statement, tokens};

/// A projection's texts give the same rows whenever they are run.
pub(super) const VARIES: &str = "this gives another value whenever the projection is rebuilt";
/// What to write in their stead.
pub(super) const BIND: &str = "bind a part of the event, such as `:occurred_at`";

/// Words that are the time, without an argument.
const TIMES: [&str; 3] = ["current_time", "current_date", "current_timestamp"];

/// Functions that give what nobody can foresee.
const CHANCE: [&str; 2] = ["random", "randomblob"];

/// Functions of time, and how many arguments stand before the one that is a time; without it, they mean the present.
const OF_TIME: [(&str, usize); 7] = [
    ("date", 0),
    ("time", 0),
    ("datetime", 0),
    ("julianday", 0),
    ("unixepoch", 0),
    ("strftime", 1),
    ("timediff", 1),
];

/// Texts by which a function of time means the present.
const PRESENT: [&str; 3] = ["now", "subsec", "subsecond"];

/// Texts by which a function of time asks for the machine's time zone.
const ZONE: [&str; 2] = ["localtime", "utc"];

pub(super) fn is_chance(function: &str) -> bool {
    CHANCE.iter().chain(&TIMES).any(|name| name.eq_ignore_ascii_case(function))
}

/// The first place in a statement where it asks for time, zone or chance.
pub(super) fn asked_for(statement: &Statement) -> Option<SqlProblem> {
    let (range, what, fix) = found(statement.source())?;
    let start = statement.range().start;
    let range = start + range.start..start + range.end;
    Some(SqlProblem { range, what: what.to_owned(), fix: Some(fix.to_owned()) })
}

/// Refuses a statement of a program that asks for it.
pub(super) fn refuse(sql: &str) -> rusqlite::Result<()> {
    found(sql).map_or(Ok(()), |(range, what, fix)| Err(refusal(format!("`{}`: {what}; {fix}", &sql[range]))))
}

/// Refuses a value that a statement's function of time would take for the present, or for a zone.
///
/// Few values are such a text, so the statement is looked at only then.
pub(super) fn refuse_value(sql: &str, value: &SqlValue<'_>) -> rusqlite::Result<()> {
    match value {
        SqlValue::Text(text) if means_the_machine(text) && calls_time(sql) => {
            Err(refusal(format!("the value `{text}` would be the machine's time or zone; {BIND}")))
        }
        _ => Ok(()),
    }
}

fn refusal(what: String) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(what.into())
}

type Found = (Range<usize>, &'static str, &'static str);

fn found(source: &str) -> Option<Found> {
    let words: Vec<Word<'_>> = words(source).collect();
    words.iter().enumerate().find_map(|(at, word)| {
        let called = words.get(at + 1).is_some_and(|next| next.is("("));
        // What follows a dot is a column, whatever it is called.
        if word.kind != Kind::Word || (at > 0 && words[at - 1].is(".")) {
            return None;
        }
        if TIMES.iter().any(|name| word.is(name)) || (called && CHANCE.iter().any(|name| word.is(name))) {
            return Some((word.range.clone(), VARIES, BIND));
        }
        let (_, before) = OF_TIME.iter().find(|(name, _)| called && word.is(name))?;
        in_call(word, Arguments::of(&words[at + 2..]), *before)
    })
}

/// Whether a statement calls a function of time.
fn calls_time(source: &str) -> bool {
    words(source).any(|word| word.kind == Kind::Word && OF_TIME.iter().any(|(name, _)| word.is(name)))
}

/// Whether a function of time takes a text for the present, or for a zone.
fn means_the_machine(text: &str) -> bool {
    PRESENT.iter().chain(&ZONE).any(|word| word.eq_ignore_ascii_case(text))
}

fn in_call(function: &Word<'_>, arguments: Arguments<'_>, before: usize) -> Option<Found> {
    for word in arguments.words.iter().filter(|word| word.kind == Kind::Text) {
        let text = &word.text[1..word.text.len() - 1];
        if ZONE.iter().any(|zone| zone.eq_ignore_ascii_case(text)) {
            let what = "this gives another value on a machine in another time zone";
            return Some((word.range.clone(), what, "leave it out: times are in UTC"));
        }
        // The part of a second is no time where one stands before it.
        let is_first = PRESENT[1..].iter().any(|part| part.eq_ignore_ascii_case(text));
        if PRESENT[0].eq_ignore_ascii_case(text) || (is_first && arguments.count <= before + 1) {
            return Some((word.range.clone(), VARIES, BIND));
        }
    }
    (arguments.count <= before).then(|| (function.range.clone(), VARIES, BIND))
}

/// What stands between the parentheses of a call.
#[derive(Clone, Copy)]
struct Arguments<'a> {
    words: &'a [Word<'a>],
    count: usize,
}

impl<'a> Arguments<'a> {
    /// Those of a call whose words begin behind its parenthesis.
    fn of(words: &'a [Word<'a>]) -> Self {
        let (mut depth, mut commas) = (0_usize, 0);
        for (at, word) in words.iter().enumerate() {
            match word.text {
                "(" => depth += 1,
                ")" if depth == 0 => {
                    return Self { words: &words[..at], count: if at == 0 { 0 } else { commas + 1 } };
                }
                ")" => depth -= 1,
                "," if depth == 0 => commas += 1,
                _ => {}
            }
        }
        Self { words, count: commas + 1 }
    }
}

/// A token that isn't space.
struct Word<'a> {
    kind: Kind,
    text: &'a str,
    range: Range<usize>,
}

impl Word<'_> {
    fn is(&self, text: &str) -> bool {
        self.text.eq_ignore_ascii_case(text)
    }
}

fn words(source: &str) -> impl Iterator<Item = Word<'_>> {
    let tokens = tokens(source).filter(|token| token.kind != Kind::Space);
    tokens.map(|token| Word { kind: token.kind, text: &source[token.range.clone()], range: token.range })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{ParameterScope, compile};

    fn judged(sql: &str) -> Option<(String, String)> {
        let text = format!("INSERT INTO t VALUES ({sql})");
        let statements = compile(&text, ParameterScope::Event).unwrap();
        asked_for(&statements[0]).map(|problem| (text[problem.range].to_owned(), problem.what))
    }

    #[test]
    fn the_present_is_found_however_it_is_written() {
        for (sql, place) in [
            ("CURRENT_TIMESTAMP", "CURRENT_TIMESTAMP"),
            ("datetime('now')", "'now'"),
            ("DateTime ( 'NOW' )", "'NOW'"),
            ("date(/* here */ 'now', 'start of month')", "'now'"),
            ("date(coalesce(:data.x, 'now'))", "'now'"),
            ("strftime('%s', 'now')", "'now'"),
            ("strftime('%Y')", "strftime"),
            ("unixepoch('subsec')", "'subsec'"),
            ("unixepoch()", "unixepoch"),
            ("upper(date())", "date"),
            ("timediff(:data.x, 'now')", "'now'"),
            ("random()", "random"),
            ("hex(randomblob(4))", "randomblob"),
        ] {
            assert_eq!(judged(sql), Some((place.to_owned(), VARIES.to_owned())), "{sql}");
        }
    }

    #[test]
    fn the_zone_of_the_machine_is_found() {
        for sql in ["date(:occurred_at, 'localtime')", "datetime(:data.at, '+1 day', 'UTC')"] {
            assert!(judged(sql).unwrap().1.contains("time zone"), "{sql}");
        }
    }

    #[test]
    fn a_value_that_would_be_the_present_is_refused_where_a_time_is_made_of_it() {
        for (sql, value, refused) in [
            ("SELECT datetime(?1)", "Now", true),
            ("SELECT date('2026-01-01', ?1)", "localtime", true),
            ("SELECT datetime(?1)", "2026-01-01", false),
            ("SELECT lower(?1)", "now", false),
        ] {
            assert_eq!(refuse_value(sql, &value.into()).is_err(), refused, "{sql} {value}");
        }
    }

    #[test]
    fn what_rests_on_the_event_alone_is_left() {
        for sql in [
            "datetime(:occurred_at)",
            "unixepoch(:occurred_at, 'subsec')",
            "strftime('%Y', :data.at, 'start of year')",
            "'now'",
            "'date()'",
            "t.current_date",
            "\"date\"",
            "replace(:data.x, 'now', 'then')",
            "julianday(:data.to) - julianday(:data.at)",
        ] {
            assert_eq!(judged(sql), None, "{sql}");
        }
    }
}
