//! `[snapshots]`: whether states are kept, and how often.

use trunkline_config::read::Field;

/// Whether states are kept, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotsDefinition {
    /// Whether they are kept at all.
    pub enabled: bool,
    /// How many events lie between two snapshots of a stream, where its aggregate doesn't say.
    pub every: u64,
}

impl Default for SnapshotsDefinition {
    fn default() -> Self {
        Self { enabled: true, every: 100 }
    }
}

pub(super) fn read(field: &Field<'_>) -> SnapshotsDefinition {
    let mut section = field.section();
    let default = SnapshotsDefinition::default();
    let enabled = section.key("enabled").or(default.enabled);
    let every = section.key("every").integer_within(1, i64::from(u32::MAX));
    let every = every.and_then(|every| u64::try_from(every).ok()).unwrap_or(default.every);
    section.finish();
    SnapshotsDefinition { enabled, every }
}
