//! Queries read, and nothing else; they have parameters, limits and an end.

use std::time::Duration;

use trunkline_sql::{
    AnswerLimits, AskError, Dialect as _, ParameterSpec, ParameterType, Parameters, Returns, SqlQuery,
    SqliteDialect,
};

use crate::shop::{STORE, Shop, events, orders, reached};
use crate::waited::Database;

fn filled() -> Shop {
    let mut shop = Shop::new();
    shop.apply(&events(1, 8));
    shop
}

fn ask(shop: &Shop, sql: &str, returns: Returns, parameters: &str) -> Result<String, String> {
    let query = SqlQuery::new(sql, &[], returns).map_err(|problems| problems[0].what.clone())?;
    let parameters = Parameters::parse(parameters).unwrap();
    let answer = shop.database.ask(&query, &parameters, &AnswerLimits::default());
    answer.map(|answer| answer.to_json().to_string()).map_err(|error| error.to_string())
}

#[test]
fn an_answer_is_a_list_a_row_or_a_value() {
    let shop = filled();
    let sql = "SELECT total, id FROM orders WHERE total >= :least ORDER BY total";
    assert_eq!(
        ask(&shop, sql, Returns::Many, r#"{"least":60}"#).unwrap(),
        r#"[{"total":60,"id":"6"},{"total":70,"id":"7"}]"#
    );
    assert_eq!(ask(&shop, sql, Returns::One, r#"{"least":70}"#).unwrap(), r#"{"total":70,"id":"7"}"#);
    assert_eq!(ask(&shop, sql, Returns::One, r#"{"least":99}"#).unwrap(), "null");
    assert_eq!(
        ask(&shop, sql, Returns::One, r#"{"least":60}"#).unwrap_err(),
        "the query gives more than one row"
    );
    assert_eq!(ask(&shop, "SELECT SUM(total) FROM orders", Returns::Value, "{}").unwrap(), "180");
    let two = ask(&shop, "SELECT 1, 2", Returns::Value, "{}").unwrap_err();
    assert!(two.starts_with("a value is one column, and this gives 2"), "{two}");
}

#[test]
fn values_keep_their_types() {
    let shop = filled();
    let sql = "SELECT 1 AS a, 1.5 AS b, 'x' AS c, NULL AS d, x'ff00' AS e, 9223372036854775807 AS f, 9e999 AS g, :t AS h";
    assert_eq!(
        ask(&shop, sql, Returns::One, r#"{"t":{"x":[1]}}"#).unwrap(),
        r#"{"a":1,"b":1.5,"c":"x","d":null,"e":"/wA=","f":9223372036854775807,"g":null,"h":"{\"x\":[1]}"}"#
    );
}

#[test]
fn an_answer_has_its_limits() {
    let shop = filled();
    let query = SqlQuery::ad_hoc("SELECT id FROM orders ORDER BY id").unwrap();
    let ask = |limits: AnswerLimits| shop.database.ask(&query, &Parameters::default(), &limits);
    let page = ask(AnswerLimits { rows_max: 2, skip: 1, ..AnswerLimits::default() }).unwrap();
    assert_eq!((page.to_json().to_string().as_str(), page.more), (r#"[{"id":"2"},{"id":"3"}]"#, true));
    let last = ask(AnswerLimits { rows_max: 2, skip: 4, ..AnswerLimits::default() }).unwrap();
    assert_eq!((last.rows.len(), last.more), (2, false));
    let small = ask(AnswerLimits { bytes_max: 3, ..AnswerLimits::default() }).unwrap_err();
    assert!(matches!(small, AskError::TooLarge { bytes_max: 3 }), "{small}");
}

#[test]
fn one_value_takes_no_more_than_an_answer_may_have() {
    let shop = filled();
    for large in [
        "printf('%.*c', 900000000, 'x')",
        "hex(zeroblob(450000000))",
        "length(replace(printf('%.*c', 9000, 'x'), 'x', printf('%.*c', 9000, 'y')))",
    ] {
        let query = SqlQuery::ad_hoc(&format!("SELECT {large}")).unwrap();
        let error = shop.database.ask(&query, &Parameters::default(), &AnswerLimits::default()).unwrap_err();
        assert!(matches!(error, AskError::TooLarge { .. }), "{large}: {error}");
    }
    assert_eq!(ask(&shop, "SELECT length(zeroblob(1000000))", Returns::Value, "{}").unwrap(), "1000000");
}

#[test]
fn a_query_that_takes_too_long_is_stopped_and_the_next_one_is_not() {
    let shop = filled();
    let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT COUNT(*) FROM n";
    let query = SqlQuery::ad_hoc(endless).unwrap();
    let limits = AnswerLimits { time_limit: Duration::from_millis(20), ..AnswerLimits::default() };
    let error = shop.database.ask(&query, &Parameters::default(), &limits).unwrap_err();
    assert!(matches!(error, AskError::TookTooLong { .. }), "{error}");
    assert_eq!(error.to_string(), "the query took longer than 20 ms and was stopped");
    assert_eq!(shop.rows("SELECT COUNT(*) AS n FROM orders"), r#"[{"n":6}]"#);
}

#[test]
fn nothing_but_reading_is_prepared() {
    let shop = filled();
    let before = shop.contents();
    for sql in [
        "DELETE FROM orders",
        "INSERT INTO orders VALUES ('x', 1, 2, 3) RETURNING id",
        "WITH x AS (SELECT 1) UPDATE orders SET total = 1",
        "CREATE TEMP TABLE t (x)",
        "DROP TABLE orders",
        "PRAGMA journal_mode = delete",
        "ATTACH ':memory:' AS other",
        "BEGIN",
        "VACUUM",
        "EXPLAIN DELETE FROM orders",
    ] {
        let error = ask(&shop, sql, Returns::Many, "{}").unwrap_err();
        assert!(error.contains("only reads"), "{sql}: {error}");
        let query = SqlQuery::ad_hoc(sql).unwrap();
        assert_eq!(SqliteDialect.check_query(&[&shop.model], &query).len(), 1, "{sql}");
    }
    assert_eq!(shop.contents(), before);
}

#[test]
fn tables_of_several_projections_are_found_under_their_own_names() {
    let shop = filled();
    let other = orders("archive");
    let number = shop.database.create(&other, STORE).unwrap();
    shop.database.open_writer(&other, number).unwrap().apply(&events(1, 1), reached(&events(1, 1))).unwrap();
    let error = ask(&shop, "SELECT COUNT(*) FROM orders", Returns::Value, "{}").unwrap_err();
    assert_eq!(error, "several projections have a table `orders`; write `archive.orders` or `orders.orders`");
    let sql =
        "SELECT (SELECT COUNT(*) FROM archive.orders) AS a, (SELECT COUNT(*) FROM \"orders\".orders) AS b";
    assert_eq!(ask(&shop, sql, Returns::One, "{}").unwrap(), r#"{"a":1,"b":6}"#);
    let joined =
        "SELECT o.id FROM orders.orders AS o JOIN archive.line AS line ON line.order_id = o.id LIMIT 1";
    assert_eq!(ask(&shop, joined, Returns::Value, "{}").unwrap(), r#""1""#);
    assert_eq!(SqliteDialect.check_query(&[&shop.model, &other], &SqlQuery::ad_hoc(joined).unwrap()), []);
}

#[test]
fn parameters_are_never_part_of_the_text() {
    let shop = filled();
    let sql = "SELECT COUNT(*) FROM orders WHERE id = :id";
    assert_eq!(ask(&shop, sql, Returns::Value, r#"{"id":"1' OR '1'='1"}"#).unwrap(), "0");
    let spec =
        ParameterSpec { name: "id".to_owned(), kind: ParameterType::Text, default: Some("\"2\"".to_owned()) };
    let query = SqlQuery::new(sql, &[spec], Returns::Value).unwrap();
    let answer = shop.database.ask(&query, &Parameters::default(), &AnswerLimits::default()).unwrap();
    assert_eq!(answer.to_json(), 1);
}

#[test]
fn a_path_with_odd_signs_is_a_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a ?b#c%20é").join("read.db");
    let database = Database::open(&path).unwrap();
    let model = orders("orders");
    database.create(&model, STORE).unwrap();
    assert_eq!(crate::shop::rows(&database, "SELECT * FROM orders"), "[]");
}
