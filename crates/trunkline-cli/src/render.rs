//! Rendering of what is printed piece by piece, and of what several reports share.

mod events;
mod mistakes;
mod rows;
mod text;
mod times;

pub(crate) use events::EventPrinter;
pub(crate) use mistakes::{Mistakes, style_for};
pub(crate) use rows::{cell, write_rows};
pub(crate) use text::{one_line, shorten};
pub(crate) use times::{age, exact_time, time};
pub(crate) use trunkline_ops::words::counted;
