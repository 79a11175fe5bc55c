//! `[read_db]`: where read models are kept.

use std::path::PathBuf;
use std::time::Duration;

use trunkline_config::read::Field;
use trunkline_config::{Diagnostic, Secret};

use super::codes;
use crate::place::{ReadDsnError, ReadPlace, absolute};

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

impl ReadDbDefinition {
    /// The file of the read database, where the file says it.
    fn path(&self) -> Option<PathBuf> {
        ReadPlace::parse(self.dsn.as_deref()?).ok()
    }

    /// The read database that `read_db` of a projection or a query names; none when it is the application's own.
    pub(super) fn other(&self, field: &Field<'_>) -> Option<PathBuf> {
        let named = place(field)?;
        let own = self.path();
        (own.as_deref().map(absolute) != Some(absolute(&named))).then_some(named)
    }
}

/// The file that a DSN names.
fn place(field: &Field<'_>) -> Option<PathBuf> {
    let report = |error: ReadDsnError| {
        let wrong = Diagnostic::error(codes::BAD_DSN, field.span(), error.to_string());
        field.reader().report(wrong.fix(error.hint()));
    };
    ReadPlace::parse(&field.read::<String>()?).map_err(report).ok()
}

pub(super) fn read(field: &Field<'_>) -> ReadDbDefinition {
    let mut section = field.section();
    let dsn = section.key("dsn");
    let definition = ReadDbDefinition {
        dsn: place(&dsn).and_then(|_| dsn.read()),
        username: section.key("username").read(),
        password: section.key("password").read(),
        statement_timeout: section.key("statement_timeout").or(ReadDbDefinition::default().statement_timeout),
    };
    section.finish();
    definition
}
