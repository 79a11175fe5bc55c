//! Faults of judging expected versions.

use trunkline_core::{Append, Expected, Version};

use super::fault::Fault;
use super::store::Broken;

impl Broken {
    /// Makes an append expect what the fault has it expect.
    pub(super) async fn expect_otherwise(&self, append: &mut Append) {
        match self.fault {
            Fault::IgnoresVersions => expect(append, |_, _| Expected::Any),
            Fault::TakesVersionsAhead => {
                let versions = self.versions(append).await;
                expect(append, |number, expected| match expected {
                    Expected::At(version) if version > versions[number] => Expected::Any,
                    expected => expected,
                });
            }
            Fault::TakesNoStreamForAny => expect(append, |_, expected| match expected {
                Expected::NoStream | Expected::At(Version::EMPTY) => Expected::Any,
                expected => expected,
            }),
            Fault::TakesExistsForAny => expect(append, |_, expected| match expected {
                Expected::Exists => Expected::Any,
                expected => expected,
            }),
            Fault::TakesAnyForNoStream => expect(append, |_, expected| match expected {
                Expected::Any => Expected::NoStream,
                expected => expected,
            }),
            _ => {}
        }
    }
}

pub(super) fn expect(append: &mut Append, change: impl Fn(usize, Expected) -> Expected) {
    for (number, write) in append.writes.iter_mut().enumerate() {
        write.expected = change(number, write.expected);
    }
}
