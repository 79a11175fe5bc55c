//! CEL's own conformance tests, read from a package that is installed beside the build and never part of the repository.
//!
//! `.ci/cel-spec` installs it. The suites are those about the language itself; those about protocol buffers, optional
//! values and other extensions do not apply. A test counts as it would count for a command's `reply`: what comes of its
//! expression is written as JSON, and that is compared with what the test wants, an error with any error. The names a
//! test binds are the variables.
//!
//! Every test passes or differs by a rule that is written down in `differences.rs`, with its reason.

use crate::differences::{RULES, Rule};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use trunkline_cel::{EvaluateError, Expression, Mistake, Scope, Value, Variables};

const SUITES: [&str; 14] = [
    "basic",
    "comparisons",
    "conversions",
    "fields",
    "fp_math",
    "integer_math",
    "lists",
    "logic",
    "macros",
    "parse",
    "plumbing",
    "string",
    "string_ext",
    "timestamps",
];

/// Tests in these suites, so that a reader that overlooks some is found out.
pub(crate) const TESTS: usize = 1385;

/// What comes of a test's expression.
pub(crate) enum Outcome {
    Refused(Vec<Mistake>),
    Failed(EvaluateError),
    Gives(Value),
}

/// Past the test runner, which shows what a test prints only if it fails.
fn say(line: &str) {
    drop(writeln!(std::io::stderr().lock(), "{line}"));
}

/// Where `.ci/cel-spec` puts the tests.
fn data() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    target.join("cel-spec/conformance.json")
}

/// The tests, unless they are not installed.
fn installed() -> Option<Json> {
    let data = data();
    let Ok(text) = std::fs::read_to_string(&data) else {
        assert!(
            std::env::var_os("CI").is_none_or(|ci| ci != "true"),
            "the conformance tests are missing: run `.ci/cel-spec`, which makes {}",
            data.display()
        );
        say("!! CEL's conformance tests are missing and NOT RUN: install them with `.ci/cel-spec`");
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

#[test]
fn every_conformance_test_passes_or_differs_by_a_rule() {
    let Some(root) = installed() else { return };
    let cases = cases(&root, &SUITES);
    assert_eq!(cases.len(), TESTS, "the suites hold other tests than they did");
    let judged = Judged::of(&cases);
    judged.hold("conformance tests of CEL");
    let written: BTreeMap<&str, usize> = RULES.iter().map(|rule| (rule.name, rule.tests)).collect();
    assert_eq!(judged.differ, written, "other numbers of tests differ by rule than are written down");
}

/// An extension of CEL that expressions have.
#[test]
fn macros_with_two_names_are_those_of_cel() {
    let Some(root) = installed() else { return };
    let cases = cases(&root, &["macros2"]);
    assert_eq!(cases.len(), 46, "the suite holds other tests than it did");
    Judged::of(&cases).hold("conformance tests of macros with two names");
}

/// What came of tests.
#[derive(Default)]
struct Judged {
    passed: usize,
    differ: BTreeMap<&'static str, usize>,
    /// Those that fail by no rule.
    others: Vec<String>,
    /// Those that pass though a rule says that they differ.
    needless: Vec<String>,
}

impl Judged {
    fn of(cases: &[Case<'_>]) -> Judged {
        let mut judged = Judged::default();
        for Case { name, test } in cases {
            let outcome = outcome(test);
            let rule = RULES.iter().find(|rule| (rule.applies)(test));
            match (passes(test, &outcome), rule) {
                (true, None) => judged.passed += 1,
                (true, Some(Rule { name: rule, .. })) => judged.needless.push(format!("{name} ({rule})")),
                (false, Some(rule)) if (rule.ends)(test, &outcome) => {
                    *judged.differ.entry(rule.name).or_default() += 1;
                }
                (false, _) => {
                    judged.others.push(format!("{name}: {}\n    {}", test["expr"], shown(&outcome)));
                }
            }
        }
        judged
    }

    /// Says the numbers, and fails unless each test passes or differs by a rule.
    fn hold(&self, what: &str) {
        let Judged { passed, differ, others, needless } = self;
        let by_rule: Vec<String> = differ.iter().map(|(rule, count)| format!("{count} {rule}")).collect();
        let (by_rules, of_none) = (differ.values().sum::<usize>(), others.len() + needless.len());
        say(&format!(
            "of {} {what}, {passed} pass, {by_rules} differ by rule ({}), {of_none} others",
            passed + by_rules + of_none,
            by_rule.join(", ")
        ));
        assert!(others.is_empty(), "{} fail by no rule:\n{}", others.len(), others.join("\n"));
        assert!(
            needless.is_empty(),
            "{} pass though a rule says that they differ: {needless:#?}",
            needless.len()
        );
    }
}

fn shown(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Refused(mistakes) => format!("refused: {}", mistakes[0]),
        Outcome::Failed(error) => format!("fails: {error}"),
        Outcome::Gives(value) => format!("gives: {value:?}"),
    }
}

struct Case<'a> {
    /// `suite/section/test`, with a number where a section has the name again.
    name: String,
    test: &'a Json,
}

fn cases<'a>(root: &'a Json, suites: &[&str]) -> Vec<Case<'a>> {
    let mut cases = Vec::new();
    let mut names = BTreeSet::new();
    for suite in array(root, "suites").iter().filter(|suite| suites.contains(&name(suite))) {
        for section in array(suite, "suites") {
            for test in array(section, "tests") {
                let test = &test["original"];
                let base = format!("{}/{}/{}", name(suite), name(section), name(test));
                let again = (2..).map(|number| format!("{base}#{number}"));
                let name =
                    std::iter::once(base.clone()).chain(again).find(|name| !names.contains(name)).unwrap();
                names.insert(name.clone());
                cases.push(Case { name, test });
            }
        }
    }
    cases
}

fn name(of: &Json) -> &str {
    of["name"].as_str().unwrap()
}

fn array<'a>(of: &'a Json, field: &str) -> &'a [Json] {
    of[field].as_array().map_or(&[], Vec::as_slice)
}

fn outcome(test: &Json) -> Outcome {
    let bindings = bindings(test);
    let names: Vec<String> = bindings.fields().unwrap().map(|(name, _)| name).collect();
    let mut variables = Variables::new();
    for (name, value) in bindings.fields().unwrap() {
        variables.set(name, value);
    }
    match Expression::compile(test["expr"].as_str().unwrap(), &Scope::new(names)) {
        Err(mistakes) => Outcome::Refused(mistakes),
        Ok(expression) => match expression.evaluate(&variables) {
            Err(error) => Outcome::Failed(error),
            Ok(value) => Outcome::Gives(value),
        },
    }
}

fn passes(test: &Json, outcome: &Outcome) -> bool {
    let Outcome::Gives(value) = outcome else { return test.get("evalError").is_some() };
    if test.get("evalError").is_some() {
        return false;
    }
    let json: Json = serde_json::from_slice(&value.to_json()).unwrap();
    // A test that says nothing wants true.
    let Some(wanted) = test.get("value") else { return json == Json::Bool(true) };
    // Types are written as texts, and are none.
    (value.type_name() == "a type") == (typed(wanted).0 == "typeValue") && is(&json, wanted)
}

/// The variables as one object. A name with points in it is a path, and the longest path counts.
fn bindings(test: &Json) -> Value {
    let mut bindings: Vec<(Vec<&str>, Value)> = Vec::new();
    for (name, binding) in test["bindings"].as_object().into_iter().flatten() {
        bindings.push((name.split('.').collect(), bound(&binding["value"])));
    }
    bindings.sort_by_key(|(path, _)| path.len());
    bindings.into_iter().fold(Value::object::<&str>([]), |all, (path, value)| with(&all, &path, value))
}

fn with(object: &Value, path: &[&str], value: Value) -> Value {
    let Some((first, rest)) = path.split_first() else { return value };
    let inner = with(&object.get(first).unwrap_or_default(), rest, value);
    let fields = object.fields().into_iter().flatten().chain([((*first).to_owned(), inner)]);
    Value::object(fields.collect::<Vec<_>>())
}

/// The only field of an object, which names the type of what it holds.
fn typed(value: &Json) -> (&str, &Json) {
    let (kind, inner) = value.as_object().unwrap().iter().next().unwrap();
    (kind, inner)
}

/// A value to be bound, made by an expression where JSON has no such value.
fn bound(value: &Json) -> Value {
    let (kind, inner) = typed(value);
    match kind {
        "int64Value" | "uint64Value" => made(inner.as_str().unwrap()),
        "doubleValue" => Value::from_f64(inner.as_f64().unwrap()).unwrap(),
        "bytesValue" if inner == "AA==" => made(r"b'\x00'"),
        "objectValue" => made(&format!("duration({})", inner["value"])),
        "listValue" => Value::list(array(inner, "values").iter().map(bound)),
        "mapValue" => Value::object(
            array(inner, "entries")
                .iter()
                .map(|entry| (typed(&entry["key"]).1.as_str().unwrap(), bound(&entry["value"]))),
        ),
        _ => Value::from_json(inner.to_string()).unwrap(),
    }
}

fn made(source: &str) -> Value {
    let expression = Expression::compile(source, &Scope::default()).unwrap();
    expression.evaluate(&Variables::new()).unwrap()
}

/// Whether JSON is what a test wants.
fn is(json: &Json, wanted: &Json) -> bool {
    let (kind, wanted) = typed(wanted);
    match kind {
        "int64Value" | "uint64Value" => json.is_number() && wanted == &json.to_string(),
        "doubleValue" => json.is_f64() && wanted.as_f64() == json.as_f64(),
        "listValue" => json.as_array().is_some_and(|items| {
            let wanted = array(wanted, "values");
            items.len() == wanted.len() && items.iter().zip(wanted).all(|(item, wanted)| is(item, wanted))
        }),
        "mapValue" => json.as_object().is_some_and(|fields| {
            let wanted = array(wanted, "entries");
            fields.len() == wanted.len()
                && wanted.iter().all(|entry| {
                    let key = typed(&entry["key"]).1;
                    let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
                    fields.get(&key).is_some_and(|field| is(field, &entry["value"]))
                })
        }),
        "objectValue" => json == &wanted["value"],
        // Text, true or false, null, bytes in base64, and types by their names.
        _ => json == wanted,
    }
}
