//! The backends of Trunkline's own, each behind the feature of its name; memory is always there.

#[cfg(feature = "embedded")]
mod embedded;
#[cfg(feature = "log")]
mod log;
mod memory;
#[cfg(feature = "sqlite")]
mod sqlite;

use super::Backend;
#[cfg(any(feature = "log", feature = "embedded", feature = "sqlite"))]
use super::{Dsn, DsnProblem};

/// All that this program was built with.
pub(super) fn all() -> Vec<Backend> {
    vec![
        memory::backend(),
        #[cfg(feature = "log")]
        log::backend(),
        #[cfg(feature = "embedded")]
        embedded::backend(),
        #[cfg(feature = "sqlite")]
        sqlite::backend(),
    ]
}

/// Memory alone, as in a program without features.
#[cfg(test)]
pub(super) fn memory() -> Backend {
    memory::backend()
}

/// A DSN that is a path has one.
#[cfg(any(feature = "log", feature = "embedded", feature = "sqlite"))]
fn with_path(dsn: &Dsn, of: &str) -> Result<(), DsnProblem> {
    if dsn.rest().is_empty() {
        let what = format!("`{}:` is not followed by the path of a {of}", dsn.scheme());
        return Err(DsnProblem { what, hint: None });
    }
    Ok(())
}

/// One DSN for all that mean the same path, as far as that is known without asking the disk.
#[cfg(any(feature = "log", feature = "embedded", feature = "sqlite"))]
fn with_absolute_path(dsn: &Dsn, path: &std::path::Path) -> Dsn {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    Dsn::new(dsn.scheme(), absolute)
}

/// Opens something where it may block.
#[cfg(any(feature = "log", feature = "embedded", feature = "sqlite"))]
async fn blocking<T: Send + 'static>(open: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(open).await {
        Ok(opened) => opened,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => panic!("what opens something is not cancelled: {error}"),
        },
    }
}
