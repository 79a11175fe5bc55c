//! Many random histories of one seed; of one that fails, the shortest that still does.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngSeed, TestRunner};

use super::Fixture;
use super::plan::{Step, histories};
use super::play::play;
use super::sample::slow;

/// How many shorter histories are tried when one has failed; each that fails too prints its panic.
const SHORTER_MAX: usize = 500;

/// Plays the random histories of a seed, each against a fresh store.
///
/// # Panics
///
/// When one doesn't come out as in the model, with the shortest such history that was found and the seed.
pub async fn play_histories(seed: u64, make: impl AsyncFn() -> Fixture) {
    let config = Config { rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let (cases, steps_max) = if slow() { (4096, 80) } else { (64, 40) };
    for _ in 0..cases {
        let tree = histories(steps_max).new_tree(&mut runner);
        let mut tree = tree.unwrap_or_else(|reason| panic!("there is no history: {reason}"));
        if let Err(reason) = attempt(&make, &tree.current()).await {
            let (steps, reason) = shorten(&make, &mut tree, reason).await;
            panic!("with TRUNKLINE_SEED={seed}, the store isn't as the model: {reason}\n{steps:#?}");
        }
    }
}

/// The shortest history found that fails, and how it does.
async fn shorten(
    make: &impl AsyncFn() -> Fixture,
    tree: &mut impl ValueTree<Value = Vec<Step>>,
    reason: String,
) -> (Vec<Step>, String) {
    let mut shortest = (tree.current(), reason);
    let mut more = tree.simplify();
    for _ in 0..SHORTER_MAX {
        if !more {
            break;
        }
        more = match attempt(make, &tree.current()).await {
            Ok(()) => tree.complicate(),
            Err(reason) => {
                shortest = (tree.current(), reason);
                tree.simplify()
            }
        };
    }
    shortest
}

/// Plays one history; the panic's message when it fails.
async fn attempt(make: &impl AsyncFn() -> Fixture, steps: &[Step]) -> Result<(), String> {
    let fixture = make().await;
    let played = AssertUnwindSafe(play(fixture, steps)).catch_unwind().await;
    played.map_err(|panic| match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => panic.downcast_ref::<&str>().map_or("it panicked", |message| message).to_owned(),
    })
}
