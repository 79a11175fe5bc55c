//! The lock file: no shape that was ever persisted is forgotten.

use trunkline::Registered;
use trunkline::shapes::Lock;

use crate::world::{read, read_beside};

const FIRST: &str = r#"
[events.Paid]
schema: { type: "object", required: ["sum"], properties: { sum: { type: "integer" }, by: { type: "string" } } }

[commands.Open]
stream: "'till-' + command.till"
emit: [{ type: "Opened", data: "{'by': command.by}" }, { type: "Noted", data: "put(command, 'x', 1)" }]
"#;

/// What is wrong with a text beside a lock, each with what to write.
fn found(lock: &Lock, text: &str) -> Vec<String> {
    let text_of_lock = lock.to_text();
    let file = read_beside(Some(("app.lock.json", &*text_of_lock)), text, &Registered::default());
    let said = |found: &trunkline::config::Diagnostic| {
        format!("{} {} | {}", found.code.as_str(), found.message, found.fix.as_deref().unwrap_or_default())
    };
    file.mistakes().map(said).collect()
}

#[test]
fn a_lock_remembers_what_schemas_and_expressions_show() {
    let lock = Lock::of(&read(FIRST, &Registered::default()).definition, None);
    let text = lock.to_text();
    assert!(text.contains(r#""sum": "integer""#) && text.contains(r#""by": "string?""#), "{text}");
    assert!(text.contains(r#""by": "any""#) && text.contains(r#""1": null"#), "{text}");
    assert_eq!(Lock::parse(text.as_bytes()).unwrap(), lock);
    assert_eq!(found(&lock, FIRST), [""; 0], "nothing has changed");
}

#[test]
fn a_changed_or_vanished_shape_needs_a_new_version() {
    let lock = Lock::of(&read(FIRST, &Registered::default()).definition, None);
    let changed = FIRST.replace("sum", "total");
    let said = found(&lock, &changed);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].starts_with("TL2310 Paid 1 was persisted in another shape: `sum` is gone, `total` is new"),
        "{said:?}"
    );
    assert!(
        said[0].contains("`version: 2`") && said[0].contains("{ from: 1, steps: [{ remove: \"sum\" }"),
        "{said:?}"
    );
    let mended = changed.replace(
        "[events.Paid]",
        "[events.Paid]\nversion: 2\nupcast: [{ from: 1, steps: [{ rename: { sum: \"total\" } }] }]",
    );
    assert_eq!(found(&lock, &mended), [""; 0]);
    let later = Lock::of(&read(&mended, &Registered::default()).definition, Some(lock.clone()));
    assert_eq!((lock.counts(), later.counts()), ((3, 3), (3, 4)), "the earlier shape is kept");
    assert!(found(&later, FIRST)[0].contains("was persisted in version 2, and its version is 1"));
    let said = found(&lock, &FIRST.replace("Opened", "Unlocked"));
    assert!(
        said[0].starts_with("TL2311 Opened 1 was persisted") && said[0].contains("[events.Opened]"),
        "{said:?}"
    );
    let gone = "\n[events.Opened]\nupcast: [{ from: 1, steps: [{ type: \"Unlocked\" }] }]\n";
    assert_eq!(found(&lock, &format!("{}{gone}", FIRST.replace("Opened", "Unlocked"))), [""; 0]);
    let said = found(&lock, &FIRST.replace("{'by': command.by}", "{'by': command.by, 'at': 1}"));
    assert!(said[0].contains("Opened 1 was persisted in another shape: `at` is new"), "{said:?}");
}
