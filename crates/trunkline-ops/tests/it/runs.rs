//! A whole run: commands through the order system, and what came of them.

use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::{Value, json};
use trunkline::messages::Stopper;
use trunkline::queue::MemoryQueue;
use trunkline::{
    App, CommandContext, CommandLogic, Decided, Expected, HandleError, MemoryStore, NewEvent, StreamName,
};
use trunkline_ops::Exit;
use trunkline_ops::run::{Order, RunNews, RunOptions, RunReport, Settle, commands_in, commands_of, run};
use trunkline_store::EventStoreExt as _;

use crate::shop::{commands, names, play, shop};
use crate::world::with_file;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_says_what_came_of_each_command_and_that_all_laws_hold() {
    let (app, _folder) = shop().await;
    let mut news = Vec::new();
    let listener = |heard: RunNews<'_>| {
        if !matches!(heard, RunNews::Waiting(_)) {
            news.push(format!("{heard:?}"));
        }
    };
    let report = play(&app, commands(50), listener).await.unwrap();
    let counts = &report.commands;
    assert_eq!((counts.total, counts.failed, counts.repeated), (50, 0, 0));
    assert_eq!(counts.accepted + counts.rejected, 50);
    assert_eq!(report.rejected_by_reason.values().sum::<u64>(), counts.rejected);
    assert!(report.events["OrderCreated"] > 0, "{report:?}");
    assert!(report.projections.iter().all(|one| one.lag_events == 0 && one.error.is_none()), "{report:?}");
    assert!(report.laws.len() > 2 && report.laws.iter().all(|law| law.holds), "{report:?}");
    assert_eq!(report.verdict(), Ok(()));
    assert!(news[0].starts_with("Commands { done: 1, "), "{news:?}");
    assert_eq!(news[50..], ["ComingToRest", "Ended"]);
    let again = play(&app, commands(50), |_| ()).await.unwrap();
    assert_eq!((again.commands.repeated, again.events.len()), (50, 0), "each has one outcome");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_asked_to_stop_takes_no_more_commands() {
    let (app, _folder) = shop().await;
    let (stopper, stop) = Stopper::new();
    let options = RunOptions { settle: Settle::Each, concurrency: 1, order: Order::Stream };
    let asked = |news: RunNews<'_>| {
        if matches!(news, RunNews::Commands { done: 3, .. }) {
            stopper.stop();
        }
    };
    let input = std::io::Cursor::new(commands(50));
    let error = run(&app, commands_of(input, names(&app)), options, &stop, asked).await.unwrap_err();
    assert_eq!(error.message(), "interrupted after 3 commands");
    assert_eq!(Exit::of(&error), Exit::Interrupted);
    app.close().await;
}

#[test]
fn a_file_with_a_line_that_is_no_command_is_refused_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("commands.jsonl");
    let lines = "{\"command\":1}\n\n{\"command\":\"CreateOder\",\"data\":{}}\n";
    std::fs::write(&file, format!("{}{lines}", commands(2))).unwrap();
    let error = commands_in(&file, vec!["CreateOrder".to_owned(), "CancelOrder".to_owned()]).unwrap_err();
    assert_eq!(Exit::of(&error), Exit::Failed);
    let message = error.message();
    assert!(message.contains("line 3: invalid type: integer `1`"), "{message}");
    assert!(
        message.ends_with("line 5: no command is named \"CreateOder\"; did you mean \"CreateOrder\"?"),
        "{message}"
    );
    std::fs::write(&file, "1\n".repeat(23)).unwrap();
    let message = commands_in(&file, Vec::new()).unwrap_err().message();
    assert!(message.contains("line 20: ") && message.ends_with("; and 3 more such lines"), "{message}");
}

/// An account that is opened, gets money and gives it away again.
const ACCOUNTS: &str = r#"
[aggregates.account]
initial: "{'has': 0}"
on { Opened: "state", Paid: "put(state, 'has', state.has + event.data.n)" }
[commands.Open]
stream: "'account-' + command.id"
expect: "no_stream"
emit: [{ type: "Opened", data: "command" }]
[commands.Pay]
stream: "'account-' + command.id"
expect: "exists"
require: [{ that: "state.has + command.n >= 0", else: "it has no more" }]
emit: [{ type: "Paid", data: "command" }]
"#;

/// The stream of the account that a command is for.
fn account(context: &CommandContext<'_>) -> Result<StreamName, HandleError> {
    let account: Value = serde_json::from_slice(&context.request.data).map_err(HandleError::failed)?;
    StreamName::new(&format!("account-{}", account["id"].as_str().unwrap())).map_err(HandleError::failed)
}

/// Opens an account, and can't say beforehand which.
struct Import;

impl CommandLogic for Import {
    fn handle<'a>(&'a self, context: CommandContext<'a>) -> BoxFuture<'a, Result<Decided, HandleError>> {
        Box::pin(async move {
            // Others would be before it if they could.
            tokio::task::yield_now().await;
            let stream = account(&context)?;
            let version = context.store.version(&stream).await?;
            let event = NewEvent::json("Opened", "{}").map_err(HandleError::failed)?;
            Ok(Decided::append(stream, Expected::At(version), [event]))
        })
    }
}

/// Fails.
struct Ask;

impl CommandLogic for Ask {
    fn handle<'a>(&'a self, _: CommandContext<'a>) -> BoxFuture<'a, Result<Decided, HandleError>> {
        Box::pin(async { Err(HandleError::failed("nobody answers")) })
    }

    fn stream(&self, context: CommandContext<'_>) -> Result<Option<StreamName>, HandleError> {
        account(&context).map(Some)
    }
}

/// Plays lines such as `Open 7` or `Pay 7 5` with many at once.
async fn accounts(order: Order, lines: impl IntoIterator<Item = String>) -> RunReport {
    let builder = App::builder()
        .store(MemoryStore::new())
        .queue(MemoryQueue::new())
        .command_logic("Ask", Arc::new(Ask))
        .command_logic("Import", Arc::new(Import));
    let app = with_file(builder, ACCOUNTS).build().await.unwrap();
    let line = |line: String| {
        let mut words = line.split(' ');
        let (command, id) = (words.next().unwrap(), words.next().unwrap());
        let n: i64 = words.next().map_or(0, |n| n.parse().unwrap());
        json!({ "command": command, "data": { "id": id, "n": n } }).to_string() + "\n"
    };
    let text: String = lines.into_iter().map(line).collect();
    let (_stopper, stop) = Stopper::new();
    let options = RunOptions { settle: Settle::End, concurrency: 64, order };
    let commands = commands_of(std::io::Cursor::new(text), names(&app));
    let report = run(&app, commands, options, &stop, |_| ()).await.unwrap();
    app.close().await;
    report
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_of_one_stream_take_effect_in_the_order_of_their_lines() {
    for order in [Order::Stream, Order::File] {
        let each = |account: u32| {
            let steps = ["Open A", "Pay A 5", "Pay A -5", "Pay A 3", "Pay A -3"];
            steps.map(|step| step.replace('A', &account.to_string()))
        };
        let report = accounts(order, (0..40).flat_map(each)).await;
        assert_eq!((report.commands.accepted, report.commands.total), (200, 200), "{report:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_whose_stream_is_not_known_beforehand_keeps_its_place_among_all() {
    let each = |account: u32| {
        ["Import A", "Pay A 5", "Pay A -5"].map(|step| step.replace('A', &account.to_string()))
    };
    let report = accounts(Order::Stream, (0..20).flat_map(each)).await;
    assert_eq!((report.commands.accepted, report.commands.total), (60, 60), "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_without_an_outcome_holds_what_comes_after_it() {
    let lines = ["Open 1", "Open 2", "Ask 1", "Pay 1 5", "Pay 2 5", "Pay 1 6", "Pay 2 -6", "Pay 2 -5"];
    let lines = || lines.map(str::to_owned);
    let report = accounts(Order::Stream, lines()).await;
    let counts = &report.commands;
    assert_eq!((counts.accepted, counts.rejected, counts.failed, counts.total), (4, 1, 3, 8), "{report:?}");
    assert_eq!(report.failed_by_reason["not sent, since one before it in its order had no outcome"], 2);
    let counts = accounts(Order::File, lines()).await.commands;
    assert_eq!((counts.accepted, counts.failed, counts.total), (2, 6, 8));
    let counts = accounts(Order::None, lines()).await.commands;
    assert_eq!((counts.failed, counts.total), (1, 8), "nothing is held");
}
