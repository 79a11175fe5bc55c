//! The crate as its users meet it, in one binary.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod codes;
mod example;
mod pages;
mod properties;
mod reading;
mod secrets;
mod size;
mod world;
