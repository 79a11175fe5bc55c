//! `[replay]`: how fast and how much at a time what has happened already is read again.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::Instant;
use trunkline::messages::{Checkpoint, CheckpointError, Checkpoints, MemoryCheckpoints, Stopper};
use trunkline::{
    App, AppBuilder, Append, EventStore, Kept, MemoryStore, Position, RecordedEvent, Registered,
    ReplaySettings, StateError, StateProjection,
};
use trunkline_core::{Expected, NewEvent};
use trunkline_queue::MemoryQueue;

use crate::world::{mistakes, with_file};

/// Settings that are all said.
const ALL: &str = "[replay]\nbatch_size: 50\ncheckpoint_every: 100\nevents_per_second: 1000\nparallel: 1\n";

async fn store_with(events: usize) -> Arc<dyn EventStore> {
    let store = MemoryStore::new();
    add(&store, events).await;
    Arc::new(store)
}

async fn add(store: &dyn EventStore, events: usize) -> Position {
    let events = (0..events).map(|_| NewEvent::json("Noted", "{}").unwrap());
    let append = Append::to("note-1".parse().unwrap(), Expected::Any).with_events(events);
    store.append(append).await.unwrap().position
}

/// Keeps where it is, and remembers all positions that it was ever to keep.
#[derive(Clone, Debug, Default)]
struct Remembered {
    inner: Arc<MemoryCheckpoints>,
    saved: Arc<Mutex<Vec<u64>>>,
}

impl Checkpoints for Remembered {
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Checkpoint>, CheckpointError>> {
        self.inner.load(name)
    }

    fn save<'a>(
        &'a self,
        name: &'a str,
        checkpoint: &'a Checkpoint,
    ) -> BoxFuture<'a, Result<(), CheckpointError>> {
        if !name.starts_with('$') {
            self.saved.lock().unwrap().push(checkpoint.position.get());
        }
        self.inner.save(name, checkpoint)
    }

    fn forget<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), CheckpointError>> {
        self.inner.forget(name)
    }

    fn all(&self) -> BoxFuture<'_, Result<BTreeMap<String, Checkpoint>, CheckpointError>> {
        self.inner.all()
    }
}

/// Counts events, and how many came at a time.
#[derive(Clone, Debug, Default)]
struct Batches(Arc<Mutex<Vec<usize>>>);

impl StateProjection for Batches {
    fn event_types(&self) -> &[&str] {
        &["Noted"]
    }

    fn apply(&self, events: &[RecordedEvent], _: &Checkpoint) -> Result<(), StateError> {
        self.0.lock().unwrap().push(events.len());
        Ok(())
    }

    fn kept(&self) -> Result<Kept, StateError> {
        Ok(Kept::Beside)
    }

    fn empty(&self) -> Result<(), StateError> {
        Ok(())
    }
}

/// A moment of a clock that jumps.
async fn moment() {
    drop(tokio::time::timeout(Duration::from_millis(1), std::future::pending::<()>()).await);
}

async fn built(builder: AppBuilder, file: &str) -> App {
    with_file(builder, &format!("[read_db]\ndsn: \"memory:\"\n{file}")).build().await.unwrap()
}

#[tokio::test]
async fn the_hook_gets_what_the_file_says_and_may_change_it() {
    let seen = Arc::new(Mutex::new(None));
    let hook = {
        let seen = Arc::clone(&seen);
        move |builder: AppBuilder| {
            let mut settings = builder.configured().clone();
            *seen.lock().unwrap() = Some(settings.replay);
            settings.replay.batch_size = NonZeroUsize::new(7);
            Ok(builder.settings(settings))
        }
    };
    let batches = Batches::default();
    let builder = App::builder().shared_store(store_with(20).await).hook("events.ConfigureReplay", hook);
    let builder = builder.state_projection("notes", batches.clone());
    let file =
        "[event_driven]\nreplay: @go(\"events.ConfigureReplay\")\n[replay]\nbatch_size: 5\nparallel: 2\n";
    let app = built(builder, file).await;
    let said = ReplaySettings {
        batch_size: NonZeroUsize::new(5),
        parallel: NonZeroUsize::new(2),
        ..ReplaySettings::default()
    };
    assert_eq!(*seen.lock().unwrap(), Some(said));
    app.projections().replay("notes").await.unwrap();
    assert_eq!(*batches.0.lock().unwrap(), [7, 7, 6]);
}

#[tokio::test(start_paused = true)]
async fn a_projection_is_built_again_no_faster_than_is_said_and_brought_up_to_date_as_fast_as_can_be() {
    let (store, batches) = (store_with(2_000).await, Batches::default());
    let builder = App::builder().shared_store(store).state_projection("notes", batches.clone());
    let app = built(builder, ALL).await;
    let begun = Instant::now();
    app.projections().catch_up(Duration::from_secs(60)).await.unwrap();
    assert!(begun.elapsed() < Duration::from_millis(100), "somebody waits for it: {:?}", begun.elapsed());
    batches.0.lock().unwrap().clear();
    let begun = Instant::now();
    app.projections().replay("notes").await.unwrap();
    let took = begun.elapsed();
    assert!((Duration::from_millis(1_900)..Duration::from_millis(2_200)).contains(&took), "{took:?}");
    assert_eq!(*batches.0.lock().unwrap(), [100; 20]);
}

#[tokio::test(start_paused = true)]
async fn no_more_projections_read_at_once_than_is_said() {
    for (parallel, least, most) in [(1, 1_800, 2_100), (2, 900, 1_100)] {
        // So many that they don't share what is read.
        let builder = App::builder().shared_store(store_with(5_000).await);
        let builder = builder.state_projection("a", Batches::default());
        let builder = builder.state_projection("b", Batches::default());
        let app = built(builder, &format!("[replay]\nevents_per_second: 5000\nparallel: {parallel}\n")).await;
        let begun = Instant::now();
        app.projections().start().await.unwrap();
        app.projections().wait_for(Position::new(5_000), Duration::from_secs(60)).await.unwrap();
        let took = begun.elapsed();
        app.projections().stop().await;
        assert!((Duration::from_millis(least)..Duration::from_millis(most)).contains(&took), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_relay_reads_what_was_there_before_it_at_its_pace_and_what_comes_at_once() {
    let (store, checkpoints) = (store_with(1_000).await, Remembered::default());
    let builder = App::builder().shared_store(Arc::clone(&store)).checkpoints(checkpoints.clone());
    let file = format!("{ALL}[events.Noted]\nversion: 1\n[relay.out]\nevents: \"Noted\"\ntopic: \"notes\"\n");
    let app = built(builder.queue(MemoryQueue::new()), &file).await;
    let (stopper, stop) = Stopper::new();
    let begun = Instant::now();
    let seen = async {
        let passed = async |position| {
            while !app.relays_have_passed(position) {
                moment().await;
            }
            begun.elapsed()
        };
        let first = passed(Position::new(1_000)).await;
        let last = add(&*store, 500).await;
        let second = passed(last).await;
        stopper.stop();
        (first, second)
    };
    let (ran, (first, second)) = tokio::join!(app.run_messages(&stop), seen);
    ran.unwrap();
    assert!((Duration::from_millis(900)..Duration::from_millis(1_200)).contains(&first), "{first:?}");
    assert!(second < first + Duration::from_millis(200), "what came meanwhile was held back: {second:?}");
    let saved = checkpoints.saved.lock().unwrap();
    assert_eq!(saved[..10], [100, 200, 300, 400, 500, 600, 700, 800, 900, 1_000]);
}

/// Goal: what was published is known to a queue by its ids for as long as it may be published again.
#[tokio::test(start_paused = true)]
async fn a_relay_keeps_where_it_is_at_times_at_the_end_and_when_it_is_stopped_whatever_is_said() {
    for (rate, until, kept) in [(1_000_000, 6_001, vec![5_000, 6_000]), (1_000, 500, vec![500])] {
        let (store, checkpoints) = (store_with(6_000).await, Remembered::default());
        // The last one is none of its events: the end of what was there is not that of what it relays.
        let other = NewEvent::json("Other", "{}").unwrap();
        store.append(Append::to("other-1".parse().unwrap(), Expected::Any).event(other)).await.unwrap();
        let file = format!(
            "[replay]\ncheckpoint_every: 1000000\nbatch_size: 500\nevents_per_second: {rate}\n\
             [events.Noted]\nversion: 1\n[relay.out]\nevents: \"Noted\"\ntopic: \"notes\"\n"
        );
        let builder = App::builder().shared_store(Arc::clone(&store)).checkpoints(checkpoints.clone());
        let app = built(builder.queue(MemoryQueue::new()), &file).await;
        let (stopper, stop) = Stopper::new();
        let seen = async {
            while !app.relays_have_passed(Position::new(until)) {
                moment().await;
            }
            stopper.stop();
        };
        tokio::join!(app.run_messages(&stop), seen).0.unwrap();
        assert_eq!(*checkpoints.saved.lock().unwrap(), kept);
    }
}

#[tokio::test(start_paused = true)]
async fn sagas_read_what_was_there_before_them_at_their_pace() {
    let store = store_with(1_000).await;
    let file = format!(
        "{ALL}[events.Noted]\nversion: 1\n[events.Lost]\nversion: 1\n{}",
        r#"
        [commands.Note]
        stream: "'note-1'"
        [consumers.notes]
        topics: ["notes"]
        dispatch: "command"
        [sagas.note]
        start: "Lost"
        correlate: "'1'"
        steps: [{ name: "n", send: { topic: "notes", command: "Note", data: "{}" }, timeout: "1s", compensate: "none" }]
        "#
    );
    let app = built(App::builder().shared_store(store).queue(MemoryQueue::new()), &file).await;
    let head = app.store().head().await.unwrap();
    let (_stopper, stop) = Stopper::new();
    let begun = Instant::now();
    let seen = async {
        while app.sagas().read_to() < head {
            moment().await;
        }
        begun.elapsed()
    };
    let took = tokio::select! {
        took = seen => took,
        ran = app.run_sagas(&stop) => panic!("it ended early: {ran:?}"),
    };
    assert!((Duration::from_millis(900)..Duration::from_millis(1_200)).contains(&took), "{took:?}");
}

#[test]
fn what_cannot_be_a_pace_is_a_mistake_at_its_place() {
    let found = mistakes(
        "[replay]\nbatch_size: 0\ncheckpoint_every: \"1s\"\nevents_per_second: -1\nparalel: 2\n",
        &Registered::default(),
    );
    assert_eq!(found.len(), 4, "{found:#?}");
    assert!(found[0].starts_with("line 2 col 13: "), "{found:#?}");
    assert!(found[3].contains("did you mean \"parallel\""), "{found:#?}");
}
