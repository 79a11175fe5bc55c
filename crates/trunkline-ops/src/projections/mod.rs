//! Projections: how they stand (`status`), building their rows again and comparing them (`work`), and events that they
//! have put aside (`parked`), and which of those that a query reads are late (`late`).

mod late;
mod parked;
mod status;
mod work;

pub use late::{LateProjection, late};
pub use parked::{ParkedDecision, ParkedLine, ParkedSelection, discard_parked, parked, retry_parked};
pub use status::{ProjectionDone, ProjectionLine, declared, drop_left_over, left_over, pause, status};
pub use work::{differing, rebuild, replay, verify};
