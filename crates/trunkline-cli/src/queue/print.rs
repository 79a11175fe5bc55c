//! Messages, times and ages as text.

use std::io::{self, Write};
use std::time::Duration;

use trunkline_core::Timestamp;
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

/// A time to the second.
pub(crate) fn time(time: Timestamp) -> String {
    let text = time.to_string();
    text.split('.').next().map_or_else(|| text.clone(), |seconds| format!("{seconds}Z"))
}

/// A time span in its largest unit.
pub(crate) fn age(age: Duration) -> String {
    match age.as_secs() {
        0 => format!("{} ms", age.as_millis()),
        seconds @ 1..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} d", seconds / 86_400),
    }
}
