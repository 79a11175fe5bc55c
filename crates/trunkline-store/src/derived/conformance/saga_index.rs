//! The promises of [`SagaIndex`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use trunkline_core::saga::Status;
use trunkline_core::{EventId, Position, StoreId, Timestamp, Version};

use super::TestPlace;
pub use super::saga_model::*;
use crate::derived::{Checkpoint, IndexedSaga, SagaIndex, SagaKey, SagaQuery, SagaRow};

/// Makes a module with a test of every promise of [`SagaIndex`], for one backend.
#[macro_export]
macro_rules! saga_index_conformance {
    ($name:ident, $make:expr $(,)?) => {
        mod $name {
            use super::*;

            $crate::__saga_index_promises!(tests $make);
        }
    };
}

/// The one list of tests.
#[doc(hidden)]
#[macro_export]
macro_rules! __saga_index_promises {
    ($form:ident $($make:expr)?) => {
        $crate::__derived_each! {
            $form saga_index ($($make)?)
            a_new_index_has_nothing
            a_row_is_listed_as_it_was_put
            a_row_takes_the_place_of_one_that_is_not_later
            how_far_was_read_stays_where_nothing_is_said
            a_cleared_index_is_as_new
            sagas_are_due_at_their_time_the_longest_due_first
            the_next_due_is_the_first_of_all
            sagas_are_counted_by_name_and_status
            a_list_goes_by_name_and_id
            a_list_goes_on_after_a_saga_up_to_a_limit
            each_part_of_a_query_narrows_it
            a_count_knows_no_limit
            no_reader_sees_a_part_of_what_is_put
            after_opening_again_what_was_read_has_its_rows
            random_histories_of_sagas_come_out_as_in_the_model
        }
    };
}

/// Every promise's name, for those who want to see that they test all of them.
pub const PROMISES: &[&str] = crate::__saga_index_promises!(names);

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

/// A saga that runs, at a version.
pub(super) fn saga(name: &str, id: &str, version: u64) -> IndexedSaga {
    let row = SagaRow {
        name: name.to_owned(),
        id: id.to_owned(),
        status: Status::Running,
        step: None,
        started_at: at(1),
        changed_at: at(2),
        due: None,
        reason: None,
    };
    IndexedSaga { row, version: Version::new(version) }
}

/// The same with changes.
pub(super) fn with(mut saga: IndexedSaga, change: impl FnOnce(&mut SagaRow)) -> IndexedSaga {
    change(&mut saga.row);
    saga
}

pub(super) fn checkpoint(n: u64) -> Checkpoint {
    let bytes = (u128::from(n) << 64 | 0x5A6A).to_be_bytes();
    Checkpoint {
        store: StoreId::from_bytes(bytes),
        position: Position::new((n << 33) + n),
        event_id: EventId::from_bytes(bytes.map(|byte| !byte)),
    }
}

async fn put(index: &dyn SagaIndex, sagas: impl IntoIterator<Item = IndexedSaga>) {
    index.put(sagas.into_iter().collect(), None).await.expect("rows are put");
}

async fn list(index: &dyn SagaIndex, query: SagaQuery) -> Vec<SagaRow> {
    index.list(&query).await.expect("sagas are listed")
}

async fn keys(index: &dyn SagaIndex, query: SagaQuery) -> Vec<SagaKey> {
    list(index, query).await.into_iter().map(|row| (row.name, row.id)).collect()
}

fn owned<const N: usize>(keys: [(&str, &str); N]) -> Vec<SagaKey> {
    keys.map(|(name, id)| (name.to_owned(), id.to_owned())).to_vec()
}

async fn assert_new(index: &dyn SagaIndex) {
    assert_eq!(index.read_to().await, Ok(None));
    assert_eq!(index.next_due().await, Ok(None));
    assert_eq!(index.due(Timestamp::from_micros(i64::MAX), 10).await, Ok(Vec::new()));
    assert_eq!(index.list(&SagaQuery::default()).await, Ok(Vec::new()));
    assert_eq!(index.count(&SagaQuery::default()).await, Ok(0));
    assert_eq!(index.counts().await, Ok(Vec::new()));
}

/// Nothing was read for it.
pub async fn a_new_index_has_nothing(place: TestPlace<dyn SagaIndex>) {
    assert_new(&*place.open()).await;
}

/// Every part of it, whichever are there.
pub async fn a_row_is_listed_as_it_was_put(place: TestPlace<dyn SagaIndex>) {
    let index = place.open();
    let full = with(saga("trip", "ö '1'", 7), |row| {
        row.status = Status::Stuck;
        row.step = Some("book".to_owned());
        row.started_at = Timestamp::from_micros(1_291_192_000_123_456);
        row.changed_at = Timestamp::from_micros(1_291_192_000_123_457);
        row.due = Some(Timestamp::from_micros(1_291_192_000_123_458));
        row.reason = Some("no \"room\"\n".to_owned());
    });
    let every_status =
        Status::ALL.map(|status| with(saga("a", status.as_str(), 1), |row| row.status = status));
    put(&*index, every_status.iter().cloned().chain([full.clone()])).await;
    let listed = list(&*index, SagaQuery::default()).await;
    for put in every_status.iter().chain([&full]) {
        assert!(listed.contains(&put.row), "{put:?} is not in {listed:?}");
    }
    assert_eq!(listed.len(), every_status.len() + 1);
}

/// A reader that is behind takes nothing back.
pub async fn a_row_takes_the_place_of_one_that_is_not_later(place: TestPlace<dyn SagaIndex>) {
    let index = place.open();
    let step = |version, step: &str, due| {
        with(saga("trip", "1", version), |row| (row.step, row.due) = (Some(step.to_owned()), due))
    };
    put(&*index, [step(5, "first", Some(at(9)))]).await;
    put(&*index, [step(4, "earlier", Some(at(3)))]).await;
    assert_eq!(list(&*index, SagaQuery::default()).await, [step(5, "first", Some(at(9))).row]);
    assert_eq!(index.next_due().await, Ok(Some(at(9))));
    put(&*index, [step(5, "same", Some(at(8)))]).await;
    assert_eq!(list(&*index, SagaQuery::default()).await, [step(5, "same", Some(at(8))).row]);
    assert_eq!(index.next_due().await, Ok(Some(at(8))));
    put(&*index, [step(6, "later", None)]).await;
    assert_eq!(list(&*index, SagaQuery::default()).await, [step(6, "later", None).row]);
    assert_eq!(index.next_due().await, Ok(None));
}

/// It is what was put last.
pub async fn how_far_was_read_stays_where_nothing_is_said(place: TestPlace<dyn SagaIndex>) {
    let index = place.open();
    index.put(vec![saga("trip", "1", 1)], Some(checkpoint(3))).await.expect("rows are put");
    assert_eq!(index.read_to().await, Ok(Some(checkpoint(3))));
    put(&*index, [saga("trip", "2", 1)]).await;
    assert_eq!(index.read_to().await, Ok(Some(checkpoint(3))));
    index.put(Vec::new(), Some(checkpoint(2))).await.expect("how far was read is put");
    assert_eq!(index.read_to().await, Ok(Some(checkpoint(2))));
    assert_eq!(index.count(&SagaQuery::default()).await, Ok(2));
}

/// Also of what was later than anything that comes.
pub async fn a_cleared_index_is_as_new(place: TestPlace<dyn SagaIndex>) {
    let index = place.open();
    let due = with(saga("trip", "1", 9), |row| row.due = Some(at(5)));
    index.put(vec![due], Some(checkpoint(3))).await.expect("rows are put");
    index.clear().await.expect("it is cleared");
    assert_new(&*index).await;
    put(&*index, [saga("trip", "1", 1)]).await;
    assert_eq!(list(&*index, SagaQuery::default()).await, [saga("trip", "1", 1).row]);
}

/// Those that are never due, or later, are not among them.
pub async fn sagas_are_due_at_their_time_the_longest_due_first(place: TestPlace<dyn SagaIndex>) {
    let index = place.open();
    let due = |id: &str, seconds| with(saga("trip", id, 1), |row| row.due = Some(at(seconds)));
    put(&*index, [due("d", 5), due("a", 7), saga("trip", "never", 1), due("c", 6), due("b", 8)]).await;
    let ids = async |now, max| -> Vec<String> {
        let due = index.due(now, max).await.expect("what is due is found");
        due.into_iter().map(|(name, id)| if name == "trip" { id } else { name }).collect()
    };
    assert_eq!(ids(at(4), 10).await, [""; 0]);
    assert_eq!(ids(at(5), 10).await, ["d"]);
    assert_eq!(ids(Timestamp::from_micros(at(6).as_micros() - 1), 10).await, ["d"]);
    assert_eq!(ids(at(7), 10).await, ["d", "c", "a"]);
    assert_eq!(ids(at(9), 2).await, ["d", "c"]);
}

/// Whether it is over or to come.
pub async fn the_next_due_is_the_first_of_all(place: TestPlace<dyn SagaIndex>) {
    let index = place.open();
    let due =
        |id: &str, version, due: Option<i64>| with(saga("trip", id, version), |row| row.due = due.map(at));
    put(&*index, [due("1", 1, Some(7)), due("2", 1, Some(-4)), due("3", 1, None)]).await;
    assert_eq!(index.next_due().await, Ok(Some(at(-4))));
    put(&*index, [due("2", 2, None)]).await;
    assert_eq!(index.next_due().await, Ok(Some(at(7))));
}

/// In their order, and none of which there is none.
pub async fn sagas_are_counted_by_name_and_status(place: TestPlace<dyn SagaIndex>) {
    let index = place.open();
    let stands = |name: &str, id: &str, status| with(saga(name, id, 1), |row| row.status = status);
    put(
        &*index,
        [
            stands("trip", "1", Status::Running),
            stands("order", "1", Status::Stuck),
            stands("trip", "2", Status::Completed),
            stands("trip", "3", Status::Running),
            stands("trip", "4", Status::Compensating),
            stands("Trip", "1", Status::Running),
        ],
    )
    .await;
    let counts = index.counts().await.expect("sagas are counted");
    let counts: Vec<_> = counts.iter().map(|(name, status, count)| (&**name, *status, *count)).collect();
    let expected = [
        ("Trip", Status::Running, 1),
        ("order", Status::Stuck, 1),
        ("trip", Status::Compensating, 1),
        ("trip", Status::Completed, 1),
        ("trip", Status::Running, 2),
    ];
    assert_eq!(counts, expected);
}

/// By their bytes.
pub async fn a_list_goes_by_name_and_id(place: TestPlace<dyn SagaIndex>) {
    let index = place.open();
    let ordered = [
        ("Trip", "2"),
        ("order", "10"),
        ("order", "9"),
        ("trip", "A"),
        ("trip", "a"),
        ("trip", "ä"),
        ("trips", "0"),
    ];
    put(&*index, ordered.iter().rev().map(|(name, id)| saga(name, id, 1))).await;
    assert_eq!(keys(&*index, SagaQuery::default()).await, owned(ordered));
}

/// Each is in one page.
pub async fn a_list_goes_on_after_a_saga_up_to_a_limit(place: TestPlace<dyn SagaIndex>) {
    let index = place.open();
    let ordered = [("a", "1"), ("a", "2"), ("b", "0"), ("b", "3"), ("c", "1")];
    put(&*index, ordered.iter().map(|(name, id)| saga(name, id, 1))).await;
    let (mut after, mut paged) = (None, Vec::new());
    for _ in 0..=ordered.len() {
        let page = keys(&*index, SagaQuery { after, limit: Some(2), ..SagaQuery::default() }).await;
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        after = Some(last.clone());
        paged.extend(page);
    }
    assert_eq!(paged, owned(ordered));
    let none = SagaQuery { limit: Some(0), ..SagaQuery::default() };
    assert_eq!(keys(&*index, none).await, []);
}

/// All of them together, too.
pub async fn each_part_of_a_query_narrows_it(place: TestPlace<dyn SagaIndex>) {
    let index = place.open();
    let row = |name: &str, id: &str, status, changed| {
        with(saga(name, id, 1), |row| (row.status, row.changed_at) = (status, at(changed)))
    };
    put(
        &*index,
        [
            row("trip", "1", Status::Running, 10),
            row("trip", "2", Status::Stuck, 20),
            row("trip", "3", Status::Completed, 30),
            row("order", "2", Status::Running, 40),
        ],
    )
    .await;
    let all = SagaQuery::default;
    let text = |text: &str| Some(text.to_owned());
    let cases = [
        (SagaQuery { name: text("trip"), ..all() }, owned([("trip", "1"), ("trip", "2"), ("trip", "3")])),
        (SagaQuery { name: text("tri%"), ..all() }, owned([])),
        (SagaQuery { id: text("2"), ..all() }, owned([("order", "2"), ("trip", "2")])),
        (SagaQuery { statuses: vec![Status::Stuck], ..all() }, owned([("trip", "2")])),
        (
            SagaQuery { statuses: vec![Status::Running, Status::Completed], ..all() },
            owned([("order", "2"), ("trip", "1"), ("trip", "3")]),
        ),
        (SagaQuery { unchanged_since: Some(at(20)), ..all() }, owned([("trip", "1"), ("trip", "2")])),
        (SagaQuery { unchanged_since: Some(at(9)), ..all() }, owned([])),
        (
            SagaQuery {
                name: text("trip"),
                id: text("2"),
                statuses: vec![Status::Stuck, Status::Running],
                unchanged_since: Some(at(25)),
                after: Some(("trip".to_owned(), "1".to_owned())),
                limit: Some(5),
            },
            owned([("trip", "2")]),
        ),
    ];
    for (query, expected) in cases {
        assert_eq!(keys(&*index, query.clone()).await, expected, "{query:?}");
        assert_eq!(index.count(&query).await, Ok(expected.len() as u64), "{query:?}");
    }
}

/// So that a page can say of how many it is one.
pub async fn a_count_knows_no_limit(place: TestPlace<dyn SagaIndex>) {
    let index = place.open();
    put(&*index, (0..30).map(|n| saga("trip", &n.to_string(), 1))).await;
    let query = SagaQuery { limit: Some(7), ..SagaQuery::default() };
    assert_eq!(index.count(&query).await, Ok(30));
    assert_eq!(list(&*index, query).await.len(), 7);
}

/// The `n`th state of a few sagas, all of which say so.
fn all_at(n: u64) -> Vec<IndexedSaga> {
    let step = |id: u64| with(saga("trip", &format!("{id:02}"), n), |row| row.step = Some(n.to_string()));
    (0..40).map(step).collect()
}

/// The one `n` that all rows say; 0 when there are none.
fn one_of(rows: &[SagaRow]) -> u64 {
    let mut said = rows.iter().map(|row| row.step.as_deref().and_then(|step| step.parse().ok()));
    let Some(first) = said.next() else { return 0 };
    assert!(said.all(|next| next == first), "a part of what was put is seen: {rows:?}");
    assert_eq!(rows.len(), all_at(1).len(), "a part of what was put is seen: {rows:?}");
    first.expect("all rows have a step")
}

/// How many times rows are put while a reader looks.
const PUTS: u64 = 50;

/// Neither rows without others, nor how far was read without rows.
pub async fn no_reader_sees_a_part_of_what_is_put(place: TestPlace<dyn SagaIndex>) {
    let (index, is_done) = (place.open(), Arc::new(AtomicBool::new(false)));
    let reader = {
        let (index, is_done) = (Arc::clone(&index), Arc::clone(&is_done));
        tokio::spawn(async move {
            while !is_done.load(Ordering::SeqCst) {
                let read_to = index.read_to().await.expect("how far was read is said");
                let n = one_of(&list(&*index, SagaQuery::default()).await);
                assert!(
                    (0..=n).any(|n| read_to == (n > 0).then(|| checkpoint(n))),
                    "{read_to:?} has rows of {n}"
                );
                tokio::task::yield_now().await;
            }
        })
    };
    for n in 1..=PUTS {
        index.put(all_at(n), Some(checkpoint(n))).await.expect("rows are put");
        tokio::task::yield_now().await;
        if reader.is_finished() {
            break;
        }
    }
    is_done.store(true, Ordering::SeqCst);
    reader.await.expect("nobody sees a part");
}

/// It may be older. A place that can't be opened again is read once more.
pub async fn after_opening_again_what_was_read_has_its_rows(place: TestPlace<dyn SagaIndex>) {
    let index = place.open();
    for n in 1..=5 {
        index.put(all_at(n), Some(checkpoint(n))).await.expect("rows are put");
    }
    drop(index);
    let index = place.open();
    let read_to = index.read_to().await.expect("how far was read is said");
    let n = one_of(&list(&*index, SagaQuery::default()).await);
    assert_eq!(read_to, (n > 0).then(|| checkpoint(n)), "its rows are those of {n}");
    index.put(all_at(6), Some(checkpoint(6))).await.expect("rows are put");
    assert_eq!(one_of(&list(&*index, SagaQuery::default()).await), 6);
}
