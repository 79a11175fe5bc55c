//! What brings much at once into an application: an application file is one.

use std::error::Error;

use super::{AppBuilder, BuildError};

/// Something that registers what it brings, through the calls that a program uses too.
///
/// It is asked when the application is built, before anything is opened. What it brings comes before what the
/// program registered, so that projections are listed in its order.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use trunkline::{App, AppBuilder, BuildError, Install, MemoryStore};
/// use trunkline::upcast::Link;
///
/// /// The shapes of years ago.
/// struct Years;
///
/// impl Install for Years {
///     fn install(self: Box<Self>, builder: AppBuilder) -> Result<AppBuilder, BuildError> {
///         Ok(builder.upcast([Link::from("OrderCreated", 1).rename("sum", "total")]))
///     }
/// }
///
/// let app = App::builder().store(MemoryStore::new()).install(Years).build().await?;
/// assert_eq!(app.upcasters().present("OrderCreated"), Some(2));
/// # Ok(())
/// # }
/// ```
pub trait Install: Send {
    /// Registers what it brings, or says why it can't: see [`BuildError::installing`].
    fn install(self: Box<Self>, builder: AppBuilder) -> Result<AppBuilder, BuildError>;
}

impl BuildError {
    /// What an [`Install`] can't be installed for.
    pub fn installing(source: impl Error + Send + Sync + 'static) -> Self {
        Self::Install(Box::new(source))
    }
}
