//! What events say of the command that caused them.

use trunkline::{App, CommandRequest, Context, EventStoreExt, MemoryStore};

use crate::counter::{Counter, increment};
use crate::world::app;

#[tokio::test]
async fn the_trace_goes_from_command_to_events() {
    let app = App::builder().store(MemoryStore::new()).decider::<Counter>().build().await.unwrap();
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
    let digest = trunkline_core::data::digest(&request.data).unwrap();
    app.send(request).await.unwrap();
    let events = app.store().stream_events(&"counter-a".parse().unwrap()).await.unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(events[0].metadata()).unwrap();
    assert_eq!(
        metadata,
        serde_json::json!({
            "command": "Increment", "causation_id": "m", "correlation_id": "c",
            "actor": "ada", "tenant": "shop", "saga_id": "s",
            "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "$digest": digest,
        })
    );
    assert_eq!(events[0].occurred_at().to_string(), "2010-12-01T08:26:00.000000Z");
    assert_eq!(events[0].tags().collect::<Vec<_>>(), ["$command:7"]);
}

#[tokio::test]
async fn every_event_says_its_command_and_the_first_one_what_it_is_recognised_by() {
    let app = app(
        "[commands.Sell]\nstream: \"'shop-1'\"\nemit: [{ type: \"Sold\", data: \"{}\" }, { type: \"Packed\", data: \"{}\" }]\n\
         reply: \"'thanks'\"\n",
    ).await;
    for (id, rest) in [
        (Some("7"), [r#","$digest":"5d2efa3087f91cda","$reply":"thanks""#, ""]),
        (None, [r#","$reply":"thanks""#, ""]),
    ] {
        let mut request = CommandRequest::new("Sell", "{}").context(Context {
            causation_id: Some("m".into()),
            correlation_id: Some("c".into()),
            ..Context::default()
        });
        request.id = id.map(|id| id.parse().unwrap());
        let outcome = app.send(request).await.unwrap();
        let last = outcome.accepted().unwrap().position.unwrap();
        let events = app.store().stream_events(&"shop-1".parse().unwrap()).await.unwrap();
        for (event, rest) in events[last.get() as usize - 2..].iter().zip(rest) {
            let said = format!(r#"{{"command":"Sell","causation_id":"m","correlation_id":"c"{rest}}}"#);
            assert_eq!(String::from_utf8_lossy(event.metadata()), said);
        }
    }
}
