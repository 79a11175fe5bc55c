//! Any text as an expression and as a template, over any bytes as JSON: compiled or refused, evaluated or failed, and
//! what holds of every outcome is checked.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trunkline_cel::{Expression, Scope, Template, Value, Variables};

fuzz_target!(|input: (&str, &[u8])| {
    let (source, bytes) = input;
    let x = Value::from_json(bytes.to_vec());
    if let Ok(x) = &x {
        assert_eq!(x.to_json(), bytes);
    }
    let variables = Variables::new().with("x", x.unwrap_or_default());
    let scope = Scope::new(["x"]).fields("y", ["a", "b"]);
    match Expression::compile(source, &scope) {
        Ok(expression) => {
            let first = expression.evaluate(&variables);
            assert_eq!(first, expression.evaluate(&variables));
            match first {
                Ok(value) => {
                    let again = Value::from_json(value.to_json()).expect("what is written is read");
                    assert_eq!(again.to_json(), value.to_json());
                }
                Err(error) => assert!(source.get(error.range.clone()).is_some(), "{error:?}"),
            }
        }
        Err(mistakes) => {
            assert!(!mistakes.is_empty());
            for mistake in mistakes {
                assert!(source.get(mistake.range.clone()).is_some(), "{mistake:?}");
            }
        }
    }
    match Template::compile(source, &scope) {
        Ok(template) => {
            if let Err(error) = template.evaluate(&variables) {
                assert!(source.get(error.range.clone()).is_some(), "{error:?}");
            }
        }
        Err(mistakes) => {
            for mistake in mistakes {
                assert!(source.get(mistake.range.clone()).is_some(), "{mistake:?}");
            }
        }
    }
});
