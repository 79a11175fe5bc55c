//! Accounts, what happens to them, and what is there then.

use std::sync::Arc;

use serde_json::Value;
use trunkline_core::{EventId, NewEvent, Position, RecordedEvent, StoreId, Timestamp, Version};

use crate::{
    Action, AnswerLimits, ApplyError, BatchEnd, Model, Parameters, ReadDatabase, SqlQuery, State,
    StatementFailure, Writer, schema,
};

/// The store whose events these are.
pub(super) const STORE: StoreId = StoreId::from_bytes([7; 16]);

const TABLES: &str = "
    CREATE TABLE account (id VARCHAR(40) PRIMARY KEY, balance BIGINT NOT NULL, changed BIGINT NOT NULL);
    CREATE TABLE entry (number BIGINT NOT NULL, account VARCHAR(40) NOT NULL, amount BIGINT NOT NULL);
";

/// A projection of accounts: `Opened` makes one, once; `Deposited` changes it.
pub(super) fn accounts(name: &str) -> Arc<Model> {
    model(name, TABLES, &[
        ("Opened", "INSERT INTO account VALUES (:stream_id, 0, :position)"),
        (
            "Deposited",
            "UPDATE account SET balance = balance + :data.amount, changed = :position WHERE id = :stream_id;
             INSERT INTO entry VALUES (:position, :stream_id, :data.amount)",
        ),
    ])
}

pub(super) fn model(name: &str, tables: &str, actions: &[(&str, &str)]) -> Arc<Model> {
    let action = |(event, sql): &(&str, &str)| {
        ((*event).to_owned(), vec![Action::once(sql).expect("that is an action")])
    };
    let tables = schema(tables).expect("that is a schema");
    let model = Model::new(name, vec![tables], actions.iter().map(action).collect());
    Arc::new(model.expect("that is a projection's name"))
}

/// An event with an id that its position gives.
pub(super) fn event(position: u64, stream: &str, event_type: &str, data: &str) -> RecordedEvent {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&position.to_be_bytes());
    let event = NewEvent::json(event_type, data.to_owned()).expect("that is an event");
    let event = event.id(EventId::from_bytes(id));
    let stream = stream.parse().expect("that is a stream's name");
    RecordedEvent::from_new(&event, &stream, Position::new(position), Version::new(1), Timestamp::default())
}

pub(super) fn opened(position: u64, account: &str) -> RecordedEvent {
    event(position, &format!("account-{account}"), "Opened", "{}")
}

pub(super) fn deposited(position: u64, account: &str, amount: u64) -> RecordedEvent {
    event(position, &format!("account-{account}"), "Deposited", &format!(r#"{{"amount":{amount}}}"#))
}

/// Accounts `a` and `b`, opened at 1 and 2, and then deposits of 1 on the one and the other.
pub(super) fn history(from: u64, to: u64) -> Vec<RecordedEvent> {
    let event = |position| match position {
        1 => opened(1, "a"),
        2 => opened(2, "b"),
        _ => deposited(position, if position % 2 == 1 { "a" } else { "b" }, 1),
    };
    (from..=to).map(event).collect()
}

pub(super) fn end(events: &[RecordedEvent]) -> BatchEnd {
    BatchEnd::event(events.last().expect("a batch has events"))
}

/// Applies events in one batch that ends with the last.
pub(super) async fn try_apply(writer: &mut dyn Writer, events: &[RecordedEvent]) -> Result<(), ApplyError> {
    let batch = writer.model().batch(Arc::new(events.to_vec()));
    writer.apply(Arc::new(batch), end(events)).await
}

pub(super) async fn apply(writer: &mut dyn Writer, events: &[RecordedEvent]) {
    try_apply(writer, events).await.expect("these events can be applied");
}

/// Takes an event from the list of those that were put aside, applied as it is.
pub(super) async fn retry(writer: &mut dyn Writer, event: &RecordedEvent) -> Result<(), ApplyError> {
    let batch = writer.model().batch(Arc::new(vec![event.clone()]));
    writer.retry(event.position(), Arc::new(batch)).await
}

/// Makes a generation, and opens it.
pub(super) async fn create(database: &dyn ReadDatabase, model: &Arc<Model>) -> (u64, Box<dyn Writer>) {
    let number = database.create(model, STORE).await.expect("a generation can be made");
    let writer = database.open(model, number).await.expect("a generation can be opened");
    (number, writer)
}

/// A live generation of accounts with events up to a position.
pub(super) async fn filled(database: &dyn ReadDatabase, to: u64) -> (Arc<Model>, Box<dyn Writer>) {
    let model = accounts("accounts");
    let (_, mut writer) = create(database, &model).await;
    apply(&mut *writer, &history(1, to)).await;
    (model, writer)
}

/// What a query without parameters gives.
pub(super) async fn rows(database: &dyn ReadDatabase, sql: &str) -> Value {
    let query = SqlQuery::ad_hoc(sql).expect("that is a query");
    let answer = database.ask(&query, &Parameters::default(), &AnswerLimits::default()).await;
    answer.expect("the query has an answer").to_json()
}

/// Everything that readers of accounts see.
pub(super) async fn contents(database: &dyn ReadDatabase) -> [Value; 2] {
    [
        rows(database, "SELECT id, balance, changed FROM account ORDER BY id").await,
        rows(database, "SELECT number, account, amount FROM entry ORDER BY number, account, amount").await,
    ]
}

/// How far a generation of accounts has come, as those see it who look on.
pub(super) async fn position(database: &dyn ReadDatabase, number: u64) -> Position {
    let standing = database.standing("accounts", number).await;
    standing.expect("a generation stands somewhere").checkpoint.position
}

/// The generations of accounts.
pub(super) async fn states(database: &dyn ReadDatabase) -> Vec<(u64, State)> {
    let all = database.generations().await.expect("generations can be listed");
    let all = all.into_iter().filter(|generation| generation.projection == "accounts");
    all.map(|generation| (generation.number, generation.state)).collect()
}

/// The positions of what was put aside in generation 1 of accounts.
pub(super) async fn parked(database: &dyn ReadDatabase) -> Vec<u64> {
    let all = database.parked("accounts", 1).await.expect("what was put aside can be listed");
    all.into_iter().map(|parked| parked.position.get()).collect()
}

/// Why an event is put aside.
pub(super) fn failure(event: &RecordedEvent) -> StatementFailure {
    StatementFailure {
        position: event.position(),
        event_id: event.event_id(),
        event_type: event.event_type().to_owned(),
        statement: None,
        parameters: Vec::new(),
        error: "it is not wanted".to_owned(),
        passing: false,
    }
}

/// What a batch with an event that fails says of it.
pub(super) async fn failing(writer: &mut dyn Writer, events: &[RecordedEvent]) -> StatementFailure {
    match try_apply(writer, events).await {
        Err(ApplyError::Failed(failure)) => *failure,
        other => panic!("the batch has an event that fails, but: {other:?}"),
    }
}

/// What is expected of calls that break a promise of the caller: a panic.
pub(super) async fn assert_panics<T>(call: impl Future<Output = T>) {
    use futures::FutureExt as _;
    let came = std::panic::AssertUnwindSafe(call).catch_unwind().await;
    assert!(came.is_err(), "what a caller must not ask for is a panic");
}

/// Begins a call, lets it go on for a moment, and leaves it; what came of it when it was done by then.
pub(super) async fn left<T>(call: impl Future<Output = T>, moment: u64) -> Option<T> {
    use futures::FutureExt as _;
    let mut call = std::pin::pin!(call);
    for _ in 0..moment {
        if let Some(came) = call.as_mut().now_or_never() {
            return Some(came);
        }
        tokio::task::yield_now().await;
    }
    None
}
