//! The process that works until it is killed: this test binary itself, started again with orders.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use trunkline::messages::Stopper;

use super::parts::Parts;

/// The variable with the orders: run, events and folder. Where it isn't set, there is nothing to do.
const ORDERS: &str = "TRUNKLINE_OUTBOX_ORDERS";

/// The name under which the test binary knows the worker.
const NAME: &str = "outbox::worker::works_until_it_is_killed";

/// Not a test by itself: without orders it is done at once.
#[test]
fn works_until_it_is_killed() {
    let Ok(orders) = std::env::var(ORDERS) else { return };
    let mut orders = orders.splitn(3, ' ');
    let mut order = || orders.next().unwrap();
    let (run, events, folder) = (order().parse().unwrap(), order().parse().unwrap(), PathBuf::from(order()));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let parts = Parts::open(&folder, run);
        let (_stopper, stop) = Stopper::new();
        let worked = parts.app.run_messages(&stop);
        // Whatever ends by itself ends the process, which its witness notices.
        tokio::join!(parts.note(events), async { worked.await.unwrap() });
    });
}

/// A worker that is running; one that is dropped is killed.
pub(super) struct Worker {
    child: Child,
}

impl Worker {
    pub(super) fn start(folder: &Path, run: u32, events: u64) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args([NAME, "--exact", "--nocapture", "--test-threads=1"])
            .env(ORDERS, format!("{run} {events} {}", folder.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { child }
    }

    pub(super) fn kill(mut self) {
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
