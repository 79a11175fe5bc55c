//! Forms of serde in which the data is not beside the name.

use serde::{Deserialize, Serialize};
use trunkline_macros::Event;

#[derive(Serialize, Deserialize, Event)]
#[serde(tag = "type")]
enum Tagged {
    Opened { by: String },
}

#[derive(Serialize, Deserialize, Event)]
#[serde(rename_all = "snake_case")]
enum Renamed {
    Opened { by: String },
}

fn main() {}
