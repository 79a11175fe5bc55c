//! The process that appends until it is killed: this test binary itself, started again with orders.

use std::collections::HashMap;
use std::io::{self, Write as _};
use std::path::PathBuf;

use trunkline_core::{Append, Appended, Expected, StreamName, Version};
use trunkline_store::{AppendError, EventStore, EventStoreExt as _, LogStore};

use super::load::{Key, Load, Whose, refused_event};
use crate::random::Random;

/// The variable with the orders: seed, run and folder. Where it isn't set, there is nothing to do.
pub(super) const ORDERS: &str = "TRUNKLINE_KILL_ORDERS";

/// The name under which the test binary knows the worker.
pub(super) const NAME: &str = "kill::worker::appends_until_it_is_killed";

/// Said before the store is opened.
pub(super) const OPENING: &str = "opening";

/// So many tasks append at the same time.
pub(super) const TASKS: u32 = 16;

/// Not a test by itself: without orders it is done at once.
#[test]
fn appends_until_it_is_killed() {
    let Ok(orders) = std::env::var(ORDERS) else { return };
    let mut orders = orders.splitn(3, ' ');
    let mut order = || orders.next().unwrap();
    let (seed, run, folder) = (order().parse().unwrap(), order().parse().unwrap(), PathBuf::from(order()));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        // The test harness may have left a line unfinished.
        say(&format!("\n{OPENING}"));
        let store = super::open(&folder);
        let tasks = (0..TASKS).map(|task| {
            let appender = Appender { store: store.clone(), seed, run, task, versions: HashMap::new() };
            tokio::spawn(appender.appends_for_ever())
        });
        // One that fails ends the process, which its witness notices.
        futures::future::try_join_all(tasks).await.unwrap();
    });
}

/// A line for the witness. One that nobody can hear any more is a panic, and so the end.
fn say(words: &str) {
    writeln!(io::stdout().lock(), "{words}").unwrap();
}

struct Appender {
    store: LogStore,
    seed: u64,
    run: u32,
    task: u32,
    /// What is known of streams that others write to as well, or that earlier runs have written to.
    versions: HashMap<StreamName, Version>,
}

impl Appender {
    async fn appends_for_ever(mut self) {
        let mut random = Random::new(self.seed ^ u64::from(self.run) << 32 ^ u64::from(self.task));
        let mut done: Vec<Appended> = Vec::new();
        loop {
            let key = Key { run: self.run, task: self.task, number: done.len() as u32 };
            if random.one_in(10) {
                self.is_refused_with_a_wrong_version().await;
            }
            let appended = self.appends(key).await;
            assert!(!appended.repeated, "{key:?} was never appended before");
            say(&acknowledgement(key, &appended));
            done.push(appended);
            if random.one_in(4) {
                let number = random.below(done.len() as u64) as u32;
                self.repeats(Key { number, ..key }, &done[number as usize]).await;
            }
        }
    }

    /// Appends a batch, and where others were first, appends it again after what they have appended.
    async fn appends(&mut self, key: Key) -> Appended {
        let load = Load::of(self.seed, key);
        for write in &load.writes {
            if !self.versions.contains_key(&write.stream) {
                let version = self.store.version(&write.stream).await.unwrap();
                self.versions.insert(write.stream.clone(), version);
            }
        }
        loop {
            let append = load.append(|write| match write.whose {
                Whose::Own | Whose::Contended => Expected::At(self.versions[&write.stream]),
                Whose::New => Expected::NoStream,
                Whose::Shared => Expected::Any,
            });
            match self.store.append(append).await {
                Ok(appended) => {
                    for (write, version) in load.writes.iter().zip(&appended.versions) {
                        self.versions.insert(write.stream.clone(), *version);
                    }
                    return appended;
                }
                Err(AppendError::Conflict { stream, found, .. }) => {
                    let contended = |write: &super::load::Write| write.whose == Whose::Contended;
                    assert!(
                        load.writes.iter().any(|write| write.stream == stream && contended(write)),
                        "{key:?}: nobody else writes to {stream}, and it was found at {found}"
                    );
                    self.versions.insert(stream, found);
                }
                Err(error) => panic!("{key:?}: {error}"),
            }
        }
    }

    /// What was appended before is answered as it was then.
    async fn repeats(&self, key: Key, first: &Appended) {
        let again = self.store.append(Load::of(self.seed, key).append(|_| Expected::NoStream)).await.unwrap();
        assert_eq!(again, Appended { repeated: true, ..first.clone() }, "{key:?}");
    }

    async fn is_refused_with_a_wrong_version(&self) {
        let own: StreamName = format!("own-{}", self.task).parse().unwrap();
        let found = self.store.version(&own).await.unwrap();
        let append = Append::to(own, Expected::At(found.next())).event(refused_event());
        let refused = self.store.append(append).await;
        assert!(
            matches!(&refused, Err(AppendError::Conflict { found: at, .. }) if *at == found),
            "{refused:?} at {found}"
        );
    }
}

/// How an acknowledged batch is told: `ack RUN TASK NUMBER POSITION VERSION...`
fn acknowledgement(key: Key, appended: &Appended) -> String {
    let Key { run, task, number } = key;
    let versions: Vec<String> = appended.versions.iter().map(Version::to_string).collect();
    format!("ack {run} {task} {number} {} {}", appended.position, versions.join(" "))
}
