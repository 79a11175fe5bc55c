//! The crate as its users meet it, in one binary.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod bounds;
mod conformance;
mod differences;
mod json;
mod pages;
mod properties;
