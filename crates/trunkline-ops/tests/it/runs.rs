//! A whole run: commands through the order system, and what came of them.

use trunkline::messages::Stopper;
use trunkline_ops::run::{RunNews, RunOptions, Settle, commands_in, commands_of, run};
use trunkline_ops::{Exit, OpsError};

use crate::shop::{commands, play, shop};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_says_what_came_of_each_command_and_that_all_laws_hold() {
    let (app, _folder) = shop().await;
    let mut news = Vec::new();
    let report = play(&app, commands(50), |heard| news.push(heard)).await.unwrap();
    let counts = &report.commands;
    assert_eq!((counts.total, counts.failed, counts.repeated), (50, 0, 0));
    assert_eq!(counts.accepted + counts.rejected, 50);
    assert_eq!(report.rejected_by_reason.values().sum::<u64>(), counts.rejected);
    assert!(report.events["OrderCreated"] > 0, "{report:?}");
    assert!(report.projections.iter().all(|one| one.lag_events == 0 && one.error.is_none()), "{report:?}");
    assert!(report.laws.len() > 2 && report.laws.iter().all(|law| law.holds), "{report:?}");
    assert_eq!(report.verdict(), Ok(()));
    assert!(matches!(news[0], RunNews::Commands { done: 1, .. }), "{news:?}");
    assert_eq!(news[50..], [RunNews::ComingToRest, RunNews::Ended]);
    let again = play(&app, commands(50), |_| ()).await.unwrap();
    assert_eq!((again.commands.repeated, again.events.len()), (50, 0), "each has one outcome");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_asked_to_stop_takes_no_more_commands() {
    let (app, _folder) = shop().await;
    let (stopper, stop) = Stopper::new();
    let options = RunOptions { settle: Settle::Each, concurrency: 1 };
    let asked = |news| {
        if matches!(news, RunNews::Commands { done: 3, .. }) {
            stopper.stop();
        }
    };
    let input = std::io::Cursor::new(commands(50));
    let error = run(&app, commands_of(input), options, &stop, asked).await.unwrap_err();
    assert_eq!(error.message(), "interrupted after 3 commands");
    assert_eq!(Exit::of(&error), Exit::Interrupted);
    app.close().await;
}

#[test]
fn a_file_with_a_line_that_is_no_command_is_refused_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("commands.jsonl");
    std::fs::write(&file, format!("{}{{\"command\":1}}\n", commands(2))).unwrap();
    let error = commands_in(&file).unwrap_err();
    assert!(matches!(error, OpsError::CommandLine { line: 3, .. }), "{error}");
}
