//! The promises of [`CauseIndex`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use trunkline_core::{EventId, Position, StoreId};

use super::TestPlace;
use super::saga_model::Random;
use crate::Direction;
use crate::conformance::seed;
use crate::derived::{CauseIndex, CauseKey, CauseQuery, Checkpoint, FoundCauses};

/// Makes a module with a test of every promise of [`CauseIndex`], for one backend.
#[macro_export]
macro_rules! cause_index_conformance {
    ($name:ident, $make:expr $(,)?) => {
        mod $name {
            use super::*;

            $crate::__cause_index_promises!(tests $make);
        }
    };
}

/// The one list of tests.
#[doc(hidden)]
#[macro_export]
macro_rules! __cause_index_promises {
    ($form:ident $($make:expr)?) => {
        $crate::__derived_each! {
            $form cause_index ($($make)?)
            a_new_index_of_causes_has_nothing
            events_of_a_cause_are_found_one_way_and_the_other
            what_is_found_is_in_the_range
            where_fewer_come_than_the_limit_there_are_no_more
            an_event_is_found_once
            who_goes_on_from_elsewhere_changes_nothing
            what_goes_no_further_changes_nothing
            a_cleared_index_of_causes_is_as_new
            no_reader_sees_a_part_of_what_goes_on
            after_opening_again_the_index_is_as_it_was
            random_causes_come_out_as_in_the_model
        }
    };
}

/// Every promise's name, for those who want to see that they test all of them.
pub const PROMISES: &[&str] = crate::__cause_index_promises!(names);

fn checkpoint(n: u64) -> Checkpoint {
    let bytes = (u128::from(n) << 64 | 0xCA05E).to_be_bytes();
    Checkpoint {
        store: StoreId::from_bytes([7; 16]),
        position: Position::new(n),
        event_id: EventId::from_bytes(bytes),
    }
}

fn key(n: u64) -> CauseKey {
    CauseKey::correlation(&n.to_string())
}

fn all(key: CauseKey) -> CauseQuery {
    let (from, to) = (Position::FIRST, Position::MAX);
    CauseQuery { key, from, to, direction: Direction::Forward, limit: usize::MAX }
}

/// Events of which each has a cause of two.
fn halves(positions: std::ops::RangeInclusive<u64>) -> Vec<(CauseKey, Position)> {
    positions.map(|n| (key(n % 2), Position::new(n))).collect()
}

async fn put(index: &dyn CauseIndex, after: u64, causes: Vec<(CauseKey, Position)>, to: u64) {
    let after = (after > 0).then(|| checkpoint(after));
    let put = index.put(after, causes, checkpoint(to)).await;
    assert_eq!(put, Ok(true), "it goes on");
}

async fn find(index: &dyn CauseIndex, query: CauseQuery) -> FoundCauses {
    index.find(query).await.expect("a cause is looked for")
}

/// Where events stand, without those that are not of the cause.
async fn positions(index: &dyn CauseIndex, query: CauseQuery, is_of: impl Fn(u64) -> bool) -> Vec<u64> {
    let found = find(index, query).await.positions;
    found.into_iter().map(Position::get).filter(|position| is_of(*position)).collect()
}

async fn assert_new(index: &dyn CauseIndex) {
    assert_eq!(index.read_to().await, Ok(None));
    for n in 0..4 {
        assert_eq!(find(index, all(key(n))).await, FoundCauses::default());
    }
}

/// Nothing was read for it.
pub async fn a_new_index_of_causes_has_nothing(place: TestPlace<dyn CauseIndex>) {
    assert_new(&*place.open()).await;
}

/// In the order of their positions, whichever calls they were put by and in whichever order; a kind of id is not another.
pub async fn events_of_a_cause_are_found_one_way_and_the_other(place: TestPlace<dyn CauseIndex>) {
    let index = place.open();
    let at = |key, n| (key, Position::new(n));
    let (correlation, causation) = (CauseKey::correlation("c"), CauseKey::causation("c"));
    put(&*index, 0, vec![at(correlation, 5), at(causation, 3), at(correlation, 1)], 5).await;
    put(&*index, 5, vec![at(correlation, 8), at(correlation, 70_000), at(causation, 140_000)], 140_003).await;
    let backward = |query| CauseQuery { direction: Direction::Backward, ..query };
    let of_correlation = |n| n != 3 && n != 140_000;
    assert_eq!(positions(&*index, all(correlation), of_correlation).await, [1, 5, 8, 70_000]);
    assert_eq!(positions(&*index, backward(all(correlation)), of_correlation).await, [70_000, 8, 5, 1]);
    let of_causation = |n| n == 3 || n == 140_000;
    assert_eq!(positions(&*index, all(causation), of_causation).await, [3, 140_000]);
    assert_eq!(index.read_to().await, Ok(Some(checkpoint(140_003))));
}

/// Both ends are in it, and one that ends before it begins has nothing.
pub async fn what_is_found_is_in_the_range(place: TestPlace<dyn CauseIndex>) {
    let index = place.open();
    put(&*index, 0, halves(1..=9), 9).await;
    for direction in [Direction::Forward, Direction::Backward] {
        for (from, to, expected) in [(3, 7, vec![3, 5, 7]), (4, 6, vec![5]), (8, 8, vec![]), (7, 3, vec![])] {
            let (from, to) = (Position::new(from), Position::new(to));
            let found = find(&*index, CauseQuery { from, to, direction, ..all(key(1)) }).await.positions;
            assert!(found.iter().all(|position| (from..=to).contains(position)), "{found:?}");
            let mut of_cause: Vec<u64> =
                found.into_iter().map(Position::get).filter(|n| n % 2 == 1).collect();
            of_cause.sort_unstable();
            assert_eq!(of_cause, expected);
        }
    }
}

/// So that who goes on after the last one has found all.
pub async fn where_fewer_come_than_the_limit_there_are_no_more(place: TestPlace<dyn CauseIndex>) {
    let index = place.open();
    put(&*index, 0, halves(1..=60), 60).await;
    put(&*index, 60, halves(61..=99), 99).await;
    let (mut query, mut paged) = (CauseQuery { limit: 7, ..all(key(1)) }, Vec::new());
    for _ in 0..=99 {
        let page = find(&*index, query).await.positions;
        assert!(page.len() <= 7, "{page:?}");
        paged.extend(page.iter().copied().map(Position::get).filter(|n| n % 2 == 1));
        let Some(last) = page.last().filter(|_| page.len() == 7) else { break };
        query.from = last.next();
    }
    assert_eq!(paged, (1..=99).step_by(2).collect::<Vec<_>>());
}

/// Also when it has the same cause twice.
pub async fn an_event_is_found_once(place: TestPlace<dyn CauseIndex>) {
    let index = place.open();
    put(&*index, 0, [halves(1..=9), halves(1..=9)].concat(), 9).await;
    assert_eq!(positions(&*index, all(key(0)), |n| n % 2 == 0).await, [2, 4, 6, 8]);
}

/// Also who begins where another has begun.
pub async fn who_goes_on_from_elsewhere_changes_nothing(place: TestPlace<dyn CauseIndex>) {
    let index = place.open();
    let early = index.put(Some(checkpoint(3)), halves(4..=5), checkpoint(5)).await;
    assert_eq!(early, Ok(false));
    assert_new(&*index).await;
    put(&*index, 0, halves(1..=4), 4).await;
    let another = Checkpoint { event_id: EventId::from_bytes([1; 16]), ..checkpoint(4) };
    for after in [None, Some(checkpoint(3)), Some(checkpoint(5)), Some(another)] {
        let put = index.put(after, halves(6..=8), checkpoint(8)).await;
        assert_eq!(put, Ok(false), "{after:?}");
        let found = find(&*index, all(key(0))).await;
        assert_eq!(found.read_to, Some(checkpoint(4)));
        assert!(found.positions.iter().all(|position| position.get() <= 4), "{found:?}");
    }
}

/// Nothing was read.
pub async fn what_goes_no_further_changes_nothing(place: TestPlace<dyn CauseIndex>) {
    let index = place.open();
    put(&*index, 0, halves(1..=4), 4).await;
    for to in [4, 3] {
        let put = index.put(Some(checkpoint(4)), halves(5..=6), checkpoint(to)).await;
        assert_eq!(put, Ok(false));
        let found = find(&*index, all(key(0))).await;
        assert_eq!(found.read_to, Some(checkpoint(4)));
        assert!(found.positions.iter().all(|position| position.get() <= 4), "{found:?}");
    }
}

/// It is filled again from the first event on.
pub async fn a_cleared_index_of_causes_is_as_new(place: TestPlace<dyn CauseIndex>) {
    let index = place.open();
    put(&*index, 0, halves(1..=9), 9).await;
    index.clear().await.expect("it is cleared");
    assert_new(&*index).await;
    put(&*index, 0, vec![(key(0), Position::new(3))], 9).await;
    let found = find(&*index, all(key(0))).await.positions;
    assert!(found.iter().all(|position| position.get() == 3) && found.len() == 1, "{found:?}");
}

/// How many times the index goes on while a reader looks.
const PUTS: u64 = 50;

/// How many events it goes on by.
const EVENTS: u64 = 40;

/// All that one of the two causes has up to where the log was read.
fn assert_whole(found: &FoundCauses) {
    let to = found.read_to.map_or(0, |read_to| read_to.position.get());
    assert_eq!(to % EVENTS, 0, "the log was read to {to}");
    let positions: Vec<u64> =
        found.positions.iter().copied().map(Position::get).filter(|n| n % 2 == 1).collect();
    assert_eq!(positions, (1..=to).step_by(2).collect::<Vec<_>>(), "a part is seen of what has {to}");
}

async fn fill(index: &dyn CauseIndex, n: u64) {
    let (after, to) = ((n - 1) * EVENTS, n * EVENTS);
    put(index, after, halves(after + 1..=to), to).await;
}

/// Neither events without others, nor how far was read without events.
pub async fn no_reader_sees_a_part_of_what_goes_on(place: TestPlace<dyn CauseIndex>) {
    let (index, is_done) = (place.open(), Arc::new(AtomicBool::new(false)));
    let reader = {
        let (index, is_done) = (Arc::clone(&index), Arc::clone(&is_done));
        tokio::spawn(async move {
            while !is_done.load(Ordering::SeqCst) {
                assert_whole(&find(&*index, all(key(1))).await);
                tokio::task::yield_now().await;
            }
        })
    };
    for n in 1..=PUTS {
        fill(&*index, n).await;
        tokio::task::yield_now().await;
        if reader.is_finished() {
            break;
        }
    }
    is_done.store(true, Ordering::SeqCst);
    reader.await.expect("nobody sees a part");
}

/// It may be older, and goes on from there. A place that can't be opened again is read once more.
pub async fn after_opening_again_the_index_is_as_it_was(place: TestPlace<dyn CauseIndex>) {
    let index = place.open();
    for n in 1..=5 {
        fill(&*index, n).await;
    }
    drop(index);
    let index = place.open();
    let found = find(&*index, all(key(1))).await;
    assert_whole(&found);
    assert_eq!(index.read_to().await, Ok(found.read_to));
    let next = found.read_to.map_or(0, |read_to| read_to.position.get()) / EVENTS + 1;
    fill(&*index, next).await;
    assert_whole(&find(&*index, all(key(1))).await);
}

/// Whatever was put, whatever is asked, over the bounds of what an index keeps together; a failure says the seed, which
/// `TRUNKLINE_SEED` repeats.
pub async fn random_causes_come_out_as_in_the_model(place: TestPlace<dyn CauseIndex>) {
    let (index, seed) = (place.open(), seed());
    let mut random = Random(seed);
    let mut model: Vec<(u64, u64)> = Vec::new();
    let mut read_to = 0;
    for _ in 0..40 {
        let to = read_to + 1 + random.below(9_000);
        let mut causes: Vec<(u64, u64)> = (0..random.below(60))
            .map(|_| (random.below(5), read_to + 1 + random.below(to - read_to)))
            .collect();
        put(&*index, read_to, causes.iter().map(|(n, at)| (key(*n), Position::new(*at))).collect(), to).await;
        model.append(&mut causes);
        read_to = to;
        let n = random.below(5);
        let (from, end) = (random.below(to + 2), random.below(to + 2));
        let direction = [Direction::Forward, Direction::Backward][usize::from(random.below(2) == 1)];
        let is_of = |at| model.contains(&(n, at));
        let query =
            CauseQuery { from: Position::new(from), to: Position::new(end), direction, ..all(key(n)) };
        let mut expected: Vec<u64> = model
            .iter()
            .filter(|(other, at)| *other == n && (from..=end).contains(at))
            .map(|(_, at)| *at)
            .collect();
        expected.sort_unstable();
        expected.dedup();
        if direction == Direction::Backward {
            expected.reverse();
        }
        assert_eq!(positions(&*index, query, is_of).await, expected, "seed {seed}: {query:?}");
    }
}
