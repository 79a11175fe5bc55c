//! Given events, then rows: tests of projections as code.
//!
//! ```
//! # use std::error::Error;
//! # use trunkline_core::{NewEvent, RecordedEvent};
//! # use trunkline_sql::{Rows, TypedProjection};
//! # struct Balances;
//! # impl TypedProjection for Balances {
//! #     fn schema(&self) -> &'static str {
//! #         "CREATE TABLE balance (account TEXT PRIMARY KEY, amount INTEGER NOT NULL)"
//! #     }
//! #     fn event_types(&self) -> &[&str] {
//! #         &["Deposited"]
//! #     }
//! #     fn apply(&self, event: &RecordedEvent, rows: &mut dyn Rows) -> Result<(), Box<dyn Error + Send + Sync>> {
//! #         let data: serde_json::Value = serde_json::from_slice(event.data())?;
//! #         let amount = data["amount"].as_i64().ok_or("a deposit has an amount")?;
//! #         let upsert = "INSERT INTO balance VALUES (?1, ?2)
//! #                       ON CONFLICT DO UPDATE SET amount = amount + excluded.amount";
//! #         rows.execute(upsert, &[event.stream().into(), amount.into()])?;
//! #         Ok(())
//! #     }
//! # }
//! use serde_json::json;
//! use trunkline_sql::testing::given;
//!
//! let deposited = |json: &str| ("account-1", NewEvent::json("Deposited", json.to_owned()).unwrap());
//! given(Balances, [deposited(r#"{"amount":5}"#), deposited(r#"{"amount":2}"#)])
//!     .then_rows("balance", &json!([{ "account": "account-1", "amount": 7 }]));
//! given(Balances, [deposited("{}")]).then_fails("a deposit has an amount");
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize as _;
use serde_json::{Map, Value};
use trunkline_core::{NewEvent, Position, RecordedEvent, StreamName, Timestamp, Version};

use crate::{ApplyError, ComparedRows, Model, Trial, TypedProjection, schema};

/// What happened: events with their streams, in the order of the log. They are applied to empty tables.
///
/// # Panics
///
/// When the projection's schema has a mistake, or a stream's name is none.
#[must_use = "nothing is tested until a `then`"]
#[track_caller]
pub fn given<S: AsRef<str>>(
    projection: impl TypedProjection,
    events: impl IntoIterator<Item = (S, NewEvent)>,
) -> Then {
    let tables =
        schema(projection.schema()).unwrap_or_else(|wrong| panic!("the schema has a mistake: {}", wrong[0]));
    let model = Model::typed("trial", tables, Arc::new(projection)).expect("that is a projection's name");
    let mut trial = Trial::new(&Arc::new(model)).unwrap_or_else(|error| panic!("{error}"));
    let mut versions: BTreeMap<String, u64> = BTreeMap::new();
    let mut failed = None;
    for (number, (stream, event)) in (1..).zip(events) {
        let stream: StreamName = stream.as_ref().parse().unwrap_or_else(|error| panic!("{error}"));
        let version = versions.entry(stream.to_string()).or_default();
        *version += 1;
        let (position, version) = (Position::new(number), Version::new(*version));
        let event = RecordedEvent::from_new(&event, &stream, position, version, Timestamp::default());
        failed = trial.apply(&[event]).err();
        if failed.is_some() {
            break;
        }
    }
    Then { trial, failed }
}

/// What a projection made of the events.
#[derive(Debug)]
pub struct Then {
    trial: Trial,
    failed: Option<ApplyError>,
}

impl Then {
    /// A table has exactly these rows, in whatever order: a list of objects, in which columns may be left out.
    ///
    /// # Panics
    ///
    /// When it is otherwise, with both sides and where they part; and when an event failed.
    #[track_caller]
    pub fn then_rows(&self, table: &str, expected: &Value) -> &Self {
        if let Some(failed) = &self.failed {
            panic!("expected rows, but {failed}");
        }
        let expected: Vec<Map<String, Value>> = Vec::<_>::deserialize(expected)
            .unwrap_or_else(|error| panic!("expected rows are a list of objects: {error}"));
        let found = self.trial.rows(table).unwrap_or_else(|error| panic!("{error}"));
        let compared = ComparedRows::of(expected, found);
        assert!(compared.is_same(), "the rows of {table} are others:\n{compared}");
        self
    }

    /// An event can't be applied, for a reason with these words.
    ///
    /// # Panics
    ///
    /// When all events were applied, or one failed for another reason.
    #[track_caller]
    pub fn then_fails(&self, reason: &str) {
        match &self.failed {
            Some(failed) => {
                let said = failed.to_string();
                assert!(said.contains(reason), "it failed, but for another reason: {said}");
            }
            None => panic!("expected a failure ({reason}), but all events were applied"),
        }
    }
}
