//! Indexes of causes that break a promise are caught.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::Notify;
use trunkline_core::Position;
use trunkline_store::Direction;
use trunkline_store::derived::conformance::TestPlace;
use trunkline_store::derived::{
    CauseIndex, CauseIndexError, CauseKey, CauseQuery, Checkpoint, FoundCauses, MemoryCauseIndex,
};

use super::caught;

/// What is wrong with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    SaysThatSomethingWasRead,
    AlwaysFindsForward,
    FindsInTheOrderOfPuts,
    LosesLateEvents,
    IgnoresRanges,
    IgnoresLimits,
    StopsShortOfTheLimit,
    FindsTwice,
    GoesOnFromAnywhere,
    GoesBack,
    ClearsNothing,
    ForgetsWhenItIsReopened,
    PutsOneByOne,
    SaysFirstHowFarWasRead,
}

type Answer<'a, T> = BoxFuture<'a, Result<T, CauseIndexError>>;

#[derive(Debug)]
struct Broken {
    inner: Arc<MemoryCauseIndex>,
    fault: Fault,
    /// What the fault says was read, or in which order things were put.
    said: Mutex<Option<Checkpoint>>,
    puts: Mutex<Vec<(CauseKey, Position)>>,
    /// Something was looked for.
    looked: Notify,
}

fn broken(fault: Fault) -> TestPlace<dyn CauseIndex> {
    let inner = Arc::new(MemoryCauseIndex::default());
    let last = Arc::new(Mutex::new(None::<Arc<Broken>>));
    TestPlace::<dyn CauseIndex>::opened_by(move || {
        let mut last = last.lock().unwrap();
        let (inner, said) = match &*last {
            Some(before) if fault == Fault::ForgetsWhenItIsReopened => {
                (Arc::default(), *before.said.lock().unwrap())
            }
            _ => (Arc::clone(&inner), None),
        };
        let said = Mutex::new(said);
        let opened = Arc::new(Broken { inner, fault, said, puts: Mutex::default(), looked: Notify::new() });
        *last = Some(Arc::clone(&opened));
        opened
    })
}

impl Broken {
    /// Waits until a reader has begun to look and is done, which it is at last when it has looked three times; one that
    /// has ended looks no more.
    async fn until_somebody_has_looked(&self) {
        for _ in 0..3 {
            let _ = tokio::time::timeout(Duration::from_millis(200), self.looked.notified()).await;
        }
    }

    async fn broken_put(
        &self,
        after: Option<Checkpoint>,
        mut causes: Vec<(CauseKey, Position)>,
        read_to: Checkpoint,
    ) -> Result<bool, CauseIndexError> {
        self.puts.lock().unwrap().extend(&causes);
        match self.fault {
            Fault::LosesLateEvents => causes.retain(|(_, position)| position.get() <= 65_536),
            Fault::GoesOnFromAnywhere => {
                *self.said.lock().unwrap() = Some(read_to);
                let there = self.inner.read_to().await?;
                return self.inner.put(there, causes, read_to).await;
            }
            Fault::GoesBack if after.is_some_and(|after| read_to.position <= after.position) => {
                *self.said.lock().unwrap() = Some(read_to);
                return Ok(true);
            }
            Fault::ForgetsWhenItIsReopened => *self.said.lock().unwrap() = Some(read_to),
            Fault::PutsOneByOne if after.is_some() => {
                let first = Checkpoint { position: after.unwrap().position.next(), ..read_to };
                let rest = causes.split_off(1);
                self.inner.put(after, causes, first).await?;
                self.until_somebody_has_looked().await;
                return self.inner.put(Some(first), rest, read_to).await;
            }
            Fault::SaysFirstHowFarWasRead => {
                *self.said.lock().unwrap() = Some(read_to);
                self.until_somebody_has_looked().await;
            }
            _ => {}
        }
        self.inner.put(after, causes, read_to).await
    }

    fn found_of(&self, query: CauseQuery, positions: &mut Vec<Position>) {
        match self.fault {
            Fault::FindsInTheOrderOfPuts => {
                let puts = self.puts.lock().unwrap();
                positions.sort_by_key(|position| puts.iter().position(|put| *put == (query.key, *position)));
            }
            Fault::StopsShortOfTheLimit if positions.len() == query.limit => drop(positions.pop()),
            Fault::FindsTwice => *positions = positions.iter().flat_map(|position| [*position; 2]).collect(),
            _ => {}
        }
    }
}

impl CauseIndex for Broken {
    fn read_to(&self) -> Answer<'_, Option<Checkpoint>> {
        let made_up = super::broken_checkpoints::checkpoint(0);
        async move {
            let there = self.inner.read_to().await?;
            Ok(match self.fault {
                Fault::SaysThatSomethingWasRead => there.or(Some(made_up)),
                _ => self.said.lock().unwrap().or(there),
            })
        }
        .boxed()
    }

    fn put(
        &self,
        after: Option<Checkpoint>,
        causes: Vec<(CauseKey, Position)>,
        read_to: Checkpoint,
    ) -> Answer<'_, bool> {
        self.broken_put(after, causes, read_to).boxed()
    }

    fn clear(&self) -> Answer<'_, ()> {
        match self.fault {
            Fault::ClearsNothing => async { Ok(()) }.boxed(),
            _ => self.inner.clear(),
        }
    }

    fn find(&self, mut query: CauseQuery) -> Answer<'_, FoundCauses> {
        match self.fault {
            Fault::AlwaysFindsForward => query.direction = Direction::Forward,
            Fault::IgnoresRanges => (query.from, query.to) = (Position::FIRST, Position::MAX),
            Fault::IgnoresLimits => query.limit = usize::MAX,
            _ => {}
        }
        async move {
            let mut found = self.inner.find(query).await?;
            self.found_of(query, &mut found.positions);
            found.read_to = self.said.lock().unwrap().or(found.read_to);
            self.looked.notify_one();
            Ok(found)
        }
        .boxed()
    }
}

trunkline_store::cause_index_conformance!(a_wrapper_without_a_fault_passes, || broken(Fault::None));

caught! {
    cause_index;
    saying_that_something_was_read = SaysThatSomethingWasRead:
        a_new_index_of_causes_has_nothing
        a_cleared_index_of_causes_is_as_new;
    finding_forward_always = AlwaysFindsForward:
        events_of_a_cause_are_found_one_way_and_the_other
        random_causes_come_out_as_in_the_model;
    finding_in_the_order_of_puts = FindsInTheOrderOfPuts:
        events_of_a_cause_are_found_one_way_and_the_other;
    losing_late_events = LosesLateEvents:
        events_of_a_cause_are_found_one_way_and_the_other
        random_causes_come_out_as_in_the_model;
    ignoring_ranges = IgnoresRanges:
        what_is_found_is_in_the_range
        random_causes_come_out_as_in_the_model;
    ignoring_limits = IgnoresLimits:
        where_fewer_come_than_the_limit_there_are_no_more;
    stopping_short_of_the_limit = StopsShortOfTheLimit:
        where_fewer_come_than_the_limit_there_are_no_more;
    finding_twice = FindsTwice:
        an_event_is_found_once;
    going_on_from_anywhere = GoesOnFromAnywhere:
        who_goes_on_from_elsewhere_changes_nothing;
    going_back = GoesBack:
        what_goes_no_further_changes_nothing;
    clearing_nothing = ClearsNothing:
        a_cleared_index_of_causes_is_as_new;
    forgetting_when_it_is_reopened = ForgetsWhenItIsReopened:
        after_opening_again_the_index_is_as_it_was;
    putting_one_by_one = PutsOneByOne:
        no_reader_sees_a_part_of_what_goes_on;
    saying_first_how_far_was_read = SaysFirstHowFarWasRead:
        no_reader_sees_a_part_of_what_goes_on;
}
