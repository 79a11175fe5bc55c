//! Comforts that need nothing more than the trait of delivery.

use futures::future::BoxFuture;

use crate::{MessageQueue, NewMessage, OperateError, OperateQueue, PublishError, Published, TopicName};

/// Comforts of every queue.
pub trait MessageQueueExt: MessageQueue {
    /// Publishes one message.
    fn publish_one(
        &self,
        topic: TopicName,
        message: NewMessage,
    ) -> BoxFuture<'_, Result<Published, PublishError>> {
        Box::pin(async move {
            let published = self.publish(topic, vec![message]).await?;
            Ok(published.first().copied().unwrap_or(Published::AlreadyThere))
        })
    }

    /// What operators see and order; an error where the backend has no such thing.
    ///
    /// ```
    /// use trunkline_queue::{MemoryQueue, MessageQueue, MessageQueueExt as _};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let queue: Box<dyn MessageQueue> = Box::new(MemoryQueue::new());
    /// assert!(queue.operate()?.stats().await?.topics.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    fn operate(&self) -> Result<&dyn OperateQueue, OperateError> {
        self.operating().ok_or(OperateError::Unsupported)
    }
}

impl<Q: MessageQueue + ?Sized> MessageQueueExt for Q {}
