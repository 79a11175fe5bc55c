//! Reading a message from the journal, and what stands for one that can't be read.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use trunkline_core::Timestamp;

use super::journal::{Segment, segment_name};
use super::record::{Place, decode_message};
use super::stage::Body;
use crate::{Message, MessageId, TopicName};

/// Why a message can't be read, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// Its bytes are not what was published, and won't be again.
    Damaged(String),
    /// The disk failed: that may pass.
    Failed(String),
}

impl Unreadable {
    pub(super) fn what(&self) -> &str {
        match self {
            Self::Damaged(what) | Self::Failed(what) => what,
        }
    }
}

/// Reads a message from the journal.
pub(super) fn load(topic: &TopicName, body: &Body) -> Result<Message, Unreadable> {
    let at = |what: &str| {
        format!("{} at byte {}: {what}", segment_name(body.place.segment.get()), body.place.offset)
    };
    let damaged = |what: &str| Unreadable::Damaged(at(what));
    // Its checksum stands before it.
    let mut bytes = vec![0; body.place.len as usize + 4];
    let read = body.file.read_at(u64::from(body.place.offset) - 4, &mut bytes);
    let read = read.map_err(|error| Unreadable::Failed(at(&error.to_string())))?;
    let Some((crc, encoded)) = bytes[..read].split_first_chunk() else {
        return Err(damaged("the file ends before it"));
    };
    if crc32fast::hash(encoded) != u32::from_le_bytes(*crc) {
        return Err(damaged("the message's checksum is wrong"));
    }
    decode_message(topic, encoded).map_err(|error| damaged(&error.to_string()))
}

/// Says whether dead letters may hold: not where a saga is told of them. One that can't be read may, since nothing tells
/// that it is a saga's.
pub(super) fn may_hold(segments: &BTreeMap<u32, Segment>) -> impl Fn(&TopicName, &Place) -> bool {
    move |topic, place| {
        let Some(segment) = segments.get(&place.segment.get()) else { return true };
        let body = Body { file: Arc::clone(&segment.file), place: *place };
        load(topic, &body).map_or(true, |message| message.may_hold())
    }
}

/// A message, or what is known of it and why it can't be read.
pub(super) fn load_or_stand_in(
    topic: &TopicName,
    body: &Body,
    enqueued_at: i64,
) -> (Message, Option<String>) {
    match load(topic, body) {
        Ok(message) => (message, None),
        Err(unreadable) => (stand_in(topic, body, enqueued_at), Some(unreadable.what().to_owned())),
    }
}

fn stand_in(topic: &TopicName, body: &Body, enqueued_at: i64) -> Message {
    let place = body.place;
    let id = format!("damaged-{}-{}", place.segment, place.offset);
    Message {
        topic: topic.clone(),
        id: MessageId::new(&id).expect("letters and digits are an id"),
        key: None,
        message_type: "damaged".to_owned(),
        payload: Bytes::new(),
        headers: BTreeMap::new(),
        cause: None,
        enqueued_at: Timestamp::from_micros(enqueued_at),
        not_before: None,
        edited_from: None,
    }
}
