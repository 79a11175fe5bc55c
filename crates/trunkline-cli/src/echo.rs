//! What was typed, repeated in an error: enough to recognise it, not enough to fill the screen.

/// Letters of an argument that an error repeats; so many that a path is nearly always whole.
const ECHO_CHARS_MAX: usize = 200;

/// The text of an error, in which long arguments of the command line are cut.
pub(crate) fn cut(text: String) -> String {
    cut_these(text, std::env::args().skip(1))
}

/// Whether any argument is long enough to be cut.
pub(crate) fn is_needed() -> bool {
    std::env::args_os().skip(1).any(|argument| argument.len() > ECHO_CHARS_MAX)
}

fn cut_these(text: String, arguments: impl Iterator<Item = String>) -> String {
    arguments.fold(text, |text, argument| {
        // An option's value may stand behind its name, and a text may be quoted as Rust writes it.
        let value = argument.split_once('=').map_or("", |(_, value)| value);
        [&*argument, value].into_iter().fold(text, |text, typed| match start(typed) {
            Some(short) => {
                let escaped = |text: &str| text.escape_debug().to_string();
                text.replace(typed, &short).replace(&escaped(typed), &escaped(&short))
            }
            None => text,
        })
    })
}

/// How a long text begins.
fn start(text: &str) -> Option<String> {
    let (end, _) = text.char_indices().nth(ECHO_CHARS_MAX)?;
    Some(format!("{}…", &text[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, argument: &str, wanted: &str) {
        assert_eq!(cut_these(text.to_owned(), [argument.to_owned()].into_iter()), wanted);
    }

    #[test]
    fn long_arguments_are_cut_however_they_are_said() {
        let (long, short) = ("é\"".repeat(150), format!("{}…", "é\"".repeat(100)));
        let escaped = short.replace('"', "\\\"");
        check(&format!("no '{long}' in {long:?}"), &long, &format!("no '{short}' in \"{escaped}\""));
        check(&format!("no '{long}'"), &format!("--id={long}"), &format!("no '{short}'"));
        let short = "e".repeat(200);
        check(&format!("no {short}"), &short, &format!("no {short}"));
    }
}
