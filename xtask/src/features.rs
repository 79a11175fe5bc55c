//! Every library with no feature, with each of its features alone, and with all of them.
//!
//! `cargo test --workspace` turns on whatever any member asks for, so that a missing `cfg` never shows there. Each
//! combination is checked by itself: warnings are errors, and the target folder is that of all other builds, so that
//! only what differs is checked again.

use std::collections::BTreeSet;
use std::fmt;
use std::process::Command;

use serde_json::Value;

use crate::repository::{self, Repository};
use crate::terminal::say;

/// The crate that programs depend on.
const FRONT_DOOR: &str = "trunkline";
/// How many crates it may stand on without features, itself included: a program that keeps all in memory shall build
/// in a minute.
const MOST_CRATES: usize = 70;
/// The program that is built that way, by itself, with what it needs and no more.
const LEAN_PROGRAM: &str = "trunkline-lean";

/// A library of the workspace with some of its features.
#[derive(Debug, PartialEq, Eq)]
struct Combination {
    package: String,
    features: Features,
}

#[derive(Debug, PartialEq, Eq)]
enum Features {
    None,
    One(String),
    All,
}

impl Combination {
    fn new(package: &str, features: Features) -> Self {
        Self { package: package.to_owned(), features }
    }

    /// What cargo is told to check it.
    fn arguments(&self) -> Vec<&str> {
        let mut arguments = vec!["check", "--quiet", "--locked", "--lib", "--package", &self.package];
        match &self.features {
            Features::None => arguments.push("--no-default-features"),
            Features::One(feature) => arguments.extend(["--no-default-features", "--features", feature]),
            Features::All => arguments.push("--all-features"),
        }
        arguments
    }
}

impl fmt::Display for Combination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { package, features } = self;
        match features {
            Features::None => write!(f, "{package} without features"),
            Features::One(feature) => write!(f, "{package} with {feature}"),
            Features::All => write!(f, "{package} with all features"),
        }
    }
}

/// Checks all combinations and says how each ended; true when none failed.
pub(crate) fn run(repository: &Repository) -> Result<bool, String> {
    let metadata = metadata(repository)?;
    let unknown = || "cargo metadata has not the shape we know".to_owned();
    let combinations = combinations(&metadata).ok_or_else(unknown)?;
    let mut failed = 0;
    for edge in unsaid(&metadata).ok_or_else(unknown)? {
        say(&format!(
            "{edge}, with its default features: say `default-features = false`, and what is needed"
        ));
        failed += 1;
    }
    for combination in &combinations {
        let complaint = complaint(repository.cargo().args(combination.arguments()))?;
        failed += usize::from(said(&combination.to_string(), complaint.as_deref()));
    }
    let lean = ["check", "--quiet", "--locked", "--package", LEAN_PROGRAM];
    let complaint = complaint(repository.cargo().args(lean))?;
    failed += usize::from(said(LEAN_PROGRAM, complaint.as_deref()));
    let count = crates_below(repository)?;
    let many = too_many(count);
    failed += usize::from(said(&format!("{FRONT_DOOR} stands on {count} crates"), many.as_deref()));
    say(&format!("features: {} combinations, {failed} problems", combinations.len()));
    Ok(failed == 0)
}

/// Says what was checked and what is wrong with it; true when something is.
fn said(what: &str, complaint: Option<&str>) -> bool {
    match complaint {
        None => say(&format!("{what}: well")),
        Some(complaint) => say(&format!("{what}: FAILED\n{complaint}")),
    }
    complaint.is_some()
}

/// What a quiet cargo said. It is silent unless there is an error or a warning, of this build or an earlier one.
fn complaint(cargo: &mut Command) -> Result<Option<String>, String> {
    let output = cargo.output().map_err(|error| format!("unable to start cargo: {error}"))?;
    Ok(judge(output.status.success(), &String::from_utf8_lossy(&output.stderr)))
}

fn judge(succeeded: bool, said: &str) -> Option<String> {
    match said.trim() {
        "" if succeeded => None,
        "" => Some("cargo failed and said nothing".to_owned()),
        said => Some(said.to_owned()),
    }
}

fn metadata(repository: &Repository) -> Result<Value, String> {
    let mut cargo = repository.cargo();
    cargo.args(["metadata", "--no-deps", "--locked", "--format-version", "1"]);
    let json = repository::output(&mut cargo)?;
    serde_json::from_slice(&json).map_err(|error| format!("unable to read cargo metadata: {error}"))
}

fn combinations(metadata: &Value) -> Option<Vec<Combination>> {
    let mut all = Vec::new();
    for package in metadata.get("packages")?.as_array()? {
        let name = package.get("name")?.as_str()?;
        let targets = package.get("targets")?.as_array()?;
        if !targets.iter().any(is_library) {
            continue;
        }
        let features = package.get("features")?.as_object()?;
        all.push(Combination::new(name, Features::None));
        all.extend(features.keys().map(|feature| Combination::new(name, Features::One(feature.clone()))));
        // All of one feature is that feature alone.
        if features.len() > 1 {
            all.push(Combination::new(name, Features::All));
        }
    }
    Some(all)
}

fn is_library(target: &Value) -> bool {
    let kinds = target.get("kind").and_then(Value::as_array);
    kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "lib" || kind == "proc-macro"))
}

/// The uses of one crate of ours by another that take its default features without saying so: `A uses B`.
fn unsaid(metadata: &Value) -> Option<Vec<String>> {
    let mut edges = Vec::new();
    for package in metadata.get("packages")?.as_array()? {
        let name = package.get("name")?.as_str()?;
        for dependency in package.get("dependencies")?.as_array()? {
            let ours = dependency.get("path").is_some_and(Value::is_string);
            let for_tests = dependency.get("kind")? == "dev";
            if ours && !for_tests && dependency.get("uses_default_features")?.as_bool()? {
                edges.push(format!("{name} uses {}", dependency.get("name")?.as_str()?));
            }
        }
    }
    Some(edges)
}

/// How many crates a program compiles for the front door alone.
fn crates_below(repository: &Repository) -> Result<usize, String> {
    let mut cargo = repository.cargo();
    cargo.args(["tree", "--locked", "--package", FRONT_DOOR, "--no-default-features"]);
    cargo.args(["--edges", "normal", "--prefix", "none", "--no-dedupe"]);
    Ok(different_lines(&String::from_utf8_lossy(&repository::output(&mut cargo)?)))
}

fn different_lines(tree: &str) -> usize {
    tree.lines().filter(|line| !line.is_empty()).collect::<BTreeSet<_>>().len()
}

fn too_many(count: usize) -> Option<String> {
    (count > MOST_CRATES).then(|| {
        format!("without features, at most {MOST_CRATES}; make what is heavier a feature (`cargo tree` shows what came in)")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(name: &str, kind: &str, features: &[&str]) -> Value {
        let features: serde_json::Map<_, _> =
            features.iter().map(|feature| ((*feature).to_owned(), json!([]))).collect();
        json!({ "name": name, "targets": [{ "kind": ["test"] }, { "kind": [kind] }], "features": features })
    }

    fn lines(packages: &[Value]) -> Vec<String> {
        let all = combinations(&json!({ "packages": packages })).unwrap();
        all.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_feature_is_checked_alone_and_with_all_others() {
        let found = lines(&[package("a", "lib", &["default", "x"]), package("b", "proc-macro", &["y"])]);
        let expected = [
            "a without features",
            "a with default",
            "a with x",
            "a with all features",
            "b without features",
            "b with y",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_library_without_features_is_checked_once_and_a_program_not_at_all() {
        assert_eq!(lines(&[package("a", "lib", &[]), package("b", "bin", &["x"])]), ["a without features"]);
    }

    #[test]
    fn another_shape_is_refused() {
        assert_eq!(combinations(&json!({})), None);
        assert_eq!(combinations(&json!({ "packages": [{ "name": "a" }] })), None);
    }

    #[test]
    fn default_features_of_a_crate_of_ours_are_asked_for_by_name() {
        let edge = |name: &str, path: Option<&str>, kind: Option<&str>, unsaid: bool| json!({ "name": name, "path": path, "kind": kind, "uses_default_features": unsaid });
        let dependencies = json!([
            edge("b", Some("/srv/b"), None, true),
            edge("c", Some("/srv/c"), None, false),
            edge("d", Some("/srv/d"), Some("dev"), true),
            edge("bytes", None, None, true),
        ]);
        let found = unsaid(&json!({ "packages": [{ "name": "a", "dependencies": dependencies }] }));
        assert_eq!(found.unwrap(), ["a uses b"]);
    }

    #[test]
    fn cargo_is_told_the_features() {
        let alone = Combination::new("a", Features::One("x".to_owned()));
        assert!(alone.arguments().ends_with(&["a", "--no-default-features", "--features", "x"]));
        assert!(Combination::new("a", Features::None).arguments().ends_with(&["a", "--no-default-features"]));
        assert!(Combination::new("a", Features::All).arguments().ends_with(&["a", "--all-features"]));
    }

    #[test]
    fn a_warning_is_an_error() {
        assert_eq!(judge(true, "\n"), None);
        assert_eq!(judge(true, "warning: unused\n").as_deref(), Some("warning: unused"));
        assert_eq!(judge(false, "error: no\n").as_deref(), Some("error: no"));
        assert!(judge(false, "").is_some());
    }

    #[test]
    fn a_crate_is_counted_once() {
        assert_eq!(different_lines("a v1\nb v1\na v1\n\na v2\n"), 3);
        assert_eq!(too_many(MOST_CRATES), None);
        assert!(too_many(MOST_CRATES + 1).is_some());
    }
}
