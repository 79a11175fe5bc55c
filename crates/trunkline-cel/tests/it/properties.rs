//! What holds for every text and every value.

use proptest::prelude::*;
use trunkline_cel::{Expression, Scope, Template, Value, Variables};

const PIECES: &[&str] = &[
    "x",
    "y",
    "x.a",
    "x.b.c",
    "x[0]",
    "1",
    "2.5",
    "0",
    "9223372036854775807",
    "'a'",
    "\"b\"",
    "'",
    "\"",
    "r'\\'",
    "b'x'",
    "true",
    "null",
    "[",
    "]",
    "{",
    "}",
    "(",
    ")",
    ",",
    ":",
    "?",
    ".",
    " ",
    " + ",
    " - ",
    " * ",
    " / ",
    " % ",
    " == ",
    " != ",
    " < ",
    " >= ",
    " && ",
    " || ",
    "!",
    "-",
    " in ",
    "=",
    "&",
    "{'a': x}",
    "[1, x]",
    "size(",
    "sum(",
    "merge(",
    "put(x, 'a', ",
    "default(x.q, ",
    "has(x.a)",
    "has(",
    ".map(i, ",
    ".all(i, ",
    ".exists(i, ",
    ".filter(i, ",
    "i",
    "i.a",
    ".matches('a+')",
    "matches(",
    "split(x, ",
    "join(",
    "substring(x, ",
    "round(",
    "timestamp('2026-01-31T00:00:00Z')",
    "duration('1h')",
    "timestamp(",
    "string(",
    "int(",
    "é",
    "𝄞",
    "\\",
    "\n",
    "// c\n",
    "`",
    "if",
    "1u",
    "0x",
    "$",
    "{{",
    "}}",
    "max(",
    "min(",
    "replace(x, ",
    "lower(",
];

fn soup() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..24).prop_map(|pieces| pieces.concat())
}

/// An expression that is mostly well formed.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(&[
        "x", "y", "x.a", "x.b", "x[0]", "y[1]", "1", "2.5", "'a'", "true", "null", "[]", "{}", "-3",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(5, 32, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        prop_oneof![
            (
                two.clone(),
                prop::sample::select(&["+", "-", "*", "/", "%", "==", "!=", "<", "<=", "&&", "||", "in"])
            )
                .prop_map(|((left, right), sign)| format!("({left} {sign} {right})")),
            (
                two.clone(),
                prop::sample::select(&[
                    "merge", "contains", "split", "join", "min", "max", "drop", "default"
                ])
            )
                .prop_map(|((left, right), name)| format!("{name}({left}, {right})")),
            (two.clone(), prop::sample::select(&["map", "all", "exists", "exists_one", "filter"]))
                .prop_map(|((left, right), name)| format!("{left}.{name}(x, {right})")),
            (
                inner.clone(),
                prop::sample::select(&[
                    "size", "sum", "string", "int", "double", "round", "lower", "trim", "!", "-"
                ])
            )
                .prop_map(|(inner, name)| format!("{name}({inner})")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
            (two.clone()).prop_map(|(a, b)| format!("{{'k': {a}, 'j': {b}}}")),
            (two).prop_map(|(a, b)| format!("[{a}, {b}]")),
            inner.prop_map(|inner| format!("{inner}.a")),
        ]
    })
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        (-100_i64..100).prop_map(serde_json::Value::from),
        prop::num::f64::NORMAL.prop_map(serde_json::Value::from),
        ".{0,8}".prop_map(serde_json::Value::from),
        "[ab]{0,2}".prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
            prop::collection::vec(("[abc]|.{0,4}", inner), 0..5)
                .prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn check(source: &str, x: &serde_json::Value) -> Result<(), TestCaseError> {
    let scope = Scope::new(["x", "y"]);
    let x = Value::from_json(x.to_string()).unwrap();
    let variables = Variables::new().with("x", x).with("y", Value::list([1.into(), "a".into(), Value::NULL]));
    match Expression::compile(source, &scope) {
        Ok(expression) => {
            let first = expression.evaluate(&variables);
            prop_assert_eq!(&first, &expression.evaluate(&variables));
            match first {
                Ok(value) => {
                    let written = value.to_json();
                    let again = Value::from_json(written.clone());
                    prop_assert!(again.is_ok(), "{:?} is not JSON: {:?}", written, again);
                }
                Err(error) => {
                    prop_assert!(
                        source.get(error.range.clone()).is_some(),
                        "{error:?} is outside of {source:?}"
                    );
                    prop_assert!(!error.message.is_empty() && !error.message.contains('\n'));
                }
            }
        }
        Err(mistakes) => {
            prop_assert!(!mistakes.is_empty());
            for mistake in mistakes {
                prop_assert!(
                    source.get(mistake.range.clone()).is_some(),
                    "{mistake:?} is outside of {source:?}"
                );
                prop_assert!(!mistake.message.is_empty());
            }
        }
    }
    if let Ok(template) = Template::compile(source, &scope)
        && let Err(error) = template.evaluate(&variables)
    {
        prop_assert!(source.get(error.range.clone()).is_some(), "{error:?} is outside of {source:?}");
    }
    if let Err(mistakes) = Template::compile(source, &scope) {
        for mistake in mistakes {
            prop_assert!(source.get(mistake.range.clone()).is_some(), "{mistake:?} is outside of {source:?}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn any_text_from_pieces_is_compiled_or_refused(source in soup(), x in json()) {
        check(&source, &x)?;
    }

    #[test]
    fn any_text_is_compiled_or_refused(source in ".{0,40}") {
        check(&source, &serde_json::Value::Null)?;
    }

    #[test]
    fn any_expression_gives_the_same_twice_and_json_that_is_read(source in expression(), x in json()) {
        check(&source, &x)?;
    }

    #[test]
    fn json_is_given_back_as_it_was_and_means_the_same(json in json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&json) } else { serde_json::to_string(&json) }.unwrap();
        let value = Value::from_json(text.clone()).unwrap();
        prop_assert_eq!(value.to_json(), text.as_bytes());
        prop_assert_eq!(serde_json::to_value(&value).unwrap(), json);
    }

    #[test]
    fn what_is_built_is_written_sorted_and_read_as_equal(json in json()) {
        let value = Value::from_json(json.to_string()).unwrap();
        let built = rebuild(&value);
        let again = Value::from_json(built.to_json()).unwrap();
        prop_assert_eq!(&again, &value);
        prop_assert_eq!(&built, &value);
        prop_assert!(sorted(&again), "{:?}", built);
    }

    #[test]
    fn any_bytes_are_json_for_both_readers_or_for_none(text in "[\\[\\]{}:,0-9a-e\"\\\\u .+-]{0,12}|.{0,12}") {
        let ours = Value::from_json(text.clone());
        let peer: Result<serde_json::Value, _> = serde_json::from_str(&text);
        // The other one rounds integers that do not fit.
        let too_large = ours.as_ref().is_err_and(|error| error.message.contains("64 bits"));
        prop_assert!(ours.is_ok() == peer.is_ok() || too_large, "{:?} {:?}", ours, peer);
    }
}

/// The same value, made of new parts.
fn rebuild(value: &Value) -> Value {
    if let Some(fields) = value.fields() {
        return Value::object(fields.map(|(name, value)| (name, rebuild(&value))));
    }
    let made = value.items().map(|items| Value::list(items.map(|item| rebuild(&item))));
    made.unwrap_or_else(|| value.clone())
}

fn sorted(value: &Value) -> bool {
    if let Some(fields) = value.fields() {
        let fields: Vec<(String, Value)> = fields.collect();
        return fields.is_sorted_by(|left, right| left.0 < right.0)
            && fields.iter().all(|(_, value)| sorted(value));
    }
    value.items().is_none_or(|mut items| items.all(|item| sorted(&item)))
}
