//! Message queues on the command line: which one is meant, how it is opened, what can go wrong, how it is printed.

mod failure;
mod open;
mod place;
mod print;

pub(crate) use failure::QueueFailure;
pub(crate) use open::{numbers, numbers_at, open};
pub(crate) use place::QueueArgs;
pub(crate) use print::{MessageJson, age, data, headers, time};
