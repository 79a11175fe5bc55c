//! Messages that are commands: each is sent to the bus, under an id that follows from the message.

use futures::future::BoxFuture;
use trunkline_queue::Delivery;
use trunkline_store::{Advice, AppendError};

use super::consumer::OnReject;
use super::handler::{MessageError, MessageHandler};
use super::ids::command_id;
use super::inbox::{correlation, saga_headers};
use crate::reconcile::effect_id;
use crate::{App, CommandRequest, Context, DispatchError, Outcome};

/// How often a command may be decided anew: each time is somebody's decision.
const REPLAYS_MAX: u32 = 10_000;

/// Sends messages as commands: the type is the command's name, the payload its data.
///
/// Redelivered, however much later, a message has no second effect: the command's id follows from the message's.
/// A message that Trunkline made of an event, and makes again perhaps, is recognised by that alone; of others the data
/// counts too: another message under an id that was used before is a dead letter.
/// A rejection is an answer, and the message is finished; unless a consumer wants rejected ones as dead letters.
/// Replayed from there, a command that was rejected is decided anew, under the next id that follows from the message's:
/// under one id it has one outcome. One that was accepted has its effect, and no second one.
/// What repeating can't mend (no such command, no such right) is a dead letter at once; while the store can't take
/// events, the message is held.
#[derive(Debug)]
pub struct CommandDispatcher {
    /// Where commands go.
    pub app: App,
    /// The consumer whose messages these are: part of the commands' ids, unless the message is one of an older name's,
    /// and the name of their inbox.
    pub consumer: String,
    /// What becomes of a message whose command is rejected.
    pub on_reject: OnReject,
}

impl CommandDispatcher {
    fn request(&self, delivery: &Delivery, ordinal: u32) -> CommandRequest {
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
        // Handled under an older name, it has its outcome under that one's id.
        let names = delivery.former.iter().chain([&self.consumer]);
        let effect = effect_id(message);
        let mut ids: Vec<_> = names.map(|name| command_id(&effect, name, ordinal)).collect();
        let id = ids.remove(0);
        let mut request = CommandRequest::new(message.message_type.as_str(), message.payload.clone())
            .id(id)
            .consumer(self.consumer.as_str())
            .context(context);
        let carried = saga_headers(message).map(|(name, value)| (name.to_owned(), value.to_owned()));
        request.other_ids = ids;
        request.derived = message.cause.is_some();
        request.system_metadata.extend(carried);
        request
    }

    /// Whether the outcome is a rejection of an earlier life of a message that somebody has brought back.
    fn is_decided_anew(&self, delivery: &Delivery, outcome: &Outcome) -> bool {
        let is_old = outcome.repeated && outcome.rejection().is_some();
        is_old && delivery.decision.is_some() && self.on_reject == OnReject::Dead
    }
}

impl MessageHandler for CommandDispatcher {
    fn handle<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Result<(), MessageError>> {
        Box::pin(async move {
            let mut sent = self.app.send(self.request(delivery, 0)).await;
            for ordinal in 1..REPLAYS_MAX {
                match &sent {
                    Ok(outcome) if self.is_decided_anew(delivery, outcome) => {
                        sent = self.app.send(self.request(delivery, ordinal)).await;
                    }
                    _ => break,
                }
            }
            match sent {
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
