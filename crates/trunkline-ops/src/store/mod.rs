//! Reports of an event store: what was appended (`append`), which streams there are and how much is stored (`counts`),
//! whether it is whole (`integrity`), and what was copied (`copies`).

mod append;
mod copies;
mod counts;
mod integrity;

pub use append::{AppendReport, append};
pub use copies::{BackupDone, RestoreDone, backup};
pub use counts::{SizeReport, StreamLine};
pub use integrity::{IntegrityProblem, IntegrityReport, verify};
