//! The runner: one reader of the log, from which all follows that sagas do.
//!
//! ```text
//!                 ┌─▶ events that sagas name, answers ─▶ advance ─▶ append to $saga.NAME-ID ─┐
//! log, in order ──┤                                                                          │
//!   ▲             └─▶ $saga.NAME-ID: what was sent ────▶ publish; index                      │
//!   └────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! A piece of the log is done with when all that follows was appended and all that it says was published; only then
//! does the checkpoint move over it. Done again after a crash, each part finds that it was done.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join_all;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use indexmap::{IndexMap, IndexSet};
use serde::Serialize;
use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;
use trunkline_core::saga::{self, Ignored, Input, SagaState, Transition};
use trunkline_core::{
    Append, EventId, EventType, Expected, Metadata, NewEvent, Position, RecordedEvent, StreamName, Timestamp,
    Version,
};
use trunkline_queue::{MessageQueue, NewMessage, PublishError, TopicName};
use trunkline_store::derived::{Checkpoint, SagaIndex, SagaKey};
use trunkline_store::{Advice, AppendError, EventStream, ReadError};

use super::post::{self, Letter};
use super::refresh::rows;
use super::states::{self, Recording};
use super::{SagaError, Sagas};
use crate::follow::{Bounds, Follower, Wanted};
use crate::messages::{DEAD_LETTERED, Stop};

/// The name of the sagas' checkpoint, which no relay's can be.
pub(super) const NAME: &str = "$sagas";

/// How much of the log is done with at a time, and done again at most after a crash.
const BOUNDS: Bounds = Bounds { events: 1_000, bytes: 8 << 20 };

/// How many sagas are advanced at the same time, so that their appends share syncs.
const AT_ONCE: usize = 256;

/// How many sagas' timers are judged at a time.
const DUE_MAX: u32 = 1_000;

/// How often what follows is worked out anew when others append to a saga's stream first.
const ATTEMPTS_MAX: u32 = 16;

/// How many bytes of messages are published at a time; a queue takes more, but not without end.
const PUBLISH_BYTES_MAX: usize = 4 << 20;

/// How often the checkpoint is kept: what is done again after a crash is harmless, and each time costs two syncs.
const CHECKPOINT_EVERY: Duration = Duration::from_millis(250);

/// How often rows of the index are put at most, while there is more to do: a saga's later row takes the place of its
/// earlier ones. So much later a timer may be judged.
const INDEX_EVERY: Duration = Duration::from_millis(100);

/// How many sagas may wait for that.
const UNINDEXED_MAX: usize = 2_000;

/// The longest wait without a look at the clock, which may be moved.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The pause before an append that passes is tried again; it grows.
const PAUSE: Duration = Duration::from_millis(50);

/// How often numbers are told.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// What runs the sagas of an application.
pub(super) struct Runner<'a> {
    sagas: &'a Sagas,
    queue: &'a dyn MessageQueue,
    index: &'a dyn SagaIndex,
    follower: Follower,
    /// What is done, and was not kept as a checkpoint yet.
    unkept: Option<Checkpoint>,
    kept_at: Instant,
    /// The sagas whose rows are not in the index yet, and how far the log was read for them.
    unindexed: IndexSet<SagaKey>,
    read: Option<Checkpoint>,
    indexed_at: Instant,
}

impl<'a> Runner<'a> {
    /// What runs the sagas; as long as it lives it holds the right to, which this guard is.
    pub(super) fn new(sagas: &'a Sagas, queue: &'a dyn MessageQueue, running: OwnedMutexGuard<()>) -> Self {
        let (index, now) = (&*sagas.index, Instant::now());
        let unindexed = IndexSet::new();
        let follower = Follower::new(&sagas.tail, Wanted::All, BOUNDS, Position::START).holding(running);
        Self {
            sagas,
            queue,
            index,
            follower,
            unkept: None,
            kept_at: now,
            unindexed,
            read: None,
            indexed_at: now,
        }
    }

    pub(super) async fn run(mut self, stop: &Stop) -> Result<(), SagaError> {
        if self.sagas.routes.is_empty() {
            stop.asked().await;
            return Ok(());
        }
        self.begin().await?;
        let mut told: Option<Instant> = None;
        while !stop.is_asked() {
            let worked = tokio::select! {
                worked = self.turn(INDEX_EVERY) => worked,
                () = stop.asked() => break,
            };
            match worked {
                Ok(true) => self.sagas.back_off.over(),
                Ok(false) => {
                    self.sagas.back_off.over();
                    if told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
                        self.tell().await?;
                        told = Some(Instant::now());
                    }
                    self.wait(stop).await?;
                }
                Err(error) if error.advice() == Advice::Retry => {
                    if !self.sagas.back_off.wait("sagas", &error, stop).await {
                        break;
                    }
                    self.follower.go_to(self.sagas.read_to());
                }
                Err(error) => {
                    self.keep().await?;
                    return Err(error);
                }
            }
        }
        self.keep().await
    }

    pub(super) async fn catch_up(mut self) -> Result<Position, SagaError> {
        self.begin().await?;
        while self.turn(Duration::ZERO).await? {}
        self.keep().await?;
        Ok(self.follower.position())
    }

    /// Goes on where the checkpoint is, once the log has been seen to have what that names.
    async fn begin(&mut self) -> Result<(), SagaError> {
        let done = match self.sagas.checkpoints.load(NAME).await? {
            Some(checkpoint) => {
                checkpoint.check(NAME, &*self.sagas.store).await?;
                checkpoint.position
            }
            None => Position::START,
        };
        self.sagas.refresh().await?;
        self.sagas.read_to.send_replace(done);
        self.follower.go_to(done);
        Ok(())
    }

    /// Does what there is to do as of now; whether that was anything. Timers are left for later when rows were put in
    /// the index within this time.
    async fn turn(&mut self, pause: Duration) -> Result<bool, SagaError> {
        // The time first, then the head: all that was there by then is read before a timer is judged.
        let now = self.sagas.now();
        let head = self.sagas.store.head().await?;
        if head > self.follower.position() {
            self.read(head).await?;
            return Ok(true);
        }
        if !self.unindexed.is_empty() && self.indexed_at.elapsed() < pause {
            return Ok(false);
        }
        self.put_rows().await?;
        self.judge(now, self.follower.position()).await
    }

    /// Waits for something to do.
    async fn wait(&mut self, stop: &Stop) -> Result<(), SagaError> {
        let look_at = if self.unindexed.is_empty() {
            let now = self.sagas.now();
            let left = self.index.next_due().await?.map_or(LOOK_EVERY, |due| {
                let micros = due.as_micros().saturating_sub(now.as_micros());
                Duration::from_micros(u64::try_from(micros).unwrap_or(0)).min(LOOK_EVERY)
            });
            Instant::now() + left
        } else {
            self.indexed_at + INDEX_EVERY
        };
        let keep_at = self.unkept.is_some().then(|| self.kept_at + CHECKPOINT_EVERY);
        let until = keep_at.unwrap_or(look_at).min(look_at);
        let more = self.sagas.store.wait_beyond(self.follower.position());
        tokio::select! {
            head = more => drop(head?),
            () = tokio::time::sleep_until(until) => {}
            () = stop.asked() => {}
        }
        if self.kept_at.elapsed() >= CHECKPOINT_EVERY {
            self.keep().await?;
        }
        Ok(())
    }

    async fn keep(&mut self) -> Result<(), SagaError> {
        let Some(checkpoint) = &self.unkept else { return Ok(()) };
        self.kept_at = Instant::now();
        match self.sagas.checkpoints.save(NAME, checkpoint).await {
            // Until there is room, an older one does: more is done again after a crash.
            Err(error) if error.passes() => {
                tracing::warn!(%error, "the sagas' checkpoint stays where it was");
                return Ok(());
            }
            kept => kept?,
        }
        self.unkept = None;
        Ok(())
    }

    /// Does what follows from the log up to a position.
    async fn read(&mut self, to: Position) -> Result<(), SagaError> {
        while self.follower.position() < to {
            let done = self.follower.position();
            let piece = self.follower.next().await?;
            let touched = self.piece(&piece.events, done).await?;
            self.unindexed.extend(touched);
            self.read = Some(piece.end);
            if self.unindexed.len() >= UNINDEXED_MAX || self.indexed_at.elapsed() >= INDEX_EVERY {
                self.put_rows().await?;
            }
            self.unkept = Some(piece.end);
            if self.kept_at.elapsed() >= CHECKPOINT_EVERY {
                self.keep().await?;
            }
            self.sagas.read_to.send_replace(piece.end.position);
            self.sagas.activity.tell();
        }
        Ok(())
    }

    /// Puts the rows of all sagas in the index to which something has happened.
    async fn put_rows(&mut self) -> Result<(), SagaError> {
        let states = self.sagas.standings(&self.unindexed).await?;
        self.index.put(rows(&states), self.read).await?;
        self.read = None;
        self.sagas.states.let_go(&states);
        self.unindexed.clear();
        self.indexed_at = Instant::now();
        Ok(())
    }

    /// Does all that follows from a piece of the log; the sagas to which something has happened in it.
    async fn piece(&self, events: &[RecordedEvent], after: Position) -> Result<IndexSet<SagaKey>, SagaError> {
        let mut inputs: IndexMap<SagaKey, Vec<Input>> = IndexMap::new();
        let mut sent: Vec<(SagaKey, StreamName, Recording)> = Vec::new();
        let mut touched: IndexSet<SagaKey> = IndexSet::new();
        for event in events {
            if let Some((name, id)) = saga::of_stream(event.stream()) {
                let key = (name.to_owned(), id.to_owned());
                let recording = states::read(event)?;
                self.sagas.states.saw(&key, recording.version);
                if recording.transition.sends() {
                    sent.push((key.clone(), event.stream_name(), recording));
                }
                touched.insert(key);
                continue;
            }
            let delivered = self.sagas.routes.deliver(event)?;
            for (name, problem) in delivered.problems {
                let (position, event_type) = (event.position(), event.event_type());
                tracing::warn!(saga = name, %position, event_type, %problem, "an event finds no saga");
                count_ignored(&name, "problem");
            }
            for routed in delivered.routed {
                inputs.entry((routed.name, routed.id)).or_default().push(Input::Recorded(routed.recorded));
            }
        }
        // What a saga no longer waits for by the time that it is looked up is not published: nothing would come of it.
        let (advanced, published) = tokio::join!(self.advance(inputs), self.publish(sent, after));
        published?;
        advanced?;
        Ok(touched)
    }

    async fn advance(&self, inputs: IndexMap<SagaKey, Vec<Input>>) -> Result<(), SagaError> {
        let advance = |(key, inputs): (SagaKey, Vec<Input>)| async move {
            advance_as(self.sagas, &key, &inputs, None).await.map(drop)
        };
        stream::iter(inputs).map(advance).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Judges the timers of all sagas that are due at a time by which the log was read up to this position; whether
    /// there were any.
    async fn judge(&self, now: Timestamp, read_to: Position) -> Result<bool, SagaError> {
        let due = self.index.due(now, DUE_MAX).await?;
        let any = !due.is_empty();
        let judge = |key: &SagaKey| {
            let key = key.clone();
            async move {
                let input = Input::Time { read_to };
                advance_as(self.sagas, &key, &[input], Some(now)).await.map(drop)
            }
        };
        stream::iter(&due).map(judge).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        // Also those that turned out not to be due.
        let states = self.sagas.standings(&due.into_iter().collect()).await?;
        self.index.put(rows(&states), None).await?;
        Ok(any)
    }

    /// Publishes what was sent.
    async fn publish(
        &self,
        sent: Vec<(SagaKey, StreamName, Recording)>,
        after: Position,
    ) -> Result<(), SagaError> {
        let mut topics: BTreeMap<String, Vec<Letter>> = BTreeMap::new();
        for (key, stream, recording) in sent {
            let state = self.sagas.states.find(&key).await?;
            match post::letter(&recording, &stream, &state) {
                Ok(Some(letter)) => {
                    topics.entry(letter.topic.as_str().to_owned()).or_default().push(letter);
                }
                Ok(None) => {}
                Err(error) => {
                    let saga = format!("{}-{}", key.0, key.1);
                    self.give_up(&saga, recording.version, &error.to_string()).await?;
                }
            }
        }
        // Topics share the queue's syncs.
        try_join_all(topics.into_values().map(|letters| self.publish_to_topic(letters, after))).await?;
        Ok(())
    }

    /// Publishes what was sent to one topic, in order.
    async fn publish_to_topic(&self, letters: Vec<Letter>, after: Position) -> Result<(), SagaError> {
        let failed = |source| SagaError::Publish { after, source };
        for batch in batches(letters) {
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

    /// Publishes one by one what can be, and tells of what never can.
    async fn publish_singly(&self, letters: Vec<Letter>) -> Result<(), SingleError> {
        for letter in letters {
            let (saga, version) = (letter.saga.clone(), letter.version);
            match self.queue.publish(letter.topic, vec![letter.message]).await {
                Ok(_) => {}
                Err(error) if error.advice() == Advice::FixRequest => {
                    self.give_up(&saga, version, &error.to_string()).await.map_err(SingleError::Saga)?;
                }
                Err(error) => return Err(SingleError::Publish(error)),
            }
        }
        Ok(())
    }

    /// Says in the log that a message can't be published, as it is said of a dead letter: its saga learns of it.
    async fn give_up(&self, saga: &str, version: Version, reason: &str) -> Result<(), SagaError> {
        #[derive(Serialize)]
        struct GivenUp<'a> {
            reason: &'a str,
        }
        let data = serde_json::to_vec(&GivenUp { reason }).expect("texts always serialize");
        let event_type = EventType::system(DEAD_LETTERED).expect("the type is a name");
        let metadata =
            BTreeMap::from([(saga::SAGA_FIELD, saga.to_owned()), (saga::MESSAGE_FIELD, version.to_string())]);
        let event = NewEvent::new(event_type, data)
            .id(EventId::from_cloudevent("urn:trunkline:unpublished", &format!("{saga} {version}")))
            .metadata(Metadata::of(&metadata).expect("names are not too long"));
        let stream = StreamName::system("$inbox-$sagas").expect("this is the name of a stream");
        let append = Append::to(stream.clone(), Expected::Any).event(event);
        let appended = self.sagas.store.append(append).await;
        appended.map(drop).map_err(|source| SagaError::Append { stream, source })
    }

    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and exact up to 2^53 sagas")]
    async fn tell(&self) -> Result<(), SagaError> {
        for (name, status, count) in self.index.counts().await? {
            metrics::gauge!("trunkline_sagas", "saga" => name, "status" => status.as_str()).set(count as f64);
        }
        Ok(())
    }
}

/// The next events of a read that ends at what is there already.
pub(super) async fn next_chunk(events: &mut EventStream) -> Result<Vec<RecordedEvent>, ReadError> {
    let mut chunk = Vec::new();
    while chunk.len() < BOUNDS.events
        && let Some(event) = events.next().await.transpose()?
    {
        chunk.push(event);
    }
    Ok(chunk)
}

enum SingleError {
    Publish(PublishError),
    Saga(SagaError),
}

/// Letters of one topic, cut so that each part can be published at once.
fn batches(letters: Vec<Letter>) -> Vec<Vec<Letter>> {
    let mut batches: Vec<Vec<Letter>> = Vec::new();
    let mut bytes = 0;
    for letter in letters {
        bytes += letter.message.payload.len();
        match batches.last_mut() {
            Some(batch) if bytes <= PUBLISH_BYTES_MAX => batch.push(letter),
            _ => {
                bytes = letter.message.payload.len();
                batches.push(vec![letter]);
            }
        }
    }
    batches
}

fn batch_messages(letters: &[Letter]) -> (TopicName, Vec<NewMessage>) {
    let topic = letters.first().expect("a batch has letters").topic.clone();
    (topic, letters.iter().map(|letter| letter.message.clone()).collect())
}

/// What came of a saga.
pub(super) struct Advance {
    pub(super) state: Arc<SagaState>,
    pub(super) transitions: Vec<Transition>,
}

/// What happens to a saga, in order, and all that follows, in one append; worked out anew when others were first.
///
/// `at` is the time by which its timers are judged; any other input is recorded with the time as it is.
pub(super) async fn advance_as(
    sagas: &Sagas,
    key: &SagaKey,
    inputs: &[Input],
    at: Option<Timestamp>,
) -> Result<Advance, SagaError> {
    let called = || format!("{}-{}", key.0, key.1);
    let stream = saga::stream(&key.0, &key.1).map_err(|_| SagaError::NotFound { id: called() })?;
    let mut attempts = 0;
    // How large an event may be is the store's to say; mostly it needn't.
    let mut bytes_max = usize::MAX;
    loop {
        let before = sagas.states.find(key).await?;
        let Some(behaviour) = sagas.routes.behaviour(&key.0) else {
            // It isn't declared any more; what it had begun is shown, and left as it is.
            if let [Input::Order { .. }] = inputs {
                return Err(SagaError::UnknownName { name: key.0.clone(), near: None });
            }
            count_ignored(&key.0, "unknown");
            return Ok(Advance { state: before, transitions: Vec::new() });
        };
        let now = at.unwrap_or_else(|| sagas.now());
        let mut state = SagaState::clone(&before);
        let (mut transitions, mut ignored) = (Vec::new(), Vec::new());
        for input in inputs {
            let advanced = saga::advance_within(&**behaviour, &state, input, now, bytes_max)
                .map_err(|source| SagaError::Order { saga: called(), source })?;
            state = advanced.state;
            transitions.extend(advanced.transitions);
            ignored.extend(advanced.ignored);
        }
        if !transitions.is_empty() {
            let append = append(&stream, &before, &state, &transitions, now);
            match append_again(sagas, append).await {
                Ok(()) => {}
                Err(AppendError::Conflict { .. }) if attempts < ATTEMPTS_MAX => {
                    sagas.states.forget(key);
                    attempts += 1;
                    continue;
                }
                // What can't be recorded is for the saga to deal with, not for whoever runs all of them.
                Err(AppendError::TooLarge { bytes, bytes_max: limit, .. })
                    if limit < bytes_max && takes_more(&transitions, limit) =>
                {
                    tracing::warn!(saga = called(), bytes, limit, "what follows for a saga is too large");
                    bytes_max = limit;
                    continue;
                }
                Err(AppendError::TooLarge { .. } | AppendError::Invalid { .. }) if inputs.len() > 1 => {
                    return one_by_one(sagas, key, inputs, at).await;
                }
                Err(source) => {
                    // Whether it was stored may be unknown.
                    sagas.states.forget(key);
                    return Err(SagaError::Append { stream, source });
                }
            }
        }
        for ignored in &ignored {
            // What was read before, and what is no news, is no surprise.
            if !matches!(ignored, Ignored::Repeated | Ignored::Known | Ignored::NotDue) {
                count_ignored(&key.0, ignored.word());
            }
        }
        let state = Arc::new(state);
        if !transitions.is_empty() {
            sagas.states.keep(Arc::clone(&state));
        }
        return Ok(Advance { state, transitions });
    }
}

/// Whether one of them has more data than this.
fn takes_more(transitions: &[Transition], bytes: usize) -> bool {
    transitions.iter().any(|transition| transition.to_data().len() > bytes)
}

/// The same, in an append for each input.
async fn one_by_one(
    sagas: &Sagas,
    key: &SagaKey,
    inputs: &[Input],
    at: Option<Timestamp>,
) -> Result<Advance, SagaError> {
    let mut all = Advance { state: sagas.states.find(key).await?, transitions: Vec::new() };
    for input in inputs {
        let next = Box::pin(advance_as(sagas, key, std::slice::from_ref(input), at)).await?;
        all.state = next.state;
        all.transitions.extend(next.transitions);
    }
    Ok(all)
}

/// The metadata of a transition.
#[derive(Serialize)]
struct Fields<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    causation_id: Option<EventId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<&'a str>,
}

fn append(
    stream: &StreamName,
    before: &SagaState,
    after: &SagaState,
    transitions: &[Transition],
    now: Timestamp,
) -> Append {
    let expected = match before.version {
        Version::EMPTY => Expected::NoStream,
        version => Expected::At(version),
    };
    let event = |transition: &Transition| {
        let cause = transition.cause();
        let fields = Fields {
            correlation_id: after.correlation_id.as_deref(),
            causation_id: cause.event_id,
            actor: cause.operator.as_deref(),
        };
        NewEvent::new(transition.event_type(), transition.to_data())
            .metadata(Metadata::of(&fields).unwrap_or_default())
            .occurred_at(now)
    };
    Append::to(stream.clone(), expected).with_events(transitions.iter().map(event))
}

/// Appends, and tries what passes a few times more: the events' ids tell whether they were stored.
async fn append_again(sagas: &Sagas, append: Append) -> Result<(), AppendError> {
    let mut pause = PAUSE;
    for _ in 0..4 {
        match sagas.store.append(append.clone()).await {
            Err(error) if error.advice() == Advice::Retry => {
                tracing::warn!(%error, "what follows for a saga is appended again");
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            done => return done.map(drop),
        }
    }
    sagas.store.append(append).await.map(drop)
}

fn count_ignored(saga: &str, why: &'static str) {
    metrics::counter!("trunkline_saga_ignored_total", "saga" => saga.to_owned(), "why" => why).increment(1);
}
