//! The binary's own migration, killed again and again until it gets through.

use super::kill_on_the_way;
use crate::folder::{Folder, cloud_events};
use crate::random::{Random, seed};

const LINES: u64 = 6_000;

/// Every third event is split in two.
const EVENTS: u64 = LINES + LINES / 3;

const SPLIT: &str = r#"
[events.Noted]
upcast: [{ from: 1, steps: [{ split: [{ type: "A" }, { type: "B", when: "event.data.n % 3 == 0" }] }] }]
"#;

#[tokio::test]
async fn a_migration_that_is_killed_and_run_again_comes_to_the_same() {
    let mut random = Random::new(seed());
    let folder = Folder::new();
    folder.write("app.tsk", SPLIT);
    folder.write("events.jsonl", cloud_events(LINES, 7));
    assert_eq!(folder.run("import events.jsonl --store log:old -q").exit, 0);
    let whole = folder.run("migrate app.tsk --from log:old --to log:whole -q --format json");
    assert_eq!(whole.json()[0]["written"], EVENTS, "{whole:?}");

    let migrate = "migrate app.tsk --from log:old --to log:new -q --format json";
    let seen = kill_on_the_way(&folder, migrate, "new", EVENTS, &mut random).await;
    let again = folder.run(migrate).json().remove(0);
    assert!(again["written"].as_u64().unwrap() <= EVENTS - seen, "{seen} were seen before: {again}");
    let exported = |store: &str| folder.run(&format!("export --store log:{store} -q")).stdout;
    assert!(exported("new") == exported("whole"), "to the byte");
    assert_eq!(again["to"]["sha256"], whole.json()[0]["to"]["sha256"]);
    let ran = folder.run("verify --store log:new");
    assert!(ran.stdout.starts_with(&format!("clean: {EVENTS} events in 7 streams")), "{ran:?}");
}
