//! What is derived from a log, on `SQLite`: it passes the suites, is made anew when it is damaged, and what others
//! keep is left alone.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use trunkline_core::saga::Status;
use trunkline_core::{EventId, Position, StoreId, Timestamp, Version};
use trunkline_sql::{SqliteSagaIndex, SqliteSnapshots};
use trunkline_store::conformance::run;
use trunkline_store::derived::conformance::TestPlace;
use trunkline_store::derived::{
    Checkpoint, IndexedSaga, Revision, SagaIndex, SagaQuery, SagaRow, SnapshotStore, StateSnapshot,
};

trunkline_store::snapshots_conformance!(snapshots, || {
    let folder = tempfile::tempdir().unwrap();
    TestPlace::<dyn SnapshotStore>::opened_by(move || {
        Arc::new(SqliteSnapshots::new(folder.path().join("kept")))
    })
});

trunkline_store::snapshots_conformance!(snapshots_that_can_not_be_in_their_file, || {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn SnapshotStore> = Arc::new(SqliteSnapshots::new(folder.path()));
    TestPlace::<dyn SnapshotStore>::opened_by(move || {
        assert!(folder.path().is_dir());
        Arc::clone(&store)
    })
});

trunkline_store::saga_index_conformance!(saga_index, || {
    let folder = tempfile::tempdir().unwrap();
    TestPlace::<dyn SagaIndex>::opened_by(move || Arc::new(SqliteSagaIndex::new(folder.path().join("sagas"))))
});

trunkline_store::saga_index_conformance!(saga_index_as_a_copy_of_nothing, || {
    TestPlace::<dyn SagaIndex>::lasting(Arc::new(SqliteSagaIndex::copy_of("there is no such file")))
});

fn snapshot() -> StateSnapshot {
    StateSnapshot {
        revision: Revision::of("x"),
        version: Version::new(3),
        event_id: EventId::from_bytes([7; 16]),
        state: "1".into(),
    }
}

fn saga(id: &str) -> IndexedSaga {
    let row = SagaRow {
        name: "trip".to_owned(),
        id: id.to_owned(),
        status: Status::Running,
        step: None,
        started_at: Timestamp::default(),
        changed_at: Timestamp::default(),
        due: None,
        reason: None,
    };
    IndexedSaga { row, version: Version::FIRST }
}

fn checkpoint() -> Checkpoint {
    let (store, event_id) = (StoreId::from_bytes([7; 16]), EventId::from_bytes([9; 16]));
    Checkpoint { store, position: Position::new(7), event_id }
}

/// How many sagas an index has, and whether it says how far was read.
async fn has(index: &SqliteSagaIndex) -> (u64, bool) {
    let count = index.count(&SagaQuery::default()).await.unwrap();
    (count, index.read_to().await.unwrap().is_some())
}

fn is_there(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_some()
}

#[test]
fn nothing_is_opened_before_it_is_asked() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let snapshots = SqliteSnapshots::new(folder.path().join("kept"));
        let index = SqliteSagaIndex::new(folder.path().join("sagas"));
        assert!(!is_there(folder.path()));
        assert_eq!(snapshots.find(&"till-1".parse().unwrap(), Revision::of("x")).await, None);
        assert_eq!(has(&index).await, (0, false));
        assert!(is_there(folder.path()));
    });
}

/// What the caller gave up on was asked.
#[test]
fn what_was_asked_is_done_before_the_index_is_closed() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sagas");
        let index = SqliteSagaIndex::new(&file);
        let _ = futures::FutureExt::now_or_never(index.put(vec![saga("1")], Some(checkpoint())));
        drop(index);
        assert_eq!(has(&SqliteSagaIndex::new(&file)).await, (1, true));
    });
}

#[test]
fn a_file_that_is_no_database_is_made_anew() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let (kept, sagas) = (folder.path().join("kept"), folder.path().join("sagas"));
        for file in [&kept, &sagas] {
            std::fs::write(file, "x".repeat(5_000)).unwrap();
        }
        let stream = "till-1".parse().unwrap();
        let snapshots = SqliteSnapshots::new(&kept);
        assert_eq!(snapshots.find(&stream, Revision::of("x")).await, None);
        snapshots.keep(&stream, snapshot()).await;
        drop(snapshots);
        let snapshots = SqliteSnapshots::new(&kept);
        assert_eq!(snapshots.find(&stream, Revision::of("x")).await, Some(snapshot()));
        let index = SqliteSagaIndex::new(&sagas);
        assert_eq!(has(&index).await, (0, false));
        index.put(vec![saga("1")], Some(checkpoint())).await.unwrap();
        drop(index);
        assert_eq!(has(&SqliteSagaIndex::new(&sagas)).await, (1, true));
    });
}

#[test]
fn a_copy_begins_with_what_others_have_and_writes_nothing_to_it() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sagas");
        let index = SqliteSagaIndex::new(&file);
        index.put(vec![saga("1")], Some(checkpoint())).await.unwrap();
        let copy = SqliteSagaIndex::copy_of(&file);
        assert_eq!(has(&copy).await, (1, true));
        copy.put(vec![saga("2")], None).await.unwrap();
        assert_eq!(has(&copy).await, (2, true));
        index.put(vec![saga("3"), saga("4")], None).await.unwrap();
        assert_eq!((has(&copy).await, has(&index).await), ((2, true), (3, true)));
        drop((copy, index));
        let ids = Connection::open(&file).unwrap();
        let count: u64 = ids.query_row("SELECT count(*) FROM sagas_2", [], |row| row.get(0)).unwrap();
        assert_eq!(count, 3);
    });
}

/// The other process may be at work for a while.
#[test]
fn that_another_process_has_the_index_locked_passes() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sagas");
        let index = SqliteSagaIndex::new(&file);
        assert_eq!(has(&index).await, (0, false));
        let other = Connection::open(&file).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let error = index.put(vec![saga("1")], None).await.unwrap_err();
        assert!(error.passes, "{error}");
        other.execute_batch("COMMIT").unwrap();
        index.put(vec![saga("1")], None).await.unwrap();
        assert_eq!(has(&index).await, (1, false));
    });
}
