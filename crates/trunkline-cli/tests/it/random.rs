//! Numbers that follow from a seed, and whether there is time for many.

use trunkline_core::EventId;

/// A generator of numbers (`SplitMix64`).
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let once = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let twice = (once ^ (once >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        twice ^ (twice >> 31)
    }

    /// A number from 0 up to, and without, the bound.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Whether it is this time, which it is once in so many.
    pub(crate) fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// The seed in `TRUNKLINE_SEED`, else a new one; printed, so that a failure shows it.
#[expect(clippy::print_stdout, reason = "the output of a test is shown when it fails")]
pub(crate) fn seed() -> u64 {
    let given = std::env::var("TRUNKLINE_SEED").ok().map(|text| text.parse().unwrap());
    let seed = given.unwrap_or_else(|| {
        let [.., a, b, c, d] = EventId::generate().into_bytes();
        u32::from_le_bytes([a, b, c, d]).into()
    });
    println!("TRUNKLINE_SEED={seed}");
    seed
}

/// Whether there is time for all of it, rather than a sample.
pub(crate) fn slow() -> bool {
    std::env::var("TRUNKLINE_SLOW").is_ok_and(|text| text == "1")
}
