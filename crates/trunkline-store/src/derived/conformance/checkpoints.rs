//! The promises of [`Checkpoints`].

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::join_all;
use trunkline_core::{EventId, Position, StoreId};

use super::TestPlace;
use crate::derived::{Checkpoint, Checkpoints};

/// Makes a module with a test of every promise of [`Checkpoints`], for one backend.
#[macro_export]
macro_rules! checkpoints_conformance {
    ($name:ident, $make:expr $(,)?) => {
        mod $name {
            use super::*;

            $crate::__checkpoints_promises!(tests $make);
        }
    };
}

/// The one list of tests.
#[doc(hidden)]
#[macro_export]
macro_rules! __checkpoints_promises {
    ($form:ident $($make:expr)?) => {
        $crate::__derived_each! {
            $form checkpoints ($($make)?)
            a_name_without_a_checkpoint_has_none
            what_is_saved_is_loaded
            a_checkpoint_takes_the_place_of_the_one_before
            names_have_checkpoints_of_their_own
            a_forgotten_checkpoint_is_gone
            all_are_listed_by_name
            what_was_saved_is_there_after_opening_again
            of_many_at_once_each_is_saved
            of_several_under_one_name_one_is_there
            a_dropped_save_does_not_come_after_what_is_asked_later
        }
    };
}

/// Every promise's name, for those who want to see that they test all of them.
pub const PROMISES: &[&str] = crate::__checkpoints_promises!(names);

/// Names that a backend may take for one another, or for something else.
const NAMES: [&str; 12] = [
    "out",
    "out ",
    "out.",
    "outs",
    "$sagas",
    "projection.out",
    "../out",
    "/out",
    "%6fut",
    "o'u\"t;--",
    "öut",
    "",
];

/// The `n`th checkpoint, all of whose parts differ from those of others.
fn checkpoint(n: u64) -> Checkpoint {
    let bytes = (u128::from(n) << 64 | 0xC0DE).to_be_bytes();
    Checkpoint {
        store: StoreId::from_bytes(bytes),
        position: Position::new((n << 33) + n),
        event_id: EventId::from_bytes(bytes.map(|byte| !byte)),
    }
}

async fn save(checkpoints: &dyn Checkpoints, name: &str, n: u64) {
    checkpoints.save(name, &checkpoint(n)).await.expect("a checkpoint is saved");
}

#[track_caller]
fn assert_is(loaded: Option<Checkpoint>, n: impl Into<Option<u64>>) {
    assert_eq!(loaded, n.into().map(checkpoint));
}

async fn load(checkpoints: &dyn Checkpoints, name: &str) -> Option<Checkpoint> {
    checkpoints.load(name).await.expect("a checkpoint is loaded")
}

/// Nothing is made up.
pub async fn a_name_without_a_checkpoint_has_none(place: TestPlace<dyn Checkpoints>) {
    let checkpoints = place.open();
    assert_is(load(&*checkpoints, "out").await, None);
    save(&*checkpoints, "in", 1).await;
    assert_is(load(&*checkpoints, "out").await, None);
}

/// Store, position and event are those that were given.
pub async fn what_is_saved_is_loaded(place: TestPlace<dyn Checkpoints>) {
    let checkpoints = place.open();
    for n in [1, 7, 1 << 29] {
        save(&*checkpoints, "out", n).await;
        assert_is(load(&*checkpoints, "out").await, n);
    }
}

/// Whatever its position is.
pub async fn a_checkpoint_takes_the_place_of_the_one_before(place: TestPlace<dyn Checkpoints>) {
    let checkpoints = place.open();
    for n in [5, 6, 4, 4, 9] {
        save(&*checkpoints, "out", n).await;
        assert_is(load(&*checkpoints, "out").await, n);
    }
}

/// Also those that mean something to a file system or a query language.
pub async fn names_have_checkpoints_of_their_own(place: TestPlace<dyn Checkpoints>) {
    let checkpoints = place.open();
    for (n, name) in (1..).zip(NAMES) {
        assert_is(load(&*checkpoints, name).await, None);
        save(&*checkpoints, name, n).await;
    }
    for (n, name) in (1..).zip(NAMES) {
        assert_is(load(&*checkpoints, name).await, n);
    }
}

/// Others stay; and forgetting what is not there is nothing.
pub async fn a_forgotten_checkpoint_is_gone(place: TestPlace<dyn Checkpoints>) {
    let checkpoints = place.open();
    checkpoints.forget("out").await.expect("there is nothing to do");
    save(&*checkpoints, "out", 1).await;
    save(&*checkpoints, "in", 2).await;
    checkpoints.forget("out").await.expect("it is forgotten");
    assert_is(load(&*checkpoints, "out").await, None);
    assert_is(load(&*checkpoints, "in").await, 2);
    save(&*checkpoints, "out", 3).await;
    assert_is(load(&*checkpoints, "out").await, 3);
}

/// Each once, and none that was forgotten.
pub async fn all_are_listed_by_name(place: TestPlace<dyn Checkpoints>) {
    let checkpoints = place.open();
    assert!(checkpoints.all().await.expect("there are none").is_empty());
    for (n, name) in (1..).zip(NAMES) {
        save(&*checkpoints, name, n).await;
    }
    save(&*checkpoints, "gone", 99).await;
    checkpoints.forget("gone").await.expect("it is forgotten");
    let all = checkpoints.all().await.expect("all are listed");
    let expected = (1..).zip(NAMES).map(|(n, name)| (name.to_owned(), checkpoint(n))).collect();
    assert_eq!(all, expected);
}

/// So is that something was forgotten. A place that can't be opened again is read once more.
pub async fn what_was_saved_is_there_after_opening_again(place: TestPlace<dyn Checkpoints>) {
    let checkpoints = place.open();
    save(&*checkpoints, "out", 1).await;
    save(&*checkpoints, "out", 2).await;
    save(&*checkpoints, "in", 3).await;
    checkpoints.forget("in").await.expect("it is forgotten");
    drop(checkpoints);
    let checkpoints = place.open();
    assert_is(load(&*checkpoints, "out").await, 2);
    assert_is(load(&*checkpoints, "in").await, None);
}

/// Readers of the log run side by side.
pub async fn of_many_at_once_each_is_saved(place: TestPlace<dyn Checkpoints>) {
    let checkpoints = place.open();
    let saves = (0..16).map(|reader: u64| {
        let checkpoints = Arc::clone(&checkpoints);
        tokio::spawn(async move {
            for n in 1..=10 {
                save(&*checkpoints, &format!("reader-{reader}"), reader * 100 + n).await;
            }
        })
    });
    for saved in join_all(saves).await {
        saved.expect("a reader saves its checkpoints");
    }
    for reader in 0..16 {
        assert_is(load(&*checkpoints, &format!("reader-{reader}")).await, reader * 100 + 10);
    }
}

/// Whole, at any time.
pub async fn of_several_under_one_name_one_is_there(place: TestPlace<dyn Checkpoints>) {
    let checkpoints = place.open();
    save(&*checkpoints, "out", 1).await;
    let saves = (1..=8).map(|n: u64| {
        let checkpoints = Arc::clone(&checkpoints);
        tokio::spawn(async move {
            for _ in 0..5 {
                save(&*checkpoints, "out", n).await;
                let found = load(&*checkpoints, "out").await;
                let found = found.expect("there is always one");
                assert!((1..=8).any(|n| checkpoint(n) == found), "{found:?} was never saved");
            }
        })
    });
    for saved in join_all(saves).await {
        saved.expect("there is always one of those that were saved");
    }
}

/// Who was stopped may have been saving; who comes after decides.
pub async fn a_dropped_save_does_not_come_after_what_is_asked_later(place: TestPlace<dyn Checkpoints>) {
    let checkpoints = place.open();
    for n in 1..=10 {
        // Begun, and left.
        let _ = checkpoints.save("out", &checkpoint(100 + n)).now_or_never();
        save(&*checkpoints, "out", n).await;
        stays(&*checkpoints, Some(n)).await;
        let _ = checkpoints.save("out", &checkpoint(200 + n)).now_or_never();
        checkpoints.forget("out").await.expect("it is forgotten");
        stays(&*checkpoints, None).await;
    }
}

/// Whatever goes on elsewhere has its time.
async fn stays(checkpoints: &dyn Checkpoints, n: Option<u64>) {
    assert_is(load(checkpoints, "out").await, n);
    tokio::time::sleep(Duration::from_millis(2)).await;
    assert_is(load(checkpoints, "out").await, n);
}
