//! Names that cannot be stored, or not twice.

use serde::{Deserialize, Serialize};
use trunkline_macros::Event;

#[derive(Serialize, Deserialize, Event)]
enum Reserved {
    #[serde(rename = "$Opened")]
    Opened { by: String },
}

#[derive(Serialize, Deserialize, Event)]
enum Twice {
    Opened { by: String },
    #[serde(rename = "Opened")]
    OpenedAgain { by: String },
}

fn main() {}
