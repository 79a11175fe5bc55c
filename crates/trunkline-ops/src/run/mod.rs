//! Whole runs: commands through the whole system, until everything has come to rest.
//!
//! `lines` reads the commands, `order` says which wait for which, `play` dispatches them and waits, `report` is what came
//! of it.

mod lines;
mod order;
mod play;
mod report;

pub use lines::{RunCommands, WrongLine, commands_in, commands_of};
pub use order::Order;
pub use play::{RunNews, RunOptions, Settle, run};
pub use report::{LawLine, RunCounts, RunMessages, RunProjection, RunReport};
