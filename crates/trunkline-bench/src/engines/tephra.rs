//! The engine of tephra, whose appends are conditional on queries and whose streams are tags.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tephra::{
    AppendCondition, EventType, Position, Query, QueryItem, SegmentConfig, SegmentSet, Tag, Tags,
    WriteCoordinator, WriteHandle, WriterConfig,
};
use tokio::runtime::Handle;

use super::tasks::{self, Appender};
use super::{Commit, Read, Store, Writer};
use crate::disk_usage;
use crate::events::{Event, Stream, TYPES, bodies, customer_tag};
use crate::failure::{Failure, Result};
use crate::rounds::Round;

pub(super) const NAME: &str = "tephra";

/// The size of segments in its own examples.
const SEGMENT_BYTES: usize = 256 << 20;

pub(super) fn configuration() -> String {
    format!(
        "0.4, its engine in this process, default WriterConfig (one fdatasync a group of commits), segments of {} \
         MiB; a stream is a second tag, and a commit is conditional on no event with that tag after the one last \
         seen; metadata is part of its data; neither event ids nor times; writers are tasks",
        SEGMENT_BYTES >> 20,
    )
}

fn failed<E: Into<Box<dyn std::error::Error + Send + Sync>>>(error: E) -> Failure {
    Failure::engine(NAME)(error)
}

pub(super) struct Tephra {
    coordinator: WriteCoordinator,
    appender: TephraAppender,
    folder: PathBuf,
    runtime: Handle,
}

pub(super) fn open(folder: &Path, runtime: &Handle) -> Result<Tephra> {
    let set = SegmentSet::open(folder, SegmentConfig::new(SEGMENT_BYTES)).map_err(failed)?;
    let (coordinator, handle) = WriteCoordinator::start(set, WriterConfig::default()).map_err(failed)?;
    let appender = TephraAppender { handle, words: Arc::new(Words::new()?) };
    Ok(Tephra { coordinator, appender, folder: folder.to_owned(), runtime: runtime.clone() })
}

#[derive(Clone)]
struct TephraAppender {
    handle: WriteHandle,
    words: Arc<Words>,
}

/// What events are made of.
struct Words {
    types: Vec<EventType>,
    /// Metadata, then data.
    payloads: Vec<Vec<u8>>,
}

impl Words {
    fn new() -> Result<Self> {
        let types = TYPES.map(EventType::new).into_iter().collect::<std::result::Result<_, _>>();
        let payload = |body: crate::events::Body| [&body.metadata[..], &body.data[..]].concat();
        Ok(Self { types: types.map_err(failed)?, payloads: bodies().into_iter().map(payload).collect() })
    }

    fn event(&self, stream: &Tag, event: &Event) -> Result<tephra::Event> {
        let tags = Tags::new([stream.clone(), customer(event.customer)?]).map_err(failed)?;
        tephra::Event::new(&self.types[event.type_index], &tags, &self.payloads[event.body]).map_err(failed)
    }
}

fn stream_tag(stream: Stream) -> Result<Tag> {
    Tag::new(format!("stream:{}", stream.name())).map_err(failed)
}

fn customer(customer: u64) -> Result<Tag> {
    Tag::new(customer_tag(customer)).map_err(failed)
}

fn tagged(tag: Tag) -> Result<Query> {
    Ok(Query::item(QueryItem::with_tags(Tags::new([tag]).map_err(failed)?)))
}

impl Appender for TephraAppender {
    async fn append(&self, commit: Commit) -> Result<u64> {
        let stream = stream_tag(commit.stream)?;
        let events = commit.events.iter().map(|event| self.words.event(&stream, event));
        let events = events.collect::<Result<Vec<_>>>()?;
        let condition = AppendCondition::new(tagged(stream)?).after(Position::new(commit.seen));
        let range = self.handle.append_async(events, Some(condition)).await.map_err(failed)?;
        Ok(range.last.get())
    }
}

impl Store for Tephra {
    fn append(&mut self, writers: &mut Vec<Writer>, batch: usize, round: &Round) -> Result<u64> {
        tasks::append(&self.appender, writers, batch, round, &self.runtime)
    }

    fn load(&mut self, commit: Vec<(Stream, Vec<Event>)>) -> Result<()> {
        let mut all = Vec::new();
        for (stream, events) in commit {
            let stream = stream_tag(stream)?;
            for event in &events {
                all.push(self.appender.words.event(&stream, event)?);
            }
        }
        self.appender.handle.append(all, None).map_err(failed)?;
        Ok(())
    }

    fn read(&mut self, read: Read, visit: &mut dyn FnMut(&[u8])) -> Result<u64> {
        let query = match read {
            Read::All => Query::all(),
            Read::Stream(stream) => tagged(stream_tag(stream)?)?,
            Read::EventType(event_type) => {
                let event_type = self.appender.words.types[event_type].clone();
                Query::item(QueryItem::of_types(vec![event_type]))
            }
            Read::Customer(number) => tagged(customer(number)?)?,
        };
        let mut events = self.appender.handle.read(&query, Position::ZERO, None);
        let mut count = 0;
        while let Some(event) = events.next() {
            let event = std::hint::black_box(event.map_err(failed)?).event;
            visit(&event.data()[crate::events::METADATA_BYTES..]);
            count += 1;
        }
        Ok(count)
    }

    fn index_bytes(&mut self) -> Result<u64> {
        disk_usage::bytes(&self.folder.join("index"))
    }

    fn close(self: Box<Self>) -> Result<()> {
        let Self { coordinator, appender, .. } = *self;
        drop(appender);
        drop(coordinator.shutdown());
        Ok(())
    }
}
