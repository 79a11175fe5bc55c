//! Messages as text.

use std::io::{self, Write};

use trunkline_queue::Message;

use crate::render::{one_line, screen, shorten};

/// A message's data, on one line.
pub(crate) fn data(message: &Message) -> String {
    match std::str::from_utf8(&message.payload) {
        Ok(text) => one_line(text),
        Err(_) => format!("{} bytes", message.payload.len()),
    }
}

/// The same behind what leads to it: the beginning, where a terminal has no room for more.
pub(crate) fn data_line(lead: &str, message: &Message) -> String {
    let data = data(message);
    let room = screen().width.map(|width| width.saturating_sub(lead.len()).max(20));
    format!("{lead}{}", room.map_or_else(|| data.clone(), |room| shorten(&data, room)))
}

/// Each header on a line of its own.
pub(crate) fn headers(out: &mut dyn Write, message: &Message) -> io::Result<()> {
    for (name, value) in &message.headers {
        writeln!(out, "  {}: {}", one_line(name), one_line(value))?;
    }
    Ok(())
}
