//! Several fields without names.

use serde::{Deserialize, Serialize};
use trunkline_macros::Command;

#[derive(Serialize, Deserialize, Command)]
enum DoorCommand {
    Open(String, u32),
    Shut,
}

fn main() {}
