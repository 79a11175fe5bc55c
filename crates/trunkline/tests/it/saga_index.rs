//! The index of sagas: a copy of another process's, which begins with what that has, stays fresh and writes nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::BoxFuture;
use rusqlite::Connection;
use trunkline::messages::MemoryCheckpoints;
use trunkline::saga::{SagaQuery, SagaRow, Status};
use trunkline::{
    Access, App, Append, AppendError, EventStore, Expected, MemoryStore, NewEvent, Opening, Position,
    ReadError, StreamName,
};
use trunkline_core::Version;
use trunkline_core::{Appended, StoreId};
use trunkline_queue::MemoryQueue;
use trunkline_sql::SqliteSagaIndex;
use trunkline_store::derived::{IndexedSaga, SagaIndex as _};
use trunkline_store::{AllRead, EventStream, StreamList, StreamRead, StreamsRead};

use crate::world::with_file;

const LETTERS: &str = r#"
[events.Asked]
[events.Answered]

[sagas.letter]
start: "Asked"
correlate: "event.data.id"
steps: [
  { name: "write", send: { topic: "post", command: "Write", data: "{'id': saga.id}" }
    done: "Answered", timeout: "1h", compensate: "none" }
]

[message_queue]
external: ["post"]
"#;

/// A store that notes from where it was read as a whole first.
#[derive(Debug)]
struct Watched {
    inner: MemoryStore,
    from: AtomicU64,
}

impl EventStore for Watched {
    fn id(&self) -> StoreId {
        self.inner.id()
    }

    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, AppendError>> {
        self.inner.append(append)
    }

    fn read_stream(&self, stream: &StreamName, read: StreamRead) -> EventStream {
        self.inner.read_stream(stream, read)
    }

    fn read_all(&self, read: AllRead) -> EventStream {
        self.from.fetch_min(read.from.get(), Ordering::SeqCst);
        self.inner.read_all(read)
    }

    fn streams(&self, read: StreamsRead) -> StreamList {
        self.inner.streams(read)
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, ReadError>> {
        self.inner.head()
    }

    fn wait_beyond(&self, position: Position) -> BoxFuture<'_, Result<Position, ReadError>> {
        self.inner.wait_beyond(position)
    }
}

/// A shop of letters over a store, whose index of sagas is where the builder is told.
async fn letters(
    store: Arc<dyn EventStore>,
    index: impl FnOnce(trunkline::AppBuilder) -> trunkline::AppBuilder,
) -> App {
    let builder = App::builder().shared_store(store).queue(MemoryQueue::new());
    with_file(index(builder.checkpoints(MemoryCheckpoints::default())), LETTERS).build().await.unwrap()
}

async fn happens(store: &MemoryStore, event_type: &str, id: &str) {
    let event = NewEvent::json(event_type, format!(r#"{{"id":"{id}"}}"#)).unwrap();
    store
        .append(Append::to(format!("wish-{id}").parse().unwrap(), Expected::Any).event(event))
        .await
        .unwrap();
}

/// A process that runs sagas, with its index in a file, and what it made of two wishes.
struct Other {
    app: App,
    store: MemoryStore,
    file: PathBuf,
    _folder: tempfile::TempDir,
}

impl Other {
    async fn at_work() -> Self {
        let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
        let file = folder.path().join("sagas.db");
        let app = letters(Arc::new(store.clone()), |builder| builder.saga_index(&file)).await;
        let other = Self { app, store, file, _folder: folder };
        other.asked("1").await;
        other.asked("2").await;
        other
    }

    async fn asked(&self, id: &str) {
        happens(&self.store, "Asked", id).await;
        self.app.sagas().catch_up(&MemoryQueue::new()).await.unwrap();
    }

    async fn answered(&self, id: &str) {
        happens(&self.store, "Answered", id).await;
        self.app.sagas().catch_up(&MemoryQueue::new()).await.unwrap();
    }

    /// An application that reads the same store, with a copy of a file as its index; and from where it read.
    async fn reader(&self, file: &Path) -> (App, Arc<Watched>) {
        let watched = Arc::new(Watched { inner: self.store.clone(), from: AtomicU64::new(u64::MAX) });
        (
            letters(watched.clone(), |builder| {
                let opening = Opening { access: Access::Read, ..Opening::default() };
                builder.saga_index(file).opening(opening)
            })
            .await,
            watched,
        )
    }
}

async fn list(app: &App) -> Vec<SagaRow> {
    app.sagas().list(&SagaQuery::default()).await.unwrap()
}

async fn stand(app: &App) -> Vec<(String, Status)> {
    list(app).await.into_iter().map(|row| (row.id, row.status)).collect()
}

fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
    files.sort();
    files
}

#[tokio::test]
async fn a_copy_begins_with_what_the_file_has() {
    let other = Other::at_work().await;
    // In the file alone, so that it shows where a row is from.
    let kept = SqliteSagaIndex::new(&other.file);
    let mut row = kept.list(&SagaQuery::default()).await.unwrap().remove(0);
    row.reason = Some("of the file".to_owned());
    kept.put(vec![IndexedSaga { row, version: Version::new(1_000) }], None).await.unwrap();
    drop(kept);
    let head = other.store.head().await.unwrap();
    let (reader, watched) = other.reader(&other.file).await;
    let reasons: Vec<_> = list(&reader).await.into_iter().map(|row| row.reason).collect();
    assert_eq!(reasons, [Some("of the file".to_owned()), None]);
    let from = watched.from.load(Ordering::SeqCst);
    assert!(from >= head.get(), "it was read from {from}, and the file has all up to {head}");
}

#[tokio::test]
async fn a_copy_shows_what_has_happened_since() {
    let other = Other::at_work().await;
    let (reader, _) = other.reader(&other.file).await;
    let running = |id: &str| (id.to_owned(), Status::Running);
    let completed = |id: &str| (id.to_owned(), Status::Completed);
    assert_eq!(stand(&reader).await, [running("1"), running("2")]);
    other.asked("3").await;
    assert_eq!(stand(&reader).await, [running("1"), running("2"), running("3")]);
    other.answered("2").await;
    assert_eq!(stand(&reader).await, [running("1"), completed("2"), running("3")]);
    other.answered("1").await;
    other.asked("4").await;
    let now = [completed("1"), completed("2"), running("3"), running("4")];
    assert_eq!(stand(&reader).await, now);
    // Whoever copies it now is told the same, and so is the one that it is a copy of.
    assert_eq!(list(&other.reader(&other.file).await.0).await, list(&reader).await);
    assert_eq!(list(&other.app).await, list(&reader).await);
}

#[tokio::test]
async fn nothing_is_written_to_what_is_copied() {
    let other = Other::at_work().await;
    let folder = other.file.parent().unwrap().to_owned();
    // What the file lacks, the copy has to add; a first look makes the files that looking makes.
    happens(&other.store, "Asked", "3").await;
    let running = letters(Arc::new(other.store.clone()), |builder| builder).await;
    running.sagas().catch_up(&MemoryQueue::new()).await.unwrap();
    assert_eq!(list(&other.reader(&other.file).await.0).await.len(), 3);
    let before = files(&folder);
    assert_eq!(list(&other.reader(&other.file).await.0).await.len(), 3);
    assert!(files(&folder) == before, "a file is not what it was");
    let kept = Connection::open(&other.file).unwrap();
    let rows: u64 = kept.query_row("SELECT count(*) FROM sagas_2", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 2);
}

#[tokio::test]
async fn without_a_file_that_can_be_copied_the_log_is_read_and_no_file_is_made() {
    let other = Other::at_work().await;
    let folder = tempfile::tempdir().unwrap();
    let (missing, no_database) = (folder.path().join("missing.db"), folder.path().join("text.db"));
    std::fs::write(&no_database, "what is this").unwrap();
    let before = files(folder.path());
    for file in [missing, no_database] {
        let (reader, watched) = other.reader(&file).await;
        assert_eq!(list(&reader).await, list(&other.app).await, "{}", file.display());
        assert_eq!(watched.from.load(Ordering::SeqCst), 1, "all of it was read");
    }
    assert!(files(folder.path()) == before, "a file is not what it was");
}

#[tokio::test]
async fn the_index_of_another_store_is_not_believed() {
    let (other, another) = (Other::at_work().await, Other::at_work().await);
    another.asked("17").await;
    another.asked("18").await;
    other.answered("1").await;
    let (reader, _) = other.reader(&another.file).await;
    assert_eq!(list(&reader).await, list(&other.app).await);
    assert_eq!(stand(&another.app).await.len(), 4);
}
