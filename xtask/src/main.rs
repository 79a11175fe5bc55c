//! The project's own chores, run as `cargo xtask VERB`, so that a laptop and CI do the same thing.
//!
//! [`ci`] runs every gate in turn. [`tidy`] is the gate that is ours alone: what the compiler can't check about this
//! repository. [`features`] checks each library with each of its features. [`readme`] knows the test command, which is written down once, in `README.md`.

mod ci;
mod features;
mod readme;
mod repository;
mod rust_source;
mod terminal;
mod tidy;

use std::process::ExitCode;

use repository::Repository;
use terminal::say;

const USAGE: &str = "\
usage: cargo xtask VERB

  ci [--no-tests]  format, lints, tests, features, docs, tidy, and cargo-deny where it is installed
  features         every library without features, with each alone, and with all
  tidy             what the compiler can't check: layers, error pages, links, forbidden words
  test-command     print the test command that README.md states";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["ci"] => ci::run(&Repository::here(), ci::Tests::Run),
        ["ci", "--no-tests"] => ci::run(&Repository::here(), ci::Tests::LeaveOut),
        ["features"] => features::run(&Repository::here()),
        ["tidy"] => tidy::run(&Repository::here()),
        ["test-command"] => readme::print_test_command(&Repository::here()),
        _ => {
            say(USAGE);
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            say(&format!("xtask: {message}"));
            ExitCode::FAILURE
        }
    }
}
