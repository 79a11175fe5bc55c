//! Where an event stands: its version in its stream, its position in the store.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! place {
    ($(#[$doc:meta])* $name:ident, $zero:ident, $zero_doc:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(u64);

        impl $name {
            #[doc = $zero_doc]
            pub const $zero: Self = Self(0);
            /// The place of the first event.
            pub const FIRST: Self = Self(1);
            /// The largest place there is; as an upper bound, "no bound".
            pub const MAX: Self = Self(u64::MAX);

            /// The place with this number; events are counted from 1.
            pub const fn new(number: u64) -> Self {
                Self(number)
            }

            /// The number of this place.
            pub const fn get(self) -> u64 {
                self.0
            }

            /// The place after this one (the last place stays itself).
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }

            /// The place `count` further on (the last place at most).
            #[must_use]
            pub const fn plus(self, count: u64) -> Self {
                Self(self.0.saturating_add(count))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIntError;

            fn from_str(text: &str) -> Result<Self, ParseIntError> {
                text.parse().map(Self)
            }
        }

        impl From<$name> for u64 {
            fn from(place: $name) -> u64 {
                place.0
            }
        }
    };
}

place!(
    /// An event's place in the whole store: the first is 1; dense on the log, increasing elsewhere.
    ///
    /// ```
    /// use trunkline_core::Position;
    /// assert_eq!(Position::START.next(), Position::FIRST);
    /// ```
    Position,
    START,
    "Before the first event: the head of an empty store, and where a reader that has seen nothing stands."
);

place!(
    /// An event's place in its stream: the first is 1; a stream's version is that of its last event.
    ///
    /// ```
    /// use trunkline_core::Version;
    /// assert_eq!(Version::EMPTY.next(), Version::new(1));
    /// ```
    Version,
    EMPTY,
    "The version of a stream without events."
);
