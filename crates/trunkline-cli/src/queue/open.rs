//! The one place that knows which backend a queue's DSN means, and opens it.

use std::sync::Arc;

use indicatif::HumanBytes;
use trunkline_queue::{EmbeddedOptions, EmbeddedQueue, MessageQueue, OpenError, QueueStats};

use super::{QueueArgs, QueueFailure};
use crate::failure::Failure;
use crate::output::Output;

/// An open queue.
pub(crate) struct Opened {
    pub(crate) queue: Arc<dyn MessageQueue>,
    /// What has to be closed in its own way.
    embedded: EmbeddedQueue,
}

impl Opened {
    /// Closes the queue, which confirms what was done.
    pub(crate) async fn close(self) {
        self.embedded.close().await;
    }
}

/// Opens a queue; makes it when there is none, if that is wanted.
pub(crate) fn open(
    args: &QueueArgs,
    owner: &str,
    create: bool,
    output: &mut Output<'_>,
) -> Result<Opened, Failure> {
    let place = args.place().map_err(QueueFailure::from)?;
    let owner = format!("{owner} (process {})", std::process::id());
    let options = EmbeddedOptions { owner, create, ..EmbeddedOptions::default() };
    let embedded = EmbeddedQueue::open(&place.path, options)
        .map_err(|source| QueueFailure::Open { source, place: place.clone() })?;
    if create {
        output.say(format_args!("queue {place}"));
    }
    let rolled_back = embedded.rolled_back_bytes();
    if rolled_back > 0 {
        let bytes = HumanBytes(rolled_back);
        output.warn(format_args!("rolled back {bytes} of a commit that was cut off"));
    }
    Ok(Opened { queue: Arc::new(embedded.clone()), embedded })
}

/// The numbers of a queue, also beside the process that has it; then with who that is.
pub(crate) async fn numbers(args: &QueueArgs) -> Result<(QueueStats, Option<String>), Failure> {
    let place = args.place().map_err(QueueFailure::from)?;
    let options = EmbeddedOptions {
        owner: "trunkline queue stats".to_owned(),
        create: false,
        ..EmbeddedOptions::default()
    };
    match EmbeddedQueue::open(&place.path, options) {
        Ok(queue) => {
            let stats = queue.stats().await;
            queue.close().await;
            Ok((stats.map_err(QueueFailure::from)?, None))
        }
        Err(OpenError::InUse { folder, owner }) => {
            let published = EmbeddedQueue::published_numbers(&place.path);
            let what = || format!("reading the numbers of {folder}");
            match published.map_err(|source| Failure::File { what: what(), source })? {
                Some(stats) => Ok((stats, Some(owner))),
                None => Err(QueueFailure::Open { source: OpenError::InUse { folder, owner }, place }.into()),
            }
        }
        Err(source) => Err(QueueFailure::Open { source, place }.into()),
    }
}
