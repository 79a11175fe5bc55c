//! Rendering of what is printed piece by piece, and of what several reports share.

mod events;
mod mistakes;
mod rows;
mod screen;
mod table;
mod text;
mod times;

pub(crate) use events::EventPrinter;
pub(crate) use mistakes::{Mistakes, style_for};
pub(crate) use rows::{cell, write_rows};
pub(crate) use screen::{Tone, look, screen};
pub(crate) use table::{Cell, Table};
pub(crate) use text::{one_line, shorten, wrap};
pub(crate) use times::{age, time};
pub(crate) use trunkline_ops::words::counted;
