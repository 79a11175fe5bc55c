//! The SQL that texts are held against before any read database is open.

use trunkline_sql::{Dialect, SqliteDialect};

/// The SQL that the texts of a file are held against.
pub fn dialect() -> &'static dyn Dialect {
    &SqliteDialect
}
