//! Stores of snapshots that break a promise are caught.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use trunkline_core::{EventId, StreamName, Version};
use trunkline_store::derived::conformance::TestPlace;
use trunkline_store::derived::{MemorySnapshots, Revision, STATE_BYTES_MAX, SnapshotStore, StateSnapshot};

use super::caught;

/// What is wrong with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    MakesUpThoseThatAreMissing,
    TrimsStates,
    KeepsTheFirst,
    IgnoresRevisions,
    FoldsCase,
    KeepsWhatIsTooLarge,
    IsOfAnotherVersionWhenReopened,
    TakesTheLastStateForAll,
}

#[derive(Debug)]
struct Broken {
    inner: Arc<MemorySnapshots>,
    fault: Fault,
    is_reopened: bool,
    last: Mutex<Bytes>,
    large: Mutex<Option<(StreamName, StateSnapshot)>>,
}

fn broken(fault: Fault) -> TestPlace<dyn SnapshotStore> {
    let (inner, opened) = (Arc::default(), Mutex::new(0));
    TestPlace::<dyn SnapshotStore>::opened_by(move || {
        let mut opened = opened.lock().unwrap();
        *opened += 1;
        let inner: Arc<MemorySnapshots> = Arc::clone(&inner);
        let is_reopened = *opened > 1;
        Arc::new(Broken { inner, fault, is_reopened, last: Mutex::default(), large: Mutex::default() })
    })
}

impl Broken {
    fn stream(&self, stream: &StreamName) -> StreamName {
        match self.fault {
            Fault::FoldsCase => StreamName::system(&stream.as_str().to_lowercase()).unwrap(),
            _ => stream.clone(),
        }
    }

    async fn broken_find(&self, stream: &StreamName, revision: Revision) -> Option<StateSnapshot> {
        let mut found = self.inner.find(&self.stream(stream), revision).await;
        match self.fault {
            Fault::MakesUpThoseThatAreMissing if found.is_none() => {
                let (version, event_id) = (Version::EMPTY, EventId::from_bytes([0; 16]));
                found = Some(StateSnapshot { revision, version, event_id, state: Bytes::new() });
            }
            Fault::IgnoresRevisions if found.is_none() => {
                found = self.inner.find(stream, Revision::of("the suite")).await;
            }
            Fault::KeepsWhatIsTooLarge if found.is_none() => {
                let large = self.large.lock().unwrap();
                found = large.as_ref().filter(|large| large.0 == *stream).map(|large| large.1.clone());
            }
            Fault::IsOfAnotherVersionWhenReopened if self.is_reopened => {
                found = found.map(|found| StateSnapshot { version: found.version.next(), ..found });
            }
            Fault::TakesTheLastStateForAll => {
                let state = self.last.lock().unwrap().clone();
                found = found.map(|found| StateSnapshot { state, ..found });
            }
            _ => {}
        }
        found
    }

    async fn broken_keep(&self, stream: &StreamName, mut snapshot: StateSnapshot) {
        self.last.lock().unwrap().clone_from(&snapshot.state);
        match self.fault {
            Fault::TrimsStates => {
                snapshot.state = Bytes::copy_from_slice(snapshot.state.trim_ascii());
            }
            Fault::KeepsTheFirst if self.inner.find(stream, snapshot.revision).await.is_some() => return,
            Fault::KeepsWhatIsTooLarge if snapshot.state.len() > STATE_BYTES_MAX => {
                *self.large.lock().unwrap() = Some((stream.clone(), snapshot.clone()));
            }
            _ => {}
        }
        self.inner.keep(&self.stream(stream), snapshot).await;
    }
}

impl SnapshotStore for Broken {
    fn find<'a>(
        &'a self,
        stream: &'a StreamName,
        revision: Revision,
    ) -> BoxFuture<'a, Option<StateSnapshot>> {
        self.broken_find(stream, revision).boxed()
    }

    fn keep<'a>(&'a self, stream: &'a StreamName, snapshot: StateSnapshot) -> BoxFuture<'a, ()> {
        self.broken_keep(stream, snapshot).boxed()
    }
}

trunkline_store::snapshots_conformance!(a_wrapper_without_a_fault_passes, || broken(Fault::None));

caught! {
    snapshots;
    making_up_those_that_are_missing = MakesUpThoseThatAreMissing:
        a_stream_without_a_snapshot_has_none;
    ignoring_revisions = IgnoresRevisions:
        a_snapshot_of_another_revision_is_not_given;
    keeping_what_is_too_large = KeepsWhatIsTooLarge:
        what_is_too_large_is_never_kept;
    being_of_another_version_when_reopened = IsOfAnotherVersionWhenReopened:
        after_opening_again_a_snapshot_is_as_it_was_kept_or_gone;
    taking_the_last_state_for_all = TakesTheLastStateForAll:
        whatever_is_found_was_kept_while_many_keep;
    // These wait for what never comes.
    trimming_states = TrimsStates:
        what_is_kept_is_found_as_it_was_kept;
    keeping_the_first = KeepsTheFirst:
        a_snapshot_takes_the_place_of_the_former_one;
    folding_case = FoldsCase:
        streams_have_snapshots_of_their_own;
}
