//! What an application's consumers have left to do, now or soon, and what is said of it while somebody waits.

use std::time::Duration;

use tokio::time::Instant;
use trunkline_core::{Position, Timestamp};
use trunkline_queue::{GroupStats, MessageQueue, OperateError, StorageError, TopicName, Unfinished};

use crate::App;

/// What is due within this time is waited for: a retry, a message with a short delay. What comes later would make a run
/// as long as the longest delay.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// How long nothing is said of what is waited for, and how long nothing more.
const QUIET: Duration = Duration::from_secs(1);
const AGAIN: Duration = Duration::from_secs(10);

/// What consumers of the application have left.
#[derive(Debug, Default)]
pub(crate) struct Left {
    /// How many messages can be handed out, or are being handled.
    pub(crate) due: u64,
    /// All that is waited for, in words.
    pub(crate) waits: Vec<String>,
}

impl Left {
    /// Whether nothing is left that is waited for.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.waits.is_empty()
    }
}

/// What is left for the consumers of the application: their groups' numbers are looked at where a queue has numbers and the
/// quick count says that something is left. Groups that none of them takes don't count: they would be waited
/// for in vain.
pub(crate) async fn left(app: &App, queue: &dyn MessageQueue) -> Result<Left, StorageError> {
    let unfinished = queue.unfinished(None).await?;
    left_of(app, queue, unfinished).await
}

/// The same where the quick count is known.
pub(crate) async fn left_of(
    app: &App,
    queue: &dyn MessageQueue,
    unfinished: Unfinished,
) -> Result<Left, StorageError> {
    if unfinished.is_at_rest() {
        return Ok(Left::default());
    }
    let stats = match queue.operating() {
        Some(operating) => match operating.stats().await {
            Ok(stats) => Some(stats),
            Err(OperateError::Storage(error)) => return Err(error),
            Err(_) => None,
        },
        None => None,
    };
    let Some(stats) = stats else {
        let messages = unfinished.due + unfinished.delayed;
        return Ok(Left { due: unfinished.due, waits: vec![format!("{} of the queue", counted(messages))] });
    };
    let mut left = Left::default();
    for topic in &stats.topics {
        for group in &topic.groups {
            if let Some(consumer) = app.consumer_of(&topic.topic, &group.group) {
                left.due += group.waiting + group.leased;
                left.waits.extend(waits(consumer, &topic.topic, group, stats.at));
            }
        }
    }
    Ok(left)
}

/// What is waited for of a group.
fn waits(consumer: &str, topic: &TopicName, group: &GroupStats, now: Timestamp) -> Vec<String> {
    let mut waits = Vec::new();
    let due = group.waiting + group.leased;
    if due > 0 {
        let held = if group.leased > 0 { format!(", {} in work", group.leased) } else { String::new() };
        waits.push(format!("consumer `{consumer}` for {} of topic `{topic}`{held}", counted(due)));
    }
    if group.delayed > 0 {
        let others = match group.delayed {
            1 => String::new(),
            count => format!(" and {} after it", counted(count - 1)),
        };
        match group.next_due {
            Some(next) if micros(SOON) < next.at.as_micros().saturating_sub(now.as_micros()) => {}
            Some(next) => {
                let what = if next.attempts > 0 { "a retry" } else { "a delayed message" };
                let micros = next.at.as_micros().saturating_sub(now.as_micros());
                let seconds = u64::try_from(micros).unwrap_or_default().div_ceil(1_000_000);
                waits.push(format!(
                    "{what} of topic `{topic}` for consumer `{consumer}`, due in {seconds} s{others}"
                ));
            }
            None => {
                let messages = counted(group.delayed);
                waits.push(format!("{messages} of topic `{topic}` for consumer `{consumer}`, delayed"));
            }
        }
    }
    waits
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

fn counted(messages: u64) -> String {
    if messages == 1 { "1 message".to_owned() } else { format!("{messages} messages") }
}

/// What of the application has not read all events up to the log's head.
pub(crate) fn behind(app: &App, head: Position) -> Vec<String> {
    let mut behind = Vec::new();
    let mut note = |part: String, position: Position| {
        if position < head {
            behind.push(format!("{part} to read {}", events(head.get() - position.get())));
        }
    };
    note("sagas".to_owned(), app.sagas().passed());
    for (name, position) in app.relay_positions() {
        note(format!("relay `{name}`"), position);
    }
    let setbacks = app.waiting_parts().into_iter();
    behind.extend(setbacks.map(|(part, _, reason)| format!("{part}, which is kept from going on: {reason}")));
    behind
}

pub(crate) fn events(count: u64) -> String {
    if count == 1 { "1 event".to_owned() } else { format!("{count} events") }
}

/// Says what is waited for, once that has taken a while.
pub(crate) struct Teller<'a> {
    tell: &'a mut (dyn FnMut(&[String]) + Send),
    next: Instant,
}

impl<'a> Teller<'a> {
    /// Somebody begins to wait.
    pub(crate) fn new(tell: &'a mut (dyn FnMut(&[String]) + Send)) -> Self {
        Self { tell, next: Instant::now() + QUIET }
    }

    /// Whether it is time to say something.
    pub(crate) fn is_time(&self) -> bool {
        Instant::now() >= self.next
    }

    /// Says it, and nothing more for a while.
    pub(crate) fn say(&mut self, waits: &[String]) {
        if self.is_time() && !waits.is_empty() {
            self.next = Instant::now() + AGAIN;
            (self.tell)(waits);
        }
    }
}
