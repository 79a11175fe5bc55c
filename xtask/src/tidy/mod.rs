//! What the compiler can't check about this repository.
//!
//! One file per check, each a pure function from text to problems, so that its tests show it failing:
//! [`layers`] (which crate may use which, read from [`metadata`]), [`openings`] (each file says what it is for),
//! [`error_pages`] (each code is explained), [`banned_code`], [`banned_words`], [`links`], [`whitespace`].

mod banned_code;
mod banned_words;
mod error_pages;
mod layers;
mod links;
mod metadata;
mod openings;
mod whitespace;

use std::fmt;

use crate::repository::Repository;
use crate::terminal::say;

/// One thing to put right, with the place and the way.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Problem {
    path: String,
    /// From 1.
    line: usize,
    what: String,
    remedy: String,
}

impl Problem {
    fn new(path: &str, line: usize, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}; {}", self.path, self.line, self.what, self.remedy)
    }
}

/// Runs every check and prints what it found; true when all is well.
pub(crate) fn run(repository: &Repository) -> Result<bool, String> {
    let paths = repository.paths()?;
    let files = repository.texts(&paths)?;
    let crates = metadata::read(repository)?;

    let mut problems = layers::check(&files, &crates);
    problems.extend(error_pages::check(&files));
    for file in &files {
        problems.extend(openings::check(file));
        problems.extend(banned_code::check(file));
        problems.extend(banned_words::check(file));
        problems.extend(links::check(file, &paths));
        problems.extend(whitespace::check(file));
    }
    problems.sort();
    for problem in &problems {
        say(&problem.to_string());
    }
    say(&format!("tidy: {} files, {} problems", files.len(), problems.len()));
    Ok(problems.is_empty())
}

/// What the checks' own tests share: problems as lines.
#[cfg(test)]
mod testing {
    use super::Problem;

    pub(super) fn lines(problems: &[Problem]) -> Vec<String> {
        problems.iter().map(ToString::to_string).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_names_the_place_and_the_remedy() {
        let problem = Problem::new("a/b.rs", 3, "it is wrong", "put it right");
        assert_eq!(problem.to_string(), "a/b.rs:3: it is wrong; put it right");
    }
}
