//! The process that works until it is killed.

use trunkline::messages::Stopper;

use super::parts::Parts;
use crate::killed::Orders;

/// The name under which the test binary knows the worker.
pub(super) const NAME: &str = "outbox::worker::works_until_it_is_killed";

/// Not a test by itself: without orders it is done at once.
#[test]
fn works_until_it_is_killed() {
    let Some(Orders { run, size, folder }) = Orders::of_this_process() else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let parts = Parts::open(&folder, run).await;
        let (_stopper, stop) = Stopper::new();
        let worked = parts.app.run_messages(&stop);
        // Whatever ends by itself ends the process, which its witness notices.
        tokio::join!(parts.note(size), async { worked.await.unwrap() });
    });
}
