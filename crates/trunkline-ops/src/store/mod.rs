//! Reports of an event store: what was appended (`append`), what has a cause in common (`caused`), which streams there are and how much is stored (`counts`),
//! whether it is whole (`integrity`), what was copied (`copies`, and `whole` with all that stands beside
//! it), and what was brought back to an older history (`reconcile`).

mod append;
mod caused;
mod copies;
mod counts;
mod integrity;
mod reconcile;
mod whole;

pub use append::{AppendReport, append};
pub use caused::Caused;
pub use copies::{BackupDone, RestoreDone, backup};
pub use counts::{SizeReport, StreamLine};
pub use integrity::{IntegrityProblem, IntegrityReport, verify};
pub use reconcile::{ReconcileDone, RelayLine, reconcile};
pub use whole::{Places, backup_whole, events_of, is_whole, restore_whole};
