//! Any bytes as a configuration file: they are read, reported and printed, and what holds of every file is checked.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trunkline_config::report::{Style, diagnostics_to_json, draw, tree_to_json};
use trunkline_config::{FixedClock, Hooks, MemoryEnvironment, MemoryFiles, World, evaluate, load, print};

fuzz_target!(|bytes: &[u8]| {
    let files = MemoryFiles::new().with("main.tsk", bytes).with("other.tsk", "a: 1\n[b]\n$c: 2\n");
    let environment = MemoryEnvironment::new().with("X", "hunter2-and-more");
    let world = World { loader: &files, environment: &environment, clock: &FixedClock(0) };
    let mut checked = load("main.tsk", world).expect("the file is there");
    let unknown_hooks = Hooks::default().check(&checked);
    checked.diagnostics.extend(unknown_hooks);
    for found in &checked.diagnostics {
        for label in &found.labels {
            let text = checked.sources.text(label.span.file);
            assert!(text.get(label.span.start as usize..label.span.end as usize).is_some(), "{found:?}");
        }
    }
    let drawn = draw(&checked.diagnostics, &checked.sources, Style::default());
    let listed = diagnostics_to_json(&checked.diagnostics, &checked.sources);
    assert_eq!(drawn.is_empty(), checked.diagnostics.is_empty());
    assert_eq!(listed.as_array().map(Vec::len), Some(checked.diagnostics.len()));

    let tree = tree_to_json(&checked.root);
    let object = checked.root.value.as_object().expect("the root is an object");
    let again = evaluate("main.tsk", &print(object), world);
    assert!(again.diagnostics.is_empty(), "{:?}", again.diagnostics);
    assert_eq!(tree_to_json(&again.root), tree);
});
