//! Whether sagas end.

use super::{Check, Subject};
use crate::{OpsError, sagas};

pub(super) const NAME: &str = "sagas";

pub(super) async fn look(subject: &Subject<'_>) -> Result<Vec<Check>, OpsError> {
    if subject.app.sagas().names().is_empty() {
        return Ok(Vec::new());
    }
    let counts = sagas::counts(subject.app).await?;
    Ok(vec![if counts.stuck > 0 {
        let list = subject.command("saga list", "--stuck");
        Check::bad(NAME, counts.to_string(), format!("{list}, then retry or resolve each"))
    } else {
        Check::ok(NAME, counts.to_string())
    }])
}
