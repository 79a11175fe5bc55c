//! Numbers that code gives to its statements.

use std::error::Error;

use serde_json::json;
use trunkline_core::{NewEvent, RecordedEvent};
use trunkline_sql::testing::{Then, given};
use trunkline_sql::{Rows, SqlValue, TypedProjection};

/// Keeps a number in columns of three types.
struct Keeps(f64);

impl TypedProjection for Keeps {
    fn schema(&self) -> &'static str {
        "CREATE TABLE kept (plain, exact REAL, text TEXT)"
    }

    fn event_types(&self) -> &[&str] {
        &["Measured"]
    }

    fn apply(&self, _: &RecordedEvent, rows: &mut dyn Rows) -> Result<(), Box<dyn Error + Send + Sync>> {
        let number = SqlValue::Real(self.0);
        rows.execute("INSERT INTO kept VALUES (?1, ?2, ?3)", &[number.clone(), number.clone(), number])?;
        let found = rows.first("SELECT plain, exact FROM kept", &[])?.unwrap();
        let minus_zero =
            |value: &SqlValue<'_>| matches!(value, SqlValue::Real(zero) if zero.to_bits() == 1 << 63);
        if found.iter().any(minus_zero) { Err("zero has a sign".into()) } else { Ok(()) }
    }
}

fn kept(number: f64) -> Then {
    given(Keeps(number), [("gauge-1", NewEvent::json("Measured", "{}").unwrap())])
}

#[test]
fn a_number_of_code_is_kept_or_fails_the_event() {
    kept(0.1).then_rows("kept", &json!([{"plain": 0.1, "exact": 0.1, "text": "0.1"}]));
    for (number, name) in [(f64::NAN, "NaN"), (f64::INFINITY, "inf"), (f64::NEG_INFINITY, "-inf")] {
        kept(number).then_fails(&format!("{name} is no number that rows can have"));
    }
}

#[test]
fn zero_has_no_sign_in_any_column() {
    kept(-0.0).then_rows("kept", &json!([{"plain": 0.0, "exact": 0.0, "text": "0.0"}]));
}
