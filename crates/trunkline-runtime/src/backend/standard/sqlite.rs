//! `sqlite:PATH`: read models in `SQLite` files.

use std::path::Path;
use std::sync::Arc;

use trunkline_sql::{DatabaseError, ReadDatabase, SqliteDialect, SqliteReadDatabase};

use super::super::{Backend, Dsn};
use super::{blocking, with_absolute_path, with_path};

pub(super) fn backend() -> Backend {
    Backend::new(["sqlite"])
        .check(|_, dsn| with_path(dsn, "file"))
        .canonical(|dsn| with_absolute_path(dsn, path(dsn)))
        .read_models(&SqliteDialect, |dsn| {
            blocking(move || Ok(Arc::new(SqliteReadDatabase::open(path(&dsn))?) as Arc<dyn ReadDatabase>))
        })
        .looked_at(|dsn| {
            blocking(move || Ok(Arc::new(SqliteReadDatabase::look(path(&dsn))?) as Arc<dyn ReadDatabase>))
        })
}

/// The same database in memory.
pub(super) fn in_memory() -> Result<Arc<dyn ReadDatabase>, DatabaseError> {
    Ok(Arc::new(SqliteReadDatabase::memory()?))
}

/// The path, also where it is written as in a URL: `sqlite:///var/read.db`.
fn path(dsn: &Dsn) -> &Path {
    let in_url = dsn.rest().to_str().and_then(|rest| rest.strip_prefix("//"));
    in_url.map_or(dsn.path(), Path::new)
}
