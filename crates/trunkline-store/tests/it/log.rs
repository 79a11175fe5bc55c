//! The log backend passes the suite, on the file system and on a disk in memory.

use std::sync::Arc;

use trunkline_log::disk::{Disk, MemoryDisk};
use trunkline_store::conformance::Fixture;
use trunkline_store::{LogStore, LogStoreOptions};

trunkline_store::conformance!(every_promise_on_the_file_system, on_the_file_system);
trunkline_store::conformance!(every_promise_on_a_disk_in_memory, on_a_disk_in_memory);

/// Segments as small as they may be, so that the suite's stores have many.
fn small_segments() -> LogStoreOptions {
    LogStoreOptions { segment_bytes: 1, ..LogStoreOptions::default() }
}

fn on_the_file_system() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events");
    let store = LogStore::open(&path, LogStoreOptions::default()).unwrap();
    let reopen = move |old: LogStore| {
        let path = path.clone();
        async move {
            old.close().await;
            LogStore::open(&path, LogStoreOptions::default()).unwrap()
        }
    };
    Fixture::durable(store, reopen).guarded_by(folder)
}

fn on_a_disk_in_memory() -> Fixture {
    let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::new());
    let store = LogStore::open_on(Arc::clone(&disk), small_segments()).unwrap();
    let reopen = move |old: LogStore| {
        let disk = Arc::clone(&disk);
        async move {
            old.close().await;
            LogStore::open_on(disk, small_segments()).unwrap()
        }
    };
    Fixture::durable(store, reopen)
}
