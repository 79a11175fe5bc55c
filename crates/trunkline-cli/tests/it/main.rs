//! The binary as its users see it: text in, text out, exit codes.
#![expect(clippy::unwrap_used, reason = "a surprise in a test is a panic, in its harness too")]

mod append;
mod application;
#[cfg(unix)]
mod barred;
#[cfg(unix)]
mod causes;
mod cloudevents;
mod damage;
mod dead;
mod doctor;
mod door;
mod events;
mod export;
mod folder;
mod full_text;
mod help;
mod import;
mod import_streams;
mod interrupt;
mod keep;
#[cfg(unix)]
mod kill;
mod memory;
mod migrate;
mod models;
mod output;
mod place;
#[cfg(unix)]
mod private;
mod queue;
#[cfg(unix)]
mod random;
mod read;
mod restored;
mod run;
mod saga;
mod schemas;
mod tail;
mod taken;
mod versions;
