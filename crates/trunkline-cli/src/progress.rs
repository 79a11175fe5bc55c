//! Progress of long work, on standard error when that is a terminal.

use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::output::Output;

/// How often the bar is drawn at most; more often costs time and shows nothing more.
const DRAWN_PER_SECOND: u8 = 10;

/// A bar with rate and ETA, or nothing where standard error is no terminal.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Work that is counted in events.
    pub(crate) fn events(output: &Output<'_>, verb: &'static str) -> Self {
        Self::new(output, verb, "{prefix} {wide_bar} {human_pos}/{human_len} events {per_sec} ETA {eta}")
    }

    /// Work that is counted in commands.
    pub(crate) fn commands(output: &Output<'_>, verb: &'static str) -> Self {
        Self::new(
            output,
            verb,
            "{prefix} {wide_bar} {human_pos}/{human_len} commands {per_sec} {msg} ETA {eta}",
        )
    }

    /// Processes that are killed.
    pub(crate) fn kills(output: &Output<'_>, verb: &'static str) -> Self {
        Self::new(output, verb, "{prefix} {wide_bar} {pos}/{len} kills ETA {eta}")
    }

    /// What the work is at.
    pub(crate) fn note(&self, what: &'static str) {
        self.0.set_message(what);
    }

    /// Work that is counted in bytes.
    pub(crate) fn bytes(output: &Output<'_>, verb: &'static str) -> Self {
        Self::new(output, verb, "{prefix} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} ETA {eta}")
    }

    /// Work that is counted in bytes, of which it may be unknown how many will come, with a note.
    pub(crate) fn noted_bytes(output: &Output<'_>, verb: &'static str, total: Option<u64>) -> Self {
        let progress = if total.is_some() {
            Self::new(output, verb, "{prefix} {wide_bar} {bytes}/{total_bytes} {msg} ETA {eta}")
        } else {
            Self::new(output, verb, "{prefix} {spinner} {bytes} {msg}")
        };
        if let Some(total) = total {
            progress.0.set_length(total);
        }
        progress
    }

    fn new(output: &Output<'_>, verb: &'static str, template: &str) -> Self {
        let target = if output.shows_progress() {
            ProgressDrawTarget::stderr_with_hz(DRAWN_PER_SECOND)
        } else {
            ProgressDrawTarget::hidden()
        };
        let style = ProgressStyle::with_template(template).expect("the templates above are well-formed");
        let style = style.with_key("per_sec", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            // A text that can't be drawn is left out.
            let _ = write!(out, "{}/s", HumanCount(whole(state.per_sec())));
        });
        let bar = ProgressBar::with_draw_target(None, target).with_style(style).with_prefix(verb);
        Self(bar)
    }

    /// How far the work has come, of how much in all.
    pub(crate) fn set(&self, done: u64, total: u64) {
        self.0.set_length(total);
        self.0.set_position(done);
    }

    /// The same for whoever outlives this.
    pub(crate) fn setter(&self) -> impl Fn(u64, u64) + Send + 'static {
        let bar = self.0.clone();
        move |done, total| {
            bar.set_length(total);
            bar.set_position(done);
        }
    }

    /// How far the work has come.
    pub(crate) fn at(&self, done: u64) {
        self.0.set_position(done);
    }

    /// What stands beside the bar: a count of events, with its rate.
    pub(crate) fn note_events(&self, events: u64) {
        if !self.0.is_hidden() {
            let seconds = self.0.elapsed().max(Duration::from_millis(1)).as_secs_f64();
            #[expect(clippy::cast_precision_loss, reason = "a rate is no exact number")]
            let rate = whole(events as f64 / seconds);
            let count = HumanCount(events);
            self.0.set_message(format!("{count} events {}/s", HumanCount(rate)));
        }
    }

    /// Does something that prints, with the bar out of the way.
    pub(crate) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.suspend(print)
    }
}

/// A rate as it is shown: a whole number.
#[expect(clippy::cast_sign_loss, reason = "a rate is never below 0")]
fn whole(rate: f64) -> u64 {
    rate.round() as u64
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use indicatif::{HumanBytes, HumanDuration};
    use proptest::prelude::*;
    use trunkline_ops::words::{size, span};

    use super::*;

    proptest! {
        /// A bar and a report mean the same by "2 minutes" and "1.50 GiB".
        #[test]
        fn reports_say_sizes_and_spans_as_bars_do(bits in 0..64_u32, any: u64, millis in 0..63_072_000_000_u64) {
            let bytes = any >> bits;
            prop_assert_eq!(size(bytes), HumanBytes(bytes).to_string());
            for time in [millis, millis >> 10, millis >> 20].map(Duration::from_millis) {
                prop_assert_eq!(span(time), HumanDuration(time).to_string());
            }
        }
    }
}
