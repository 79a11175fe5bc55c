//! Building: every name is resolved, and what can't be is said with its place.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use trunkline::{
    App, AppBuilder, BuildError, CommandContext, CommandHandler, CommandRequest, Decided, HandleError,
    MemoryStore, QueryError, QueryHandler,
};

use crate::counter::Counter;
use crate::world::{said, with_file};

struct Echo;

impl CommandHandler for Echo {
    type Input = serde_json::Value;

    async fn handle(&self, input: serde_json::Value, _: &CommandContext<'_>) -> Result<Decided, HandleError> {
        Ok(Decided::default().reply(input.to_string()))
    }
}

impl QueryHandler for Echo {
    type Input = serde_json::Value;
    type Output = serde_json::Value;

    async fn answer(&self, input: serde_json::Value) -> Result<serde_json::Value, QueryError> {
        Ok(input)
    }
}

fn builder() -> AppBuilder {
    App::builder().store(MemoryStore::new())
}

#[tokio::test]
async fn the_file_gives_commands_and_queries_to_registered_handlers() {
    let text = "[cqrs.command_handlers]\nSay: \"echo.Echo\"\n[cqrs.query_handlers]\nAsk: \"echo.Echo\"\n";
    let builder = builder().command_handler("echo.Echo", Echo).query_handler("echo.Echo", Echo);
    let app = with_file(builder, text).build().await.unwrap();
    let outcome = app.send(CommandRequest::new("Say", "1")).await.unwrap();
    assert_eq!(outcome.accepted().unwrap().reply, "1");
    assert_eq!(app.query("Ask", "[2]").await.unwrap(), "[2]");
    let error = app.query("Aks", "{}").await.unwrap_err();
    assert_eq!(error.to_string(), "no query is named \"Aks\"; did you mean \"Ask\"?");
    let error = said(&app.send(CommandRequest::new("Sya", "1")).await);
    assert_eq!(error, "error: no command is named \"Sya\"; did you mean \"Say\"?");
}

#[tokio::test]
async fn a_handler_that_is_not_registered_refuses_the_file() {
    let text = "[cqrs.command_handlers]\nSay: \"echo.Ech\"\n";
    let error = with_file(builder().command_handler("echo.Echo", Echo), text).build().await.unwrap_err();
    assert!(matches!(error, BuildError::Install(_)), "{error:?}");
    assert!(
        error.to_string().contains("app.tsk line 2 col 6: no command handler named \"echo.Ech\" is registered; did you mean \"echo.Echo\"?"),
        "{error}"
    );
}

#[tokio::test]
async fn a_name_has_one_handler() {
    let twice = builder().command("Increment", Echo).decider::<Counter>().build().await.unwrap_err();
    assert_eq!(twice.to_string(), "the command \"Increment\" has two handlers; register one");
    let text = "[commands.Increment]\nstream: \"'counter-' + command.id\"\n";
    let twice = with_file(builder().decider::<Counter>(), text).build().await.unwrap_err();
    assert!(twice.to_string().contains("is declared here and handled by the program too"), "{twice}");
}

#[tokio::test]
async fn hooks_run_in_the_order_of_the_file_and_may_refuse() {
    let ran = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&ran);
    let builder = App::builder()
        .hook("shop.Store", move |app| {
            seen.store(true, Ordering::SeqCst);
            Ok(app.store(MemoryStore::new()))
        })
        .hook("shop.Refuse", |_| Err("not today".into()));
    let text = "[event_driven]\nevent_store: @go(\"shop.Store\")\nsagas: @go(\"events.ConfigureSagas\")\n";
    with_file(builder, text).build().await.unwrap();
    assert!(ran.load(Ordering::SeqCst));

    let builder = App::builder().hook("shop.Refuse", |_| Err("not today".into()));
    let error =
        with_file(builder, "[event_driven]\nreplay: @go(\"shop.Refuse\")\n").build().await.unwrap_err();
    assert_eq!(error.to_string(), "the hook \"shop.Refuse\" failed: not today");
}

#[tokio::test]
async fn the_store_that_the_file_names_is_opened_and_closed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display();
    let text = format!(
        "[event_store]\ndsn: \"log:{path}/events\"\n[commands.A]\nstream: \"'a-b'\"\nemit: [{{ type: \"X\", data: \"command\" }}]\n"
    );
    let app = with_file(App::builder(), &text).build().await.unwrap();
    let error = with_file(App::builder(), &text).build().await.unwrap_err();
    assert!(error.to_string().contains("is in use by"), "{error}");
    app.send(CommandRequest::new("A", "{}")).await.unwrap();
    app.close().await;
    let app = with_file(App::builder(), &text).build().await.unwrap();
    assert_eq!(said(&app.send(CommandRequest::new("A", "{}")).await), "accepted: a-b@2 X {}");
}

#[test]
fn the_readme_shows_the_example_as_it_is() {
    let readme = include_str!("../../../../README.md");
    let (_, rest) = readme.split_once("```rust,ignore\n").unwrap();
    let heart = rest.split_once("```").unwrap().0;
    let example = include_str!("../../../../examples/orders/main.rs");
    let indented: String = heart
        .lines()
        .map(|line| if line.is_empty() { "\n".to_owned() } else { format!("    {line}\n") })
        .collect();
    assert!(example.contains(&indented), "not in the example:\n{indented}");
}
