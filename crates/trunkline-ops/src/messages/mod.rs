//! Message queues: opened (`open`), repaired (`repair`), counted (`numbers`), looked into (`peek`, `message`), what no
//! consumer handles (`left_over`), and what is decided about dead letters (`dead_letters`, `decide`, `edit`, `sagas`) and groups
//! (`adopt`).

mod adopt;
mod dead_letters;
mod decide;
mod edit;
mod left_over;
mod message;
mod numbers;
mod open;
mod peek;
mod repair;
mod sagas;

pub use adopt::adopt;
pub use dead_letters::{DeadLetterGroupReport, DeadLetterReport, TryReport};
pub use decide::{DeadLetterChoice, DeadLetterDecisionReport, Selection, decide, decision_name};
pub use edit::{MessageEdit, edit};
pub(crate) use left_over::stranded_remedy;
pub use left_over::{LeftOver, left_over};
pub use message::MessageReport;
pub use numbers::{GroupReport, QueueReport, TopicReport, queue_numbers};
pub use open::{look_at_queue, open_queue};
pub use peek::{PeekReport, StateReport, state_name};
pub use repair::{RepairPartReport, RepairReport, repair_queue};
pub use sagas::{moved_on, refusal, sent_by_sagas};
