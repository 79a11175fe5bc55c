//! Sagas: how they stand (`counts`, `list`), what happened to one (`show`, `fate`),
//! which need what the file doesn't name (`lacking`), and what came of an order (`order`).

mod counts;
mod fate;
mod lacking;
mod list;
mod order;
mod show;

pub use counts::{SagaCounts, counts, verdict};
pub use fate::{Fate, StepFate};
pub use lacking::lacking;
pub use list::{SagaList, list};
pub use order::{OrderReport, RecordedTransition};
pub use show::{CompensationLine, HistoryLine, SagaReport, SentLine, TimerLine, purpose};
