//! The homes of what is derived: those in memory and in files pass the suites, and broken ones are caught.

mod broken_cause_index;
mod broken_checkpoints;
mod broken_saga_index;
mod broken_snapshots;
mod checked;
mod files;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use trunkline_store::conformance::run;
use trunkline_store::derived::conformance::TestPlace;
use trunkline_store::derived::{
    CauseIndex, Checkpoints, DerivedHome, FileCheckpoints, MemoryCauseIndex, MemoryCheckpoints,
    MemorySagaIndex, MemorySnapshots, SagaIndex, SnapshotStore,
};

trunkline_store::checkpoints_conformance!(checkpoints_in_memory, || {
    TestPlace::<dyn Checkpoints>::lasting(Arc::new(MemoryCheckpoints::default()))
});

trunkline_store::checkpoints_conformance!(checkpoints_in_files, || {
    let folder = tempfile::tempdir().unwrap();
    TestPlace::<dyn Checkpoints>::opened_by(move || {
        Arc::new(FileCheckpoints::new(folder.path().join("made")))
    })
});

trunkline_store::snapshots_conformance!(snapshots_in_memory, || {
    TestPlace::<dyn SnapshotStore>::lasting(Arc::new(MemorySnapshots::default()))
});

trunkline_store::saga_index_conformance!(saga_index_in_memory, || {
    TestPlace::<dyn SagaIndex>::lasting(Arc::new(MemorySagaIndex::default()))
});

trunkline_store::cause_index_conformance!(cause_index_in_memory, || {
    TestPlace::<dyn CauseIndex>::lasting(Arc::new(MemoryCauseIndex::default()))
});

#[test]
fn a_home_in_memory_has_nothing_of_another() {
    run(async {
        let (one, other) = (DerivedHome::memory(), DerivedHome::memory());
        let checkpoint = broken_checkpoints::checkpoint(1);
        one.checkpoints.save("out", &checkpoint).await.unwrap();
        assert_eq!(one.clone().checkpoints.load("out").await.unwrap(), Some(checkpoint));
        assert_eq!(other.checkpoints.load("out").await.unwrap(), None);
    });
}

/// How often a test is tried that has to fail: one that looks at the same time as others may look too late.
const TRIES: usize = 20;

/// Asserts that a test of the suite panics.
#[track_caller]
fn assert_caught<F: Future<Output = ()>>(promise: &str, test: impl Fn() -> F) {
    let is_caught = || catch_unwind(AssertUnwindSafe(|| run(test()))).is_err();
    assert!((0..TRIES).any(|_| is_caught()), "{promise} passes though the home is broken");
}

/// Makes a test for each fault, which asserts that the named tests of the suite panic, and one that all were seen
/// failing.
macro_rules! caught {
    ($suite:ident; $($test:ident = $fault:ident: $($promise:ident)+;)*) => {
        $(
            #[test]
            fn $test() {
                $(super::assert_caught(
                    stringify!($promise),
                    || trunkline_store::derived::conformance::$suite::$promise(broken(Fault::$fault)),
                );)+
            }
        )*

        #[test]
        fn every_test_of_the_suite_is_seen_failing() {
            let mut seen = vec![$($(stringify!($promise),)+)*];
            seen.sort_unstable();
            seen.dedup();
            let mut promises = trunkline_store::derived::conformance::$suite::PROMISES.to_vec();
            promises.sort_unstable();
            assert_eq!(seen, promises);
        }
    };
}
use caught;
