//! `[event_store]`: where events are kept.

use trunkline_config::read::{Field, Size};
use trunkline_config::{Diagnostic, Secret};

use super::Reading;
use trunkline_runtime::Role;

/// The smallest segment: the largest batch must fit one.
const SEGMENT_MIN: u64 = 1 << 20;

/// Where events are kept.
#[derive(Debug, Default)]
pub struct StoreDefinition {
    /// The DSN, when the file says one.
    pub dsn: Option<String>,
    /// The user, for servers.
    pub username: Option<String>,
    /// The password, for servers.
    pub password: Option<Secret>,
    /// The size of a segment in bytes, for the embedded log.
    pub segment_bytes: Option<u64>,
    /// Whether appends may be acknowledged before they are on disk: only for stores to throw away.
    pub never_sync: bool,
}

pub(super) fn read(field: &Field<'_>, reading: &Reading<'_>) -> StoreDefinition {
    let mut section = field.section();
    let dsn = section.key("dsn");
    let definition = StoreDefinition {
        dsn: reading.dsn(&dsn, Role::Events).and_then(|_| dsn.read()),
        username: section.key("username").read(),
        password: section.key("password").read(),
        segment_bytes: segment(&section.key("segment")),
        never_sync: section.key("sync").one_of(&[("always", false), ("never", true)]).unwrap_or(false),
    };
    section.finish();
    definition
}

fn segment(field: &Field<'_>) -> Option<u64> {
    let Size(bytes) = field.read()?;
    if bytes >= SEGMENT_MIN {
        return Some(bytes);
    }
    let message = format!("a segment has at least {} MiB", SEGMENT_MIN >> 20);
    field.reader().report(Diagnostic::error(trunkline_config::codes::OUT_OF_RANGE, field.span(), message));
    None
}
