//! Whole runs: commands through the whole system, until everything has come to rest.
//!
//! `lines` reads the commands, `play` dispatches them and waits, `report` is what came of it.

mod lines;
mod play;
mod report;

pub use lines::{RunCommands, commands_in, commands_of};
pub use play::{RunNews, RunOptions, Settle, run};
pub use report::{LawLine, RunCounts, RunMessages, RunProjection, RunReport};
