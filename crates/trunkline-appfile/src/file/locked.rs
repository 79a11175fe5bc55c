//! The lock file beside the application file: what was persisted has to be known still.

use trunkline_config::read::Field;
use trunkline_config::{Diagnostic, LoadError, World};

use super::{Definition, codes};
use crate::shapes::Lock;

/// Reports what the file declares otherwise than it was persisted, if it has a lock file.
pub(super) fn check(name: &str, world: World<'_>, events: &Field<'_>, definition: &Definition) {
    let path = Lock::path_of(name);
    let text = match world.loader.load(&path) {
        Ok(text) => text,
        Err(LoadError::NotFound) => return,
        Err(error) => return report(events, &format!("{path}: {error}")),
    };
    let lock = match Lock::parse(&text) {
        Ok(lock) => lock,
        Err(error) => return report(events, &format!("{path}: {error}")),
    };
    let mut section = events.section();
    for change in lock.changes(definition) {
        let code = if change.gone { codes::SHAPE_GONE } else { codes::SHAPE_CHANGED };
        let span = section.key(&change.event_type).span();
        events.reader().report(Diagnostic::error(code, span, change.message).fix(change.fix));
    }
}

fn report(events: &Field<'_>, message: &str) {
    events.reader().report(Diagnostic::error(codes::BAD_LOCK, events.span(), message));
}
