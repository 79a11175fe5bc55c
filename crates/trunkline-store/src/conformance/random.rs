//! The model test: random histories come out as in the model.

use trunkline_core::EventId;

use super::{Fixture, play_histories};

/// Appends, valid, stale, repeated, conditional, of commands; reads; and reopenings come out as in the model.
pub async fn random_histories_come_out_as_in_the_model(make: impl AsyncFn() -> Fixture) {
    play_histories(seed(), make).await;
}

/// The seed that `TRUNKLINE_SEED` says, or one that no other run has.
pub(crate) fn seed() -> u64 {
    let seed = std::env::var("TRUNKLINE_SEED").ok().map(|text| {
        text.parse().unwrap_or_else(|error| panic!("TRUNKLINE_SEED={text:?} is not a number: {error}"))
    });
    seed.unwrap_or_else(fresh_seed)
}

/// A seed that no other run has.
fn fresh_seed() -> u64 {
    let bytes = EventId::generate().into_bytes();
    bytes.iter().fold(0, |seed: u64, &byte| seed.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte))
}
