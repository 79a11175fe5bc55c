//! What the file does to sagas that are under way: which of them need what it doesn't name.

use trunkline::App;
use trunkline::saga::Lacking;

use crate::OpsError;

/// Which sagas under way need what no definition names: they are held when sagas run, until it is named again.
///
/// Nothing is changed, and it works beside the process that runs the application.
pub async fn lacking(app: &App) -> Result<Vec<Lacking>, OpsError> {
    Ok(app.sagas().lacking().await?)
}
