//! The test command: `README.md` states it once, and everything that runs the tests reads it there.

use crate::repository::Repository;
use crate::terminal::say;

const MARKER: &str = "<!-- test command -->";

/// Prints the command, for `.ci/run`.
pub(crate) fn print_test_command(repository: &Repository) -> Result<bool, String> {
    say(&test_command(&repository.read("README.md")?)?);
    Ok(true)
}

/// The one line in the fenced block that follows the marker.
pub(crate) fn test_command(readme: &str) -> Result<String, String> {
    let mut lines = readme.lines().map(str::trim).skip_while(|line| *line != MARKER).skip(1);
    let fence = lines.find(|line| !line.is_empty());
    if !fence.is_some_and(|line| line.starts_with("```")) {
        return Err(format!("README.md has no fenced block after `{MARKER}`; put the test command there"));
    }
    let commands: Vec<&str> =
        lines.take_while(|line| !line.starts_with("```")).filter(|line| !line.is_empty()).collect();
    match commands.as_slice() {
        [command] if command.starts_with("cargo ") => Ok((*command).to_owned()),
        _ => Err(format!(
            "the block after `{MARKER}` in README.md must hold one line that begins with `cargo `"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_after_the_marker_is_the_command() {
        let readme =
            "# T\n\n```sh\ncargo run\n```\n\n<!-- test command -->\n\n```sh\ncargo test --locked\n```\n";
        assert_eq!(test_command(readme).unwrap(), "cargo test --locked");
    }

    #[test]
    fn a_missing_marker_is_said() {
        let message = test_command("```sh\ncargo test\n```\n").unwrap_err();
        assert!(message.contains("no fenced block after"), "{message}");
    }

    #[test]
    fn text_between_the_marker_and_the_block_is_refused() {
        let message = test_command("<!-- test command -->\nRun this:\n```sh\ncargo test\n```\n").unwrap_err();
        assert!(message.contains("no fenced block after"), "{message}");
    }

    #[test]
    fn two_lines_are_refused() {
        let message = test_command("<!-- test command -->\n```sh\ncargo test\ncargo doc\n```\n").unwrap_err();
        assert!(message.contains("one line"), "{message}");
    }

    #[test]
    fn another_program_is_refused() {
        let message = test_command("<!-- test command -->\n```sh\nmake\n```\n").unwrap_err();
        assert!(message.contains("begins with `cargo `"), "{message}");
    }
}
