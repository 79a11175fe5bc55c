//! What differs from CEL by rule, with the reason: the written list for its conformance tests.
//!
//! A rule says by what a test asks for whether it differs, and how it ends then. A test that a rule applies to and that
//! passes all the same is a mistake in the list, and so is one that ends in another way.

use crate::conformance::{Outcome, TESTS};
use serde_json::Value as Json;
use trunkline_cel::MistakeKind;

pub(crate) struct Rule {
    /// As the reference begins with it.
    pub(crate) name: &'static str,
    /// How many of the tests differ by it and by none before it.
    pub(crate) tests: usize,
    pub(crate) applies: fn(&Json) -> bool,
    pub(crate) ends: fn(&Json, &Outcome) -> bool,
}

/// The first that applies counts.
pub(crate) const RULES: [Rule; 8] = [
    // Data is JSON, which has no types with a name.
    Rule {
        name: "no message types",
        tests: 98,
        applies: |test| wants_value(test) && has_message(&bare(test)),
        ends: |_, outcome| is_refused(outcome, &["there are no message types here"]),
    },
    // JSON has one kind of integer. What came of `1` and `1u` in CEL, an error, would surprise who never wrote a `u`.
    Rule {
        name: "no unsigned integers",
        tests: 173,
        applies: |test| wants_value(test) && has_uint(&bare(test)),
        ends: |_, outcome| is_refused(outcome, &["there are no unsigned integers", "`uint`"]),
    },
    // JSON cannot write a double that is not finite, so that none may arise.
    Rule {
        name: "finite numbers",
        tests: 18,
        applies: |test| wants_value(test) && has_infinity(test),
        ends: |_, outcome| is_refused(outcome, &["division by zero", "larger than a double", "is no number"]),
    },
    // Names of JSON's objects are text.
    Rule {
        name: "text as names",
        tests: 24,
        applies: |test| wants_value(test) && has_other_key(&bare(test)),
        ends: |_, outcome| is_refused(outcome, &["the name of a field is text"]),
    },
    // CEL turns the integer into a double, which rounds it.
    Rule {
        name: "exact comparison",
        tests: 4,
        applies: |test| exactly(test).is_some_and(|exact| test["value"]["boolValue"] != exact),
        ends: |test, outcome| match outcome {
            Outcome::Gives(value) => value.as_bool().is_some() && value.as_bool() == exactly(test),
            _ => false,
        },
    },
    // What zones of that name are changes with the database of zones that a program has, and a history that is replayed
    // must give the same.
    Rule {
        name: "no named zones",
        tests: 5,
        applies: |test| {
            let mut quoted = text(test).split('\'').skip(1).step_by(2);
            text(test).contains(".get") && quoted.any(|zone| zone.contains('/'))
        },
        ends: |_, outcome| is_refused(outcome, &["no zone is called"]),
    },
    // What is not there is a mistake in the text, reported when it is read; these tests turn off the check that does the
    // same in CEL.
    Rule {
        name: "known names",
        tests: 19,
        applies: |test| {
            let left = text(test).strip_suffix(" || true").unwrap_or_default();
            test["disableCheck"] == true
                && left != "true"
                && left.starts_with(|char: char| char.is_alphabetic())
        },
        ends: |_, outcome| match outcome {
            Outcome::Refused(mistakes) => mistakes.iter().all(|mistake| {
                matches!(mistake.kind, MistakeKind::UnknownVariable | MistakeKind::UnknownFunction)
            }),
            _ => false,
        },
    },
    // Every two timestamps have a difference: it fits the 10,000 years that a duration may have. The tests want the 292
    // years that nanoseconds in 64 bits reach.
    Rule {
        name: "long differences",
        tests: 2,
        applies: |test| text(test).contains(") - timestamp(") && !wants_value(test),
        ends: |_, outcome| match outcome {
            Outcome::Gives(value) => ["315537897599s", "-315537897599s"].contains(&&*value.to_text()),
            _ => false,
        },
    },
];

#[test]
fn the_reference_has_every_rule_with_its_number_of_tests() {
    let page = include_str!("../../../../docs/reference/expressions.md");
    let has =
        |start: &str, end: &str| page.lines().any(|line| line.starts_with(start) && line.ends_with(end));
    for Rule { name, tests, .. } in &RULES {
        assert!(has(&format!("| {name}"), &format!(" | {tests} |")), "{name}: {tests}");
    }
    let differ: usize = RULES.iter().map(|rule| rule.tests).sum();
    let passed = TESTS - differ;
    let numbers = [passed / 1000, passed % 1000, differ].map(|number| number.to_string());
    assert!(
        page.contains(&format!(" {},{:0>3} pass, and {} differ by one", numbers[0], numbers[1], numbers[2]))
    );
}

fn text(test: &Json) -> &str {
    test["expr"].as_str().unwrap()
}

/// Where an error is wanted, any will do.
fn wants_value(test: &Json) -> bool {
    test.get("evalError").is_none()
}

/// Whether it is refused because of one of these, before it is evaluated.
fn is_refused(outcome: &Outcome, why: &[&str]) -> bool {
    let Outcome::Refused(mistakes) = outcome else { return false };
    mistakes.iter().any(|mistake| why.iter().any(|why| mistake.message.contains(why)))
}

/// The expression without what stands in quotes and comments; white space is single spaces.
fn bare(test: &Json) -> String {
    let mut bare = String::new();
    let mut rest = text(test);
    while let Some(char) = rest.chars().next() {
        let mut length = char.len_utf8();
        if matches!(char, '\'' | '"') {
            let ends = |&(at, mark): &(usize, char)| mark == char && !rest[..=at].ends_with('\\');
            length = rest[1..].char_indices().find(ends).map_or(rest.len(), |(at, _)| at + 2);
            bare.push_str("''");
        } else if rest.starts_with("//") {
            length = rest.find('\n').unwrap_or(rest.len());
        } else if !char.is_whitespace() {
            bare.push(char);
        } else if !bare.ends_with(' ') {
            bare.push(' ');
        }
        rest = &rest[length..];
    }
    bare
}

/// Whether a name stands before a brace.
fn has_message(bare: &str) -> bool {
    bare.match_indices('{').any(|(at, _)| {
        let before = bare[..at].trim_end();
        before.ends_with(|char: char| char.is_ascii_alphanumeric()) && !before.ends_with(" in")
    })
}

fn has_uint(bare: &str) -> bool {
    let words = bare.split(|char: char| !char.is_ascii_alphanumeric() && char != '_');
    words.into_iter().any(|word| {
        word == "uint" || word.starts_with(|char: char| char.is_ascii_digit()) && word.ends_with(['u', 'U'])
    })
}

fn has_infinity(test: &Json) -> bool {
    let infinite = ["'NaN'", "\"NaN\"", "Infinity\"", "0.0/0.0"];
    let made = infinite.iter().any(|infinite| text(test).contains(infinite));
    made || test["value"]["doubleValue"].as_str().is_some()
}

/// Whether an object has a name that is a number, or true or false.
fn has_other_key(bare: &str) -> bool {
    bare.match_indices(['{', ',']).any(|(at, _)| {
        let key = bare[at + 1..].split([':', ',', '}', ')', ']']).next().unwrap_or_default();
        let is_key = bare[at + 1 + key.len()..].starts_with(':');
        let key = key.trim();
        is_key && (key == "true" || key == "false" || key.parse::<f64>().is_ok())
    })
}

/// What comes of comparing an integer with a double by their exact values.
fn exactly(test: &Json) -> Option<bool> {
    let bare = bare(test);
    let bare = bare.strip_prefix("dyn(")?;
    let (left, rest) = bare.split_once(')')?;
    let (operator, right) = rest.trim().split_once(' ')?;
    let exact = |number: &str| {
        if !number.contains('.') {
            return number.parse::<i128>().ok();
        }
        // Doubles that large are whole.
        let double = number.parse::<f64>().ok().filter(|double| double.abs() >= 2_f64.powi(53));
        double.map(|double| double as i128)
    };
    let ordering = exact(left)?.cmp(&exact(right)?);
    match operator {
        "<" => Some(ordering.is_lt()),
        "<=" => Some(ordering.is_le()),
        ">" => Some(ordering.is_gt()),
        ">=" => Some(ordering.is_ge()),
        "==" => Some(ordering.is_eq()),
        "!=" => Some(ordering.is_ne()),
        _ => None,
    }
}
