//! What an application says must hold: held against its read models.

use std::sync::Arc;
use std::time::Duration;

use trunkline::law::laws;
use trunkline::{App, Append, EventStore, Expected, MemoryStore, NewEvent, Registered};

use crate::world::{mistakes, with_file};

const ACCOUNTS: &str = r#"
[projections.accounts]
schema: "CREATE TABLE account (id TEXT PRIMARY KEY, balance INTEGER)"
on { Opened: "INSERT INTO account VALUES (:stream_id, :data.balance)" }

[laws.no_debts]
says: "nobody owes anything"
of: "SELECT COUNT(*) FROM account"
breaches: "SELECT id, balance FROM account WHERE balance < 0 ORDER BY id"

[laws.few]
says: "there are few accounts"
breaches: "SELECT 1 AS much WHERE (SELECT COUNT(*) FROM account) > 1000"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn breaches_are_shown_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn EventStore> = Arc::new(MemoryStore::new());
    let place = folder.path().join("read.db");
    let text = format!("[read_db]\ndsn: \"sqlite:{}\"\n{ACCOUNTS}", place.display());
    let app = with_file(App::builder().shared_store(Arc::clone(&store)), &text).build().await.unwrap();
    for number in 10..40 {
        let data = format!(r#"{{"balance":{}}}"#, 20 - number);
        let append = Append::to(format!("account-{number}").parse().unwrap(), Expected::NoStream);
        store.append(append.event(NewEvent::json("Opened", data).unwrap())).await.unwrap();
    }
    app.projections().catch_up(Duration::from_secs(20)).await.unwrap();
    let found = laws(&app).await.unwrap();
    let [debts, few] = &found[..] else { panic!("{found:?}") };
    assert_eq!((debts.name.as_str(), debts.of, debts.holds, debts.more), ("no_debts", Some(30), false, true));
    assert_eq!(debts.breaches.len(), 10, "some are enough to see what is wrong");
    assert_eq!(debts.breaches[0].to_string(), r#"{"id":"21","balance":-1}"#);
    assert_eq!((few.holds, few.of, few.says.as_str()), (true, None, "there are few accounts"));
}

#[test]
fn a_law_that_asks_for_what_is_not_there_is_a_mistake() {
    let wrong = format!("{ACCOUNTS}\n[laws.odd]\nsays: \"x\"\nbreaches: \"SELECT * FROM acount\"\n");
    let found = mistakes(&wrong, &Registered::default()).join("\n");
    assert!(found.contains("acount"), "{found}");
    let wordless = format!("{ACCOUNTS}\n[laws.odd]\nbreaches: \"SELECT 1\"\n");
    let found = mistakes(&wordless, &Registered::default()).join("\n");
    assert!(found.contains("says"), "{found}");
}
