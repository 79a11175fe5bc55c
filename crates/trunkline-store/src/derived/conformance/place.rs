//! A place for one test, which can be opened again.

use std::fmt;
use std::future::{IntoFuture, Ready, ready};
use std::sync::Arc;

type Open<T> = Box<dyn Fn() -> Arc<T> + Send + Sync>;

/// A place with nothing in it, for one test.
///
/// ```
/// use std::sync::Arc;
/// use trunkline_store::derived::conformance::TestPlace;
/// use trunkline_store::derived::{Checkpoints, FileCheckpoints};
/// let folder = tempfile::tempdir()?;
/// // The folder is there for as long as the place is.
/// let place = TestPlace::<dyn Checkpoints>::opened_by(move || Arc::new(FileCheckpoints::new(folder.path())));
/// # drop(place);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct TestPlace<T: ?Sized>(Open<T>);

impl<T: ?Sized> TestPlace<T> {
    /// A place that is opened, and opened again, like this; what was opened before is gone then.
    pub fn opened_by(open: impl Fn() -> Arc<T> + Send + Sync + 'static) -> Self {
        Self(Box::new(open))
    }

    /// What is not opened, and is as it was for as long as the test uses it.
    pub fn lasting(opened: Arc<T>) -> Self
    where
        T: Send + Sync + 'static,
    {
        Self::opened_by(move || Arc::clone(&opened))
    }

    pub(super) fn open(&self) -> Arc<T> {
        (self.0)()
    }
}

impl<T: ?Sized> fmt::Debug for TestPlace<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").finish_non_exhaustive()
    }
}

/// So that what makes a place may do so at once or asynchronously.
impl<T: ?Sized> IntoFuture for TestPlace<T> {
    type Output = Self;
    type IntoFuture = Ready<Self>;

    fn into_future(self) -> Ready<Self> {
        ready(self)
    }
}
