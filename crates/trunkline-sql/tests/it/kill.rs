//! A process that is killed in the midst of batches leaves rows and checkpoint that agree.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use trunkline_core::Position;

use crate::shop::{STORE, Shop, events, orders, reached};
use crate::waited::Database;

/// Tells the process that is to be killed where its database is.
const PLACE: &str = "TRUNKLINE_SQL_KILLED_PROCESS";

/// Applying one takes long enough to be killed in the midst of it.
const BATCH: u64 = 400;

/// What the killed process does; without the variable there is nothing to do.
#[test]
fn the_process_that_is_killed() {
    if let Some(path) = std::env::var_os(PLACE) {
        apply_for_ever(Path::new(&path));
    }
}

fn apply_for_ever(path: &Path) {
    let database = Database::open(path).unwrap();
    let model = orders("orders");
    if database.generations().unwrap().is_empty() {
        database.create(&model, STORE).unwrap();
    }
    let mut writer = database.open_writer(&model, 1).unwrap();
    let mut out = std::io::stdout();
    loop {
        let from = writer.checkpoint().position.next().get();
        let batch = events(from, from + BATCH - 1);
        writer.apply(&batch, reached(&batch)).unwrap();
        writeln!(out, "applied {}", writer.checkpoint().position).unwrap();
    }
}

/// Method: the process says each batch that it applied. After the first ones, the checkpoint is read a number of times
/// that differs from round to round, and the process killed, so that it may be anywhere in a batch; the next round goes
/// on from there. What is there then is compared with what a process has that applied as much and was not killed.
#[test]
fn a_killed_process_leaves_rows_and_checkpoint_that_agree() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("read.db");
    let mut said = Position::START;
    let mut whole = Shop::new();
    let rounds = if std::env::var_os("TRUNKLINE_SLOW").is_some() { 100 } else { 8 };
    for round in 0..rounds {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::the_process_that_is_killed", "--nocapture"])
            .env(PLACE, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let applied =
            lines.map(Result::unwrap).filter_map(|line| Some(line.strip_prefix("applied ")?.to_owned()));
        said = applied.take(1 + round % 2).last().unwrap().parse().unwrap();
        let beside = Database::open(&path).unwrap();
        for _ in 0..round * 7 % 12 {
            said = beside.standing("orders", 1).unwrap().checkpoint.position;
        }
        // SIGKILL.
        process.kill().unwrap();
        process.wait().unwrap();

        let database = Database::open(&path).unwrap();
        let checkpoint = database.standing("orders", 1).unwrap().checkpoint;
        assert!(checkpoint.position >= said, "what was said to be applied is there");
        assert_eq!(checkpoint.position.get() % BATCH, 0, "no batch is there in part");
        let model = orders("orders");
        let writer = database.open_writer(&model, 1).unwrap();
        let killed = Shop { folder: tempfile::tempdir().unwrap(), database, model, writer };
        let more = events(whole.writer.checkpoint().position.next().get(), checkpoint.position.get());
        whole.apply(&more);
        assert_eq!(killed.contents(), whole.contents());
    }
    assert!(said > Position::START);
}
