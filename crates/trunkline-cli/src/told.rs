//! What is told on the way: that something derived was damaged, and is made anew.

use std::fmt::{self, Write as _};
use std::io::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};

/// What is told under this target is for the user, whatever else is.
const MADE_ANEW: &str = "trunkline::made_anew";

/// Prints what is told, a line each, as long as the process lives.
pub(crate) fn listen() {
    // Nobody else listens in this program.
    let _ = tracing::subscriber::set_global_default(Told);
}

struct Told;

impl Subscriber for Told {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && metadata.target() == MADE_ANEW
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let Line { message, fields } = line;
        let fields = if fields.is_empty() { String::new() } else { format!(" ({fields})") };
        // Where standard error is gone, nobody reads it.
        let _ = writeln!(io::stderr(), "note: {message}{fields}");
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The message of an event, and what else it says.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let (text, between) = match field.name() {
            "message" => (&mut self.message, ""),
            name => {
                let between = if self.fields.is_empty() { "" } else { ", " };
                self.fields.push_str(between);
                self.fields.push_str(name);
                (&mut self.fields, ": ")
            }
        };
        // Writing to a text doesn't fail.
        let _ = write!(text, "{between}{value:?}");
    }
}
