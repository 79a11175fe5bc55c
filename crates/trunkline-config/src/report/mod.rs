//! Diagnostics for people and for programs.

mod human;
mod json;

pub use human::{Style, draw};
pub use json::{diagnostics_to_json, tree_to_json};
