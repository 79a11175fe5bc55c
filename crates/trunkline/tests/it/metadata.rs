//! What events say of the command that caused them.

use trunkline::{App, CommandRequest, Context, EventStoreExt, MemoryStore};

use crate::counter::{Counter, increment};

#[tokio::test]
async fn the_trace_goes_from_command_to_events() {
    let app = App::builder().store(MemoryStore::new()).decider::<Counter>().build().unwrap();
    let context = Context {
        actor: Some("ada".into()),
        tenant: Some("shop".into()),
        correlation_id: Some("c".into()),
        causation_id: Some("m".into()),
        traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into()),
        saga_id: Some("s".into()),
        occurred_at: Some("2010-12-01T08:26:00Z".parse().unwrap()),
        ..Context::default()
    };
    let request = CommandRequest::of(&increment("a", 1)).unwrap().id("7".parse().unwrap()).context(context);
    app.send(request).await.unwrap();
    let events = app.store().stream_events(&"counter-a".parse().unwrap()).await.unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(events[0].metadata()).unwrap();
    assert_eq!(
        metadata,
        serde_json::json!({
            "command": "Increment", "causation_id": "m", "correlation_id": "c",
            "actor": "ada", "tenant": "shop", "saga_id": "s",
            "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        })
    );
    assert_eq!(events[0].occurred_at().to_string(), "2010-12-01T08:26:00.000000Z");
    assert_eq!(events[0].tags().collect::<Vec<_>>(), ["$command:7"]);
}
