//! Versions are whole numbers from 1.

use serde::{Deserialize, Serialize};
use trunkline_macros::Event;

#[derive(Serialize, Deserialize, Event)]
enum Zero {
    #[event(version = 0)]
    Opened { by: String },
    #[event(since = 2)]
    Shut,
}

fn main() {}
