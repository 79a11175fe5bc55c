//! What a scan has asked of the disk before it comes there.

use std::sync::atomic::{AtomicU64, Ordering};

/// How far a scan, and those that were split off it, have asked the disk for what they read. A scan only goes on in one
/// direction, so what lies behind the farthest was asked for as well.
#[derive(Debug)]
pub(super) struct Asked {
    forward: bool,
    /// Grows in the scan's direction; 0 before anything was asked for.
    farthest: AtomicU64,
}

impl Asked {
    pub(super) fn new(forward: bool) -> Self {
        Self { forward, farthest: AtomicU64::new(0) }
    }

    /// Whether this stretch of this segment was not asked for yet; it counts as asked for from now on.
    pub(super) fn is_new(&self, segment: u64, stretch: u64) -> bool {
        let place = (segment << 32) + stretch + 1;
        let place = if self.forward { place } else { u64::MAX - place };
        // It decides nothing but whether to ask twice.
        self.farthest.fetch_max(place, Ordering::Relaxed) < place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stretch_is_asked_for_once_in_either_direction() {
        for forward in [true, false] {
            let asked = Asked::new(forward);
            let mut places = vec![(0, 0), (0, 1), (0, 63), (1, 0), (1, 1)];
            if !forward {
                places.reverse();
            }
            for (segment, stretch) in places {
                assert!(asked.is_new(segment, stretch), "{segment} {stretch} {forward}");
                assert!(!asked.is_new(segment, stretch), "{segment} {stretch} {forward}");
            }
        }
    }
}
