//! Operations called as a library, without a command line.
#![expect(clippy::unwrap_used, reason = "a surprise in a test is a panic, in its harness too")]

mod caused;
mod census;
mod doctor;
mod errors;
mod imports;
mod messages;
mod migrate;
mod migrated;
mod migrated_sagas;
mod projections;
mod runs;
mod sagas;
mod shop;
mod waits;
mod world;
