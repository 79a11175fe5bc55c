//! Every gate in turn, as CI runs them: all of them, so that one run shows all that is wrong.

use std::process::Command;

use crate::features;
use crate::readme;
use crate::repository::Repository;
use crate::terminal::{say, say_loudly};
use crate::tidy;

/// `.ci/run` has run the tests before it calls us.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tests {
    Run,
    LeaveOut,
}

/// What became of one gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    Skipped,
}

/// Whether a gate may be left out where its tool is missing.
#[derive(Clone, Copy)]
enum Need {
    /// Part of the toolchain: only a person's own machine may do without.
    OnCi,
    /// An extra program that not every machine has.
    WhereInstalled,
}

/// Runs the gates and says how each ended; true when none failed.
pub(crate) fn run(repository: &Repository, tests: Tests) -> Result<bool, String> {
    let mut gates = vec![("tidy", outcome_of(tidy::run(repository)?))];
    gates.push(("fmt", with_tool(repository, "fmt", Need::OnCi, &["fmt", "--all", "--check"])));
    gates.push(("clippy", with_tool(repository, "clippy", Need::OnCi, CLIPPY)));
    if tests == Tests::Run {
        gates.push(("tests", run_tests(repository)?));
    }
    say("\n+ cargo xtask features");
    gates.push(("features", outcome_of(features::run(repository)?)));
    gates.push(("docs", docs(repository)));
    gates.push(("deny", with_tool(repository, "deny", Need::WhereInstalled, &["deny", "--locked", "check"])));

    let summary: Vec<String> =
        gates.iter().map(|(name, outcome)| format!("{name} {}", word_for(*outcome))).collect();
    say(&format!("\nci: {}", summary.join(", ")));
    Ok(gates.iter().all(|(_, outcome)| *outcome != Outcome::Failed))
}

const CLIPPY: &[&str] = &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];

fn with_tool(repository: &Repository, tool: &str, need: Need, arguments: &[&str]) -> Outcome {
    let mut question = repository.cargo();
    question.args([tool, "--version"]);
    let installed = question.output().is_ok_and(|output| output.status.success());
    if installed {
        return announced(repository.cargo().args(arguments));
    }
    let outcome = when_missing(need, on_ci(std::env::var("CI").ok().as_deref()));
    say_loudly(&format!("`cargo {tool}` is not installed: {}", word_for(outcome)));
    outcome
}

fn run_tests(repository: &Repository) -> Result<Outcome, String> {
    let line = readme::test_command(&repository.read("README.md")?)?;
    Ok(announced(repository.cargo().args(line.split_whitespace().skip(1))))
}

fn docs(repository: &Repository) -> Outcome {
    let mut command = repository.cargo();
    command.env("RUSTDOCFLAGS", "-D warnings");
    announced(command.args(["doc", "--workspace", "--no-deps", "--locked"]))
}

/// Says the command, runs it with our own output, and judges by its exit.
fn announced(command: &mut Command) -> Outcome {
    let arguments: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
    say(&format!("\n+ cargo {}", arguments.join(" ")));
    outcome_of(command.status().is_ok_and(|status| status.success()))
}

fn outcome_of(passed: bool) -> Outcome {
    if passed { Outcome::Passed } else { Outcome::Failed }
}

fn when_missing(need: Need, on_ci: bool) -> Outcome {
    match need {
        Need::OnCi if on_ci => Outcome::Failed,
        Need::OnCi | Need::WhereInstalled => Outcome::Skipped,
    }
}

/// CI services set the variable to `true`; a person switches it off with an empty value or `false`.
fn on_ci(variable: Option<&str>) -> bool {
    !matches!(variable, None | Some("" | "0" | "false"))
}

fn word_for(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "FAILED",
        Outcome::Skipped => "SKIPPED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_part_of_the_toolchain_fails_only_on_ci() {
        assert_eq!(when_missing(Need::OnCi, true), Outcome::Failed);
        assert_eq!(when_missing(Need::OnCi, false), Outcome::Skipped);
    }

    #[test]
    fn a_missing_extra_program_never_fails() {
        assert_eq!(when_missing(Need::WhereInstalled, true), Outcome::Skipped);
        assert_eq!(when_missing(Need::WhereInstalled, false), Outcome::Skipped);
    }

    #[test]
    fn ci_is_what_the_variable_says() {
        assert!(on_ci(Some("true")));
        assert!(on_ci(Some("1")));
        assert!(!on_ci(Some("false")));
        assert!(!on_ci(Some("")));
        assert!(!on_ci(None));
    }
}
