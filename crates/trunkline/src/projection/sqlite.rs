//! The only kind of read database that there is: the one place that names it.

use std::path::Path;
use std::sync::Arc;

use futures::future::BoxFuture;
use trunkline_sql::{DatabaseError, Dialect, ReadDatabase, SqliteDialect, SqliteReadDatabase};

use super::databases::ReadBackend;

/// The SQL that the texts of a file are held against.
pub(crate) fn dialect() -> &'static dyn Dialect {
    &SqliteDialect
}

/// Read databases in files.
pub(crate) fn backend() -> ReadBackend {
    ReadBackend { dialect: dialect(), open: Arc::new(open) }
}

fn open(path: &Path) -> BoxFuture<'static, Result<Arc<dyn ReadDatabase>, DatabaseError>> {
    let path = path.to_owned();
    Box::pin(async move {
        let opened = tokio::task::spawn_blocking(move || SqliteReadDatabase::open(&path)).await;
        let opened = opened.unwrap_or_else(|error| {
            let (doing, reason) = ("open a read database".to_owned(), error.to_string());
            Err(DatabaseError::Passing { doing, reason })
        });
        opened.map(|database| Arc::new(database) as Arc<dyn ReadDatabase>)
    })
}
