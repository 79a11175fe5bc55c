//! The official tests of JSON Schema, draft 2020-12, with the optional ones of formats, read from a package that is installed beside the build and never part
//! of the repository. `.ci/json-schema-suite` installs it.

use std::collections::BTreeMap;
use std::io::Write as _;

use serde_json::Value;

use super::Schema;

/// Tests there are, so that a reader that overlooks some is found out.
const TESTS: usize = 1748;

/// What is left out, and why.
struct Rule {
    name: &'static str,
    tests: usize,
    /// Whether a schema is refused by it, for this reason; some that may be find what they name within themselves, and
    /// pass.
    refuses: fn(&Value, &str) -> bool,
    /// Whether a test of a file ends otherwise by it, with this violation.
    differs: fn(&str, &Value, &str) -> bool,
}

const RULES: [Rule; 2] = [
    // What is said of data is asked of it; the draft has formats as remarks unless somebody asks.
    Rule {
        name: "a format is asked of data",
        tests: 19,
        refuses: |_, _| false,
        differs: |file, test, violation| {
            let is_remark = |what: &str| what.ends_with("string is only an annotation by default");
            file == "format.json"
                && test["description"].as_str().is_some_and(is_remark)
                && violation.contains("is not a \"")
        },
    },
    // What a file says must not depend on a network.
    Rule {
        name: "nothing is fetched",
        tests: 49,
        refuses: |schema, reason| {
            schema.to_string().contains("localhost:1234")
                && ["is not present in a registry", "Unknown meta-schema"]
                    .iter()
                    .any(|said| reason.contains(said))
        },
        differs: |_, _, _| false,
    },
];

/// Past the test runner, which shows what a test prints only if it fails.
fn say(line: &str) {
    drop(writeln!(std::io::stderr().lock(), "{line}"));
}

#[test]
fn every_test_of_json_schema_passes_or_is_left_out_by_a_rule() {
    let binary = std::env::current_exe().unwrap();
    let data = binary.ancestors().nth(3).unwrap().join("json-schema-suite/draft2020-12.json");
    let Ok(text) = std::fs::read_to_string(&data) else {
        assert!(
            std::env::var_os("CI").is_none_or(|ci| ci != "true"),
            "the tests of JSON Schema are missing: run `.ci/json-schema-suite`, which makes {}",
            data.display()
        );
        say("!! the tests of JSON Schema are missing and NOT RUN: install them with `.ci/json-schema-suite`");
        return;
    };
    let files: BTreeMap<String, Vec<Value>> = serde_json::from_str(&text).unwrap();
    let (mut all, mut passed) = (0, 0);
    let mut left_out: BTreeMap<&str, usize> = BTreeMap::new();
    let mut others = Vec::new();
    for (file, group) in files.iter().flat_map(|(file, groups)| groups.iter().map(move |group| (file, group)))
    {
        let tests = group["tests"].as_array().unwrap();
        all += tests.len();
        let place = format!("{file}: {}", group["description"]);
        let schema = match Schema::compile(&group["schema"]) {
            Ok(schema) => schema,
            Err(reason) => {
                match RULES.iter().find(|rule| (rule.refuses)(&group["schema"], &reason)) {
                    Some(rule) => *left_out.entry(rule.name).or_default() += tests.len(),
                    None => others.push(format!("{place}: refused: {reason}")),
                }
                continue;
            }
        };
        for test in tests {
            let result = schema.check(&test["data"]);
            if test["valid"] == result.is_ok() {
                passed += 1;
                continue;
            }
            let violation = result.as_ref().err().map_or("", |violation| &violation.reason);
            match RULES.iter().find(|rule| (rule.differs)(file, test, violation)) {
                Some(rule) => *left_out.entry(rule.name).or_default() += 1,
                None => others.push(format!("{place}: {}: {result:?}", test["description"])),
            }
        }
    }
    assert_eq!(all, TESTS, "the suite holds other tests than it did; run `.ci/json-schema-suite`");
    let by_rule: Vec<String> = left_out.iter().map(|(rule, count)| format!("{count} {rule}")).collect();
    say(&format!(
        "of {TESTS} tests of JSON Schema 2020-12, {passed} pass, {} are left out by rule ({}), {} others",
        left_out.values().sum::<usize>(),
        by_rule.join(", "),
        others.len()
    ));
    assert!(others.is_empty(), "{} tests fail by no rule:\n{}", others.len(), others.join("\n"));
    let written: BTreeMap<&str, usize> = RULES.iter().map(|rule| (rule.name, rule.tests)).collect();
    assert_eq!(left_out, written, "other numbers of tests are left out than are written down");
}
