//! The process that has the queue is killed under load; what it had told a witness must be so.
//!
//! The witness is a pipe: what the killed process has written to it, it had been told by the queue.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use trunkline_queue::{
    EmbeddedOptions, EmbeddedQueue, GroupName, GroupOptions, MessageQueue, NewMessage, OperateQueue,
    Published, Receive, TopicName,
};

/// Set for the process that is killed: the queue's folder, and a number that its messages begin with.
const WORKER: &str = "TRUNKLINE_QUEUE_WORKER";

fn names() -> (TopicName, GroupName) {
    ("orders".parse().unwrap(), "mail".parse().unwrap())
}

fn options() -> EmbeddedOptions {
    EmbeddedOptions { segment_bytes: 64 << 10, ..EmbeddedOptions::default() }
}

fn message(id: &str) -> NewMessage {
    NewMessage::new("Ping", vec![7; 256]).id(id.parse().unwrap())
}

/// Not a test of its own: what the killed process does. Elsewhere it has nothing to do.
#[test]
fn worker() {
    let Ok(given) = std::env::var(WORKER) else { return };
    let (round, path) = given.split_once(' ').unwrap();
    let (round, path) = (round.to_owned(), PathBuf::from(path));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async move {
        let queue = EmbeddedQueue::open(&path, options()).unwrap();
        let (topic, group) = names();
        queue.subscribe(topic.clone(), group.clone(), GroupOptions::default()).await.unwrap();
        for publisher in 0..4 {
            let (queue, topic, round) = (queue.clone(), topic.clone(), round.clone());
            tokio::spawn(async move {
                for number in 0.. {
                    let id = format!("{round}-{publisher}-{number}");
                    queue.publish(topic.clone(), vec![message(&id)]).await.unwrap();
                    println!("\npublished {id}");
                }
            });
        }
        loop {
            let deliveries = queue.receive(Receive::new(topic.clone(), group.clone()).max(5)).await.unwrap();
            for delivery in deliveries {
                queue.ack(&delivery.lease).await.unwrap();
                println!("\nacked {}", delivery.message.id);
            }
        }
    });
}

/// Runs the worker until it has said so much, and kills it; what it had said.
fn run_and_kill(path: &Path, round: usize, lines: usize) -> Vec<String> {
    let mut worker = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::worker", "--nocapture", "--test-threads=1"])
        .env(WORKER, format!("{round} {}", path.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(worker.stdout.take().unwrap());
    let mut said = Vec::new();
    let mut line = String::new();
    while output.read_line(&mut line).unwrap() > 0 {
        // A line that was cut off was never said.
        if line.ends_with('\n') && line.contains(' ') {
            said.push(line.trim().to_owned());
        }
        line.clear();
        if said.len() == lines {
            worker.kill().unwrap();
        }
    }
    worker.wait().unwrap();
    said
}

#[tokio::test]
async fn what_a_killed_process_was_told_is_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue");
    let rounds = if std::env::var_os("TRUNKLINE_SLOW").is_some_and(|value| value != "0") { 20 } else { 4 };
    let (mut published, mut acked) = (BTreeSet::new(), BTreeSet::new());
    for round in 0..rounds {
        for line in run_and_kill(&path, round, 300 + 217 * round) {
            if let Some(id) = line.strip_prefix("published ") {
                published.insert(id.to_owned());
            } else if let Some(id) = line.strip_prefix("acked ") {
                acked.insert(id.to_owned());
            }
        }
    }
    assert!(published.len() > 100 && acked.len() > 100, "{} and {}", published.len(), acked.len());
    let queue = EmbeddedQueue::open(&path, options()).unwrap();
    let (topic, group) = names();
    for id in &published {
        let again = queue.publish(topic.clone(), vec![message(id)]).await.unwrap();
        assert_eq!(again, [Published::AlreadyThere], "{id} is lost");
    }
    let counts = queue.stats().await.unwrap().topics.remove(0).groups.remove(0);
    let mut came = BTreeSet::new();
    loop {
        let receive = Receive::new(topic.clone(), group.clone()).max(1_000).now();
        let deliveries = queue.receive(receive).await.unwrap();
        if deliveries.is_empty() {
            break;
        }
        came.extend(deliveries.into_iter().map(|delivery| delivery.message.id.to_string()));
    }
    let again: Vec<_> = came.intersection(&acked).collect();
    assert!(again.is_empty(), "what was acknowledged comes again: {again:?}");
    // Acknowledged by the killed process without having said so; all others come, also those that it held.
    assert_eq!(counts.leased, 0);
    let missing = published.iter().filter(|id| !came.contains(*id) && !acked.contains(*id)).count();
    assert!(missing <= rounds * 5, "{missing} are missing");
}
