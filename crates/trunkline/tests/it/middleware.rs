//! What stands around commands: who may, how long, and what is seen of it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tower::ServiceExt as _;
use trunkline::{
    App, CommandContext, CommandHandler, CommandRequest, CommandService, Decided, DispatchError, HandleError,
    MemoryStore,
};

use crate::counter::{Counter as Counting, increment};
use crate::told::Told;
use crate::world::said;

#[tokio::test]
async fn what_the_guard_refuses_does_not_happen() {
    let app = App::builder()
        .store(MemoryStore::new())
        .decider::<Counting>()
        .authorize(|request| match request.context.actor.as_deref() {
            Some("ada") => Ok(()),
            _ => Err("only ada counts".to_owned()),
        })
        .build()
        .await
        .unwrap();
    let request = || CommandRequest::of(&increment("a", 1)).unwrap();
    assert_eq!(said(&app.send(request()).await), "error: not allowed: only ada counts");
    assert_eq!(said(&app.send(request().actor("ada")).await), "accepted: counter-a@1 Incremented {}");
}

struct Never;

impl CommandHandler for Never {
    type Input = serde_json::Value;

    async fn handle(&self, _: serde_json::Value, _: &CommandContext<'_>) -> Result<Decided, HandleError> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_may_take_so_long_and_no_longer() {
    let limit = Duration::from_secs(3);
    let app = App::builder()
        .store(MemoryStore::new())
        .command("Wait", Never)
        .time_limit(limit)
        .build()
        .await
        .unwrap();
    let error = app.send(CommandRequest::new("Wait", "{}")).await.unwrap_err();
    assert!(matches!(error, DispatchError::TimedOut { after } if after == limit), "{error:?}");
}

#[tokio::test]
async fn a_layer_of_the_program_sees_every_command() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let names = Arc::clone(&seen);
    let layer = tower::layer::layer_fn(move |inner: CommandService| {
        let names = Arc::clone(&names);
        tower::service_fn(move |request: CommandRequest| {
            names.lock().unwrap().push(request.name.clone());
            inner.clone().oneshot(request.actor("layer"))
        })
    });
    let app =
        App::builder().store(MemoryStore::new()).decider::<Counting>().layer(layer).build().await.unwrap();
    app.dispatch(increment("a", 1)).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), ["Increment"]);
}

#[test]
fn outcomes_are_counted() {
    let counted = Told::default();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    metrics::with_local_recorder(&counted, || {
        runtime.block_on(async {
            let app = App::builder().store(MemoryStore::new()).decider::<Counting>().build().await.unwrap();
            let request = CommandRequest::of(&increment("a", 1)).unwrap().id("1".parse().unwrap());
            app.send(request.clone()).await.unwrap();
            app.send(request).await.unwrap();
            app.dispatch(increment("a", 1)).await.unwrap();
            app.send(CommandRequest::new("Any text at all", "{}")).await.unwrap_err();
        });
    });
    assert_eq!(
        counted.lines(),
        [
            "trunkline_events_appended_total{aggregate_type=counter} 1",
            "trunkline_commands_total{command=Increment,outcome=accepted} 1",
            "trunkline_commands_total{command=Increment,outcome=repeated} 1",
            "trunkline_commands_total{command=Increment,outcome=rejected} 1",
            "trunkline_commands_total{command=(unknown),outcome=failed} 1",
        ]
    );
}
