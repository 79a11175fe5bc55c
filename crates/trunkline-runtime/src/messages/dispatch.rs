//! Messages that are commands: each is sent to the bus, under an id that follows from the message.

use futures::future::BoxFuture;
use trunkline_queue::Delivery;
use trunkline_store::{Advice, AppendError};

use super::consumer::OnReject;
use super::handler::{MessageError, MessageHandler};
use super::ids::command_id;
use super::inbox::{correlation, saga_headers};
use crate::{App, CommandRequest, Context, DispatchError};

/// Sends messages as commands: the type is the command's name, the payload its data.
///
/// Redelivered, however much later, a message has no second effect: the command's id follows from the message's.
/// A message that Trunkline made of an event, and makes again perhaps, is recognised by that alone; of others the data
/// counts too: another message under an id that was used before is a dead letter.
/// A rejection is an answer, and the message is finished; unless a consumer wants rejected ones as dead letters.
/// What repeating can't mend (no such command, no such right) is a dead letter at once; while the store can't take
/// events, the message is held.
#[derive(Debug)]
pub struct CommandDispatcher {
    /// Where commands go.
    pub app: App,
    /// The consumer whose messages these are: part of the commands' ids, and the name of their inbox.
    pub consumer: String,
    /// What becomes of a message whose command is rejected.
    pub on_reject: OnReject,
}

impl CommandDispatcher {
    fn request(&self, delivery: &Delivery) -> CommandRequest {
        let message = &delivery.message;
        let header = |name: &str| message.headers.get(name).cloned();
        let context = Context {
            actor: header("actor"),
            tenant: header("tenant"),
            correlation_id: Some(correlation(message).to_owned()),
            causation_id: Some(message.id.as_str().to_owned()),
            traceparent: header("traceparent"),
            saga_id: header("saga_id"),
            ..Context::default()
        };
        let mut request = CommandRequest::new(message.message_type.as_str(), message.payload.clone())
            .id(command_id(&message.id, &self.consumer, 0))
            .consumer(self.consumer.as_str())
            .context(context);
        let carried = saga_headers(message).map(|(name, value)| (name.to_owned(), value.to_owned()));
        request.derived = message.cause.is_some();
        request.system_metadata.extend(carried);
        request
    }
}

impl MessageHandler for CommandDispatcher {
    fn handle<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Result<(), MessageError>> {
        Box::pin(async move {
            match self.app.send(self.request(delivery)).await {
                Ok(outcome) => match (outcome.rejection(), self.on_reject) {
                    (Some(rejection), OnReject::Dead) => {
                        Err(MessageError::dead(format!("rejected: {}", rejection.reason)))
                    }
                    _ => Ok(()),
                },
                Err(error) if error.advice() == Advice::FixRequest => {
                    Err(MessageError::dead(error.to_string()))
                }
                Err(DispatchError::Append(AppendError::Storage(error))) => {
                    Err(MessageError::unavailable(error.to_string()))
                }
                Err(error) => Err(MessageError::retry(error.to_string())),
            }
        })
    }
}
