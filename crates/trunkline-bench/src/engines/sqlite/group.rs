//! Group commit for `SQLite`: one thread, one transaction for everything that waits.

use std::sync::mpsc;

use rusqlite::{Connection, Statement, TransactionBehavior, params};
use tokio::sync::oneshot;

use crate::events::{Body, Event, TYPES, bodies, customer_tag};
use crate::machine;

/// Most events in one transaction; what waits beyond goes into the next.
const EVENTS_A_TRANSACTION_MAX: usize = 16 << 10;

/// An append to one stream.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) stream: String,
    /// The version that the stream must have.
    pub(super) expected: Option<u64>,
    pub(super) events: Vec<Event>,
}

/// An append that waits. It is answered with the version that the last of its streams has then.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) writes: Vec<Write>,
    pub(super) reply: oneshot::Sender<Result<u64, Refused>>,
}

/// Why an append wasn't done.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error("the stream {stream} is at version {found}, not at {expected}")]
    Conflict { stream: String, expected: u64, found: u64 },
    #[error("the transaction failed: {0}")]
    Failed(String),
}

/// Serves requests until nobody can send any.
pub(super) fn run(connection: &Connection, requests: &mpsc::Receiver<Request>) -> rusqlite::Result<()> {
    let mut inserts = Inserts::new(connection)?;
    while let Ok(first) = requests.recv() {
        let mut events = count(&first);
        let mut group = vec![first];
        while events < EVENTS_A_TRANSACTION_MAX {
            let Ok(request) = requests.try_recv() else { break };
            events += count(&request);
            group.push(request);
        }
        match commit(connection, &mut inserts, &group) {
            Ok(answers) => {
                for (request, answer) in group.into_iter().zip(answers) {
                    drop(request.reply.send(answer));
                }
            }
            Err(error) => {
                for request in group {
                    drop(request.reply.send(Err(Refused::Failed(error.to_string()))));
                }
            }
        }
    }
    Ok(())
}

fn count(request: &Request) -> usize {
    request.writes.iter().map(|write| write.events.len()).sum()
}

/// The prepared statements, and what they are given.
struct Inserts<'a> {
    version: Statement<'a>,
    event: Statement<'a>,
    tag: Statement<'a>,
    bodies: Vec<Body>,
}

impl<'a> Inserts<'a> {
    fn new(connection: &'a Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            version: connection
                .prepare("SELECT version FROM events WHERE stream = ?1 ORDER BY version DESC LIMIT 1")?,
            event: connection.prepare(
                "INSERT INTO events (stream, version, event_id, event_type, schema_version, occurred_at, \
                 recorded_at, metadata, data) VALUES (?1, ?2, ?3, ?4, 1, ?5, ?5, ?6, ?7)",
            )?,
            tag: connection.prepare("INSERT INTO tags (tag, position) VALUES (?1, ?2)")?,
            bodies: bodies(),
        })
    }

    fn version(&mut self, stream: &str) -> rusqlite::Result<u64> {
        let mut rows = self.version.query([stream])?;
        Ok(match rows.next()? {
            Some(row) => row.get::<_, i64>(0)?.cast_unsigned(),
            None => 0,
        })
    }
}

/// One transaction; each request in it is judged by itself.
fn commit(
    connection: &Connection,
    inserts: &mut Inserts<'_>,
    group: &[Request],
) -> rusqlite::Result<Vec<Result<u64, Refused>>> {
    let transaction = rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let now = machine::now().as_microsecond();
    let mut answers = Vec::with_capacity(group.len());
    for request in group {
        answers.push(append(connection, inserts, &request.writes, now)?);
    }
    transaction.commit()?;
    Ok(answers)
}

/// Judges an append before it changes anything, then inserts its events.
fn append(
    connection: &Connection,
    inserts: &mut Inserts<'_>,
    writes: &[Write],
    now: i64,
) -> rusqlite::Result<Result<u64, Refused>> {
    let mut versions = Vec::with_capacity(writes.len());
    for write in writes {
        let found = inserts.version(&write.stream)?;
        if let Some(expected) = write.expected.filter(|expected| *expected != found) {
            return Ok(Err(Refused::Conflict { stream: write.stream.clone(), expected, found }));
        }
        versions.push(found);
    }
    for (write, version) in writes.iter().zip(&mut versions) {
        for event in &write.events {
            *version += 1;
            let (body, event_type) = (&inserts.bodies[event.body], TYPES[event.type_index]);
            inserts.event.execute(params![
                write.stream,
                version.cast_signed(),
                event.id,
                event_type,
                now,
                &body.metadata[..],
                &body.data[..],
            ])?;
            inserts.tag.execute(params![customer_tag(event.customer), connection.last_insert_rowid()])?;
        }
    }
    Ok(Ok(versions.last().copied().unwrap_or_default()))
}
