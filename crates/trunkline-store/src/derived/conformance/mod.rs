//! The conformance suites: one test per promise of [`Checkpoints`](super::Checkpoints),
//! [`SnapshotStore`](super::SnapshotStore), [`SagaIndex`](super::SagaIndex) and [`CauseIndex`](super::CauseIndex), for
//! every home.
//!
//! A backend runs each of them with one line in its tests, given something that makes a [`TestPlace`] with nothing in
//! it, whether at once or asynchronously:
//!
//! ```
//! use std::sync::Arc;
//! use trunkline_store::derived::conformance::TestPlace;
//! use trunkline_store::derived::{MemorySagaIndex, SagaIndex};
//!
//! trunkline_store::saga_index_conformance!(memory, || {
//!     TestPlace::<dyn SagaIndex>::lasting(Arc::new(MemorySagaIndex::default()))
//! });
//! ```
//!
//! That makes a module `memory` with one `#[test]` per promise, named as the promise; `checkpoints_conformance!`,
//! `snapshots_conformance!` and `cause_index_conformance!` are the other suites. Each test is also a function of the suite's module here, which panics
//! when the promise is broken.
//!
//! What the suites can't cause, they can't check: that what is damaged, lost or half written is told from what was
//! kept is for the tests of the backend itself.

pub mod cause_index;
pub mod checkpoints;
mod place;
pub mod saga_index;
mod saga_model;
pub mod snapshots;

pub use place::TestPlace;

/// Makes tests, or names, of a suite's list.
#[doc(hidden)]
#[macro_export]
macro_rules! __derived_each {
    (tests $suite:ident ($make:expr) $($promise:ident)*) => {
        $(
            #[test]
            fn $promise() {
                $crate::conformance::run(async {
                    $crate::derived::conformance::$suite::$promise(($make)().await).await;
                });
            }
        )*
    };
    (names $suite:ident () $($promise:ident)*) => {
        &[$(stringify!($promise)),*]
    };
}

#[cfg(test)]
mod tests {
    use super::{cause_index, checkpoints, saga_index, snapshots};

    /// A function that isn't in its list would never run.
    #[test]
    fn every_test_is_in_its_list() {
        let suites = [
            (include_str!("cause_index.rs"), cause_index::PROMISES),
            (include_str!("checkpoints.rs"), checkpoints::PROMISES),
            (include_str!("snapshots.rs"), snapshots::PROMISES),
            (concat!(include_str!("saga_index.rs"), include_str!("saga_model.rs")), saga_index::PROMISES),
        ];
        for (source, promises) in suites {
            let name = |line: &'static str| line.strip_prefix("pub async fn ")?.split(['(', '<']).next();
            let mut written: Vec<&str> = source.lines().filter_map(name).collect();
            let mut listed = promises.to_vec();
            written.sort_unstable();
            listed.sort_unstable();
            assert_eq!(written, listed);
        }
    }
}
