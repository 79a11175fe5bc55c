//! The outbox of sagas, emptied: what their transitions sent is published, in order, and said to be given up where it
//! can't be.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::try_join_all;
use trunkline_core::saga::{self, MessageName};
use trunkline_core::{Append, EventId, EventType, Expected, Metadata, NewEvent, Position, StreamName};
use trunkline_queue::{MessageQueue, NewMessage, PublishError, TopicName};
use trunkline_store::derived::SagaKey;
use trunkline_store::{Advice, AppendError};

use super::outbox::{self, OutboxMessage};
use super::states::Recording;
use super::{SagaError, Sagas};
use crate::messages::DEAD_LETTERED;
use crate::reconcile::Histories;

/// How many bytes of messages are published at a time; a queue takes more, but not without end.
const PUBLISH_BYTES_MAX: usize = 4 << 20;

/// Publishes what sagas send.
pub(super) struct Publisher<'a> {
    pub(super) sagas: &'a Sagas,
    pub(super) queue: &'a dyn MessageQueue,
    pub(super) histories: Arc<Histories>,
}

impl Publisher<'_> {
    /// Publishes what was sent.
    pub(super) async fn publish(
        &self,
        sent: Vec<(SagaKey, StreamName, Recording)>,
        after: Position,
    ) -> Result<(), SagaError> {
        let mut topics: BTreeMap<String, Vec<OutboxMessage>> = BTreeMap::new();
        for (key, stream, recording) in sent {
            let state = self.sagas.states.find(&key).await?;
            match outbox::message(&recording, &stream, &state) {
                Ok(Some(message)) => {
                    let topic = message.topic.as_str().to_owned();
                    let histories = &self.histories;
                    let Some(told_apart) = histories.of_saga(&topic, recording.position, message.message)
                    else {
                        continue;
                    };
                    let message = OutboxMessage { message: told_apart, ..message };
                    topics.entry(topic).or_default().push(message);
                }
                Ok(None) => {}
                Err(error) => {
                    let sent = state.waiting.as_ref().map(|waiting| waiting.message);
                    let sent = state.messages.iter().find(|message| Some(message.version) == sent);
                    if let Some(name) = sent.map(|message| message.name) {
                        let saga = format!("{}-{}", key.0, key.1);
                        self.give_up(&saga, name, &error.to_string()).await?;
                    }
                }
            }
        }
        // Topics share the queue's syncs.
        try_join_all(topics.into_values().map(|messages| self.publish_to_topic(messages, after))).await?;
        Ok(())
    }

    /// Publishes what was sent to one topic, in order.
    async fn publish_to_topic(&self, messages: Vec<OutboxMessage>, after: Position) -> Result<(), SagaError> {
        let failed = |source| SagaError::Publish { after, source };
        for batch in batches(messages) {
            let (topic, messages) = batch_messages(&batch);
            match self.queue.publish(topic, messages).await {
                Ok(_) => {}
                Err(error) if error.advice() == Advice::FixRequest => {
                    self.publish_singly(batch).await.map_err(|error| match error {
                        SingleError::Publish(source) => failed(source),
                        SingleError::Saga(error) => error,
                    })?;
                }
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(())
    }

    /// Publishes the messages one by one; what can never be published is given up in the log.
    async fn publish_singly(&self, messages: Vec<OutboxMessage>) -> Result<(), SingleError> {
        for message in messages {
            let (saga, name) = (message.saga.clone(), message.name);
            match self.queue.publish(message.topic, vec![message.message]).await {
                Ok(_) => {}
                Err(error) if error.advice() == Advice::FixRequest => {
                    self.give_up(&saga, name, &error.to_string()).await.map_err(SingleError::Saga)?;
                }
                Err(error) => return Err(SingleError::Publish(error)),
            }
        }
        Ok(())
    }

    /// Says in the log that a message can't be published, as a consumer does for a dead letter: its saga learns of it.
    async fn give_up(&self, saga: &str, name: MessageName, reason: &str) -> Result<(), SagaError> {
        let data = serde_json::to_vec(&BTreeMap::from([("reason", reason)])).expect("texts always serialize");
        let event_type = EventType::system(DEAD_LETTERED).expect("the type is a name");
        let metadata =
            BTreeMap::from([(saga::SAGA_FIELD, saga.to_owned()), (saga::MESSAGE_FIELD, name.to_string())]);
        let event = NewEvent::new(event_type, data)
            .id(EventId::from_cloudevent("urn:trunkline:unpublished", &format!("{saga} {name}")))
            .metadata(Metadata::of(&metadata).expect("names are not too long"));
        let stream = StreamName::system("$inbox-$sagas").expect("this is the name of a stream");
        let append = Append::to(stream.clone(), Expected::Any).event(event);
        // It may be recorded already, with another reason.
        match self.sagas.store.append(append).await {
            Ok(_) | Err(AppendError::EventIdReused { .. }) => Ok(()),
            Err(source) => Err(SagaError::Append { stream, source }),
        }
    }
}

enum SingleError {
    Publish(PublishError),
    Saga(SagaError),
}

/// Messages of one topic, cut so that each part can be published at once.
fn batches(messages: Vec<OutboxMessage>) -> Vec<Vec<OutboxMessage>> {
    let mut batches: Vec<Vec<OutboxMessage>> = Vec::new();
    let mut bytes = 0;
    for message in messages {
        bytes += message.message.payload.len();
        match batches.last_mut() {
            Some(batch) if bytes <= PUBLISH_BYTES_MAX => batch.push(message),
            _ => {
                bytes = message.message.payload.len();
                batches.push(vec![message]);
            }
        }
    }
    batches
}

fn batch_messages(messages: &[OutboxMessage]) -> (TopicName, Vec<NewMessage>) {
    let topic = messages.first().expect("a batch has messages").topic.clone();
    (topic, messages.iter().map(|message| message.message.clone()).collect())
}
