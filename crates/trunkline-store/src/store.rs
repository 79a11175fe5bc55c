//! The trait of event stores, with every promise in its documentation.

use std::fmt;

use futures::future::BoxFuture;
use trunkline_core::{Append, Appended, Position, StoreId, StreamName};

use crate::{AllRead, AppendError, EventStream, ReadError, StreamList, StreamRead, StreamsRead};

/// A place where events are appended and read.
///
/// Every sentence here is a promise, and each has a test in `conformance` (the feature of that name brings it)
/// that every backend passes; those about media that fail are tested by the backends that have such.
///
/// # What is stored
///
/// An acknowledged event is never lost, skipped, reordered or doubled.
/// Positions increase in the order of the appends, and so do versions within a stream, where they are dense
/// from 1.
/// An event is read back as it was given: id, type, schema version, data and metadata to the byte, tags in
/// their order, and the time it occurred; an event without that time gets the time of its recording.
/// A `recorded_at` that is given is kept.
pub trait EventStore: fmt::Debug + Send + Sync + 'static {
    /// The store's id, made when the store was created and the same ever after.
    fn id(&self) -> StoreId;

    /// Appends one atomic batch.
    ///
    /// - All of the batch is stored, or nothing of it, and no reader ever sees a part of it.
    /// - When this returns, the events survive whatever the backend is durable against, and every read that
    ///   begins now sees them.
    /// - A batch whose event ids are all stored already, in the same streams, for events of the same types with
    ///   the same data, adds nothing and succeeds with the highest version in each stream and the highest position that those events have, whatever came
    ///   since and whatever the batch expects; [`Appended::repeated`] says so.
    /// - Data is the same when its bytes are, or when it is JSON that says the same: the white space between its
    ///   tokens and the order of its fields don't count. All else that is said of an event doesn't either.
    /// - When the ids are all stored, in the same streams, and some for events of other types or with other data,
    ///   the batch is refused with [`AppendError::EventIdReused`], the first of those ids in the batch and the
    ///   position that has it.
    /// - Otherwise, a batch in which some ids are stored already, or stored in other streams, is refused with
    ///   [`AppendError::EventIdTaken`], the first of those ids in the batch and the position that has it.
    /// - Then the expected versions are judged: the first write that finds its stream otherwise fails the
    ///   batch with [`AppendError::Conflict`], which says what was expected and what was found.
    /// - Then, when the batch names its command and an event already has the tag of that command, the batch
    ///   fails with [`AppendError::AlreadyHandled`] and the position of the first such event.
    /// - Then the conditions, in order: the first that finds an event that matches its query after its
    ///   position fails the batch with [`AppendError::ConditionFailed`], its name and the first such event's
    ///   position.
    /// - Every event of a batch that names its command carries the tag `$command:ID` once: last, unless it
    ///   was given with it. [`TAGS_MAX`](trunkline_core::limits::TAGS_MAX) doesn't count it.
    /// - A batch without events, a write without events, a stream or an event id named twice in one batch,
    ///   and a schema version of 0 are refused with [`AppendError::Invalid`]; what is too large with
    ///   [`AppendError::TooLarge`].
    /// - Batches that are waiting at the same time are judged as if they came one after the other.
    /// - Dropping the future doesn't undo the append: its outcome is then unknown, and appending the same
    ///   events again tells it.
    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, AppendError>>;

    /// Reads the events of one stream in order of their versions, forward or backward.
    ///
    /// A stream that has no events yields none.
    /// The read ends at the version that the stream had when the read was first polled.
    /// After an error the read yields nothing but that error's kind again, or ends only once everything
    /// asked for was given: an error never looks like the end.
    fn read_stream(&self, stream: &StreamName, read: StreamRead) -> EventStream;

    /// Reads the events of the whole store in order of their positions, forward or backward, all or those
    /// that a query selects.
    ///
    /// Where damage hides events, it is an error where they would be given, also when they would come first.
    /// The read ends at the head as it was when the read was first polled; no event up to there is skipped.
    fn read_all(&self, read: AllRead) -> EventStream;

    /// Lists the streams in the order in which they began, each with its version and the positions of its
    /// first and its last event.
    ///
    /// A stream that begins while the list is read may be missing from it.
    fn streams(&self, read: StreamsRead) -> StreamList;

    /// The position of the last event that readers see; [`Position::START`] for an empty store.
    ///
    /// Where damage hides what comes last, nobody can tell, and the damage is the answer.
    fn head(&self) -> BoxFuture<'_, Result<Position, ReadError>>;

    /// Waits until the head is beyond `position`, and returns it; at once if it is already.
    ///
    /// When damage keeps the head from ever getting there, that is the answer, rather than a wait without end.
    fn wait_beyond(&self, position: Position) -> BoxFuture<'_, Result<Position, ReadError>>;
}
