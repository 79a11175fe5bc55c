//! What an outbox is made of: the log, the queue, the checkpoints, and an application that uses them.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};
use trunkline::messages::FileCheckpoints;
use trunkline::{App, CommandRequest, EventStore as _, LogStore, LogStoreOptions, Timestamp};
use trunkline_queue::{Clock, EmbeddedOptions, EmbeddedQueue, SystemClock};
use trunkline_store::AllRead;

use crate::world::with_file;

/// So many commands are under way at the same time.
pub(super) const AT_ONCE: usize = 64;

/// A message may be in the hands of every process that is killed, and each time counts as an attempt.
pub(super) const ATTEMPTS: u32 = 100;

/// A message of the topic has an event in it, whose type is the name of the command that the message is.
/// Nothing in that command would keep a second effect away.
const FILE: &str = r#"
[commands.Note]
stream: "command.from"
emit: [{ type: "Noted", data: "command" }]

[commands.Noted]
stream: "command.data.to"
emit: [{ type: "Done", data: "command.data" }]

[relay.out]
events: "Noted"
topic: "noted"

[consumers.work]
topics: ["noted"]
dispatch: "command"
on_reject: "dead"
concurrency: 64
retry { max_attempts: 100 }
"#;

/// What an event says, and where it and its effect are to be found.
#[derive(Serialize, Deserialize)]
pub(super) struct Numbered {
    pub(super) n: u64,
    from: String,
    to: String,
}

/// A process's own of all that; one process has it at a time.
pub(super) struct Parts {
    pub(super) app: App,
    pub(super) queue: EmbeddedQueue,
    log: LogStore,
}

/// A clock that is fast, by an hour for each run: what a killed process held comes back at once.
#[derive(Debug)]
pub(crate) struct Later(pub(crate) Duration);

impl Later {
    fn shifted(&self, time: Timestamp, sign: i64) -> Timestamp {
        Timestamp::from_micros(time.as_micros() + sign * i64::try_from(self.0.as_micros()).unwrap())
    }
}

impl Clock for Later {
    fn now(&self) -> Timestamp {
        self.shifted(SystemClock.now(), 1)
    }

    fn wait_until(&self, time: Timestamp) -> BoxFuture<'static, ()> {
        SystemClock.wait_until(self.shifted(time, -1))
    }
}

impl Parts {
    /// Opens, and makes, everything in a folder.
    pub(super) async fn open(folder: &Path, run: u32) -> Self {
        // Small segments, so that a kill also hits where one begins or ends.
        let options = LogStoreOptions { segment_bytes: 1 << 20, ..LogStoreOptions::default() };
        let log = LogStore::open(&folder.join("events"), options).unwrap();
        let clock = Arc::new(Later(Duration::from_secs(3_600) * run));
        let options = EmbeddedOptions { clock, segment_bytes: 1 << 20, ..EmbeddedOptions::default() };
        let queue = EmbeddedQueue::open(&folder.join("queue"), options).unwrap();
        let builder = App::builder().store(log.clone()).queue(queue.clone());
        let builder = builder.checkpoints(FileCheckpoints::new(folder.join("relay")));
        Self { app: with_file(builder, FILE).build().await.unwrap(), queue, log }
    }

    /// Notes what isn't noted yet; and the last of what is, again, as somebody would who never heard of it.
    pub(super) async fn note(&self, events: u64) {
        let found = self.log.read_all(AllRead::default());
        let found: BTreeSet<u64> = found
            .try_filter(|event| futures::future::ready(event.event_type() == "Noted"))
            .map_ok(|event| serde_json::from_slice::<Numbered>(event.data()).unwrap().n)
            .try_collect()
            .await
            .unwrap();
        let again = found.last().map_or(0, |last| last.saturating_sub(AT_ONCE as u64));
        let numbers = (0..events).filter(|number| *number >= again || !found.contains(number));
        let sent = stream::iter(numbers).map(|number| self.app.send(note(number))).buffer_unordered(AT_ONCE);
        sent.try_for_each(|outcome| {
            assert!(outcome.rejection().is_none(), "{outcome:?}");
            futures::future::ready(Ok(()))
        })
        .await
        .unwrap();
    }

    pub(super) async fn close(self) {
        self.app.close().await;
        self.queue.close().await;
        self.log.close().await;
    }
}

fn note(n: u64) -> CommandRequest {
    let data = Numbered { n, from: format!("source-{}", n % 997), to: format!("target-{}", n % 991) };
    CommandRequest::new("Note", serde_json::to_vec(&data).unwrap()).id(format!("note-{n}").parse().unwrap())
}
