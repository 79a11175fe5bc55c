//! Checkpoints that break a promise are caught.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use trunkline_core::{EventId, Position, StoreId};
use trunkline_store::derived::conformance::TestPlace;
use trunkline_store::derived::{Checkpoint, CheckpointError, Checkpoints, MemoryCheckpoints};

use super::caught;

/// A checkpoint, other than those of other numbers.
pub(super) fn checkpoint(n: u8) -> Checkpoint {
    Checkpoint {
        store: StoreId::from_bytes([n; 16]),
        position: Position::new(n.into()),
        event_id: EventId::from_bytes([n; 16]),
    }
}

/// What is wrong with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    MakesUpThoseThatAreMissing,
    ForgetsTheStore,
    NeverGoesBack,
    TrimsNames,
    ForgetsNothing,
    ForgetsAll,
    FailsToForgetWhatIsMissing,
    ListsOneLess,
    LosesAllWhenReopened,
    LosesWhatOthersSave,
    MixesThoseThatAreSavedAtOnce,
    SavesBehind,
}

#[derive(Clone, Debug)]
struct Broken {
    inner: Arc<MemoryCheckpoints>,
    fault: Fault,
    count: Arc<AtomicU64>,
    /// The one that was saved before.
    half: Arc<Mutex<Option<Checkpoint>>>,
}

fn broken(fault: Fault) -> TestPlace<dyn Checkpoints> {
    let inner = Arc::new(MemoryCheckpoints::default());
    TestPlace::<dyn Checkpoints>::opened_by(move || {
        let lost = fault == Fault::LosesAllWhenReopened;
        let inner = if lost { Arc::default() } else { Arc::clone(&inner) };
        Arc::new(Broken { inner, fault, count: Arc::default(), half: Arc::default() })
    })
}

impl Broken {
    fn name<'a>(&self, name: &'a str) -> &'a str {
        if self.fault == Fault::TrimsNames { name.trim_end() } else { name }
    }

    async fn broken_save(self, name: String, checkpoint: Checkpoint) -> Result<(), CheckpointError> {
        match self.fault {
            Fault::NeverGoesBack => {
                let there = self.inner.load(&name).await?;
                if there.is_some_and(|there| there.position > checkpoint.position) {
                    return Ok(());
                }
            }
            // It reads all, and puts all back with its own.
            Fault::LosesWhatOthersSave => {
                let all = self.inner.all().await?;
                tokio::task::yield_now().await;
                for (other, there) in all {
                    self.inner.save(&other, &there).await?;
                }
            }
            Fault::MixesThoseThatAreSavedAtOnce => {
                let other = self.half.lock().unwrap().replace(checkpoint);
                if let Some(other) = other {
                    let mixed = Checkpoint { position: other.position, ..checkpoint };
                    return self.inner.save(&name, &mixed).await;
                }
            }
            Fault::ForgetsTheStore => {
                let store = StoreId::from_bytes([0; 16]);
                return self.inner.save(&name, &Checkpoint { store, ..checkpoint }).await;
            }
            _ => {}
        }
        self.inner.save(&name, &checkpoint).await
    }
}

impl Checkpoints for Broken {
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Checkpoint>, CheckpointError>> {
        async move {
            let loaded = self.inner.load(self.name(name)).await?;
            let made_up = self.fault == Fault::MakesUpThoseThatAreMissing;
            Ok(loaded.or(made_up.then(|| checkpoint(0))))
        }
        .boxed()
    }

    fn save<'a>(
        &'a self,
        name: &'a str,
        checkpoint: &'a Checkpoint,
    ) -> BoxFuture<'a, Result<(), CheckpointError>> {
        let saved = self.clone().broken_save(self.name(name).to_owned(), *checkpoint);
        if self.fault != Fault::SavesBehind {
            return saved.boxed();
        }
        let nth = self.count.fetch_add(1, Ordering::SeqCst);
        let behind = async move {
            // Each other one takes its time.
            for _ in 0..(nth % 2) * 10 {
                tokio::task::yield_now().await;
            }
            saved.await
        };
        async move { tokio::spawn(behind).await.unwrap() }.boxed()
    }

    fn forget<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), CheckpointError>> {
        async move {
            match self.fault {
                Fault::ForgetsNothing => Ok(()),
                Fault::ForgetsAll => {
                    for name in self.inner.all().await?.into_keys() {
                        self.inner.forget(&name).await?;
                    }
                    Ok(())
                }
                Fault::FailsToForgetWhatIsMissing if self.inner.load(name).await?.is_none() => {
                    let (name, source) = (name.to_owned(), "there is none".into());
                    Err(CheckpointError::Storage { name, done: "removed", passes: false, source })
                }
                _ => self.inner.forget(self.name(name)).await,
            }
        }
        .boxed()
    }

    fn all(&self) -> BoxFuture<'_, Result<BTreeMap<String, Checkpoint>, CheckpointError>> {
        async move {
            let mut all = self.inner.all().await?;
            if self.fault == Fault::ListsOneLess {
                all.pop_last();
            }
            Ok(all)
        }
        .boxed()
    }
}

trunkline_store::checkpoints_conformance!(a_wrapper_without_a_fault_passes, || broken(Fault::None));

caught! {
    checkpoints;
    making_up_those_that_are_missing = MakesUpThoseThatAreMissing:
        a_name_without_a_checkpoint_has_none;
    forgetting_the_store = ForgetsTheStore:
        what_is_saved_is_loaded;
    never_going_back = NeverGoesBack:
        a_checkpoint_takes_the_place_of_the_one_before;
    trimming_names = TrimsNames:
        names_have_checkpoints_of_their_own
        all_are_listed_by_name;
    forgetting_nothing = ForgetsNothing:
        a_forgotten_checkpoint_is_gone
        what_was_saved_is_there_after_opening_again;
    forgetting_all = ForgetsAll:
        a_forgotten_checkpoint_is_gone;
    failing_to_forget_what_is_missing = FailsToForgetWhatIsMissing:
        a_forgotten_checkpoint_is_gone;
    listing_one_less = ListsOneLess:
        all_are_listed_by_name;
    losing_all_when_reopened = LosesAllWhenReopened:
        what_was_saved_is_there_after_opening_again;
    losing_what_others_save = LosesWhatOthersSave:
        of_many_at_once_each_is_saved;
    mixing_those_that_are_saved_at_once = MixesThoseThatAreSavedAtOnce:
        of_several_under_one_name_one_is_there;
    saving_behind = SavesBehind:
        a_dropped_save_does_not_come_after_what_is_asked_later;
}
