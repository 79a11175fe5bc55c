//! The embedded queue.

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, try_join_all};
use trunkline_queue::{
    EmbeddedOptions, EmbeddedQueue, GroupName, GroupOptions, MessageQueue, NewMessage, Receive, TopicName,
};

use super::engine::{Consumer, Engine, Publisher};
use crate::failure::{Failure, Result};
use crate::scratch::Scratch;

const NAME: &str = "trunkline";

pub(super) struct Embedded {
    queue: EmbeddedQueue,
}

impl Embedded {
    pub(super) fn open(scratch: &Scratch) -> Result<Self> {
        let path = scratch.subfolder("embedded")?;
        let queue = EmbeddedQueue::open(&path, EmbeddedOptions::default());
        Ok(Self { queue: queue.map_err(Failure::engine(NAME))? })
    }
}

fn topic_name(topic: &str) -> Result<TopicName> {
    topic.parse().map_err(Failure::engine(NAME))
}

fn group() -> Result<GroupName> {
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
        async move {
            let receive = Receive::new(topic_name(topic)?, group()?).consumer(format!("consumer-{number}"));
            let consumer = EmbeddedConsumer { queue: self.queue.clone(), receive };
            Ok(Box::new(consumer) as Box<dyn Consumer>)
        }
        .boxed()
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

struct EmbeddedConsumer {
    queue: EmbeddedQueue,
    receive: Receive,
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
            let deliveries = received.map_err(Failure::engine(NAME))?;
            for delivery in &deliveries {
                handle(&delivery.message.payload);
            }
            let acks = deliveries.iter().map(|delivery| self.queue.ack(&delivery.lease));
            try_join_all(acks).await.map_err(Failure::engine(NAME))?;
            Ok(deliveries.len())
        }
        .boxed()
    }
}
