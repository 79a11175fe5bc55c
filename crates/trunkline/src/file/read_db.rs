//! `[read_db]`: where read models are kept.

use std::time::Duration;

use trunkline_config::read::Field;
use trunkline_config::{Diagnostic, Secret};

use super::codes;
use crate::place::ReadPlace;

/// Where read models are kept.
#[derive(Debug)]
pub struct ReadDbDefinition {
    /// The DSN, when the file says one.
    pub dsn: Option<String>,
    /// The user, for servers.
    pub username: Option<String>,
    /// The password, for servers.
    pub password: Option<Secret>,
    /// How long a query may take.
    pub statement_timeout: Duration,
}

impl Default for ReadDbDefinition {
    fn default() -> Self {
        Self { dsn: None, username: None, password: None, statement_timeout: Duration::from_secs(5) }
    }
}

pub(super) fn read(field: &Field<'_>) -> ReadDbDefinition {
    let mut section = field.section();
    let dsn = section.key("dsn");
    let definition = ReadDbDefinition {
        dsn: dsn.read::<String>().filter(|text| match ReadPlace::parse(text) {
            Ok(_) => true,
            Err(error) => {
                let wrong = Diagnostic::error(codes::BAD_DSN, dsn.span(), error.to_string());
                dsn.reader().report(wrong.fix(error.hint()));
                false
            }
        }),
        username: section.key("username").read(),
        password: section.key("password").read(),
        statement_timeout: section.key("statement_timeout").or(ReadDbDefinition::default().statement_timeout),
    };
    section.finish();
    definition
}
