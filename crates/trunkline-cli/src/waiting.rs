//! The items of a long read, printed soon after they are found.

use std::io;
use std::time::Duration;

use futures::{FutureExt as _, Stream, StreamExt as _};
use tokio::time::{Instant, sleep_until};
use trunkline::messages::Stop;
use trunkline_ops::OpsError;

use crate::failure::Failure;

/// For so long at most, what was found is held back while more is looked for.
const MOMENT: Duration = Duration::from_millis(200);

/// Waits for the items of a read, and meanwhile sees to it that those before are handed on.
#[derive(Debug)]
pub(crate) struct Waiting {
    stop: Stop,
    /// What to do to read on, for who interrupts.
    hint: &'static str,
    /// When the first item was found that was not handed on yet.
    since: Option<Instant>,
}

impl Waiting {
    pub(crate) fn new(stop: Stop, hint: &'static str) -> Self {
        Self { stop, hint, since: None }
    }

    /// The next item, or none at the end.
    ///
    /// `hand_on` prints what was found and is held back, and is called while nothing new is found, and before an
    /// interrupted read fails.
    pub(crate) async fn next<S: Stream + Unpin>(
        &mut self,
        items: &mut S,
        mut hand_on: impl FnMut() -> io::Result<()>,
    ) -> Result<Option<S::Item>, Failure> {
        let next = loop {
            if let Some(next) = items.next().now_or_never() {
                break next;
            }
            // A read lets others have their turn even if it has not come to its end.
            let until = self.since.map(|since| since + MOMENT);
            if until.is_some_and(|until| until <= Instant::now()) {
                hand_on().map_err(Failure::Output)?;
                self.since = None;
            }
            tokio::select! {
                biased;
                () = self.stop.asked() => {
                    hand_on().map_err(Failure::Output)?;
                    return Err(OpsError::Stopped { hint: self.hint.to_owned() }.into());
                }
                next = items.next() => break next,
                () = sleep_until(self.since.unwrap_or_else(Instant::now) + MOMENT), if self.since.is_some() => {}
            }
        };
        if next.is_some() {
            self.since.get_or_insert_with(Instant::now);
        }
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Poll;

    use futures::stream;
    use tokio::sync::Notify;
    use trunkline::messages::Stopper;

    use super::*;

    fn block_on<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
    }

    #[test]
    fn what_was_found_is_handed_on_while_nothing_else_is() {
        let (_stopper, stop) = Stopper::new();
        let (handed_on, count) = (Notify::new(), AtomicUsize::new(0));
        // The second is found only when somebody has got the first.
        let mut items = stream::iter([1])
            .chain(stream::once(async {
                handed_on.notified().await;
                2
            }))
            .boxed_local();
        let mut waiting = Waiting::new(stop, "");
        let hand_on = || {
            count.fetch_add(1, Ordering::Relaxed);
            handed_on.notify_one();
            Ok(())
        };
        block_on(async {
            for wanted in [Some(1), Some(2), None] {
                assert_eq!(waiting.next(&mut items, hand_on).await.unwrap(), wanted);
            }
        });
        assert_eq!(count.into_inner(), 1);
    }

    #[test]
    fn a_read_that_never_waits_for_long_hands_on_as_well() {
        let (_stopper, stop) = Stopper::new();
        let handed_on = AtomicUsize::new(0);
        // Always about to find something, as one that looks at many that are not wanted.
        let mut items = stream::iter([1])
            .chain(stream::poll_fn(|ctx| {
                ctx.waker().wake_by_ref();
                if handed_on.load(Ordering::Relaxed) == 0 { Poll::Pending } else { Poll::Ready(None) }
            }))
            .boxed_local();
        let mut waiting = Waiting::new(stop, "");
        let hand_on = || {
            handed_on.store(1, Ordering::Relaxed);
            Ok(())
        };
        block_on(async {
            assert_eq!(waiting.next(&mut items, hand_on).await.unwrap(), Some(1));
            assert_eq!(waiting.next(&mut items, hand_on).await.unwrap(), None);
        });
    }

    #[test]
    fn an_interrupted_read_hands_on_what_it_has_and_says_how_to_go_on() {
        let (stopper, stop) = Stopper::new();
        let mut items = stream::iter([1])
            .chain(stream::poll_fn(move |_| {
                stopper.stop();
                Poll::Pending
            }))
            .boxed_local();
        let (mut waiting, mut handed_on) = (Waiting::new(stop, "go on"), 0);
        block_on(async {
            assert_eq!(waiting.next(&mut items, || Ok(())).await.unwrap(), Some(1));
            let failed = waiting.next(&mut items, || {
                handed_on += 1;
                Ok(())
            });
            assert_eq!(failed.await.unwrap_err().hints(), ["go on"]);
        });
        assert_eq!(handed_on, 1);
    }
}
