//! Read databases as their users meet them, in one binary.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod apply;
mod broken;
mod conformance;
mod damaged_causes;
mod damaged_index;
mod derived;
mod fence;
mod generations;
mod kill;
mod numbers;
mod pages;
mod queries;
mod shop;
mod texts;
mod waited;
