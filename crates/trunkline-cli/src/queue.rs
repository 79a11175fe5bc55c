//! Message queues on the command line: which one is meant, how it is opened, how it is printed.

mod open;
mod place;
mod print;

pub(crate) use open::{numbers, open};
pub(crate) use place::QueueArgs;
pub(crate) use print::{data, data_line, headers};
