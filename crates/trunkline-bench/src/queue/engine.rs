//! What a queue must do to be measured.

use futures::future::BoxFuture;

use crate::failure::Result;

/// A queue.
pub(super) trait Engine: Sync {
    fn name(&self) -> &'static str;

    /// Makes a topic with one group.
    fn topic<'a>(&'a self, topic: &'a str) -> BoxFuture<'a, Result<()>>;

    /// Who publishes to it.
    fn publisher<'a>(&'a self, topic: &'a str) -> BoxFuture<'a, Result<Box<dyn Publisher>>>;

    /// Who consumes it, in the one group.
    fn consumer<'a>(&'a self, topic: &'a str, number: usize) -> BoxFuture<'a, Result<Box<dyn Consumer>>>;

    /// Removes the topic's messages.
    fn clear<'a>(&'a self, topic: &'a str) -> BoxFuture<'a, Result<()>>;

    /// Ends the queue.
    fn close(self: Box<Self>) -> BoxFuture<'static, ()>;
}

/// Publishes messages; durable when it returns.
pub(super) trait Publisher: Send {
    fn publish(&mut self, messages: Vec<Vec<u8>>) -> BoxFuture<'_, Result<()>>;
}

/// Consumes messages.
pub(super) trait Consumer: Send {
    /// Waits for messages, at most so many, and hands their payloads to `handle`; then acknowledges them all. How
    /// many there were.
    fn work<'a>(
        &'a mut self,
        max: usize,
        handle: &'a mut (dyn FnMut(&[u8]) + Send),
    ) -> BoxFuture<'a, Result<usize>>;
}
