//! Opening the queue that a place names, and saying so.

use std::time::Duration;

use indicatif::HumanBytes;
use trunkline::{Backends, OpenQueue, OpenQueueError, OpenQueueOptions, Place};
use trunkline_queue::{EmbeddedQueue, MessageQueueExt as _, OpenError, QueueStats};

use super::{QueueArgs, QueueFailure};
use crate::failure::Failure;
use crate::output::Output;

/// Opens a queue; makes it when there is none, if that is wanted.
pub(crate) async fn open(
    args: &QueueArgs,
    owner: &str,
    create: bool,
    output: &mut Output<'_>,
) -> Result<OpenQueue, Failure> {
    let place = args.place().map_err(QueueFailure::from)?;
    let owner = format!("{owner} (process {})", std::process::id());
    let opened = at(&place, owner, create).await?;
    if create {
        output.say(format_args!("queue {place}"));
    }
    if opened.rolled_back_bytes() > 0 {
        let bytes = HumanBytes(opened.rolled_back_bytes());
        output.warn(format_args!("rolled back {bytes} of a commit that was cut off"));
    }
    Ok(opened)
}

async fn at(place: &Place, owner: String, create: bool) -> Result<OpenQueue, QueueFailure> {
    // How long dead letters are kept is for the application to say, whose file is not known here.
    let options = OpenQueueOptions { owner, create, dead_letter_ttl: Duration::MAX };
    Ok(Backends::standard().open_messages(place, options).await?)
}

/// The numbers of a queue, also beside the process that has it; then with who that is.
pub(crate) async fn numbers(args: &QueueArgs) -> Result<(QueueStats, Option<String>), Failure> {
    numbers_at(&args.place().map_err(QueueFailure::from)?).await
}

/// The numbers of the queue of a place, likewise.
pub(crate) async fn numbers_at(place: &Place) -> Result<(QueueStats, Option<String>), Failure> {
    let (source, place) = match at(place, "trunkline queue stats".to_owned(), false).await {
        Ok(opened) => {
            let stats = async { opened.queue.operate()?.stats().await }.await;
            opened.close().await;
            return Ok((stats.map_err(QueueFailure::from)?, None));
        }
        Err(QueueFailure::Open(OpenQueueError::Open { source, place })) => (source, place),
        Err(error) => return Err(error.into()),
    };
    if let OpenError::InUse { folder, owner } = &source {
        let published = EmbeddedQueue::published_numbers(place.dsn.path());
        let what = || format!("reading the numbers of {folder}");
        if let Some(stats) = published.map_err(|source| Failure::File { what: what(), source })? {
            return Ok((stats, Some(owner.clone())));
        }
    }
    Err(QueueFailure::from(OpenQueueError::Open { source, place }).into())
}
