//! Faults of operating.

use trunkline_queue::{
    Adopted, Adoption, DeadLetterDecision, DeadLetterFilter, DeadLetterId, DeadLettersRead, DecisionOutcome,
    DecisionRecord, GroupName, MessageQueue, NewMessage, OperateError, OperateQueue, Peek, Peeked,
    QueueStats, Receive, TopicName,
};

use super::fault::Fault;
use super::queue::Broken;

impl Broken {
    /// The answer, or none where what was asked for isn't there.
    pub(super) fn found<T: Default>(&self, answer: Result<T, OperateError>) -> Result<T, OperateError> {
        match answer {
            Err(OperateError::NoTopic { .. } | OperateError::NoGroup { .. })
                if self.has(Fault::FindsEverything) =>
            {
                Ok(T::default())
            }
            answer => answer,
        }
    }

    pub(super) async fn broken_stats(&self) -> Result<QueueStats, OperateError> {
        let mut stats = self.queue.stats().await?;
        for group in stats.topics.iter_mut().flat_map(|topic| &mut topic.groups) {
            match self.fault {
                Fault::CountsLeasedAsWaiting => group.waiting += group.leased,
                Fault::CountsHeldAsWaiting => group.waiting += std::mem::take(&mut group.held),
                Fault::TellsNoAge => group.oldest_age = None,
                Fault::TellsTheTimeOfNoDelay => group.next_due = None,
                _ => {}
            }
        }
        Ok(stats)
    }

    pub(super) async fn broken_peek(&self, peek: Peek) -> Result<Vec<Peeked>, OperateError> {
        if self.has(Fault::LeasesWhatIsLookedAt) {
            let ask = Receive::new(peek.topic.clone(), "mail".parse().unwrap()).max(100).now();
            // Nobody may have subscribed.
            drop(self.queue.receive(ask).await);
        }
        self.found(self.queue.peek(peek).await)
    }

    pub(super) async fn broken_adopt(&self, adoption: Adoption) -> Result<Adopted, OperateError> {
        match self.fault {
            Fault::AdoptsNothing => return Ok(Adopted::default()),
            Fault::AdoptsNoDeadLetters => {
                let filter =
                    DeadLetterFilter { group: Some(adoption.from.clone()), ..DeadLetterFilter::default() };
                let read = DeadLettersRead { filter, ..DeadLettersRead::default() };
                for letter in self.queue.dead_letters(read).await? {
                    let by = "the broken one".to_owned();
                    self.queue.decide(letter.id, DeadLetterDecision::Discard, by).await?;
                }
            }
            _ => {}
        }
        self.queue.adopt(adoption).await
    }

    pub(super) async fn broken_purge(
        &self,
        topic: TopicName,
        group: Option<GroupName>,
    ) -> Result<u64, OperateError> {
        match self.fault {
            Fault::PurgesWhatIsHeld => {
                let leases: Vec<_> = self.noted().leases.values().cloned().collect();
                for lease in leases {
                    // It may be settled.
                    drop(self.queue.ack(&lease).await);
                }
            }
            Fault::PurgesDeadLetters => {
                let filter = DeadLetterFilter { group: group.clone(), ..DeadLetterFilter::default() };
                let read = DeadLettersRead { filter, ..DeadLettersRead::default() };
                for letter in self.queue.dead_letters(read).await? {
                    let by = "the broken one".to_owned();
                    self.queue.decide(letter.id, DeadLetterDecision::Discard, by).await?;
                }
            }
            Fault::PurgesOnlyWhatWaits => {
                let topics = self.queue.stats().await?.topics;
                if let Some(one) = topics.iter().flat_map(|topic| &topic.groups).find(|one| one.held > 0) {
                    return Ok(one.waiting + one.delayed);
                }
            }
            Fault::KeepsForgottenGroups => {
                let topics = self.queue.stats().await?.topics;
                let groups = topics.iter().flat_map(|topic| &topic.groups);
                let mut forgotten =
                    groups.filter(|one| Some(&one.group) == group.as_ref() && !one.subscribed);
                if let Some(group) = forgotten.next() {
                    return Ok(group.waiting + group.leased + group.delayed + group.dead);
                }
            }
            _ => {}
        }
        self.found(self.queue.purge(topic, group).await)
    }

    pub(super) async fn broken_decide(
        &self,
        id: DeadLetterId,
        decision: DeadLetterDecision,
        by: String,
    ) -> Result<DecisionRecord, OperateError> {
        if let (Fault::EditsForEverybody, DeadLetterDecision::Edit(new)) = (self.fault, &decision) {
            let topic = self.queue.dead_letter(id.clone()).await?.message.topic;
            self.queue.publish(topic, vec![(**new).clone()]).await.unwrap();
            return self.queue.decide(id, DeadLetterDecision::Discard, by).await;
        }
        if let (Fault::ReplaysToTheEnd, DeadLetterDecision::Replay) = (self.fault, &decision) {
            let old = self.queue.dead_letter(id.clone()).await?.message;
            let mut new = NewMessage::like(old.clone());
            new.id = format!("{}-again", old.id).parse().unwrap();
            self.queue.publish(old.topic, vec![new]).await.unwrap();
            return self.queue.decide(id, DeadLetterDecision::Discard, by).await;
        }
        if self.has(Fault::ReleasesAllKeys) {
            let letters = self.queue.dead_letters(DeadLettersRead::default()).await?;
            for other in letters.into_iter().filter(|letter| letter.id != id) {
                self.queue.decide(other.id, DeadLetterDecision::Discard, by.clone()).await?;
            }
        }
        let decision = match decision {
            DeadLetterDecision::Replay if self.has(Fault::DiscardsWhatIsReplayed) => {
                DeadLetterDecision::Discard
            }
            decision => decision,
        };
        let decided = self.queue.decide(id.clone(), decision, by.clone()).await;
        match (self.fault, decided) {
            (Fault::TakesBadEdits, Err(OperateError::Message(_) | OperateError::IdTaken { .. })) => {
                self.queue.decide(id, DeadLetterDecision::Discard, by).await
            }
            (Fault::DecidesTwice, Err(error)) => self.noted().decided.get(&id).cloned().ok_or(error),
            (_, mut decided) => {
                if let (Fault::SaysNothingOfReleases, Ok(action)) = (self.fault, &mut decided) {
                    action.released = 0;
                }
                if let Ok(action) = &decided {
                    self.noted().decided.insert(id, action.clone());
                }
                decided
            }
        }
    }

    pub(super) async fn broken_decisions(
        &self,
        after: u64,
        max: usize,
    ) -> Result<Vec<DecisionRecord>, OperateError> {
        let mut decisions = self.queue.decisions(after, max).await?;
        match self.fault {
            Fault::KeepsNoRecord => decisions.clear(),
            Fault::ForgetsOutcomes => {
                for action in &mut decisions {
                    action.outcome = DecisionOutcome::Waiting;
                }
            }
            _ => {}
        }
        Ok(decisions)
    }
}
