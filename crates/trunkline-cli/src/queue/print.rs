//! Messages as text.

use std::io::{self, Write};

use trunkline_queue::Message;

use crate::render::{one_line, shorten};

/// The beginning of a message's data, on one line.
pub(crate) fn data(message: &Message, width: usize) -> String {
    match std::str::from_utf8(&message.payload) {
        Ok(text) => shorten(&one_line(text), width),
        Err(_) => format!("{} bytes", message.payload.len()),
    }
}

/// Each header on a line of its own.
pub(crate) fn headers(out: &mut dyn Write, message: &Message) -> io::Result<()> {
    for (name, value) in &message.headers {
        writeln!(out, "  {}: {}", one_line(name), one_line(value))?;
    }
    Ok(())
}
