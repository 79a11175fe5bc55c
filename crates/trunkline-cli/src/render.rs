//! Rendering of what is printed piece by piece, and of what several reports share.

mod events;
mod text;

pub(crate) use events::EventPrinter;
pub(crate) use text::{counted, one_line, shorten};
