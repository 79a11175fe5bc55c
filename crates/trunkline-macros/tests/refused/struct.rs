//! A struct has one name, and these are for several.

use serde::{Deserialize, Serialize};
use trunkline_macros::Event;

#[derive(Serialize, Deserialize, Event)]
struct Opened {
    by: String,
}

fn main() {}
