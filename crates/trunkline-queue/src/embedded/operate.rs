//! What operators see of an embedded queue, and what they order.

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::load::load_or_stand_in;
use super::record::{Draft, Place};
use super::stage::{Body, Stage};
use super::{EmbeddedQueue, STORAGE};
use crate::check::{check, keep};
use crate::engine::{Addressed, DeadLook, Look};
use crate::{
    Adopted, Adoption, DeadLetter, DeadLetterDecision, DeadLetterId, DeadLettersRead, DecisionKind,
    DecisionRecord, GroupName, Message, MessageId, OperateError, OperateQueue, Peek, Peeked, QueueStats,
    StorageError, TopicName,
};

/// How many dead letters are looked at in one operation.
pub(super) const DEAD_PAGE: usize = 200;

impl EmbeddedQueue {
    async fn dead_letters_page(&self, read: DeadLettersRead) -> Result<Vec<DeadLetter>, OperateError> {
        let mut letters = Vec::new();
        let mut after = read.after;
        while letters.len() < read.max {
            let from = after.clone();
            let looks = self
                .call(0, false, move |stage| {
                    let looks = stage.engine.dead_after(from.as_ref()).take(DEAD_PAGE).collect();
                    with_bodies(stage, looks)
                })
                .await?;
            let Some((_, last)) = looks.last() else { break };
            after = Some(last.id.clone());
            letters.extend(looks.into_iter().map(|(topic, look)| letter(&topic, look)));
            letters.retain(|letter| read.filter.matches(letter));
        }
        letters.truncate(read.max);
        Ok(letters)
    }

    async fn dead_letter_one(&self, id: DeadLetterId) -> Result<DeadLetter, OperateError> {
        let looks = self
            .call(0, false, move |stage| {
                let look = stage.engine.dead_one(&id)?;
                Ok::<_, OperateError>(with_bodies(stage, vec![look])?)
            })
            .await?;
        let found = looks.into_iter().next();
        let (topic, look) = found
            .ok_or_else(|| StorageError::Damaged { storage: STORAGE, what: "a dead letter".to_owned() })?;
        Ok(letter(&topic, look))
    }

    async fn decide_now(
        &self,
        id: DeadLetterId,
        decision: DeadLetterDecision,
        by: String,
    ) -> Result<DecisionRecord, OperateError> {
        let DeadLetter { message: old, damaged, .. } = self.dead_letter_one(id.clone()).await?;
        let (kind, new) = match decision {
            DeadLetterDecision::Replay if damaged.is_some() => {
                let what = damaged.unwrap_or_default();
                return Err(OperateError::Damaged { id, what });
            }
            DeadLetterDecision::Replay => (DecisionKind::Replay, None),
            DeadLetterDecision::Discard => (DecisionKind::Discard, None),
            DeadLetterDecision::Edit(new) => {
                check(std::slice::from_ref(&*new)).map_err(OperateError::Message)?;
                let now = self.inner.clock.now();
                let new = Message { edited_from: Some(old.id.clone()), ..keep(&old.topic, *new, now) };
                (DecisionKind::Edit, Some((new.id.clone(), Draft::new(&new, self.inner.hasher))))
            }
        };
        let weight = 2_048 + by.len() + new.as_ref().map_or(0, |(_, draft)| draft.encoded.len());
        self.call(weight, false, move |stage| {
            let new_id = new.as_ref().map(|(id, _)| id.clone());
            if let Some((id, draft)) = &new
                && stage.knows(&old.topic, draft.id)
            {
                return Err(OperateError::IdTaken { topic: old.topic.clone(), id: id.clone() });
            }
            let (topic, group, action) =
                stage.engine.decide(stage.now, &id, kind, by, old.id, new_id, &mut stage.changes)?;
            if let Some((_, draft)) = new {
                stage.publish_one(topic, draft, Some(Addressed { group, action }));
            }
            let recorded = stage.engine.decisions_after(action - 1, 1).pop();
            recorded.ok_or(OperateError::NoDeadLetter { id })
        })
        .await
    }
}

pub(super) type DeadBodies = Vec<(TopicName, DeadLook<Body>)>;

pub(super) fn with_bodies(
    stage: &Stage<'_>,
    looks: Vec<DeadLook<Place>>,
) -> Result<DeadBodies, StorageError> {
    let with_body = |look: DeadLook<Place>| {
        let body = stage.body(look.body)?;
        let DeadLook { id, topic, group, enqueued_at, attempts, tries, died_at, decision, former, .. } = look;
        let look = DeadLook {
            id,
            topic: topic.clone(),
            group,
            body,
            enqueued_at,
            attempts,
            tries,
            died_at,
            decision,
            former,
        };
        Ok((topic, look))
    };
    looks.into_iter().map(with_body).collect()
}

pub(super) fn letter(topic: &TopicName, look: DeadLook<Body>) -> DeadLetter {
    let (message, damaged) = load_or_stand_in(topic, &look.body, look.enqueued_at);
    DeadLetter {
        id: look.id,
        group: look.group,
        message,
        damaged,
        attempts: look.attempts,
        tries: look.tries,
        died_at: look.died_at,
        decision: look.decision,
        former: look.former,
    }
}

impl OperateQueue for EmbeddedQueue {
    fn stats(&self) -> BoxFuture<'_, Result<QueueStats, OperateError>> {
        let stats = |stage: &mut Stage<'_>| {
            let topics = stage.engine.topic_stats(stage.now);
            Ok(QueueStats { at: stage.now, stored_bytes: stage.stored_bytes, topics })
        };
        self.call(0, false, stats).boxed()
    }

    fn peek(&self, peek: Peek) -> BoxFuture<'_, Result<Vec<Peeked>, OperateError>> {
        async move {
            let topic = peek.topic.clone();
            let look = move |stage: &mut Stage<'_>| {
                let looks = stage.engine.peek(stage.now, &peek)?;
                let with_body = |look: Look<Place>| {
                    Ok((look.place, stage.body(look.body)?, look.enqueued_at, look.states))
                };
                looks.into_iter().map(with_body).collect::<Result<Vec<_>, OperateError>>()
            };
            let looks = self.call(0, false, look).await?;
            let peeked = |(place, body, enqueued_at, states)| {
                let (message, damaged) = load_or_stand_in(&topic, &body, enqueued_at);
                Peeked { place, message, damaged, states }
            };
            Ok(looks.into_iter().map(peeked).collect())
        }
        .boxed()
    }

    fn retry_now(
        &self,
        topic: TopicName,
        group: GroupName,
        id: Option<MessageId>,
    ) -> BoxFuture<'_, Result<u64, OperateError>> {
        let hash = id.as_ref().map(|id| self.inner.hasher.hash(id));
        let retry = move |stage: &mut Stage<'_>| {
            stage.engine.retry_now(stage.now, &topic, &group, id.as_ref().zip(hash), &mut stage.changes)
        };
        self.call(64, false, retry).boxed()
    }

    fn purge(&self, topic: TopicName, group: Option<GroupName>) -> BoxFuture<'_, Result<u64, OperateError>> {
        let purge = move |stage: &mut Stage<'_>| {
            stage.engine.purge(stage.now, &topic, group.as_ref(), &mut stage.changes)
        };
        self.call(1_024, false, purge).boxed()
    }

    fn adopt(&self, adoption: Adoption) -> BoxFuture<'_, Result<Adopted, OperateError>> {
        let weight = 1_024 + adoption.name.len();
        let adopt = move |stage: &mut Stage<'_>| stage.engine.adopt(stage.now, adoption, &mut stage.changes);
        self.call(weight, false, adopt).boxed()
    }

    fn rename_topic(&self, from: TopicName, to: TopicName) -> BoxFuture<'_, Result<(), OperateError>> {
        let rename = move |stage: &mut Stage<'_>| stage.engine.rename_topic(from, to, &mut stage.changes);
        self.call(1_024, false, rename).boxed()
    }

    fn dead_letters(&self, read: DeadLettersRead) -> BoxFuture<'_, Result<Vec<DeadLetter>, OperateError>> {
        self.dead_letters_page(read).boxed()
    }

    fn dead_letter(&self, id: DeadLetterId) -> BoxFuture<'_, Result<DeadLetter, OperateError>> {
        self.dead_letter_one(id).boxed()
    }

    fn decide(
        &self,
        id: DeadLetterId,
        decision: DeadLetterDecision,
        by: String,
    ) -> BoxFuture<'_, Result<DecisionRecord, OperateError>> {
        self.decide_now(id, decision, by).boxed()
    }

    fn decisions(&self, after: u64, max: usize) -> BoxFuture<'_, Result<Vec<DecisionRecord>, OperateError>> {
        self.call(0, false, move |stage| Ok(stage.engine.decisions_after(after, max))).boxed()
    }
}
