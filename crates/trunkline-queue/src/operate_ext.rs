//! Comforts of operators that need nothing more than the trait of operating.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::BoxFuture;

use crate::clock::later;
use crate::{
    Clock, DeadLetter, DeadLetterDecision, DeadLetterFilter, DeadLetterId, DeadLettersRead, DecisionRecord,
    OperateError, OperateQueue, TopicName, likeness,
};

/// How many dead letters are read at a time.
const PAGE: usize = 100;

/// Dead letters that failed alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetterGroup {
    /// The topic.
    pub topic: TopicName,
    /// The group that gave them up.
    pub group: crate::GroupName,
    /// What their errors have in common.
    pub likeness: String,
    /// How many there are.
    pub count: u64,
    /// The first.
    pub first: DeadLetter,
    /// The last.
    pub last: DeadLetter,
}

/// Comforts of every queue that can be operated.
pub trait OperateQueueExt: OperateQueue {
    /// The dead letters that match, grouped by topic, group and likeness of their errors; the largest group first.
    fn dead_letter_groups(
        &self,
        filter: DeadLetterFilter,
    ) -> BoxFuture<'_, Result<Vec<DeadLetterGroup>, OperateError>> {
        Box::pin(async move {
            let mut groups: BTreeMap<(TopicName, crate::GroupName, String), DeadLetterGroup> =
                BTreeMap::new();
            let mut after = None;
            loop {
                let read = DeadLettersRead { filter: filter.clone(), after, max: PAGE };
                let page = self.dead_letters(read).await?;
                after = page.last().map(|letter| letter.id.clone());
                if after.is_none() {
                    break;
                }
                for letter in page {
                    let topic = letter.message.topic.clone();
                    let key = (topic.clone(), letter.group.clone(), likeness(letter.error()));
                    if let Some(group) = groups.get_mut(&key) {
                        group.count += 1;
                        group.last = letter;
                    } else {
                        let (group, likeness) = (letter.group.clone(), key.2.clone());
                        let last = letter.clone();
                        groups.insert(
                            key,
                            DeadLetterGroup { topic, group, likeness, count: 1, first: letter, last },
                        );
                    }
                }
            }
            let mut groups: Vec<DeadLetterGroup> = groups.into_values().collect();
            groups.sort_by_key(|group| std::cmp::Reverse(group.count));
            Ok(groups)
        })
    }

    /// Decides the same about every dead letter that matches now, at most so many a second, and says of each
    /// what was decided. One that somebody else decided about meanwhile is left out; one that can't be replayed
    /// since it is damaged is an error, once the others are decided about.
    fn decide_all<'a>(
        &'a self,
        filter: DeadLetterFilter,
        bulk: BulkDecision,
        by: &'a str,
        pace: Option<(f64, &'a dyn Clock)>,
        said: &'a mut (dyn FnMut(DecisionRecord) + Send),
    ) -> BoxFuture<'a, Result<u64, OperateError>> {
        Box::pin(async move {
            let mut ids: Vec<DeadLetterId> = Vec::new();
            loop {
                let after = ids.last().cloned();
                let page =
                    self.dead_letters(DeadLettersRead { filter: filter.clone(), after, max: PAGE }).await?;
                if page.is_empty() {
                    break;
                }
                ids.extend(page.into_iter().map(|letter| letter.id));
            }
            let started = pace.map(|(_, clock)| clock.now());
            let (mut done, mut damaged) = (0, None);
            for (number, id) in ids.into_iter().enumerate() {
                if let (Some((rate, clock)), Some(started)) = (pace, started) {
                    #[expect(clippy::cast_precision_loss, reason = "a rate is not exact")]
                    let after = Duration::try_from_secs_f64(number as f64 / rate).unwrap_or_default();
                    clock.wait_until(later(started, after)).await;
                }
                let decision = match bulk {
                    BulkDecision::Replay => DeadLetterDecision::Replay,
                    BulkDecision::Discard => DeadLetterDecision::Discard,
                };
                match self.decide(id, decision, by.to_owned()).await {
                    Ok(action) => {
                        done += 1;
                        said(action);
                    }
                    Err(OperateError::NoDeadLetter { .. }) => {}
                    Err(error @ OperateError::Damaged { .. }) => damaged = damaged.or(Some(error)),
                    Err(error) => return Err(error),
                }
            }
            damaged.map_or(Ok(done), Err)
        })
    }
}

/// What can be decided about many dead letters at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BulkDecision {
    /// [`DeadLetterDecision::Replay`].
    Replay,
    /// [`DeadLetterDecision::Discard`].
    Discard,
}

impl<Q: OperateQueue + ?Sized> OperateQueueExt for Q {}
