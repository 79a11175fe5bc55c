//! `SQLite` passes the suite, in files and in memory.

use trunkline_sql::SqliteReadDatabase;
use trunkline_sql::conformance::Fixture;

trunkline_sql::conformance!(every_promise_in_files, in_files);
trunkline_sql::conformance!(every_promise_in_memory, || {
    Fixture::new(SqliteReadDatabase::memory().unwrap())
});

async fn in_files() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("read.db");
    let open = move || {
        let path = path.clone();
        async move { SqliteReadDatabase::open(&path).unwrap() }
    };
    Fixture::durable(open).await.guarded_by(folder)
}
