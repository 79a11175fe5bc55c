//! `[replay]`: how what has happened already is read again.

use std::num::{NonZeroU32, NonZeroUsize};

use trunkline_config::read::Field;
use trunkline_runtime::ReplaySettings;

pub(super) fn read(field: &Field<'_>) -> ReplaySettings {
    let mut section = field.section();
    let mut number = |key, most| section.key(key).integer_within(1, most);
    let size = |number: i64| usize::try_from(number).ok().and_then(NonZeroUsize::new);
    let settings = ReplaySettings {
        batch_size: number("batch_size", 100_000).and_then(size),
        checkpoint_every: number("checkpoint_every", 1_000_000).and_then(size),
        events_per_second: number("events_per_second", 10_000_000)
            .and_then(|rate| u32::try_from(rate).ok())
            .and_then(NonZeroU32::new),
        parallel: number("parallel", 1_000).and_then(size),
    };
    section.finish();
    settings
}
