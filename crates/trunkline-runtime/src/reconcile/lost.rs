//! Consumers of an application whose log is of an older history than its queue: messages of the lost future are passed over.

use std::sync::Arc;

use futures::future::BoxFuture;
use trunkline_queue::Delivery;
use trunkline_store::EventStore;

use super::Histories;
use crate::messages::{MessageError, MessageHandler};

/// Hands on what the log knows the cause of; the rest is finished without an effect.
pub(crate) struct WithoutLost {
    pub(crate) handler: Arc<dyn MessageHandler>,
    pub(crate) histories: Arc<Histories>,
    pub(crate) store: Arc<dyn EventStore>,
    pub(crate) consumer: String,
}

impl MessageHandler for WithoutLost {
    fn handle<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Result<(), MessageError>> {
        Box::pin(async move {
            match self.histories.is_lost(&delivery.message, &*self.store).await {
                Ok(false) => self.handler.handle(delivery).await,
                Ok(true) => {
                    let (consumer, message) = (&self.consumer, &delivery.message.id);
                    tracing::warn!(consumer, %message, "passed over: its cause is of the future that was lost");
                    metrics::counter!("trunkline_consumer_lost_total", "consumer" => consumer.clone())
                        .increment(1);
                    Ok(())
                }
                Err(error) => Err(MessageError::retry(error.to_string())),
            }
        })
    }
}
