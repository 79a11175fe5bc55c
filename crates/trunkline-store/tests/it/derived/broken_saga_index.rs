//! Indexes of sagas that break a promise are caught.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::Notify;
use trunkline_core::{Timestamp, Version};
use trunkline_store::derived::conformance::TestPlace;
use trunkline_store::derived::{
    Checkpoint, IndexedSaga, MemorySagaIndex, SagaCount, SagaIndex, SagaIndexError, SagaKey, SagaQuery,
    SagaRow,
};

use super::caught;

/// What is wrong with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    SaysThatSomethingWasRead,
    LosesReasons,
    TakesEarlierVersions,
    ForgetsHowFarWasRead,
    ClearsRowsOnly,
    RemembersVersionsThatWereCleared,
    HasTheLatestDueFirst,
    IsDueBeforeItsTime,
    LeavesOutWhatIsOver,
    LeavesOutThoseThatEnded,
    ListsBackward,
    IncludesWhereItGoesOn,
    IgnoresLimits,
    IgnoresIds,
    IgnoresTimes,
    CountsUpToTheLimit,
    PutsRowsOneByOne,
    SaysFirstHowFarWasRead,
    LosesRowsWhenReopened,
}

type Answer<'a, T> = BoxFuture<'a, Result<T, SagaIndexError>>;

#[derive(Debug)]
struct Broken {
    inner: Arc<MemorySagaIndex>,
    fault: Fault,
    kept: Mutex<Option<Checkpoint>>,
    /// A list was read.
    looked: Notify,
}

fn broken(fault: Fault) -> TestPlace<dyn SagaIndex> {
    let inner = Arc::new(MemorySagaIndex::default());
    let last = Arc::new(Mutex::new(None::<Arc<Broken>>));
    TestPlace::<dyn SagaIndex>::opened_by(move || {
        let mut last = last.lock().unwrap();
        let (inner, kept) = match &*last {
            Some(before) if fault == Fault::LosesRowsWhenReopened => {
                (Arc::default(), *before.kept.lock().unwrap())
            }
            _ => (Arc::clone(&inner), None),
        };
        let opened = Arc::new(Broken { inner, fault, kept: Mutex::new(kept), looked: Notify::new() });
        *last = Some(Arc::clone(&opened));
        opened
    })
}

impl Broken {
    fn query(&self, query: &SagaQuery) -> SagaQuery {
        let mut query = query.clone();
        match self.fault {
            Fault::IgnoresLimits => query.limit = None,
            Fault::IgnoresIds => query.id = None,
            Fault::IgnoresTimes => query.unchanged_since = None,
            Fault::IncludesWhereItGoesOn => {
                if let Some((_, id)) = &mut query.after {
                    id.pop();
                }
            }
            _ => {}
        }
        query
    }

    async fn broken_put(
        &self,
        mut sagas: Vec<IndexedSaga>,
        read_to: Option<Checkpoint>,
    ) -> Result<(), SagaIndexError> {
        if read_to.is_some() {
            *self.kept.lock().unwrap() = read_to;
        }
        match self.fault {
            Fault::LosesReasons => {
                for saga in &mut sagas {
                    saga.row.reason = None;
                }
            }
            Fault::TakesEarlierVersions => {
                for saga in &mut sagas {
                    saga.version = Version::FIRST;
                }
            }
            Fault::PutsRowsOneByOne => {
                let rest = sagas.split_off(1);
                self.inner.put(std::mem::replace(&mut sagas, rest), None).await?;
                self.until_somebody_has_looked().await;
            }
            Fault::SaysFirstHowFarWasRead => {
                self.inner.put(Vec::new(), read_to).await?;
                self.until_somebody_has_looked().await;
            }
            _ => {}
        }
        self.inner.put(sagas, read_to).await
    }
}

impl Broken {
    /// Waits until a reader has begun to look and is done, which it is at last when it has looked three times; one that
    /// has ended looks no more.
    async fn until_somebody_has_looked(&self) {
        for _ in 0..3 {
            let _ = tokio::time::timeout(Duration::from_millis(200), self.looked.notified()).await;
        }
    }
}

impl SagaIndex for Broken {
    fn read_to(&self) -> Answer<'_, Option<Checkpoint>> {
        let kept = *self.kept.lock().unwrap();
        match self.fault {
            Fault::SaysThatSomethingWasRead => {
                let made_up = super::broken_checkpoints::checkpoint(0);
                async move { Ok(self.inner.read_to().await?.or(Some(made_up))) }.boxed()
            }
            Fault::ForgetsHowFarWasRead | Fault::LosesRowsWhenReopened => async move { Ok(kept) }.boxed(),
            _ => self.inner.read_to(),
        }
    }

    fn put(&self, sagas: Vec<IndexedSaga>, read_to: Option<Checkpoint>) -> Answer<'_, ()> {
        if self.fault == Fault::ForgetsHowFarWasRead {
            *self.kept.lock().unwrap() = read_to;
            return self.inner.put(sagas, read_to);
        }
        self.broken_put(sagas, read_to).boxed()
    }

    fn clear(&self) -> Answer<'_, ()> {
        async move {
            let read_to = self.inner.read_to().await?;
            let rows = self.inner.list(&SagaQuery::default()).await?;
            self.inner.clear().await?;
            match self.fault {
                Fault::ClearsRowsOnly => self.inner.put(Vec::new(), read_to).await,
                Fault::RemembersVersionsThatWereCleared => {
                    let row = rows.into_iter().next();
                    let sagas = row.map(|row| IndexedSaga { row, version: Version::new(1 << 40) });
                    self.inner.put(sagas.into_iter().collect(), None).await
                }
                _ => Ok(()),
            }
        }
        .boxed()
    }

    fn due(&self, now: Timestamp, max: u32) -> Answer<'_, Vec<SagaKey>> {
        async move {
            match self.fault {
                Fault::HasTheLatestDueFirst => {
                    let mut due = self.inner.due(now, u32::MAX).await?;
                    due.reverse();
                    due.truncate(max as usize);
                    Ok(due)
                }
                Fault::IsDueBeforeItsTime => {
                    self.inner.due(Timestamp::from_micros(now.as_micros() + 1_000_000), max).await
                }
                _ => self.inner.due(now, max).await,
            }
        }
        .boxed()
    }

    fn next_due(&self) -> Answer<'_, Option<Timestamp>> {
        async move {
            let next = self.inner.next_due().await?;
            let over = |due: &Timestamp| due.as_micros() < 0;
            Ok(next.filter(|due| self.fault != Fault::LeavesOutWhatIsOver || !over(due)))
        }
        .boxed()
    }

    fn list<'a>(&'a self, query: &'a SagaQuery) -> Answer<'a, Vec<SagaRow>> {
        async move {
            let mut rows = self.inner.list(&self.query(query)).await?;
            if self.fault == Fault::ListsBackward {
                rows.reverse();
            }
            self.looked.notify_one();
            Ok(rows)
        }
        .boxed()
    }

    fn count<'a>(&'a self, query: &'a SagaQuery) -> Answer<'a, u64> {
        async move {
            let count = self.inner.count(&self.query(query)).await?;
            let limit = query.limit.filter(|_| self.fault == Fault::CountsUpToTheLimit);
            Ok(count.min(limit.map_or(u64::MAX, u64::from)))
        }
        .boxed()
    }

    fn counts(&self) -> Answer<'_, Vec<SagaCount>> {
        async move {
            let mut counts = self.inner.counts().await?;
            if self.fault == Fault::LeavesOutThoseThatEnded {
                counts.retain(|(_, status, _)| !status.is_ended());
            }
            Ok(counts)
        }
        .boxed()
    }
}

trunkline_store::saga_index_conformance!(a_wrapper_without_a_fault_passes, || broken(Fault::None));

caught! {
    saga_index;
    saying_that_something_was_read = SaysThatSomethingWasRead:
        a_new_index_has_nothing
        a_cleared_index_is_as_new;
    losing_reasons = LosesReasons:
        a_row_is_listed_as_it_was_put;
    taking_earlier_versions = TakesEarlierVersions:
        a_row_takes_the_place_of_one_that_is_not_later
        random_histories_of_sagas_come_out_as_in_the_model;
    forgetting_how_far_was_read = ForgetsHowFarWasRead:
        how_far_was_read_stays_where_nothing_is_said;
    clearing_rows_only = ClearsRowsOnly:
        a_cleared_index_is_as_new
        random_histories_of_sagas_come_out_as_in_the_model;
    remembering_versions_that_were_cleared = RemembersVersionsThatWereCleared:
        a_cleared_index_is_as_new;
    having_the_latest_due_first = HasTheLatestDueFirst:
        sagas_are_due_at_their_time_the_longest_due_first
        random_histories_of_sagas_come_out_as_in_the_model;
    being_due_before_its_time = IsDueBeforeItsTime:
        sagas_are_due_at_their_time_the_longest_due_first;
    leaving_out_what_is_over = LeavesOutWhatIsOver:
        the_next_due_is_the_first_of_all;
    leaving_out_those_that_ended = LeavesOutThoseThatEnded:
        sagas_are_counted_by_name_and_status
        random_histories_of_sagas_come_out_as_in_the_model;
    listing_backward = ListsBackward:
        a_list_goes_by_name_and_id;
    including_where_it_goes_on = IncludesWhereItGoesOn:
        a_list_goes_on_after_a_saga_up_to_a_limit;
    ignoring_limits = IgnoresLimits:
        a_list_goes_on_after_a_saga_up_to_a_limit
        a_count_knows_no_limit;
    ignoring_ids = IgnoresIds:
        each_part_of_a_query_narrows_it;
    ignoring_times = IgnoresTimes:
        each_part_of_a_query_narrows_it;
    counting_up_to_the_limit = CountsUpToTheLimit:
        a_count_knows_no_limit;
    putting_rows_one_by_one = PutsRowsOneByOne:
        no_reader_sees_a_part_of_what_is_put;
    saying_first_how_far_was_read = SaysFirstHowFarWasRead:
        no_reader_sees_a_part_of_what_is_put;
    losing_rows_when_reopened = LosesRowsWhenReopened:
        after_opening_again_what_was_read_has_its_rows;
}
