//! What can be done about a projection that doesn't go on.

use trunkline::ProjectionError;
use trunkline::sql::DatabaseError;

pub(super) fn hints(error: &ProjectionError) -> Vec<String> {
    match error {
        ProjectionError::Stopped { .. } => vec![
            "correct the statement or the data that it meets, and the same again goes on from there"
                .to_owned(),
            "on_error: \"park\" puts such events aside and goes on".to_owned(),
        ],
        ProjectionError::AheadOfLog { name, .. }
        | ProjectionError::OtherStore { name, .. }
        | ProjectionError::Changed { name } => {
            vec![format!("trunkline projection rebuild FILE {name}")]
        }
        ProjectionError::Declared { name } => vec![format!(
            "trunkline projection rebuild FILE {name} makes its rows anew; one that is removed from the file is dropped"
        )],
        ProjectionError::Database(DatabaseError::NameDiffersByCase { other, .. }) => {
            vec![format!("`trunkline projection drop FILE {other}` drops them")]
        }
        ProjectionError::Database(DatabaseError::Barred { .. }) => vec![
            "query and sql with --stale, projection status, and doctor only read what is there".to_owned(),
        ],
        ProjectionError::StillFails { name, .. } => vec![
            "correct the statement or the data that it meets, and retry".to_owned(),
            format!("trunkline projection parked discard FILE {name} POSITION gives the event up"),
        ],
        ProjectionError::NotParked { name, .. } => {
            vec![format!("trunkline projection parked list FILE {name}")]
        }
        ProjectionError::RunElsewhere { .. } => {
            vec![
                "stop that process for as long as this takes".to_owned(),
                "query and sql with --stale, state, and projection status and verify work beside it"
                    .to_owned(),
            ]
        }
        ProjectionError::Paused { name } => vec![format!("trunkline projection resume FILE {name}")],
        _ => Vec::new(),
    }
}
