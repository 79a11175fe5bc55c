//! Applications of a text, and stores that misbehave.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use trunkline::FromFile as _;
use trunkline::config::{FixedClock, MemoryEnvironment, MemoryFiles, World};
use trunkline::{
    App, AppBuilder, Append, AppendError, ApplicationFile, CommandRequest, DispatchError, EventStore,
    MemoryStore, Outcome, Registered, StreamName,
};
use trunkline_core::{Appended, Expected, NewEvent, StoreId};
use trunkline_store::{EventStream, StorageError, StreamRead};

/// The methods of a store that a test leaves to the one within.
macro_rules! forward_reads {
    () => {
        fn read_all(&self, read: trunkline_store::AllRead) -> trunkline_store::EventStream {
            self.inner.read_all(read)
        }

        fn streams(&self, read: trunkline_store::StreamsRead) -> trunkline_store::StreamList {
            self.inner.streams(read)
        }

        fn head(&self) -> BoxFuture<'_, Result<trunkline::Position, trunkline::ReadError>> {
            self.inner.head()
        }

        fn wait_beyond(
            &self,
            position: trunkline::Position,
        ) -> BoxFuture<'_, Result<trunkline::Position, trunkline::ReadError>> {
            self.inner.wait_beyond(position)
        }
    };
}

pub(crate) use forward_reads;

/// A text read as an application file.
pub(crate) fn read(text: &str, registered: &Registered) -> ApplicationFile {
    read_beside(None, text, registered)
}

/// A text read as an application file, with another file beside it.
pub(crate) fn read_beside(
    beside: Option<(&str, &str)>,
    text: &str,
    registered: &Registered,
) -> ApplicationFile {
    let files = MemoryFiles::new().with("app.tsk", text);
    let files = beside.into_iter().fold(files, |files, (name, text)| files.with(name, text));
    let world = World { loader: &files, environment: &MemoryEnvironment::new(), clock: &FixedClock(0) };
    ApplicationFile::load("app.tsk", world, registered).unwrap()
}

/// What is wrong with a text, a line each.
pub(crate) fn mistakes(text: &str, registered: &Registered) -> Vec<String> {
    let file = read(text, registered);
    let sources = &file.evaluated.sources;
    file.evaluated.diagnostics.iter().map(|found| found.line(sources)).collect()
}

/// The builder with what a text declares.
pub(crate) fn with_file(builder: AppBuilder, text: &str) -> AppBuilder {
    let file = read(text, &builder.registered());
    builder.file(file)
}

/// An application of a text over a store in memory.
pub(crate) async fn app(text: &str) -> App {
    with_file(App::builder().store(MemoryStore::new()), text).build().await.unwrap()
}

/// A request under an id.
pub(crate) fn request(id: &str, name: &str, data: &str) -> CommandRequest {
    CommandRequest::new(name, data.to_owned()).id(id.parse().unwrap())
}

/// An outcome in a few words.
pub(crate) fn said(outcome: &Result<Outcome, DispatchError>) -> String {
    match outcome {
        Err(error) => format!("error: {error}"),
        Ok(outcome) => {
            let again = if outcome.repeated { "again " } else { "" };
            match (outcome.accepted(), outcome.rejection()) {
                (Some(accepted), _) => {
                    let events: Vec<String> = accepted
                        .events
                        .iter()
                        .map(|event| {
                            let data = String::from_utf8_lossy(&event.data);
                            format!("{}@{} {} {data}", event.stream, event.version, event.event_type)
                        })
                        .collect();
                    format!("{again}accepted: {}", events.join(", "))
                }
                (_, Some(rejection)) => format!("{again}rejected: {}", rejection.reason),
                _ => unreachable!("an outcome is one or the other"),
            }
        }
    }
}

/// A store in memory that does something of its own around appends.
#[derive(Debug)]
pub(crate) struct Meddling {
    pub(crate) inner: MemoryStore,
    pub(crate) how: Meddle,
    /// How often it still does it.
    pub(crate) left: AtomicU32,
}

/// What a [`Meddling`] store does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Meddle {
    /// Stores the events and loses the answer.
    LoseAnswer,
    /// Stores nothing, and says so.
    Refuse,
    /// Another process appends to the same stream first.
    BeFirst,
    /// Takes ten milliseconds, in which others read what there is.
    TakeTime,
}

impl Meddling {
    pub(crate) fn new(how: Meddle, times: u32) -> Arc<Self> {
        Arc::new(Self { inner: MemoryStore::new(), how, left: AtomicU32::new(times) })
    }

    fn takes_a_turn(&self) -> bool {
        self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
    }
}

impl EventStore for Meddling {
    fn id(&self) -> StoreId {
        self.inner.id()
    }

    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, AppendError>> {
        Box::pin(async move {
            if !self.takes_a_turn() {
                return self.inner.append(append).await;
            }
            match self.how {
                Meddle::LoseAnswer => {
                    self.inner.append(append).await?;
                    let reason = "the answer was lost".to_owned();
                    Err(StorageError::Unknown { storage: "the store", reason }.into())
                }
                Meddle::Refuse => {
                    let reason = "the disk is full".to_owned();
                    Err(StorageError::NotStored { reason }.into())
                }
                Meddle::TakeTime => {
                    // The clock of these tests stands still until all tasks wait, and then jumps.
                    let never = std::future::pending::<()>();
                    tokio::time::timeout(Duration::from_millis(10), never).await.unwrap_err();
                    self.inner.append(append).await
                }
                Meddle::BeFirst => {
                    let stream = append.writes[0].stream.clone();
                    let other = NewEvent::json("Incremented", "{}").unwrap();
                    self.inner.append(Append::to(stream, Expected::Any).event(other)).await?;
                    self.inner.append(append).await
                }
            }
        })
    }

    fn read_stream(&self, stream: &StreamName, read: StreamRead) -> EventStream {
        self.inner.read_stream(stream, read)
    }

    forward_reads!();
}
