//! Answers come from what is live, within their limits, and change nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::Fixture;
use super::sample::{accounts, apply, contents, create, filled, history, rows};
use crate::{
    AnswerLimits, AskError, ParameterSpec, ParameterType, Parameters, QueryAnswer, ReadDatabase, Returns,
    SqlQuery,
};

const ENTRIES: &str = "SELECT number FROM entry ORDER BY number";

async fn ask(database: &dyn ReadDatabase, limits: AnswerLimits) -> Result<QueryAnswer, AskError> {
    database.ask(&SqlQuery::ad_hoc(ENTRIES).expect("that is a query"), &Parameters::default(), &limits).await
}

fn numbers(answer: &QueryAnswer) -> Vec<u64> {
    answer.rows.iter().map(|row| row[0].as_u64().expect("a number")).collect()
}

/// An answer has no more rows than it may, and says whether there are more.
pub async fn an_answer_has_no_more_rows_than_it_may(fixture: Fixture) {
    let database = fixture.database();
    filled(&*database, 7).await;
    for rows_max in 0..8 {
        let answer = ask(&*database, AnswerLimits { rows_max, ..AnswerLimits::default() }).await.unwrap();
        assert_eq!(numbers(&answer), [3, 4, 5, 6, 7][..rows_max.min(5)]);
        assert_eq!(answer.more, rows_max < 5, "{rows_max}");
    }
}

/// Rows are passed over first, and count for no limit.
pub async fn rows_are_passed_over_first(fixture: Fixture) {
    let database = fixture.database();
    filled(&*database, 7).await;
    let limits = AnswerLimits { skip: 2, rows_max: 2, ..AnswerLimits::default() };
    let answer = ask(&*database, limits).await.unwrap();
    assert_eq!((numbers(&answer), answer.more), (vec![5, 6], true));
    let answer = ask(&*database, AnswerLimits { skip: 9, ..AnswerLimits::default() }).await.unwrap();
    assert_eq!((numbers(&answer), answer.more), (vec![], false));
}

/// An answer isn't larger than it may be.
pub async fn an_answer_is_not_larger_than_it_may_be(fixture: Fixture) {
    let database = fixture.database();
    filled(&*database, 7).await;
    let query = SqlQuery::ad_hoc("SELECT account FROM entry").unwrap();
    let ask = |bytes_max| {
        let (database, query) = (Arc::clone(&database), query.clone());
        let limits = AnswerLimits { bytes_max, ..AnswerLimits::default() };
        async move { database.ask(&query, &Parameters::default(), &limits).await }
    };
    assert!(ask(5).await.is_ok());
    assert!(matches!(ask(4).await, Err(AskError::TooLarge { bytes_max: 4 })));
}

/// A query that takes too long is stopped, and the next one isn't.
pub async fn a_query_ends_in_time(fixture: Fixture) {
    let database = fixture.database();
    filled(&*database, 7).await;
    let endless = SqlQuery::ad_hoc(fixture.endless()).expect("that is a query");
    let limits = AnswerLimits { time_limit: Duration::from_millis(50), ..AnswerLimits::default() };
    let begun = Instant::now();
    let came = database.ask(&endless, &Parameters::default(), &limits).await;
    assert!(matches!(came, Err(AskError::TookTooLong { .. })), "{came:?}");
    assert!(begun.elapsed() < Duration::from_secs(20), "it ended in {:?}", begun.elapsed());
    assert_eq!(numbers(&ask(&*database, AnswerLimits::default()).await.unwrap()).len(), 5);
}

/// An answer is a list, one row, or a value, as the query says.
pub async fn an_answer_is_what_the_query_returns(fixture: Fixture) {
    let database = fixture.database();
    filled(&*database, 7).await;
    let ask = async |sql: &str, returns, parameters: &str| {
        let query = SqlQuery::new(sql, &[], returns).expect("that is a query");
        let parameters = Parameters::parse(parameters).expect("that is an object");
        let answer = database.ask(&query, &parameters, &AnswerLimits::default()).await;
        answer.map(|answer| answer.to_json().to_string())
    };
    let sql = "SELECT id, balance FROM account WHERE balance >= :least ORDER BY id";
    let both = r#"[{"id":"a","balance":3},{"id":"b","balance":2}]"#;
    assert_eq!(ask(sql, Returns::Many, r#"{"least":0}"#).await.unwrap(), both);
    assert_eq!(ask(sql, Returns::One, r#"{"least":3}"#).await.unwrap(), r#"{"id":"a","balance":3}"#);
    assert_eq!(ask(sql, Returns::One, r#"{"least":4}"#).await.unwrap(), "null");
    assert!(matches!(ask(sql, Returns::One, r#"{"least":0}"#).await, Err(AskError::MoreThanOne)));
    assert_eq!(ask("SELECT COUNT(*) AS n FROM entry", Returns::Value, "{}").await.unwrap(), "5");
}

/// What the limits leave out is neither found nor in the way of a table that has the same name.
pub async fn tables_that_are_left_out_are_not_there(fixture: Fixture) {
    let database = fixture.database();
    filled(&*database, 7).await;
    let (_, mut writer) = create(&*database, &accounts("others")).await;
    apply(&mut *writer, &history(1, 3)).await;
    let ask = async |sql: &str, of: Option<&[&str]>| {
        let projections = of.map(|names| Arc::new(names.iter().map(|name| (*name).to_owned()).collect()));
        let query = SqlQuery::new(sql, &[], Returns::Value).expect("that is a query");
        let limits = AnswerLimits { projections, ..AnswerLimits::default() };
        database.ask(&query, &Parameters::default(), &limits).await.map(|answer| answer.to_json())
    };
    let count = "SELECT COUNT(*) AS n FROM entry";
    assert!(matches!(ask(count, None).await, Err(AskError::Text(_))), "two have it");
    assert_eq!(ask(count, Some(&["accounts", "nobody"])).await.unwrap(), 5);
    assert_eq!(ask(count, Some(&["others"])).await.unwrap(), 1);
    assert!(matches!(ask(count, Some(&[])).await, Err(AskError::Text(_))));
    let whole = "SELECT COUNT(*) AS n FROM others.entry";
    assert!(matches!(ask(whole, Some(&["accounts"])).await, Err(AskError::Text(_))));
    assert_eq!(ask(whole, None).await.unwrap(), 1);
}

/// Parameters are values, and never part of the text; those that are missing or unknown are told.
pub async fn parameters_are_values(fixture: Fixture) {
    let database = fixture.database();
    filled(&*database, 7).await;
    let spec = ParameterSpec { name: "id".to_owned(), kind: ParameterType::Text, default: None };
    let sql = "SELECT COUNT(*) AS n FROM account WHERE id = :id";
    let query = SqlQuery::new(sql, &[spec], Returns::Value).unwrap();
    let ask = async |given: &str| {
        let parameters = Parameters::parse(given).expect("that is an object");
        database.ask(&query, &parameters, &AnswerLimits::default()).await.map(|answer| answer.to_json())
    };
    assert_eq!(ask(r#"{"id":"a"}"#).await.unwrap(), 1);
    assert_eq!(ask(r#"{"id":"a' OR '1'='1"}"#).await.unwrap(), 0);
    assert!(matches!(ask("{}").await, Err(AskError::MissingParameter { .. })));
    assert!(matches!(ask(r#"{"id":1}"#).await, Err(AskError::WrongType { .. })));
    assert!(matches!(ask(r#"{"id":"a","x":1}"#).await, Err(AskError::UnknownParameter { .. })));
}

/// A text that does more than read has no answer, and changes nothing.
pub async fn asking_changes_nothing(fixture: Fixture) {
    let database = fixture.database();
    let (model, _) = filled(&*database, 7).await;
    let before = contents(&*database).await;
    for sql in [
        "DELETE FROM account",
        "UPDATE account SET balance = 0",
        "DROP TABLE account",
        "BEGIN",
        "SELECT nothing FROM account",
    ] {
        let query = SqlQuery::ad_hoc(sql).unwrap();
        let came = database.ask(&query, &Parameters::default(), &AnswerLimits::default()).await;
        assert!(matches!(came, Err(AskError::Text(_))), "{sql}: {came:?}");
        assert!(!database.dialect().check_query(&[&model], &query).is_empty(), "{sql}");
    }
    assert_eq!(contents(&*database).await, before);
}

/// One answer comes from one moment: the balances are the sums of the entries, whenever it is asked.
pub async fn an_answer_comes_from_one_moment(fixture: Fixture) {
    let database = fixture.database();
    let (_, mut writer) = filled(&*database, 6).await;
    let done = Arc::new(AtomicBool::new(false));
    let (asked, elsewhere) = (Arc::clone(&done), fixture.elsewhere().await);
    let reader = tokio::spawn(async move {
        let sql = "SELECT (SELECT SUM(balance) FROM account) AS one, (SELECT COUNT(*) FROM entry) AS other, \
                   (SELECT MAX(changed) FROM account) AS last";
        let (mut times, mut before) = (0, 0);
        while !asked.load(Ordering::Relaxed) {
            let found = rows(&*elsewhere, sql).await;
            let number = |name: &str| found[0][name].as_u64().expect("a number");
            assert_eq!((number("one"), number("last")), (number("other"), number("other") + 2));
            assert!(number("other") >= before, "an answer is older than the one before");
            (times, before) = (times + 1, number("other"));
        }
        times
    });
    for batch in 0..60 {
        apply(&mut *writer, &history(7 + batch * 20, 26 + batch * 20)).await;
    }
    done.store(true, Ordering::Relaxed);
    assert!(reader.await.expect("an answer comes from one moment") > 0);
}

/// Tables of several projections are found under their own names.
pub async fn tables_of_several_projections_are_told_apart(fixture: Fixture) {
    let database = fixture.database();
    filled(&*database, 7).await;
    let (_, mut writer) = create(&*database, &accounts("archive")).await;
    apply(&mut *writer, &history(1, 3)).await;
    let sql = "SELECT (SELECT COUNT(*) FROM accounts.entry) AS a, (SELECT COUNT(*) FROM archive.entry) AS b";
    assert_eq!(rows(&*database, sql).await.to_string(), r#"[{"a":5,"b":1}]"#);
    let query = SqlQuery::ad_hoc(ENTRIES).unwrap();
    let came = database.ask(&query, &Parameters::default(), &AnswerLimits::default()).await;
    assert!(matches!(came, Err(AskError::Text(_))), "{came:?}");
}
