//! The consumer: messages are leased, handled and settled.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::{Instant, Interval, MissedTickBehavior};
use trunkline_core::InvalidName;
use trunkline_queue::{
    Adopted, Adoption, Advice, AfterFailure, DeadLetterId, Delivery, GroupName, GroupOptions, MessageQueue,
    OnDead, OperateError, OperateQueue, Receive, ReceiveError, RetryPolicy, SettleError, SubscribeError,
    TopicName,
};
use trunkline_store::AppendError;

use super::handler::{MessageError, MessageHandler};
use super::inbox::{GivenUp, Inbox, shortened};
use super::{Stop, metrics, topic_of};
use crate::follow::{Activity, BackOff};

/// How much longer than its time limit a message is kept from others: time to settle it.
const MARGIN: Duration = Duration::from_secs(10);

/// As much of the error as is kept, in bytes, of an attempt that is not the last: many messages may be waiting for their
/// next one, and all they keep is held in memory.
const RETRY_ERROR_BYTES_MAX: usize = 512;

/// The longest pause that a rate can mean.
const LONGEST_PAUSE: Duration = Duration::from_secs(365 * 24 * 3600);

/// How often a group's given-up messages are looked through for some that this consumer did not give up: a lease that ran
/// out for the last time.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// How many given-up messages are looked at in one go.
const SWEEP_PAGE: usize = 100;

/// How long a consumer that stops waits for what it asked for: a queue that leases messages says so within that time,
/// and what was leased and not heard of would come again only when its lease ends.
const ANSWERED: Duration = Duration::from_millis(50);

/// How many partitions an ordered consumer's topics have.
const PARTITIONS: u16 = 64;

/// What becomes of a message whose command is rejected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnReject {
    /// It is finished: a rejection is an answer.
    #[default]
    Ack,
    /// It becomes a dead letter.
    Dead,
}

/// What a consumer does with its messages.
#[derive(Clone)]
pub enum ConsumerAction {
    /// They are commands, and go to the bus.
    Dispatch(OnReject),
    /// This handler takes them.
    Handle(Arc<dyn MessageHandler>),
}

impl std::fmt::Debug for ConsumerAction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Dispatch(on_reject) => f.debug_tuple("Dispatch").field(on_reject).finish(),
            Self::Handle(_) => f.write_str("Handle"),
        }
    }
}

/// Who takes messages of which topics, and how.
///
/// - Each message is handled at least once, and settled by what came of it: finished, retried after a delay that
///   grows, or a dead letter with the error.
/// - At most [`concurrency`](Consumer::concurrency) messages are handled at a time, over all topics.
/// - A message that is not handled within [`time_limit`](Consumer::time_limit) is retried.
/// - While what handling a message needs can't work, or the queue can't keep what came of it, the message is held and
///   the same is tried again: it is not given up for a full disk.
/// - Asked to stop, it asks for no more, handles what it was given, and returns.
#[derive(Clone, Debug)]
pub struct Consumer {
    /// Its name: part of the ids of what it makes of messages.
    pub name: String,
    /// The names that it had before: it takes over their messages, which keep their ids.
    pub was: Vec<String>,
    /// Where messages come from.
    pub topics: Vec<TopicName>,
    /// The group; consumers of one group share its messages.
    pub group: GroupName,
    /// How many messages are handled at a time.
    pub concurrency: usize,
    /// How long handling one may take.
    pub time_limit: Duration,
    /// How many messages a second are begun at most.
    pub rate: Option<f64>,
    /// Whether messages with the same key are handled in order, one at a time.
    pub ordered: bool,
    /// What becomes of a key whose message is a dead letter, when they are in order.
    pub on_dead: OnDead,
    /// When to try again.
    pub retry: RetryPolicy,
    /// What keeps it from going on.
    pub back_off: BackOff,
}

/// Why a consumer ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConsumerError {
    /// It could not be subscribed.
    #[error(transparent)]
    Subscribe(#[from] SubscribeError),
    /// What it had under an older name could not be taken over.
    #[error("taking over what it had under an older name: {0}")]
    TakeOver(#[from] OperateError),
    /// It got no messages.
    #[error(transparent)]
    Receive(#[from] ReceiveError),
    /// Its name can't be part of a stream's.
    #[error(transparent)]
    Name(#[from] InvalidName),
}

/// Why a message was not settled.
#[derive(Debug, thiserror::Error)]
enum Unsettled {
    #[error(transparent)]
    Queue(#[from] SettleError),
    #[error("it could not be said that it is given up: {0}")]
    Inbox(#[from] AppendError),
}

impl Unsettled {
    /// Whether the same may work later.
    fn passes(&self) -> bool {
        match self {
            Self::Queue(error) => error.advice() == Advice::Retry,
            Self::Inbox(error) => error.advice() == Advice::Retry,
        }
    }
}

impl Consumer {
    /// A consumer with the usual options.
    pub fn new(name: &str, topics: Vec<TopicName>, group: GroupName) -> Self {
        Self {
            name: name.to_owned(),
            was: Vec::new(),
            topics,
            group,
            concurrency: 8,
            time_limit: Duration::from_secs(30),
            rate: None,
            ordered: false,
            on_dead: OnDead::default(),
            retry: RetryPolicy::default(),
            back_off: BackOff::default(),
        }
    }

    /// Takes over what groups of its older names have left: from then on that is its own group's, and says under which
    /// name it may have been handled. Nothing happens where there is nothing, nor in a queue that can't be operated.
    pub async fn take_over(&self, queue: &dyn MessageQueue) -> Result<(), ConsumerError> {
        let Some(queue) = queue.operating() else { return Ok(()) };
        for name in &self.was {
            let Ok(older) = GroupName::new(name) else { continue };
            for topic in &self.topics {
                take_over_in(queue, topic, older.clone(), &self.group, name).await?;
            }
        }
        Ok(())
    }

    /// Subscribes its group to its topics: what is published from then on is for it, whether it runs or not.
    pub async fn subscribe(&self, queue: &dyn MessageQueue) -> Result<(), SubscribeError> {
        let ordered = self.ordered.then_some(PARTITIONS);
        let options = GroupOptions { ordered, on_dead: self.on_dead };
        for topic in &self.topics {
            queue.subscribe(topic.clone(), self.group.clone(), options).await?;
        }
        Ok(())
    }

    /// Handles messages until it is asked to stop.
    ///
    /// With an inbox, every message of its group that is given up has an event there: this consumer appends it before
    /// the message is a dead letter; where the queue gave it up, since its last lease ran out, soon afterwards.
    pub async fn run(
        &self,
        queue: &dyn MessageQueue,
        handler: &dyn MessageHandler,
        inbox: Option<&Inbox>,
        stop: &Stop,
    ) -> Result<(), ConsumerError> {
        self.follow(queue, handler, inbox, &Activity::default(), stop).await
    }

    /// The same, with notice to who waits for rest.
    pub(crate) async fn follow(
        &self,
        queue: &dyn MessageQueue,
        handler: &dyn MessageHandler,
        inbox: Option<&Inbox>,
        activity: &Activity,
        stop: &Stop,
    ) -> Result<(), ConsumerError> {
        self.take_over(queue).await?;
        self.subscribe(queue).await?;
        let permits = Semaphore::new(self.concurrency.max(1));
        let pace = self.pace().map(Mutex::new);
        let mut failed = None;
        let mut idle: Vec<TopicName> = self.topics.clone();
        let mut sweeping = pin!(self.sweep(queue, inbox));
        let mut receiving = FuturesUnordered::new();
        let mut working = FuturesUnordered::new();
        // Until when answers are waited for, once nothing more is asked for.
        let mut deadline = None;
        loop {
            let free = self.concurrency.saturating_sub(working.len());
            if deadline.is_none() && (failed.is_some() || stop.is_asked()) {
                deadline = Some(Instant::now() + ANSWERED);
            }
            if deadline.is_some() && receiving.is_empty() && working.is_empty() {
                break;
            }
            if deadline.is_none() && free > 0 {
                // Every topic is waited on, and they share what is free. A message beyond the concurrency waits for
                // a permit.
                let share = (free / self.topics.len().max(1)).max(1);
                let receive = |topic| self.receive(queue, pace.as_ref(), topic, share, stop);
                receiving.extend(idle.drain(..).map(receive));
            }
            tokio::select! {
                Some((topic, received)) = receiving.next(), if !receiving.is_empty() => {
                    idle.push(topic);
                    match received {
                        Ok(received) => {
                            metrics::count_delivered(&self.name, received.len());
                            let handle = |delivery| self.handle(queue, handler, inbox, &permits, delivery, stop);
                            working.extend(received.into_iter().map(handle));
                        }
                        Err(error) => failed = failed.or(Some(error)),
                    }
                }
                Some(()) = working.next(), if !working.is_empty() => activity.notify(),
                never = &mut sweeping => match never {},
                () = stop.asked(), if deadline.is_none() => {}
                () = until(deadline), if !receiving.is_empty() => receiving.clear(),
            }
        }
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Leases messages: with a rate, one at its pace, so that no lease runs while its message waits for its turn.
    async fn receive(
        &self,
        queue: &dyn MessageQueue,
        pace: Option<&Mutex<Interval>>,
        topic: TopicName,
        max: usize,
        stop: &Stop,
    ) -> (TopicName, Result<Vec<Delivery>, ReceiveError>) {
        let max = if let Some(pace) = pace {
            pace.lock().await.tick().await;
            1
        } else {
            max
        };
        let receive = Receive::new(topic.clone(), self.group.clone())
            .consumer(self.name.as_str())
            .max(max)
            .visibility(self.time_limit + MARGIN)
            .max_attempts(self.retry.max_attempts);
        let mut received = queue.receive(receive.clone()).await;
        while let Err(error) = &received
            && error.advice() == Advice::Retry
        {
            if !self.wait(error, stop).await {
                return (topic, Ok(Vec::new()));
            }
            received = queue.receive(receive.clone()).await;
            if received.is_ok() {
                self.back_off.reset();
            }
        }
        (topic, received)
    }

    /// Handles a message, once there is a permit for it, and settles it.
    async fn handle(
        &self,
        queue: &dyn MessageQueue,
        handler: &dyn MessageHandler,
        inbox: Option<&Inbox>,
        permits: &Semaphore,
        delivery: Delivery,
        stop: &Stop,
    ) {
        let leased = Instant::now();
        let _permit = permits.acquire().await;
        let mut settled = Ok(());
        if leased.elapsed() > MARGIN / 2 {
            // It has waited for its turn; the time that handling may take begins now.
            let extended = queue.extend(&delivery.lease, self.time_limit + MARGIN).await;
            settled = extended.map(drop).map_err(Unsettled::from);
        }
        if settled.is_ok() {
            settled = self.handle_and_settle(queue, handler, inbox, &delivery, stop).await;
        }
        if let Err(error) = settled {
            // The message comes again when its lease ends, or is a dead letter then; its id makes that harmless.
            tracing::warn!(consumer = self.name, message = %delivery.message.id, %error, "not settled");
        }
    }

    /// Handles a message and settles it, each again while what it needs can't work.
    async fn handle_and_settle(
        &self,
        queue: &dyn MessageQueue,
        handler: &dyn MessageHandler,
        inbox: Option<&Inbox>,
        delivery: &Delivery,
        stop: &Stop,
    ) -> Result<(), Unsettled> {
        let mut outcome = self.call_handler(handler, delivery).await;
        while let Err(error @ MessageError::Unavailable { .. }) = &outcome {
            if !self.wait(error, stop).await {
                break;
            }
            match queue.extend(&delivery.lease, self.time_limit + MARGIN).await {
                Err(error) if error.advice() != Advice::Retry => return Err(error.into()),
                _ => outcome = self.call_handler(handler, delivery).await,
            }
        }
        let mut settled = self.settle(queue, inbox, delivery, &outcome).await;
        while let Err(error) = &settled
            && error.passes()
            && self.wait(error, stop).await
        {
            settled = self.settle(queue, inbox, delivery, &outcome).await;
        }
        if settled.is_ok() && !matches!(outcome, Err(MessageError::Unavailable { .. })) {
            self.back_off.reset();
        }
        settled
    }

    /// Lets the handler have a message for as long as it may take.
    async fn call_handler(
        &self,
        handler: &dyn MessageHandler,
        delivery: &Delivery,
    ) -> Result<(), MessageError> {
        let outcome = tokio::time::timeout(self.time_limit, handler.handle(delivery)).await;
        let late = || Err(MessageError::retry(format!("not handled within {:?}", self.time_limit)));
        outcome.unwrap_or_else(|_| late())
    }

    /// Waits before the same is tried again; whether that was it, rather than that it was asked to stop.
    async fn wait(&self, error: &(dyn std::error::Error + Sync), stop: &Stop) -> bool {
        self.back_off.wait(&format!("consumer `{}`", self.name), error, stop).await
    }

    async fn settle(
        &self,
        queue: &dyn MessageQueue,
        inbox: Option<&Inbox>,
        delivery: &Delivery,
        handled: &Result<(), MessageError>,
    ) -> Result<(), Unsettled> {
        let error = match handled {
            Ok(()) => return Ok(queue.ack(&delivery.lease).await?),
            Err(error) => error,
        };
        tracing::info!(consumer = self.name, message = %delivery.message.id, attempt = delivery.attempt, %error, "failed");
        match error.next(&self.retry, delivery.attempt) {
            AfterFailure::After(delay) => {
                let reason = error.to_string();
                let reason = shortened(&reason, RETRY_ERROR_BYTES_MAX).to_owned();
                queue.retry(&delivery.lease, delay, reason).await?;
                metrics::count_retried(&self.name);
            }
            AfterFailure::Dead => {
                let reason = error.to_string();
                if let Some(inbox) = inbox {
                    inbox.give_up(&GivenUp::held(delivery, &reason)).await?;
                }
                queue.reject(&delivery.lease, reason).await?;
                metrics::count_dead(&self.name);
            }
        }
        Ok(())
    }

    /// Gives the inbox the group's dead letters, also those of a time when no consumer ran.
    async fn sweep(&self, queue: &dyn MessageQueue, inbox: Option<&Inbox>) -> Infallible {
        let Some(inbox) = inbox else { return std::future::pending().await };
        let mut pace = tokio::time::interval(SWEEP_EVERY);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut passed: Vec<_> = self.topics.iter().map(|topic| (topic, None)).collect();
        loop {
            pace.tick().await;
            for (topic, after) in &mut passed {
                // What fails now is tried again at the next tick.
                if let Err(error) = self.sweep_topic(queue, inbox, topic, after).await {
                    tracing::warn!(consumer = self.name, error, "dead letters are not told of yet");
                }
            }
        }
    }

    async fn sweep_topic(
        &self,
        queue: &dyn MessageQueue,
        inbox: &Inbox,
        topic: &TopicName,
        after: &mut Option<DeadLetterId>,
    ) -> Result<(), String> {
        loop {
            let given_up = queue.given_up(topic.clone(), self.group.clone(), after.clone(), SWEEP_PAGE).await;
            let dead_letters = given_up.map_err(|error| error.to_string())?;
            if dead_letters.is_empty() {
                return Ok(());
            }
            for letter in dead_letters {
                if inbox.give_up(&GivenUp::dead(&letter)).await.map_err(|error| error.to_string())? {
                    tracing::warn!(
                        consumer = self.name, message = %letter.message.id, error = letter.error(),
                        "a message was given up by the queue"
                    );
                    metrics::count_dead(&self.name);
                }
                *after = Some(letter.id);
            }
        }
    }

    fn pace(&self) -> Option<Interval> {
        let rate = self.rate.filter(|rate| rate.is_finite() && *rate > 0.0)?;
        // A pause of nothing, or one too long to be said, is no interval.
        let pause = Duration::try_from_secs_f64(1.0 / rate).unwrap_or(LONGEST_PAUSE);
        let mut pace = tokio::time::interval(pause.clamp(Duration::from_nanos(1), LONGEST_PAUSE));
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Some(pace)
    }
}

/// Gives what an older name's group has in a topic to a group; what has been given before is not there any more.
async fn take_over_in(
    queue: &dyn OperateQueue,
    topic: &TopicName,
    older: GroupName,
    group: &GroupName,
    name: &str,
) -> Result<(), OperateError> {
    if topic_of(group).is_ok_and(|window| window == *topic)
        && let Ok(window) = topic_of(&older)
        && window != *topic
    {
        // Events wait in a topic of their group's own.
        match queue.rename_topic(window.clone(), topic.clone()).await {
            Ok(()) | Err(OperateError::NoTopic { .. }) => {}
            Err(OperateError::TopicTaken { .. }) => {
                tracing::warn!(%topic, left = %window, "both topics are there; every event comes by the newer");
            }
            Err(error) => return Err(error),
        }
    }
    let adoption = |from| Adoption { topic: topic.clone(), from, to: group.clone(), name: name.to_owned() };
    let adopted = match queue.adopt(adoption(older)).await {
        // The group may have the name that it had, while the consumer's is another.
        Err(OperateError::NoTopic { .. } | OperateError::NoGroup { .. }) => {
            queue.adopt(adoption(group.clone())).await
        }
        adopted => adopted,
    };
    match adopted {
        Err(OperateError::NoTopic { .. } | OperateError::NoGroup { .. }) => Ok(()),
        adopted => {
            let Adopted { messages, dead } = adopted?;
            if messages + dead > 0 {
                tracing::info!(%topic, %group, older = name, messages, dead, "messages of an older name");
            }
            Ok(())
        }
    }
}

/// Waits for a time, or for ever when there is none.
async fn until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}
