//! The one place that prints.

/// Prints a line for the person, or the CI log, that ran the command.
#[expect(clippy::print_stdout, reason = "a command of this workspace's own talks to a terminal")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}

/// Says that something was left out, so that nobody takes a shorter run for a full one.
pub(crate) fn say_loudly(line: &str) {
    let rule = "!".repeat(78);
    say(&format!("{rule}\n!! {line}\n{rule}"));
}
