//! `migrate`: a new store of the example's third version, from what the first version stored.

use crate::events;
use crate::folder::{Folder, bytes, cloud_event, cloud_events};

/// The example's store, which a backup was restored to, and its application reconciled with it.
fn example() -> Folder {
    let folder = events::example();
    let ran = folder.run("reconcile orders-1.tsk -q");
    assert_eq!(ran.exit, 0, "{ran:?}");
    folder
}

#[test]
fn the_third_version_gets_a_store_of_its_own() {
    let folder = example();
    let before = bytes(&folder.path("data"));
    let ran = folder.run("migrate orders-3.tsk --from log:data/events --to log:new");
    let [read, there] = ["data/events", "new"]
        .map(|store| sha256(&folder.run(&format!("export --store log:{store} -q")).stdout));
    assert_eq!(
        ran.outcome(),
        format!(
            "         1  $Reconciled 1 -> 1 $Reconciled 1  (1 changed)
         3  OrderCreated 1 -> 3 CustomerNamed 1, 3 OrderPlaced 1  (3 split)
         1  OrderDeleted 1 -> 1 OrderCancelled 1  (1 changed)
         1  OrderViewed 1 -> nothing  (1 dropped)
read: 6 events up to position 6, sha256 {read}
there: 8 events up to position 8, sha256 {there}
8 written, 0 there before
! store log:new (--store)
"
        )
    );
    assert!(bytes(&folder.path("data")) == before, "the old store stays as it is");
    folder.check(
        "events census orders-3.tsk --store log:new",
        "
        events  stored            today             shape
             3  OrderPlaced 1     OrderPlaced 1     cents: integer, currency: string, id: string
             3  CustomerNamed 1   CustomerNamed 1   city: string, name: string
             1  OrderCancelled 1  OrderCancelled 1  id: string, reason: string
        7 events, 3 shapes
        ",
    );
    let [old, new] = ["data/events", "new"].map(|store| {
        let ran = folder.run(&format!("state orders-3.tsk order-2 --store log:{store} --format json"));
        ran.json()[0]["state"].clone()
    });
    assert_eq!(old, new);
    let again = folder.run("migrate orders-3.tsk --from log:data/events --to log:new --format json -q");
    let again = &again.json()[0];
    assert_eq!((&again["written"], &again["to"]["events"]), (&0.into(), &8.into()), "{again}");
    assert_eq!((&again["to"]["last"], &again["from"]["last"]), (&8.into(), &6.into()), "{again}");
}

fn sha256(text: &str) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(text).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[test]
fn streams_go_where_the_rule_says() {
    let folder = example();
    let migrate = "migrate orders-3.tsk --from log:data/events --to log:new";
    let rule = "event.type == \"CustomerNamed\" ? \"customer-\" + lower(event.data.name) : event.stream";
    let ran = folder.run(&format!("{migrate} --stream '{rule}'"));
    assert!(ran.stdout.contains("         3  from streams order-… to customer-…\n"), "{ran:?}");
    let ran = folder.run("read customer-ada --store log:new --format json");
    assert!(ran.json().iter().all(|event| event["event_type"] == "CustomerNamed"), "{ran:?}");
    let ran = folder.run(&format!("{migrate} --stream 'event.steam'"));
    assert!(ran.exit == 2 && ran.stderr.contains("did you mean `stream`?"), "{ran:?}");
    let ran = folder.run(&format!("{migrate} --stream 'event.data.id'"));
    assert!(ran.exit == 1, "{ran:?}");
    assert!(
        ran.stderr.contains("OrderCreated 1 at position 1 (order-1 version 1) can't be migrated"),
        "{ran:?}"
    );
}

#[test]
fn what_cannot_be_done_is_said_with_its_exit_code() {
    let folder = example();
    let migrate =
        |from: &str, to: &str| folder.run(&format!("migrate orders-3.tsk --from {from} --to {to} -q"));
    assert_eq!(migrate("log:nowhere", "log:new").exit, 4);
    assert!(!folder.path("new").exists(), "nothing was made");
    let ran = migrate("log:data/events", "log:./data/../data/events");
    assert!(ran.exit == 2 && ran.stderr.contains("error: both are the same store"), "{ran:?}");
    folder.run("export --output events.jsonl -q");
    folder.run("import events.jsonl --store log:new -q");
    let ran = migrate("log:data/events", "log:new");
    assert!(
        ran.exit == 3 && ran.stderr.contains("the new store's event at position 1 is not what"),
        "{ran:?}"
    );
    folder.write("more.jsonl", cloud_event(9, "order-9", "OrderCreated"));
    folder.run("import more.jsonl -q");
    let ran = migrate("log:data/events", "log:newer");
    assert!(
        ran.exit == 1 && ran.stderr.contains("OrderCreated 1 at position 7 (order-9 version 1)"),
        "{ran:?}"
    );
}

#[cfg(unix)]
#[test]
fn an_interrupted_migration_goes_on_when_run_again() {
    let folder = Folder::new();
    folder
        .write("app.tsk", "[events.Noted]\nversion: 2\nupcast: [{ from: 1, steps: [{ add: { x: 1 } }] }]\n");
    folder.write("events.jsonl", cloud_events(30_000, 7));
    assert_eq!(folder.run("import events.jsonl --store log:old -q").exit, 0);
    let migrate = "migrate app.tsk --from log:old --to log:new";
    let mut running = folder.start(migrate);
    assert_eq!(running.said(), "store log:new (--store)");
    running.interrupt();
    assert_eq!(
        running.end().outcome(),
        "! error: interrupted\n\
         ! hint: run the same again to go on: what is there is not added twice\n\
         exit code 130\n"
    );
    let ran = folder.run(&format!("{migrate} --format json"));
    assert_eq!(ran.json()[0]["to"]["events"], 30_000, "{ran:?}");
    let ran = folder.run("verify --store log:new");
    assert!(ran.stdout.starts_with("clean: 30000 events in 7 streams"), "{ran:?}");
}
