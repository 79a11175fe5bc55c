//! What can be done about sagas that can't be looked at, or an order that can't be carried out.

use trunkline::saga::{OrderError, SagaError};

pub(super) fn hints(error: &SagaError) -> Vec<String> {
    match error {
        SagaError::NotFound { .. } => vec!["trunkline saga list FILE lists all that were started".to_owned()],
        SagaError::UnknownName { near: None, .. } => {
            vec!["the file declares sagas in sections [sagas.NAME]".to_owned()]
        }
        SagaError::Order { saga, source: OrderError::OnTheWayBack | OrderError::NotStuck { .. } } => {
            vec![format!("trunkline saga show FILE {saga} says what it waits for")]
        }
        SagaError::Order { source: OrderError::StartsNothing { .. }, .. } => {
            vec!["`start` in the section of the saga says which data starts one".to_owned()]
        }
        SagaError::Read(_) | SagaError::Unreadable { .. } => {
            vec!["`trunkline verify` says what is damaged and what to do".to_owned()]
        }
        SagaError::Append { .. } => {
            vec![
                "trunkline saga show FILE SAGA says whether it was done; else the same again does it"
                    .to_owned(),
            ]
        }
        _ => Vec::new(),
    }
}
