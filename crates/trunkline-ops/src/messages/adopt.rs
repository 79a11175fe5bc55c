//! Adoption: what a group has left goes to another, for a consumer that has another name now.

use trunkline::messages::topic_of;
use trunkline_queue::{Adopted, Adoption, GroupName, MessageQueue, MessageQueueExt as _, TopicName};

use crate::OpsError;

/// Gives what a group has left in a topic to another; `consumer` is who took it so far, the group's namesake when not said.
///
/// The topic in which events wait for a group is refused: whoever has another name there has to take over how far the
/// log was read, too, which `was` does.
pub async fn adopt(
    queue: &dyn MessageQueue,
    topic: &TopicName,
    from: &GroupName,
    to: &GroupName,
    consumer: Option<&str>,
) -> Result<Adopted, OpsError> {
    if from != to && topic_of(from).is_ok_and(|window| window == *topic) {
        return Err(OpsError::Invalid {
            message: format!("`{topic}` is where the log's events wait for group `{from}`"),
            hint: format!(
                "write `was: \"{from}\"` into the section of the consumer that takes `events` now, and run the \
                 application: it takes over these messages and how far the log was read"
            ),
        });
    }
    let name = consumer.unwrap_or(from.as_str()).to_owned();
    let adoption = Adoption { topic: topic.clone(), from: from.clone(), to: to.clone(), name };
    Ok(queue.operate()?.adopt(adoption).await?)
}
