//! A process that works until it is killed: this test binary itself, started again with orders.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The variable with the orders: run, size and folder. Where it isn't set, there is nothing to do.
const ORDERS: &str = "TRUNKLINE_WORKER_ORDERS";

/// What a worker is told.
pub(crate) struct Orders {
    /// Which process after another it is.
    pub(crate) run: u32,
    /// How much there is to do in all.
    pub(crate) size: u64,
    /// Where all is kept.
    pub(crate) folder: PathBuf,
}

impl Orders {
    /// Those of this process, if it is a worker.
    pub(crate) fn of_this_process() -> Option<Self> {
        let orders = std::env::var(ORDERS).ok()?;
        let mut orders = orders.splitn(3, ' ');
        let mut order = || orders.next().unwrap();
        Some(Self {
            run: order().parse().unwrap(),
            size: order().parse().unwrap(),
            folder: PathBuf::from(order()),
        })
    }
}

/// A worker that is running; one that is dropped is killed.
pub(crate) struct Worker {
    child: Child,
}

impl Worker {
    /// Starts one: the test of this name, which takes its orders.
    pub(crate) fn start(test: &str, folder: &Path, run: u32, size: u64) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args([test, "--exact", "--nocapture", "--test-threads=1"])
            .env(ORDERS, format!("{run} {size} {}", folder.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { child }
    }

    /// Kills it, unless it has ended by itself, which none should.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        let ended = self.child.wait().unwrap();
        assert_eq!(ended.signal(), Some(9), "the worker ended by itself: {ended}");
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Either has no effect on one that has ended.
        drop((self.child.kill(), self.child.wait()));
    }
}
