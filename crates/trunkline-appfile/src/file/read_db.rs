//! `[read_db]`: where read models are kept.

use std::time::Duration;

use trunkline_config::Secret;
use trunkline_config::read::Field;

use super::Reading;
use trunkline_runtime::{Dsn, Role};

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
    /// The read database that `read_db` of a projection or a query names; none when it is the application's own.
    pub(super) fn other(&self, field: &Field<'_>, reading: &Reading<'_>) -> Option<Dsn> {
        let named = reading.dsn(field, Role::ReadModels)?;
        let backends = &reading.registered.backends;
        let own = self.dsn.as_deref().and_then(|own| backends.read(Role::ReadModels, own).ok());
        let canonical = |dsn: &Dsn| backends.canonical(Role::ReadModels, dsn);
        (own.as_ref().map(canonical) != Some(canonical(&named))).then_some(named)
    }
}

pub(super) fn read(field: &Field<'_>, reading: &Reading<'_>) -> ReadDbDefinition {
    let mut section = field.section();
    let dsn = section.key("dsn");
    let definition = ReadDbDefinition {
        dsn: reading.dsn(&dsn, Role::ReadModels).and_then(|_| dsn.read()),
        username: section.key("username").read(),
        password: section.key("password").read(),
        statement_timeout: section.key("statement_timeout").or(ReadDbDefinition::default().statement_timeout),
    };
    section.finish();
    definition
}
