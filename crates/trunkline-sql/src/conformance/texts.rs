//! Texts are checked before there is a database, and written as it takes them.

use super::Fixture;
use super::sample::{accounts, apply, create, event, model, rows};
use crate::{ModelPart, ParameterScope, SqlQuery, compile};

/// A mistake in a text is found with its part and its place, and nothing is touched.
pub async fn mistakes_are_found_where_they_stand(fixture: Fixture) {
    let database = fixture.database();
    assert_eq!(database.dialect().check(&accounts("accounts")), []);
    let sql = "INSERT INTO account (nothing) VALUES (1)";
    let wrong = model("accounts", "CREATE TABLE account (id VARCHAR(40))", &[("Opened", sql)]);
    let problems = database.dialect().check(&wrong);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].part, ModelPart::Action { event: "Opened".to_owned(), action: 0 });
    let place = problems[0].problem.range.clone();
    assert!(place.end <= sql.len() && place.start < place.end, "{place:?}");
    let wrong = model("accounts", "CREATE TABLE account (id VARCHAR(40)); CREATE TABEL b (x INT)", &[]);
    assert!(matches!(database.dialect().check(&wrong)[0].part, ModelPart::Schema { text: 0 }));
    assert_eq!(database.generations().await.unwrap(), []);
}

/// A projection's statements change its rows and do nothing else.
pub async fn statements_that_do_more_than_change_rows_are_mistakes(fixture: Fixture) {
    let database = fixture.database();
    for sql in ["COMMIT", "CREATE TABLE more (x INT)", "DROP TABLE account", "SELECT 1"] {
        let wrong = model("accounts", "CREATE TABLE account (id VARCHAR(40))", &[("Opened", sql)]);
        assert!(!database.dialect().check(&wrong).is_empty(), "{sql}");
        assert!(database.create(&wrong, super::sample::STORE).await.is_err(), "{sql}");
    }
}

/// A query over tables that there are is right, and one over others isn't.
pub async fn queries_are_held_against_the_tables(fixture: Fixture) {
    let database = fixture.database();
    let model = accounts("accounts");
    let check = |sql: &str| {
        let query = SqlQuery::ad_hoc(sql).expect("that is a query");
        database.dialect().check_query(&[&model], &query).len()
    };
    assert_eq!(check("SELECT a.id FROM account AS a JOIN accounts.entry AS e ON e.account = a.id"), 0);
    assert_eq!(check("SELECT id FROM acount"), 1);
    assert_eq!(check("SELECT idd FROM account"), 1);
    // Nothing is touched.
    assert_eq!(database.generations().await.unwrap(), []);
}

/// A parameter that comes again is the same value, and offsets lead back to the text.
pub async fn a_parameter_that_comes_again_is_the_same_value(fixture: Fixture) {
    let database = fixture.database();
    let tables = "CREATE TABLE pair (one BIGINT, other BIGINT, stream VARCHAR(40), third BIGINT)";
    let insert = "INSERT INTO pair VALUES (:data.n, :data.n + 1, :stream_id, :data.n)";
    let (_, mut writer) = create(&*database, &model("pairs", tables, &[("Paired", insert)])).await;
    apply(&mut *writer, &[event(1, "pair-x", "Paired", r#"{"n":4}"#)]).await;
    let found = rows(&*database, "SELECT one, other, stream, third FROM pair").await;
    assert_eq!(found.to_string(), r#"[{"one":4,"other":5,"stream":"x","third":4}]"#);
    let statement = &compile("SELECT :a, :b FROM t", ParameterScope::Any).expect("that is a text")[0];
    let rendered = statement.render(database.dialect());
    let at = rendered.text().find("FROM").expect("the rest is as it was written");
    assert_eq!(rendered.source_offset(at), "SELECT :a, :b ".len());
}

/// A name in quotes is a name, whatever it is made of.
pub async fn a_name_in_quotes_is_a_name(fixture: Fixture) {
    let database = fixture.database();
    let (table, column) = (database.dialect().quoted("order"), database.dialect().quoted("a \"b` c"));
    let tables = format!("CREATE TABLE {table} ({column} BIGINT)");
    let insert = format!("INSERT INTO {table} ({column}) VALUES (:position)");
    let (_, mut writer) = create(&*database, &model("odd", &tables, &[("Paired", insert.as_str())])).await;
    apply(&mut *writer, &[event(3, "pair-x", "Paired", "{}")]).await;
    let found = rows(&*database, &format!("SELECT {column} AS n FROM {table}")).await;
    assert_eq!(found.to_string(), r#"[{"n":3}]"#);
}

/// A value keeps its type, as far as the database has it.
pub async fn values_keep_their_types(fixture: Fixture) {
    let database = fixture.database();
    let tables = "CREATE TABLE kept (a BIGINT, b DOUBLE PRECISION, c VARCHAR(200), d VARCHAR(200), e BIGINT)";
    let insert = "INSERT INTO kept VALUES (:data.a, :data.b, :data.c, :data.d, :data.missing)";
    let (_, mut writer) = create(&*database, &model("kept", tables, &[("Kept", insert)])).await;
    let data = r#"{"a":9223372036854775807,"b":1.5,"c":"it's \"é\"","d":[1,{"x":"y"}]}"#;
    apply(&mut *writer, &[event(1, "x-1", "Kept", data)]).await;
    let found = rows(&*database, "SELECT a, b, c, d, e FROM kept").await;
    assert_eq!(
        found.to_string(),
        r#"[{"a":9223372036854775807,"b":1.5,"c":"it's \"é\"","d":"[1,{\"x\":\"y\"}]","e":null}]"#
    );
    // True is bound as what the database has for it.
    let bound = database.dialect().bound(crate::SqlValue::Boolean(true));
    assert!(matches!(bound, crate::SqlValue::Boolean(true) | crate::SqlValue::Integer(1)), "{bound:?}");
}
