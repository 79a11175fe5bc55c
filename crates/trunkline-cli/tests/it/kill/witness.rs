//! The witness: starts the worker, notes what it is told, kills it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tokio::sync::mpsc;
use tokio::time::timeout;
use trunkline_core::{Appended, Position, Version};

use super::PATIENCE;
use super::load::Key;
use super::worker::{NAME, OPENING, ORDERS};

/// A batch and how it was answered.
pub(super) type Acknowledgement = (Key, Appended);

/// What the witness was told: every batch that was acknowledged, and how.
#[derive(Debug, Default)]
pub(super) struct Known(BTreeMap<Key, Appended>);

impl Known {
    pub(super) fn learn(&mut self, (key, appended): Acknowledgement) {
        let before = self.0.insert(key, appended);
        assert!(before.is_none(), "{key:?} was acknowledged twice");
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Key, &Appended)> {
        self.0.iter().map(|(key, appended)| (*key, appended))
    }

    pub(super) fn get(&self, key: Key) -> Option<&Appended> {
        self.0.get(&key)
    }

    /// How many batches of a task were acknowledged; they are its first ones.
    pub(super) fn count(&self, run: u32, task: u32) -> u32 {
        let first = Key { run, task, number: 0 };
        self.0.range(first..=Key { number: u32::MAX, ..first }).count() as u32
    }

    /// For each task the batch after its last acknowledged one: whether it is stored, nobody was told.
    pub(super) fn next_keys(&self, run: u32, tasks: u32) -> Vec<Key> {
        (0..tasks).map(|task| Key { run, task, number: self.count(run, task) }).collect()
    }
}

/// A worker that is running; one that is dropped is killed.
pub(super) struct Worker {
    child: Child,
    /// What it says, line by line, until it can say no more.
    lines: mpsc::UnboundedReceiver<String>,
}

impl Worker {
    /// Starts a worker, which then is about to open the store.
    pub(super) async fn start(seed: u64, run: u32, folder: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([NAME, "--exact", "--nocapture", "--test-threads=1"])
            .env(ORDERS, format!("{seed} {run} {}", folder.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            // A line without its end is one that the kill has cut off.
            while stdout.read_line(&mut line).is_ok() && line.ends_with('\n') {
                if sender.send(std::mem::take(&mut line)).is_err() {
                    break;
                }
            }
        });
        let mut worker = Self { child, lines };
        while worker.line().await.unwrap_or_else(|| panic!("no worker is called {NAME}")).trim_end()
            != OPENING
        {}
        worker
    }

    async fn line(&mut self) -> Option<String> {
        timeout(PATIENCE, self.lines.recv()).await.expect("the worker says something, or ends")
    }

    /// The next acknowledgement.
    pub(super) async fn acknowledgement(&mut self) -> Acknowledgement {
        let line = self.line().await.expect("the worker goes on until it is killed");
        parse(&line).unwrap_or_else(|| panic!("not an acknowledgement: {line:?}"))
    }

    /// Kills the worker. What it had acknowledged by then, and nobody had heard yet, is acknowledged all the same.
    pub(super) async fn kill(mut self) -> Vec<Acknowledgement> {
        self.child.kill().unwrap();
        let ended = self.child.wait().unwrap();
        assert_eq!(ended.signal(), Some(9), "the worker ended by itself: {ended}");
        let mut late = Vec::new();
        while let Some(line) = self.line().await {
            late.push(parse(&line).unwrap_or_else(|| panic!("not an acknowledgement: {line:?}")));
        }
        late
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Either has no effect on one that has ended.
        drop((self.child.kill(), self.child.wait()));
    }
}

/// What [`acknowledgement`](super::worker) says, read again.
fn parse(line: &str) -> Option<Acknowledgement> {
    let numbers: Option<Vec<u64>> =
        line.trim_end().strip_prefix("ack ")?.split(' ').map(|number| number.parse().ok()).collect();
    let [run, task, number, position, versions @ ..] = &numbers?[..] else { return None };
    let key = Key { run: *run as u32, task: *task as u32, number: *number as u32 };
    let versions = versions.iter().copied().map(Version::new).collect();
    Some((key, Appended { versions, position: Position::new(*position), repeated: false }))
}
