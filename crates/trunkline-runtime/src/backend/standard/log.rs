//! `log:PATH`: the embedded log in a folder.

use std::path::PathBuf;
use std::sync::Arc;

#[cfg(feature = "sqlite")]
use trunkline_sql::{SqliteCauseIndex, SqliteSagaIndex, SqliteSnapshots};
use trunkline_store::derived::{DerivedHome, FileCheckpoints};
use trunkline_store::{LogStore, LogStoreOptions};

use super::super::{Access, Backend, Dsn, OpenStore, OpenStoreOptions};
use super::{blocking, with_absolute_path, with_path};

pub(super) fn backend() -> Backend {
    Backend::new(["log"])
        .check(|_, dsn| with_path(dsn, "folder"))
        .canonical(|dsn| with_absolute_path(dsn, dsn.path()))
        .home(home)
        .events(|dsn, options| {
            blocking(move || {
                let OpenStoreOptions { access, owner, segment_bytes, sync, limits } = options;
                let log = match access {
                    Access::Read => LogStore::open_read_only(dsn.path())?,
                    Access::Append => {
                        let segment_bytes = segment_bytes.unwrap_or(LogStoreOptions::default().segment_bytes);
                        LogStore::open(dsn.path(), LogStoreOptions { limits, segment_bytes, sync, owner })?
                    }
                };
                let rolled_back = log.rolled_back_bytes();
                let closing = log.clone();
                Ok(OpenStore::new(log).with_rolled_back(rolled_back).closed_by(move || closing.close()))
            })
        })
}

/// Beside the log: a folder of checkpoints, and files of what may be removed at any time.
///
/// Who only reads has snapshots in memory and a copy of the index of sagas: the files are another process's. The index of
/// causes belongs to no process: whoever asks for a cause brings it up to date, as far as it may.
fn home(dsn: &Dsn, access: Access) -> DerivedHome {
    let beside = |suffix: &str| {
        let mut name = dsn.rest().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let home = DerivedHome {
        checkpoints: Arc::new(FileCheckpoints::new(beside(".checkpoints"))),
        ..DerivedHome::memory()
    };
    #[cfg(feature = "sqlite")]
    let home = DerivedHome { cause_index: Arc::new(SqliteCauseIndex::new(beside(".causes"))), ..home };
    #[cfg(feature = "sqlite")]
    let home = match access {
        Access::Append => DerivedHome {
            snapshots: Arc::new(SqliteSnapshots::new(beside(".snapshots"))),
            saga_index: Arc::new(SqliteSagaIndex::new(beside(".sagas"))),
            ..home
        },
        Access::Read => {
            DerivedHome { saga_index: Arc::new(SqliteSagaIndex::copy_of(beside(".sagas"))), ..home }
        }
    };
    #[cfg(not(feature = "sqlite"))]
    let _ = access;
    home
}
