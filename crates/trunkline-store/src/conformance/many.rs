//! What holds when many write and read at the same time.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::StreamExt;
use futures::future::join_all;
use trunkline_core::{Append, Appended, EventId, Expected, NewEvent, Position, Query, QueryItem, Version};

use super::Fixture;
use super::model::Model;
use super::sample::{
    append, command, event, facts, head, kind, one, several, slow, soon, stream, streams, tag, to,
};
use super::seen::{Seen, collect, everything, everything_in};
use crate::{AllRead, AppendError, Direction, EventStore, EventStoreExt, subscribe};

/// Readers that follow the head while many write see every acknowledged event, in order, once.
pub async fn no_event_is_skipped_by_a_tailing_reader_among_many_writers(fixture: Fixture) {
    let store = fixture.store();
    let (writers, rounds) = (16, if slow() { 1000 } else { 40 });
    let readers: Vec<_> = (0..3).map(|_| tokio::spawn(follow_by_waiting(Arc::clone(&store)))).collect();
    let subscriber = tokio::spawn(follow_by_subscribing(Arc::clone(&store), Query::all()));
    let ones = Query::from(QueryItem::default().event_type(kind("One")).event_type(kind(END)));
    let chooser = tokio::spawn(follow_by_subscribing(Arc::clone(&store), ones));

    let writing = (0..writers).map(|writer| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            for round in 0..rounds {
                let name = ["One", "Two", "Three"][writer % 3];
                let events: Vec<_> = (0..=writer % 3).map(|_| event(name)).collect();
                acknowledged.extend(events.iter().map(|event| event.event_id));
                let batch = to(&format!("order-{}", (writer + round) % 5), Expected::Any);
                append(&*store, batch.with_events(events)).await;
            }
            acknowledged
        })
    });
    let acknowledged: Vec<EventId> =
        join_all(writing).await.into_iter().flat_map(|done| done.expect("no writer panics")).collect();
    append(&*store, to("order-0", Expected::Any).event(event(END))).await;

    let all = everything(&*store).await;
    assert_eq!(all.len(), acknowledged.len() + 1);
    let stored: HashSet<_> = all.iter().map(|event| event.event_id).collect();
    assert!(acknowledged.iter().all(|id| stored.contains(id)), "every acknowledged event is stored");
    assert!(all.is_sorted_by(|one, next| one.position < next.position), "positions increase");
    for number in 0..5 {
        let versions: Vec<_> = everything_in(&*store, &format!("order-{number}"))
            .await
            .iter()
            .map(|event| event.version.get())
            .collect();
        assert!(versions.iter().copied().eq(1..=versions.len() as u64), "versions are dense: {versions:?}");
    }
    for reader in readers.into_iter().chain([subscriber]) {
        assert_same(&soon(reader).await.expect("no reader panics"), &all);
    }
    let ones: Vec<_> =
        all.into_iter().filter(|event| ["One", END].contains(&event.event_type.as_str())).collect();
    assert_same(&soon(chooser).await.expect("no reader panics"), &ones);
}

/// The type of the event after which those who follow the head stop.
const END: &str = "End";

/// Waits for the head, reads on to it, and again.
async fn follow_by_waiting(store: Arc<dyn EventStore>) -> Vec<Seen> {
    let mut seen: Vec<Seen> = Vec::new();
    while seen.last().is_none_or(|event| event.event_type != END) {
        let done = seen.last().map_or(Position::START, |event| event.position);
        let head = soon(store.wait_beyond(done)).await.expect("a sound store can be waited for");
        let page = collect(store.read_all(AllRead::after(done))).await;
        assert!(page.iter().any(|event| event.position == head), "the head {head} was announced");
        seen.extend(page);
    }
    seen
}

async fn follow_by_subscribing(store: Arc<dyn EventStore>, query: Query) -> Vec<Seen> {
    let mut seen: Vec<Seen> = Vec::new();
    let mut events = subscribe(&store, query, Position::START);
    while seen.last().is_none_or(|event| event.event_type != END) {
        let event = soon(events.next()).await.expect("a subscription has no end");
        seen.push(Seen::from(event.expect("a sound store is read")));
    }
    seen
}

/// A reader sees all of a batch or nothing of it, whichever way it reads.
pub async fn no_reader_sees_a_part_of_a_batch(fixture: Fixture) {
    let store = fixture.store();
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = [Direction::Forward, Direction::Backward]
        .map(|direction| {
            let (store, done) = (Arc::clone(&store), Arc::clone(&done));
            tokio::spawn(async move {
                let mut reads = 0;
                // One more read after the writers are done: each has seen something.
                while !done.load(Ordering::Acquire) || reads == 0 {
                    assert_whole(&collect(store.read_all(AllRead { direction, ..AllRead::default() })).await);
                    for info in streams(&*store).await {
                        let whole = info.version.get() % 2;
                        assert_eq!(whole, 0, "a batch has two events of each of its streams: {info:?}");
                    }
                    let version = store.version(&stream("order-1")).await.expect("a sound store is read");
                    assert_eq!(version.get() % 2, 0, "a batch has two events of each of its streams");
                    reads += 1;
                    tokio::task::yield_now().await;
                }
            })
        })
        .into();
    let writing = (0..8).map(|writer| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for round in 0..if slow() { 500 } else { 25 } {
                let mark = tag(&format!("batch:{writer}-{round}"));
                let two = || [event("Happened").tag(mark.clone()), event("Happened").tag(mark.clone())];
                let batch = to("order-1", Expected::Any).with_events(two());
                let batch = batch.and_to(stream("order-2"), Expected::Any).with_events(two());
                append(&*store, batch).await;
            }
        })
    });
    for writer in join_all(writing).await {
        writer.expect("no writer panics");
    }
    done.store(true, Ordering::Release);
    for reader in join_all(readers).await {
        reader.expect("no reader panics");
    }
    assert_whole(&everything(&*store).await);
}

/// Asserts that batches of four events stand together and whole.
fn assert_whole(seen: &[Seen]) {
    for batch in seen.chunks(4) {
        let mark = &batch[0].tags;
        let whole = batch.len() == 4 && batch.iter().all(|event| event.tags == *mark);
        assert!(whole, "this is not one whole batch: {batch:?}");
    }
}

/// Of many that would begin the same stream, one does; the others are told that it has begun.
pub async fn of_many_first_writers_exactly_one_wins(fixture: Fixture) {
    let store = fixture.store();
    for round in 0..5 {
        let name = format!("order-{round}");
        let tries = (0..64).map(|_| to(&name, Expected::NoStream).event(event("Happened")));
        let lost = AppendError::Conflict {
            stream: stream(&name),
            expected: Expected::NoStream,
            found: Version::FIRST,
        };
        let position = exactly_one_wins(&store, tries, |_| facts(&lost)).await.position;
        let seen = everything_in(&*store, &name).await;
        assert_eq!(seen.iter().map(|event| event.position).collect::<Vec<_>>(), [position]);
    }
}

/// Of many appends under the same command's id, one is stored; the others are told where.
pub async fn a_command_that_comes_many_times_at_once_has_one_outcome(fixture: Fixture) {
    let store = fixture.store();
    for round in 0..5 {
        let tries = (0..64)
            .map(|number| one(&format!("order-{number}")).for_command(command(&format!("command {round}"))));
        let handled = |position| facts(&AppendError::AlreadyHandled { position });
        exactly_one_wins(&store, tries, handled).await;
        assert_eq!(everything(&*store).await.len(), round + 1);
    }
}

/// Of many appends on condition that nobody was first, one is stored; the others are told of it.
pub async fn of_many_that_want_the_same_exactly_one_gets_it(fixture: Fixture) {
    let store = fixture.store();
    for round in 0..5 {
        let seat = tag(&format!("seat:{round}"));
        let tries = (0..64).map(|number| {
            to(&format!("order-{number}"), Expected::Any).event(event("SeatTaken").tag(seat.clone())).unless(
                "the seat is free",
                QueryItem::default().tag(seat.clone()).into(),
                Position::START,
            )
        });
        let failed =
            |position| facts(&AppendError::ConditionFailed { name: "the seat is free".to_owned(), position });
        exactly_one_wins(&store, tries, failed).await;
        assert_eq!(everything(&*store).await.len(), round + 1);
    }
}

/// The same append many times at once is stored once, and each time answered with what it came to.
pub async fn an_append_that_comes_many_times_at_once_is_stored_once(fixture: Fixture) {
    let store = fixture.store();
    append(&*store, one("order-1")).await;
    for round in 1..=5 {
        let batch = several("order-1", 2).and_to(stream("cart-1"), Expected::Any).event(event("Happened"));
        let results = at_once(&store, std::iter::repeat_n(batch, 64)).await;
        let mut firsts = 0;
        let wanted = Appended {
            versions: vec![Version::new(1 + 2 * round), Version::new(round)],
            position: head(&*store).await,
            repeated: true,
        };
        for (_, result) in results {
            let appended = result.expect("nothing stands against this append");
            firsts += usize::from(!appended.repeated);
            assert_eq!(Appended { repeated: true, ..appended }, wanted);
        }
        assert_eq!(firsts, 1, "one of them was the first");
        assert_eq!(everything(&*store).await.len() as u64, 1 + 3 * round);
    }
}

/// However many appends wait at the same time, there is an order in which each, judged alone after those
/// before it, comes out as it did: that of the positions.
pub async fn waiting_appends_are_judged_one_after_the_other(fixture: Fixture) {
    let store = fixture.store();
    let count = if slow() { 1000 } else { 200 };
    let ids: Vec<EventId> = (0..count).map(|_| EventId::generate()).collect();
    let tries = (0..count).map(|number| contended(number, &ids));
    let results = at_once(&store, tries).await;
    let all = everything(&*store).await;

    let mut stored = Vec::new();
    let mut answered = Vec::new();
    for (append, result) in results {
        match result {
            Ok(appended) if !appended.repeated => stored.push((append, appended)),
            Ok(appended) => answered.push((append, format!("{appended:?}"))),
            Err(error) => answered.push((append, facts(&error))),
        }
    }
    stored.sort_unstable_by_key(|(_, appended)| appended.position);
    assert!(!stored.is_empty() && !answered.is_empty(), "some are stored, some are not");

    let mut model = Model::new(fixture.limits());
    let explain = |model: &Model, answered: &mut Vec<(Append, String)>| {
        answered.retain(|(append, answer)| {
            let judged = match model.judge(append) {
                Ok(None) => "stored".to_owned(),
                Ok(Some(repeated)) => format!("{repeated:?}"),
                Err(error) => facts(&error),
            };
            judged != *answer
        });
    };
    explain(&model, &mut answered);
    let mut rest = &all[..];
    for (append, appended) in stored {
        let judged = model.judge(&append);
        assert!(matches!(judged, Ok(None)), "{appended:?} should not have been stored: {judged:?}");
        let (its, others) = rest.split_at(append.events().count().min(rest.len()));
        model.store(&append, &appended, its);
        rest = others;
        explain(&model, &mut answered);
    }
    assert_eq!(rest, [], "events were stored that no append was told of");
    assert!(answered.is_empty(), "these were answered as at no time was right: {answered:#?}");
}

/// One of many appends that stand in each other's way in every manner.
fn contended(number: usize, ids: &[EventId]) -> Append {
    let name = |number: usize| format!("order-{}", number % 3);
    let given = || -> NewEvent {
        // Every fifth is a repeat of the one before it, or partly so.
        let number = if number % 5 == 4 { number - 1 } else { number };
        event(["A", "B"][number % 2]).id(ids[number]).tag(tag(&format!("seat:{}", number % 7)))
    };
    let seat = || Query::from(QueryItem::default().tag(tag(&format!("seat:{}", number % 7))));
    let first = to(&name(number - usize::from(number % 5 == 4)), Expected::Any).event(given());
    match number % 10 {
        0 => to(&name(number), Expected::NoStream).event(given()),
        1 => to(&name(number), Expected::At(Version::new(number as u64 / 20))).event(given()),
        2 => first.unless("the seat is free", seat(), Position::START),
        3 => first.unless("the seat is free", seat(), Position::new(number as u64 / 4)),
        5 => first.for_command(command(&format!("command {}", number % 8))),
        6 => first
            .and_to(stream(&name(number + 1)), Expected::At(Version::new(number as u64 / 15)))
            .event(event("C")),
        7 => first.for_command(command("command 1")).unless("the seat is free", seat(), Position::START),
        9 if number % 20 == 9 => first.event(event("C")),
        _ => first,
    }
}

/// Plays appends at once, of which one must win; returns what it came to. `lost` says, given the position of
/// the winner's only event, what the others must be told.
async fn exactly_one_wins(
    store: &Arc<dyn EventStore>,
    tries: impl Iterator<Item = Append>,
    lost: impl Fn(Position) -> String,
) -> Appended {
    let (mut won, mut refused) = (Vec::new(), Vec::new());
    for (_, result) in at_once(store, tries).await {
        match result {
            Ok(appended) => won.push(appended),
            Err(error) => refused.push(facts(&error)),
        }
    }
    assert_eq!(won.len(), 1, "exactly one wins: {won:?}");
    let won = won.remove(0);
    assert!(!won.repeated, "{won:?}");
    for error in refused {
        assert_eq!(error, lost(won.position));
    }
    won
}

/// Plays appends at the same time, each in a task of its own.
async fn at_once(
    store: &Arc<dyn EventStore>,
    tries: impl Iterator<Item = Append>,
) -> Vec<(Append, Result<Appended, AppendError>)> {
    let tasks: Vec<_> = tries
        .map(|append| {
            let store = Arc::clone(store);
            tokio::spawn(async move { (append.clone(), store.append(append).await) })
        })
        .collect();
    let results = join_all(tasks).await.into_iter().map(|done| done.expect("an append doesn't panic"));
    results.collect()
}

/// Asserts without printing thousands of events.
fn assert_same(seen: &[Seen], wanted: &[Seen]) {
    let differs = seen.iter().zip(wanted).find(|(seen, wanted)| seen != wanted);
    assert_eq!((differs, seen.len()), (None, wanted.len()), "the first that differs, and how many there are");
}
