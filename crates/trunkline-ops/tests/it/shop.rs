//! The order system of the examples, with its events and messages in memory.

use std::sync::Arc;

use tempfile::TempDir;
use trunkline::queue::MemoryQueue;
use trunkline::sql::SqliteReadDatabase;
use trunkline::{App, MemoryStore};
use trunkline_ops::OpsError;
use trunkline_ops::run::{Order, RunNews, RunOptions, RunReport, Settle, commands_of, run};

use crate::world::with_file;

const SYSTEM: &str = include_str!("../../../../examples/orders/orders.tsk");
const COMMANDS: &str = include_str!("../../../../examples/orders/commands.jsonl");

/// The order system before its first command; its read models are gone with the folder.
pub(crate) async fn shop() -> (App, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let builder = App::builder()
        .store(MemoryStore::new())
        .queue(MemoryQueue::new())
        .read_database(Arc::new(SqliteReadDatabase::open(&folder.path().join("read.db")).unwrap()));
    (with_file(builder, SYSTEM).build().await.unwrap(), folder)
}

/// The first of the example's commands, a line each.
pub(crate) fn commands(count: usize) -> String {
    COMMANDS.split_inclusive('\n').take(count).collect()
}

/// The names of an application's commands.
pub(crate) fn names(app: &App) -> Vec<String> {
    app.command_names().into_iter().map(str::to_owned).collect()
}

/// Plays commands until all is at rest.
pub(crate) async fn play(
    app: &App,
    lines: String,
    listener: impl FnMut(RunNews<'_>) + Send,
) -> Result<RunReport, OpsError> {
    let (_stopper, stop) = trunkline::messages::Stopper::new();
    let options = RunOptions { settle: Settle::End, concurrency: 8, order: Order::Stream };
    run(app, commands_of(std::io::Cursor::new(lines), names(app)), options, &stop, listener).await
}
