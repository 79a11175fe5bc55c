//! Many commands for one stream: none is lost, none is done on a state that it didn't see.

use std::sync::Arc;

use trunkline::{App, EventStore, EventStoreExt, LogStore, LogStoreOptions, MemoryStore, Version};

use crate::counter::{Counter, increment};
use crate::world::{Meddle, Meddling, said};

const TASKS: u64 = 64;

/// All tasks increment one counter; gives how many were accepted and what the stream has then.
async fn race(store: Arc<dyn EventStore>, limit: u64) -> (u64, Version) {
    let app = App::builder().shared_store(store).decider::<Counter>().build().await.unwrap();
    let tasks = (0..TASKS).map(|_| {
        let app = app.clone();
        tokio::spawn(async move { app.dispatch(increment("a", limit)).await.unwrap() })
    });
    let outcomes: Vec<_> = futures::future::join_all(tasks).await.into_iter().map(Result::unwrap).collect();
    let accepted = outcomes.iter().filter(|outcome| outcome.accepted().is_some()).count() as u64;
    (accepted, app.store().version(&"counter-a".parse().unwrap()).await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn none_of_many_commands_for_one_stream_is_lost_or_doubled() {
    for round in 0..20 {
        let (accepted, version) = race(Arc::new(MemoryStore::new()), TASKS).await;
        assert_eq!((accepted, version), (TASKS, Version::new(TASKS)), "round {round}");
    }
    let folder = tempfile::tempdir().unwrap();
    let store = LogStore::open(folder.path(), LogStoreOptions::default()).unwrap();
    assert_eq!(race(Arc::new(store), TASKS).await, (TASKS, Version::new(TASKS)));
}

/// Where an append takes its time, all decide on the same state, and all but one have to decide again: without
/// taking turns, each round would let one of them through.
#[tokio::test(start_paused = true)]
async fn commands_that_were_not_first_take_turns() {
    let store = Meddling::new(Meddle::TakeTime, u32::MAX);
    assert_eq!(race(store, TASKS).await, (TASKS, Version::new(TASKS)));
}

#[tokio::test(start_paused = true)]
async fn a_limit_is_never_passed() {
    let store = Meddling::new(Meddle::TakeTime, u32::MAX);
    assert_eq!(race(store, 10).await, (10, Version::new(10)));
}

#[tokio::test(start_paused = true)]
async fn a_command_is_decided_again_when_others_were_first() {
    let store = Meddling::new(Meddle::BeFirst, 5);
    let app = App::builder().shared_store(store).decider::<Counter>().build().await.unwrap();
    assert_eq!(said(&app.dispatch(increment("a", 9)).await), "accepted: counter-a@6 Incremented {}");
    let store = Meddling::new(Meddle::BeFirst, 5);
    let app = App::builder().shared_store(store).decider::<Counter>().build().await.unwrap();
    let outcome = app.dispatch(increment("a", 3)).await;
    assert_eq!(said(&outcome), "rejected: the limit is 3", "decided on what the others did");
}

#[tokio::test(start_paused = true)]
async fn deciding_again_has_an_end() {
    let store = Meddling::new(Meddle::BeFirst, u32::MAX);
    let app = App::builder().shared_store(store).decider::<Counter>().build().await.unwrap();
    let error = app.dispatch(increment("a", u64::MAX)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "given up after 16 attempts: stream `counter-a` is not as expected: expected version 15, found version 16"
    );
}
