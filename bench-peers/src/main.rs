//! Commands over `cqrs-es` beside Trunkline's typed ones: the same orders, the same rules, in memory.
//!
//! `cargo run --release` here prints one table; `docs/benchmarks.md` says what it means.

mod cpu;
mod orders;
mod peer;
#[path = "../../crates/trunkline-bench/src/dispatch/shape.rs"]
mod shape;
mod trunkline_typed;
#[path = "../../crates/trunkline-bench/src/dispatch/typed.rs"]
mod typed;

use std::error::Error;
use std::fs::OpenOptions;

use tokio::runtime::Builder;

use crate::orders::Asked;

/// Rounds of each, after one that only warms up.
const ROUNDS: usize = 25;

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = Builder::new_current_thread().build()?;
    // The store in memory of cqrs-es prints two lines for every command: they go where they cost least.
    let terminal = rustix::io::dup(rustix::stdio::stdout())?;
    rustix::stdio::dup2_stdout(OpenOptions::new().write(true).open("/dev/null")?)?;
    let mut rounds = vec![[Vec::new(), Vec::new(), Vec::new()]; Asked::ALL.len()];
    for round in 0..=ROUNDS {
        for (asked, rounds) in Asked::ALL.iter().zip(&mut rounds) {
            let each = [
                runtime.block_on(trunkline_typed::round(asked))?,
                runtime.block_on(peer::in_memory(asked))?,
                runtime.block_on(peer::serialized(asked))?,
            ];
            for (rounds, one) in rounds.iter_mut().zip(each) {
                if round > 0 {
                    rounds.push(one);
                }
            }
        }
    }
    rustix::stdio::dup2_stdout(terminal)?;
    println!(
        "µs of the processor's time a command, its store in memory included; medians of {ROUNDS} rounds\n"
    );
    println!("| case | trunkline, typed | cqrs-es, MemStore | cqrs-es, serialized |");
    println!("|------|-----------------:|------------------:|--------------------:|");
    for (asked, rounds) in Asked::ALL.iter().zip(rounds) {
        let [ours, memory, serialized] = rounds.map(cpu::median_and_spread);
        println!("| {} | {ours} | {memory} | {serialized} |", asked.name);
    }
    Ok(())
}
