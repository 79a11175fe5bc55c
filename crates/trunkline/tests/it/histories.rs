//! The state of a declared aggregate, then and now.

use trunkline::history::{HistoryError, Until, follow};
use trunkline::{Append, EventStore, Expected, MemoryStore, NewEvent, Registered, Version};

use crate::world::read;

const DOOR: &str = r#"
[aggregates.door]
initial: "{'open': false}"
on {
  Opened: "put(state, 'open', true)"
  Painted: "put(state, 'paint', event.data)"
}
"#;

#[tokio::test]
async fn a_state_is_followed_to_a_version_or_a_time() {
    let store = MemoryStore::new();
    for (event_type, data, time) in [
        ("Opened", "{}", "2020-01-01T00:00:00Z"),
        ("Painted", r#"{"colour":"red","coats":1}"#, "2020-01-02T00:00:00Z"),
        ("Knocked", "{}", "2020-01-03T00:00:00Z"),
        ("Painted", r#"{"colour":"red","coats":2}"#, "2020-01-04T00:00:00Z"),
    ] {
        let event = NewEvent::json(event_type, data).unwrap().occurred_at(time.parse().unwrap());
        store.append(Append::to("door-a".parse().unwrap(), Expected::Any).event(event)).await.unwrap();
    }
    let store: std::sync::Arc<dyn EventStore> = std::sync::Arc::new(store);
    let file = read(DOOR, &Registered::default());
    let door = "door-a".parse().unwrap();
    let at = async |until| follow(&file.definition, &store, &door, until).await.unwrap();
    let now = at(Until::Now).await;
    assert_eq!(now.state.get(), r#"{"open":true,"paint":{"colour":"red","coats":2}}"#);
    let changed: Vec<Vec<&str>> =
        now.events.iter().map(|step| step.changed.iter().map(|change| &*change.path).collect()).collect();
    assert_eq!(changed, [vec!["open"], vec!["paint"], vec![], vec!["paint.coats"]]);
    assert_eq!(at(Until::Version(Version::new(1))).await.state.get(), r#"{"open":true}"#);
    let then = at(Until::Time("2020-01-03T12:00:00Z".parse().unwrap())).await;
    assert_eq!(
        (then.version, then.state.get()),
        (Version::new(3), r#"{"open":true,"paint":{"colour":"red","coats":1}}"#)
    );
    let before =
        follow(&file.definition, &store, &door, Until::Time("2019-01-01T00:00:00Z".parse().unwrap())).await;
    assert!(matches!(before, Err(HistoryError::NoEvents { .. })), "{before:?}");
    let other = follow(&file.definition, &store, &"window-a".parse().unwrap(), Until::Now).await;
    assert!(matches!(other, Err(HistoryError::UnknownAggregate { .. })), "{other:?}");
}
