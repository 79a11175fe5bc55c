//! Opening the queue that a place names, and saying so.

use trunkline::OpenQueue;
use trunkline_ops::messages::{open_queue, queue_numbers};
use trunkline_ops::words::size;
use trunkline_queue::QueueStats;

use super::QueueArgs;
use crate::failure::Failure;
use crate::output::Output;

/// Opens a queue; makes it when there is none, if that is wanted.
pub(crate) async fn open(
    args: &QueueArgs,
    owner: &str,
    create: bool,
    output: &mut Output<'_>,
) -> Result<OpenQueue, Failure> {
    let place = args.place()?;
    let owner = format!("{owner} (process {})", std::process::id());
    let opened = open_queue(&place, &owner, create).await?;
    if create {
        output.say(format_args!("queue {place}"));
    }
    if opened.rolled_back_bytes() > 0 {
        let bytes = size(opened.rolled_back_bytes());
        output.warn(format_args!("rolled back {bytes} of a commit that was cut off"));
    }
    Ok(opened)
}

/// The numbers of a queue, also beside the process that has it; then with who that is.
pub(crate) async fn numbers(args: &QueueArgs) -> Result<(QueueStats, Option<String>), Failure> {
    Ok(queue_numbers(&args.place()?).await?)
}
