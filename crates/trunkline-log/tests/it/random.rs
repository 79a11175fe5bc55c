//! Numbers that look random and follow from a seed, so that a failure can be had again.

/// A generator (`SplitMix64`).
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below the bound.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// True once in so many times.
    pub(crate) fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// The seed of a run: `TRUNKLINE_SEED`, or else the test's own. It is printed, so that a failed test shows it.
#[expect(clippy::print_stdout, reason = "the output of a test is shown when it fails")]
pub(crate) fn seed(default: u64) -> u64 {
    let seed = std::env::var("TRUNKLINE_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    println!("TRUNKLINE_SEED={seed}");
    seed
}

/// Whether there is time for all of it, rather than a sample.
pub(crate) fn slow() -> bool {
    std::env::var("TRUNKLINE_SLOW").is_ok_and(|text| text == "1")
}
