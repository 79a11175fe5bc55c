//! The embedded queue.

use std::path::PathBuf;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, try_join_all};
use trunkline_queue::{
    Delivery, EmbeddedOptions, EmbeddedQueue, GroupName, GroupOptions, MessageQueue, NewMessage,
    OperateQueue, Receive, TopicName,
};

use super::engine::{Consumer, Engine, Publisher};
use crate::failure::{Failure, Result};
use crate::scratch::Scratch;

const NAME: &str = "trunkline";
const FOLDER: &str = "embedded";

#[derive(Clone)]
pub(super) struct Embedded {
    queue: EmbeddedQueue,
}

impl Embedded {
    pub(super) fn open(scratch: &Scratch) -> Result<Self> {
        scratch.subfolder(FOLDER)?;
        Self::reopen(scratch)
    }

    /// Who consumes a topic, in the one group.
    pub(super) fn taker(&self, topic: &str, number: usize) -> Result<EmbeddedConsumer> {
        let receive = Receive::new(topic_name(topic)?, group()?).consumer(format!("consumer-{number}"));
        Ok(EmbeddedConsumer { queue: self.queue.clone(), receive })
    }

    /// The queue itself, for what other queues are not asked to do.
    pub(super) fn queue(&self) -> &EmbeddedQueue {
        &self.queue
    }

    /// Where its files are.
    pub(super) fn folder(scratch: &Scratch) -> PathBuf {
        scratch.path().join(FOLDER)
    }

    /// Opens it again, with what was in it.
    pub(super) fn reopen(scratch: &Scratch) -> Result<Self> {
        let queue = EmbeddedQueue::open(&Self::folder(scratch), EmbeddedOptions::default());
        Ok(Self { queue: queue.map_err(Failure::engine(NAME))? })
    }
}

pub(super) fn topic_name(topic: &str) -> Result<TopicName> {
    topic.parse().map_err(Failure::engine(NAME))
}

pub(super) fn group() -> Result<GroupName> {
    "bench".parse().map_err(Failure::engine(NAME))
}

impl Engine for Embedded {
    fn name(&self) -> &'static str {
        NAME
    }

    fn topic<'a>(&'a self, topic: &'a str) -> BoxFuture<'a, Result<()>> {
        async move {
            let made = self.queue.subscribe(topic_name(topic)?, group()?, GroupOptions::default()).await;
            made.map(drop).map_err(Failure::engine(NAME))
        }
        .boxed()
    }

    fn publisher<'a>(&'a self, topic: &'a str) -> BoxFuture<'a, Result<Box<dyn Publisher>>> {
        async move {
            let publisher = EmbeddedPublisher { queue: self.queue.clone(), topic: topic_name(topic)? };
            Ok(Box::new(publisher) as Box<dyn Publisher>)
        }
        .boxed()
    }

    fn consumer<'a>(&'a self, topic: &'a str, number: usize) -> BoxFuture<'a, Result<Box<dyn Consumer>>> {
        async move { Ok(Box::new(self.taker(topic, number)?) as Box<dyn Consumer>) }.boxed()
    }

    fn clear<'a>(&'a self, topic: &'a str) -> BoxFuture<'a, Result<()>> {
        async move {
            self.queue.unsubscribe(topic_name(topic)?, group()?).await.map_err(Failure::engine(NAME))?;
            let cleared = self.queue.purge(topic_name(topic)?, None).await;
            cleared.map(drop).map_err(Failure::engine(NAME))
        }
        .boxed()
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        async move { self.queue.close().await }.boxed()
    }
}

struct EmbeddedPublisher {
    queue: EmbeddedQueue,
    topic: TopicName,
}

impl Publisher for EmbeddedPublisher {
    fn publish(&mut self, messages: Vec<Vec<u8>>) -> BoxFuture<'_, Result<()>> {
        async move {
            let messages = messages.into_iter().map(|payload| NewMessage::new("Bench", payload)).collect();
            let published = self.queue.publish(self.topic.clone(), messages).await;
            published.map(drop).map_err(Failure::engine(NAME))
        }
        .boxed()
    }
}

pub(super) struct EmbeddedConsumer {
    queue: EmbeddedQueue,
    receive: Receive,
}

impl EmbeddedConsumer {
    /// Takes what waits, at most so much, without waiting for more, and acknowledges it. How much there was.
    pub(super) async fn take(&self, max: usize) -> Result<usize> {
        let received = self.queue.receive(self.receive.clone().max(max).now()).await;
        self.finish(received.map_err(Failure::engine(NAME))?, &mut |_| ()).await
    }

    async fn finish(
        &self,
        deliveries: Vec<Delivery>,
        handle: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<usize> {
        for delivery in &deliveries {
            handle(&delivery.message.payload);
        }
        let acks = deliveries.iter().map(|delivery| self.queue.ack(&delivery.lease));
        try_join_all(acks).await.map_err(Failure::engine(NAME))?;
        Ok(deliveries.len())
    }
}

impl Consumer for EmbeddedConsumer {
    fn work<'a>(
        &'a mut self,
        max: usize,
        handle: &'a mut (dyn FnMut(&[u8]) + Send),
    ) -> BoxFuture<'a, Result<usize>> {
        async move {
            let receive = self.queue.receive(self.receive.clone().max(max));
            let Ok(received) = tokio::time::timeout(Duration::from_millis(200), receive).await else {
                return Ok(0);
            };
            self.finish(received.map_err(Failure::engine(NAME))?, handle).await
        }
        .boxed()
    }
}
