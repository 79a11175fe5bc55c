//! Trunkline's log store, used through its trait.

use std::path::Path;
use std::sync::Arc;

use futures::StreamExt;
use tokio::runtime::Handle;
use trunkline_core::{
    Append, EventId, EventType, Expected, Metadata, NewEvent, Query, QueryItem, StreamName, Tag, Version,
};
use trunkline_store::{AllRead, EventStore, LogStore, LogStoreOptions, Maintain, StreamRead};

use super::tasks::{self, Appender};
use super::{Commit, Read, Store, Writer};
use crate::events::{Body, Event, Stream, TYPES, bodies, customer_tag};
use crate::failure::{Failure, Result};
use crate::rounds::Round;

pub(super) const NAME: &str = "trunkline";

/// Tags of so many customers are made once, as a service would keep the names that it uses all the time.
const CUSTOMERS_KEPT: u64 = 10_000;

pub(super) fn configuration() -> String {
    let options = LogStoreOptions::default();
    format!(
        "{}, LogStore through the trait EventStore, one fdatasync a group of commits, segments of {} MiB; \
         also indexes every event id; writers are tasks",
        env!("CARGO_PKG_VERSION"),
        options.segment_bytes >> 20,
    )
}

fn failed<E: Into<Box<dyn std::error::Error + Send + Sync>>>(error: E) -> Failure {
    Failure::engine(NAME)(error)
}

#[derive(Debug)]
pub(super) struct Trunkline {
    log: LogStore,
    appender: StoreAppender,
    runtime: Handle,
}

pub(super) fn open(folder: &Path, runtime: &Handle) -> Result<Trunkline> {
    let options = LogStoreOptions { owner: "trunkline-bench".to_owned(), ..LogStoreOptions::default() };
    let log = LogStore::open(folder, options).map_err(failed)?;
    let store: Arc<dyn EventStore> = Arc::new(log.clone());
    let appender = StoreAppender { store, words: Arc::new(Words::new()?) };
    Ok(Trunkline { log, appender, runtime: runtime.clone() })
}

#[derive(Clone)]
struct StoreAppender {
    store: Arc<dyn EventStore>,
    words: Arc<Words>,
}

impl std::fmt::Debug for StoreAppender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreAppender").finish_non_exhaustive()
    }
}

/// What events are made of.
#[derive(Debug)]
struct Words {
    types: Vec<EventType>,
    customers: Vec<Tag>,
    bodies: Vec<(Body, Metadata)>,
}

impl Words {
    fn new() -> Result<Self> {
        let types = TYPES.map(EventType::new).into_iter().collect::<std::result::Result<_, _>>();
        let customers = (0..CUSTOMERS_KEPT).map(tag).collect::<Result<_>>();
        let with_metadata = |body: Body| Ok((body.clone(), Metadata::parse(body.metadata).map_err(failed)?));
        let bodies = bodies().into_iter().map(with_metadata).collect::<Result<_>>();
        Ok(Self { types: types.map_err(failed)?, customers: customers?, bodies: bodies? })
    }

    fn events(&self, events: &[Event]) -> Result<Vec<NewEvent>> {
        let mut made = Vec::with_capacity(events.len());
        for event in events {
            made.push(self.event(event)?);
        }
        Ok(made)
    }

    fn event(&self, event: &Event) -> Result<NewEvent> {
        let (body, metadata) = &self.bodies[event.body];
        let tag = match self.customers.get(event.customer as usize) {
            Some(tag) => tag.clone(),
            None => tag(event.customer)?,
        };
        // Made whole, because `NewEvent::new` would make an id of its own first.
        Ok(NewEvent {
            event_id: EventId::from_bytes(event.id),
            event_type: self.types[event.type_index].clone(),
            schema_version: 1,
            data: body.data.clone(),
            metadata: metadata.clone(),
            tags: vec![tag],
            occurred_at: None,
            recorded_at: None,
        })
    }
}

fn tag(customer: u64) -> Result<Tag> {
    customer_tag(customer).parse().map_err(failed)
}

fn name(stream: Stream) -> Result<StreamName> {
    stream.name().parse().map_err(failed)
}

impl Appender for StoreAppender {
    async fn append(&self, commit: Commit) -> Result<u64> {
        let expected = match commit.seen {
            0 => Expected::NoStream,
            version => Expected::At(Version::new(version)),
        };
        let events = self.words.events(&commit.events)?;
        let append = Append::to(name(commit.stream)?, expected).with_events(events);
        let appended = self.store.append(append).await.map_err(failed)?;
        Ok(appended.versions[0].get())
    }
}

impl Store for Trunkline {
    fn append(&mut self, writers: &mut Vec<Writer>, batch: usize, round: &Round) -> Result<u64> {
        tasks::append(&self.appender, writers, batch, round, &self.runtime)
    }

    fn load(&mut self, commit: Vec<(Stream, Vec<Event>)>) -> Result<()> {
        let mut append = Append::default();
        for (stream, events) in commit {
            append = append.and_to(name(stream)?, Expected::Any);
            append = append.with_events(self.appender.words.events(&events)?);
        }
        let store = Arc::clone(&self.appender.store);
        self.runtime.block_on(async move { store.append(append).await }).map_err(failed)?;
        Ok(())
    }

    fn read(&mut self, read: Read, visit: &mut dyn FnMut(&[u8])) -> Result<u64> {
        let store = &self.appender.store;
        let mut events = match read {
            Read::All => store.read_all(AllRead::default()),
            Read::Stream(stream) => store.read_stream(&name(stream)?, StreamRead::default()),
            Read::EventType(event_type) => {
                let event_type = EventType::new(TYPES[event_type]).map_err(failed)?;
                let query = Query::all().or(QueryItem::default().event_type(event_type));
                store.read_all(AllRead::default().matching(query))
            }
            Read::Customer(customer) => {
                let query = Query::all().or(QueryItem::default().tag(tag(customer)?));
                store.read_all(AllRead::default().matching(query))
            }
        };
        self.runtime.block_on(async {
            let mut count = 0;
            while let Some(event) = events.next().await {
                visit(std::hint::black_box(event.map_err(failed)?).data());
                count += 1;
            }
            Ok(count)
        })
    }

    fn index_bytes(&mut self) -> Result<u64> {
        Ok(self.log.stats().map_err(failed)?.index_bytes)
    }

    fn close(self: Box<Self>) -> Result<()> {
        let Self { log, appender, runtime } = *self;
        drop(appender);
        runtime.block_on(log.close());
        Ok(())
    }
}

/// How many bytes an event takes in a log of commits of 100 events: what the disk is given to write.
pub(crate) fn bytes_an_event(folder: &Path, runtime: &Handle) -> Result<u64> {
    let trunkline = open(folder, runtime)?;
    let (appender, mut writer) = (trunkline.appender.clone(), Writer::several(1, 100, 0).remove(0));
    let before = trunkline.log.stats().map_err(failed)?;
    for _ in 0..20 {
        let commit = writer.commit(100);
        let stream = commit.stream;
        writer.saw(stream, runtime.block_on(appender.append(commit))?);
    }
    let after = trunkline.log.stats().map_err(failed)?;
    drop(appender);
    let bytes = after.event_bytes - before.event_bytes;
    let events = after.events - before.events;
    Box::new(trunkline).close()?;
    Ok(bytes / events)
}
