//! Writers as tasks: for engines that can be awaited.

use futures::future::try_join_all;
use tokio::runtime::Handle;

use super::{Commit, Writer};
use crate::failure::{Failure, Result};
use crate::rounds::Round;

/// A way to append that each task has its own of.
pub(super) trait Appender: Clone + Send + Sync + 'static {
    /// Appends a commit and returns what the next commit to its stream expects.
    fn append(&self, commit: Commit) -> impl Future<Output = Result<u64>> + Send;
}

/// Runs every writer in a task of its own until the round is over; returns how many events they appended.
pub(super) fn append(
    appender: &impl Appender,
    writers: &mut Vec<Writer>,
    batch: usize,
    round: &Round,
    runtime: &Handle,
) -> Result<u64> {
    let tasks = writers.drain(..).map(|mut writer| {
        let (appender, round) = (appender.clone(), round.clone());
        let task = runtime.spawn(async move {
            let mut events = 0;
            while round.goes_on() {
                let commit = writer.commit(batch);
                let stream = commit.stream;
                writer.saw(stream, appender.append(commit).await?);
                events += batch as u64;
            }
            Ok((writer, events))
        });
        async move { task.await.map_err(|error| Failure::io("run a writer")(error.into()))? }
    });
    let ended = runtime.block_on(try_join_all(tasks.collect::<Vec<_>>()))?;
    let events = ended.iter().map(|(_, events)| events).sum();
    writers.extend(ended.into_iter().map(|(writer, _)| writer));
    Ok(events)
}
