//! A secret is nowhere to be seen: not in debug output, JSON, reports, printed files or panics, whatever is done to it.

use proptest::prelude::*;
use trunkline_config::report::{Style, diagnostics_to_json, draw, tree_to_json};
use trunkline_config::{Evaluated, MemoryEnvironment, Value, print};

use crate::world::Given;

const SECRET: &str = "hunter2";

fn given(main: String) -> Evaluated {
    let mut given = Given::new(main);
    given.environment = MemoryEnvironment::new().with("PASSWORD", SECRET);
    given.checked()
}

/// Everything that can be shown of an outcome.
fn everything(evaluated: &Evaluated) -> String {
    let Evaluated { root, diagnostics, sources, .. } = evaluated;
    [
        format!("{evaluated:?} {evaluated:#?}"),
        tree_to_json(root),
        diagnostics_to_json(diagnostics, sources).to_string(),
        draw(diagnostics, sources, Style::default()),
        print(root.value.as_object().unwrap()),
    ]
    .concat()
}

#[test]
fn a_secret_and_what_is_made_of_it_are_hidden_but_there() {
    let evaluated = given(
        "$p: @env.secure(\"PASSWORD\")\n[db]\npassword: $p\ndsn: \"mysql://root:${p}@h/${p}\"\n\
         joined: \"a\" + $p + 1\nfirst: $p + \"b\"\nlater: \"${db.joined}!\"\nlist: [$p, {x: $p}]\ncopy: list\n"
            .to_owned(),
    );
    assert!(evaluated.diagnostics.is_empty(), "{:?}", evaluated.diagnostics);
    let shown = everything(&evaluated);
    assert!(!shown.contains(SECRET), "{shown}");
    for (path, text) in [
        ("db.password", "hunter2"),
        ("db.dsn", "mysql://root:hunter2@h/hunter2"),
        ("db.joined", "ahunter21"),
        ("db.first", "hunter2b"),
        ("db.later", "ahunter21!"),
        ("db.list.0", "hunter2"),
        ("db.copy.1.x", "hunter2"),
    ] {
        match &evaluated.root.at(path).unwrap().value {
            Value::Secret(secret) => assert_eq!(secret.expose(), text, "{path}"),
            other => panic!("{path} is no secret but {}", other.kind()),
        }
    }
}

#[test]
fn a_plain_variable_is_no_secret() {
    let evaluated = given("a: @env(\"PASSWORD\")\n".to_owned());
    assert_eq!(tree_to_json(&evaluated.root), r#"{"a":"hunter2"}"#);
}

const PIECES: &[&str] = &[
    "$s",
    "$s",
    "\"${s}\"",
    "\"x${s}y\"",
    "k",
    "[k]",
    "{a: k}",
    "1",
    "\"x\"",
    " + ",
    " == ",
    " < ",
    " - ",
    " && ",
    " ? ",
    " : ",
    "!",
    "-",
    "(",
    ")",
    ", ",
    "@if(",
    "@env(",
    "@env.secure(",
    "@file.read(",
    "@include(",
    "@date(",
    "@go(",
    "@metrics(",
    "@cache(",
    "@learn(",
    "@validate.enum(",
    "@validate.range(",
    "@validate.required(",
    "@shell(",
    "@evn(",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    #[test]
    fn no_expression_shows_a_secret(
        values in prop::collection::vec(prop::collection::vec(prop::sample::select(PIECES), 1..8), 1..6),
        key in prop::sample::select(&["segment", "sync", "username", "dsn", "every", "enabled", "timeout"][..]),
    ) {
        let mut main = "$s: @env.secure(\"PASSWORD\")\nk: $s\n".to_owned();
        for (index, value) in values.iter().enumerate() {
            main.extend([&format!("v{index}: "), value.concat().as_str(), "\n"]);
        }
        for section in ["event_store", "snapshots", "read_db"] {
            main.extend([&format!("[{section}]\n{key}: "), values[0].concat().as_str(), "\n"]);
        }
        let evaluated = given(main);
        let shown = everything(&evaluated);
        prop_assert!(!shown.contains(SECRET), "{}", shown);
    }
}
