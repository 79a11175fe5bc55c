//! What a projection's texts may ask for: nothing that a rebuild would give another answer to.

use trunkline_sql::{Action, ModelPart, ModelProblem, ReadDatabase as _};

use crate::shop::{Shop, model};

fn problems(tables: &str, action: &str) -> Vec<ModelProblem> {
    let shop = Shop::new();
    let wrong = model("seen", tables, vec![("Seen", vec![Action::once(action).unwrap()])]);
    shop.database.0.dialect().check(&wrong)
}

#[test]
fn what_varies_is_refused_in_tables_views_triggers_and_statements() {
    const TABLE: &str = "CREATE TABLE seen (id, at)";
    const ACTION: &str = "INSERT INTO seen VALUES (:data.id, :occurred_at)";
    for (tables, action) in [
        ("CREATE TABLE seen (id, at DEFAULT CURRENT_TIMESTAMP)", ACTION),
        ("CREATE TABLE seen (id, at DEFAULT (datetime('now')))", ACTION),
        ("CREATE TABLE seen (id DEFAULT (hex(randomblob(8))), at)", ACTION),
        (
            "CREATE TABLE seen (id, at); CREATE VIEW aged AS SELECT julianday('now') - at AS days FROM seen",
            ACTION,
        ),
        (
            "CREATE TABLE seen (id, at); CREATE TRIGGER touch AFTER INSERT ON seen BEGIN UPDATE seen SET at = unixepoch(); END",
            ACTION,
        ),
        (TABLE, "INSERT INTO seen VALUES (:data.id, strftime('%s', 'now'))"),
        (TABLE, "INSERT INTO seen VALUES (:data.id, date(:occurred_at, 'localtime'))"),
    ] {
        let problems = problems(tables, action);
        assert_eq!(problems.len(), 1, "{tables}; {action}: {problems:?}");
        let is_schema = matches!(problems[0].part, ModelPart::Schema { .. });
        assert_eq!(is_schema, tables != TABLE, "{problems:?}");
        assert!(problems[0].problem.what.contains("gives another value"), "{problems:?}");
        assert!(problems[0].problem.fix.is_some(), "{problems:?}");
    }
    let fixed = "CREATE TABLE seen (id, at, \"current_date\", noted DEFAULT 'now')";
    assert_eq!(
        problems(fixed, "INSERT INTO seen (id, at) VALUES (:data.id, datetime(:occurred_at, '+1 day'))"),
        []
    );
}
