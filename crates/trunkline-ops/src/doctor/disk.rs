//! Whether there is room.

use super::{Check, Subject};
use crate::words::size;

const NAME: &str = "disk";

/// A disk with less room than this is nearly full, whatever its size.
const ROOM_MIN: u64 = 1 << 30;

pub(super) fn look(subject: &Subject<'_>) -> Option<Check> {
    let store = &subject.events.dsn;
    if store.is_memory() {
        return None;
    }
    room(store.path()).map(|(free, all)| check(free, all))
}

fn check(free: u64, all: u64) -> Check {
    let says = format!("{} free of {}", size(free), size(all));
    if free < ROOM_MIN {
        Check::bad(NAME, says, "make room: a full disk refuses appends, and loses nothing")
    } else {
        Check::ok(NAME, says)
    }
}

/// The bytes that are free and that there are, where the system tells.
#[cfg(unix)]
fn room(path: &std::path::Path) -> Option<(u64, u64)> {
    let found = rustix::fs::statvfs(path).ok()?;
    Some((found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize))
}

#[cfg(not(unix))]
fn room(_: &std::path::Path) -> Option<(u64, u64)> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Health;

    #[test]
    fn a_disk_that_is_nearly_full_is_bad() {
        let state = |free| check(free, 1 << 40).state;
        assert_eq!([state(0), state(ROOM_MIN - 1), state(ROOM_MIN)], [Health::Bad, Health::Bad, Health::Ok]);
    }
}
